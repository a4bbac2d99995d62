//! Matrix products and convolutions as plain loops, any precision: what the vector kernels are tested against.

use gibbs_core::real::Real;

use crate::tape::op::{Conv, Geometry};

pub(crate) fn pack<T: Real>(b: &[T], k: usize, n: usize, transposed: bool, into: &mut Vec<T>) {
    into.clear();
    if transposed {
        into.resize(k * n, T::zero());
        for (j, row) in b.chunks_exact(k.max(1)).enumerate() {
            row.iter().enumerate().for_each(|(i, &v)| into[i * n + j] = v);
        }
    } else {
        into.extend_from_slice(&b[..k * n]);
    }
}

pub(crate) fn matmul<T: Real>([m, k, n]: [usize; 3], a: &[T], b: &[T], bias: Option<&[T]>, c: &mut [T]) {
    for i in 0..m {
        let c = &mut c[i * n..][..n];
        match bias {
            Some(bias) => c.copy_from_slice(bias),
            None => c.fill(T::zero()),
        }
        for (p, &a) in a[i * k..][..k].iter().enumerate() {
            c.iter_mut().zip(&b[p * n..][..n]).for_each(|(c, &b)| *c += a * b);
        }
    }
}

pub(crate) fn matmul_tn<T: Real>([m, k, n]: [usize; 3], a: &[T], g: &[T], c: &mut [T]) {
    c.fill(T::zero());
    for i in 0..m {
        let g = &g[i * n..][..n];
        for (p, &a) in a[i * k..][..k].iter().enumerate() {
            c[p * n..][..n].iter_mut().zip(g).for_each(|(c, &g)| *c += a * g);
        }
    }
}

/// The three maps of a convolution: `Forward(x, w)`, `Input(g, w)`, `Weight(x, g)`.
pub(crate) fn conv<T: Real>(
    how: Conv,
    geometry: &Geometry,
    rows: usize,
    (a, b): (&[T], &[T]),
    bias: Option<&[T]>,
    out: &mut [T],
) {
    let ((h, w), (oh, ow)) = (geometry.input, geometry.output());
    let (ci, co, k) = (geometry.channels_in, geometry.channels_out, geometry.kernel);
    match (how, bias) {
        (Conv::Forward, Some(bias)) => out.chunks_exact_mut(co).for_each(|o| o.copy_from_slice(bias)),
        _ => out.fill(T::zero()),
    }
    let pixel = |o: usize, tap: usize, size: usize| {
        (o * geometry.stride + tap).checked_sub(geometry.padding).filter(|&i| i < size)
    };
    for row in 0..rows {
        for (oy, ox) in (0..oh).flat_map(|y| (0..ow).map(move |x| (y, x))) {
            let y_at = ((row * oh + oy) * ow + ox) * co;
            for (ky, kx) in (0..k).flat_map(|y| (0..k).map(move |x| (y, x))) {
                let (Some(iy), Some(ix)) = (pixel(oy, ky, h), pixel(ox, kx, w)) else { continue };
                let (x_at, w_at) = (((row * h + iy) * w + ix) * ci, (ky * k + kx) * ci * co);
                for c in 0..ci {
                    let w_at = w_at + c * co;
                    match how {
                        Conv::Forward => {
                            let x = a[x_at + c];
                            let y = &mut out[y_at..][..co];
                            y.iter_mut().zip(&b[w_at..][..co]).for_each(|(y, &w)| *y += x * w);
                        }
                        Conv::Input => {
                            let g = &a[y_at..][..co];
                            out[x_at + c] += g.iter().zip(&b[w_at..][..co]).map(|(&g, &w)| g * w).sum::<T>();
                        }
                        Conv::Weight => {
                            let x = a[x_at + c];
                            let g = &b[y_at..][..co];
                            out[w_at..][..co].iter_mut().zip(g).for_each(|(w, &g)| *w += x * g);
                        }
                    }
                }
            }
        }
    }
}
