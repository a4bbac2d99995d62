//! Moving numbers about: axes, slices, indices, pooling.

use gibbs_core::real::Real;

/// Axes in another order, for each row of `dims`.
pub(crate) fn permute<T: Real>(x: &[T], dims: &[usize], order: &[usize], out: &mut [T]) {
    let numel: usize = dims.iter().product();
    let mut strides = vec![1; dims.len()];
    for i in (1..dims.len()).rev() {
        strides[i - 1] = strides[i] * dims[i];
    }
    for (x, out) in x.chunks_exact(numel.max(1)).zip(out.chunks_exact_mut(numel.max(1))) {
        for (i, o) in out.iter_mut().enumerate() {
            let (mut rest, mut from) = (i, 0);
            for &axis in order.iter().rev() {
                from += rest % dims[axis] * strides[axis];
                rest /= dims[axis];
            }
            *o = x[from];
        }
    }
}

/// Copies runs of `width` numbers at `start` of runs of `from_n` into place `to` of runs of `to_n`.
pub(crate) fn copy_runs<T: Real>(
    x: &[T],
    from_n: usize,
    start: usize,
    width: usize,
    out: &mut [T],
    to_n: usize,
    to: usize,
) {
    for (x, out) in x.chunks_exact(from_n).zip(out.chunks_exact_mut(to_n)) {
        out[to..to + width].copy_from_slice(&x[start..start + width]);
    }
}

pub(crate) fn gather<T: Real>(x: &[T], n: usize, index: &[usize], out: &mut [T]) {
    for (x, out) in x.chunks_exact(n).zip(out.chunks_exact_mut(index.len())) {
        out.iter_mut().zip(index).for_each(|(o, &i)| *o = x[i]);
    }
}

pub(crate) fn scatter<T: Real>(x: &[T], n: usize, index: &[usize], out: &mut [T]) {
    out.fill(T::zero());
    for (x, out) in x.chunks_exact(index.len()).zip(out.chunks_exact_mut(n)) {
        x.iter().zip(index).for_each(|(&x, &i)| out[i] += x);
    }
}

/// Mean over squares of side `k` of `[h, w, c]` pictures.
pub(crate) fn avg_pool<T: Real>(x: &[T], (h, w, c): (usize, usize, usize), k: usize, out: &mut [T]) {
    out.fill(T::zero());
    let scale = T::narrow(1.0 / (k * k) as f64);
    for (x, out) in x.chunks_exact(h * w * c).zip(out.chunks_exact_mut(h * w * c / (k * k))) {
        for (y, xx) in (0..h).flat_map(|y| (0..w).map(move |x| (y, x))) {
            let to = (y / k * (w / k) + xx / k) * c;
            let from = (y * w + xx) * c;
            out[to..to + c].iter_mut().zip(&x[from..from + c]).for_each(|(o, &x)| *o += scale * x);
        }
    }
}

/// Repeats each pixel of `[h, w, c]` pictures over a square of side `k`.
pub(crate) fn upsample<T: Real>(x: &[T], (h, w, c): (usize, usize, usize), k: usize, out: &mut [T]) {
    for (x, out) in x.chunks_exact(h * w * c).zip(out.chunks_exact_mut(h * w * c * k * k)) {
        for (y, xx) in (0..h * k).flat_map(|y| (0..w * k).map(move |x| (y, x))) {
            let (from, to) = ((y / k * w + xx / k) * c, (y * w * k + xx) * c);
            out[to..to + c].copy_from_slice(&x[from..from + c]);
        }
    }
}
