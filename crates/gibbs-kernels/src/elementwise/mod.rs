//! Elementwise arithmetic of f32 slices: plain loops that the compiler turns into vectors, compiled once for the
//! portable instruction set, once for AVX2 and once for AVX-512. Results are the same to the bit: no operation is fused or reordered.
//!
//! Functions here are serial: callers are the threads.

#[cfg(test)]
mod tests;

use crate::level::{Level, level};

macro_rules! variants {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $ty:ty),*) $body:block)*) => {$(
        $(#[$doc])*
        pub fn $name($($arg: $ty),*) {
            #[inline(always)]
            fn plain($($arg: $ty),*) $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2")]
            fn avx2($($arg: $ty),*) {
                plain($($arg),*);
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq")]
            fn avx512($($arg: $ty),*) {
                plain($($arg),*);
            }

            match level() {
                Level::Scalar => plain($($arg),*),
                #[cfg(target_arch = "x86_64")]
                // SAFETY: this level is only found on a processor that has it.
                Level::Avx2Fma => unsafe { avx2($($arg),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                Level::Avx512 => unsafe { avx512($($arg),*) },
                #[cfg(not(target_arch = "x86_64"))]
                Level::Avx2Fma | Level::Avx512 => plain($($arg),*),
            }
        }
    )*};
}

variants! {
    /// `out = a + b`; the shortest length counts.
    add(a: &[f32], b: &[f32], out: &mut [f32]) {
        out.iter_mut().zip(a).zip(b).for_each(|((o, a), b)| *o = a + b);
    }

    /// `out = a - b`; the shortest length counts.
    sub(a: &[f32], b: &[f32], out: &mut [f32]) {
        out.iter_mut().zip(a).zip(b).for_each(|((o, a), b)| *o = a - b);
    }

    /// `out = a b`; the shortest length counts.
    mul(a: &[f32], b: &[f32], out: &mut [f32]) {
        out.iter_mut().zip(a).zip(b).for_each(|((o, a), b)| *o = a * b);
    }

    /// `out = a b` with `b` repeated: `a` is rows of `b.len()` numbers.
    mul_rows(a: &[f32], b: &[f32], out: &mut [f32]) {
        let n = b.len().max(1);
        for (out, a) in out.chunks_exact_mut(n).zip(a.chunks_exact(n)) {
            out.iter_mut().zip(a).zip(b).for_each(|((o, a), b)| *o = a * b);
        }
    }

    /// `out = a + b` with `b` repeated: `a` is rows of `b.len()` numbers.
    add_rows(a: &[f32], b: &[f32], out: &mut [f32]) {
        let n = b.len().max(1);
        for (out, a) in out.chunks_exact_mut(n).zip(a.chunks_exact(n)) {
            out.iter_mut().zip(a).zip(b).for_each(|((o, a), b)| *o = a + b);
        }
    }

    /// `out = sum of the rows of a`, each of `out.len()` numbers, in order.
    sum_rows(a: &[f32], out: &mut [f32]) {
        out.fill(0.0);
        let n = out.len().max(1);
        for a in a.chunks_exact(n) {
            out.iter_mut().zip(a).for_each(|(o, a)| *o += a);
        }
    }

    /// `out += a`; the shortest length counts.
    add_assign(a: &[f32], out: &mut [f32]) {
        out.iter_mut().zip(a).for_each(|(o, a)| *o += a);
    }

    /// `out += a x`; the shortest length counts.
    add_scaled(a: f32, x: &[f32], out: &mut [f32]) {
        out.iter_mut().zip(x).for_each(|(o, x)| *o += a * x);
    }

    /// `out += a0 x0 + a1 x1 + a2 x2 + a3 x3` in one pass; the shortest length counts.
    add_four_scaled(a: [f32; 4], x: [&[f32]; 4], out: &mut [f32]) {
        let rows = x[0].iter().zip(x[1]).zip(x[2].iter().zip(x[3]));
        for (o, ((x0, x1), (x2, x3))) in out.iter_mut().zip(rows) {
            *o += (a[0] * x0 + a[1] * x1) + (a[2] * x2 + a[3] * x3);
        }
    }

    /// `out = exp(x)`, `x` brought into [-87, 88] first; the shortest length counts. The relative error is below 4e-7: the
    /// Taylor polynomial of degree 6 on half of an octave either side of a power of two.
    exp(x: &[f32], out: &mut [f32]) {
        for (o, x) in out.iter_mut().zip(x) {
            let x = x.clamp(-87.0, 88.0);
            // Adding 1.5 * 2^23 rounds to a whole number and leaves it in the low bits.
            let shifted = x * std::f32::consts::LOG2_E + 12_582_912.0;
            let n = shifted - 12_582_912.0;
            let r = (x - n * 0.693_359_4) + n * 2.121_944_4e-4;
            let tail = 1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0)));
            let p = 1.0 + r * (1.0 + r * (0.5 + r * tail));
            let power = f32::from_bits(shifted.to_bits().wrapping_sub(0x4b40_0000).wrapping_add(127) << 23);
            *o = p * power;
        }
    }

    /// One step of Adam (Kingma & Ba 2015, arXiv:1412.6980, algorithm 1) with decay rates `betas`, bias corrections
    /// `corrections` (`1 - beta^t`) and a rate: `mean` and `square` are the running moments.
    adam(
        params: &mut [f32], grad: &[f32], mean: &mut [f32], square: &mut [f32], rate: f32, betas: [f32; 2],
        corrections: [f32; 2]
    ) {
        let moments = mean.iter_mut().zip(square);
        for ((p, g), (m, s)) in params.iter_mut().zip(grad).zip(moments) {
            *m += (1.0 - betas[0]) * (g - *m);
            *s += (1.0 - betas[1]) * (g * g - *s);
            *p -= rate * (*m / corrections[0]) / ((*s / corrections[1]).sqrt() + 1e-8);
        }
    }
}
