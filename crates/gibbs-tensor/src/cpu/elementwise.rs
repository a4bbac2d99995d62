//! Elementwise functions, repetition and its adjoint.

use gibbs_core::real::Real;

use crate::tape::Spread;
use crate::tape::op::{Map, Zip};

pub(crate) fn map<T: Real>(how: Map, x: &[T], out: &mut [T]) {
    let f: fn(T) -> T = match how {
        Map::Exp => T::exp,
        Map::Ln => T::ln,
        Map::Recip => T::recip,
        Map::Sqrt => T::sqrt,
        Map::Sin => T::sin,
        Map::Cos => T::cos,
    };
    out.iter_mut().zip(x).for_each(|(o, &x)| *o = f(x));
}

pub(crate) fn zip<T: Real>(how: Zip, rows: usize, a: (&[T], Spread), b: (&[T], Spread), out: &mut [T]) {
    match how {
        Zip::Add => zip_with(rows, a, b, out, |a, b| a + b),
        Zip::Sub => zip_with(rows, a, b, out, |a, b| a - b),
        Zip::Mul => zip_with(rows, a, b, out, |a, b| a * b),
        Zip::Div => zip_with(rows, a, b, out, |a, b| a / b),
    }
}

#[inline(always)]
fn zip_with<T: Real>(rows: usize, a: (&[T], Spread), b: (&[T], Spread), out: &mut [T], f: impl Fn(T, T) -> T + Copy) {
    match (a.1.is_same(), b.1.is_same()) {
        (true, true) => out.iter_mut().zip(a.0).zip(b.0).for_each(|((o, &a), &b)| *o = f(a, b)),
        (true, false) => one_spread(a.0, b.0, b.1.sizes(rows), out, f),
        (false, true) => one_spread(b.0, a.0, a.1.sizes(rows), out, |b, a| f(a, b)),
        (false, false) => {
            let place = |i: usize, (_, reps, n): (usize, usize, usize)| i / (reps * n) * n + i % n;
            let (sa, sb) = (a.1.sizes(rows), b.1.sizes(rows));
            out.iter_mut().enumerate().for_each(|(i, o)| *o = f(a.0[place(i, sa)], b.0[place(i, sb)]));
        }
    }
}

/// `x` has the shape of `out`, `s` repeats.
#[inline(always)]
fn one_spread<T: Real>(x: &[T], s: &[T], sizes: (usize, usize, usize), out: &mut [T], f: impl Fn(T, T) -> T + Copy) {
    let (_, reps, n) = sizes;
    let block = (reps * n).max(1);
    for ((out, x), s) in out.chunks_exact_mut(block).zip(x.chunks_exact(block)).zip(s.chunks_exact(n.max(1))) {
        if n == 1 {
            let s = s[0];
            out.iter_mut().zip(x).for_each(|(o, &x)| *o = f(x, s));
        } else {
            for (out, x) in out.chunks_exact_mut(n).zip(x.chunks_exact(n)) {
                out.iter_mut().zip(x).zip(s).for_each(|((o, &x), &s)| *o = f(x, s));
            }
        }
    }
}

pub(crate) fn spread<T: Real>(x: &[T], (_, reps, n): (usize, usize, usize), out: &mut [T]) {
    for (out, x) in out.chunks_exact_mut((reps * n).max(1)).zip(x.chunks_exact(n.max(1))) {
        if n == 1 { out.fill(x[0]) } else { out.chunks_exact_mut(n).for_each(|o| o.copy_from_slice(x)) }
    }
}

pub(crate) fn sum_to<T: Real>(x: &[T], (_, reps, n): (usize, usize, usize), out: &mut [T]) {
    out.fill(T::zero());
    for (x, out) in x.chunks_exact((reps * n).max(1)).zip(out.chunks_exact_mut(n.max(1))) {
        if n == 1 {
            out[0] = sum(x);
        } else {
            x.chunks_exact(n).for_each(|x| out.iter_mut().zip(x).for_each(|(o, &x)| *o += x));
        }
    }
}

/// Eight partial sums, so that the compiler may use vectors; the order is fixed.
fn sum<T: Real>(x: &[T]) -> T {
    let mut lanes = [T::zero(); 8];
    let (chunks, rest) = x.as_chunks::<8>();
    chunks.iter().for_each(|c| lanes.iter_mut().zip(c).for_each(|(l, &x)| *l += x));
    lanes.into_iter().chain(rest.iter().copied()).sum()
}

/// `log sum exp` of each run of `n` numbers.
pub(crate) fn log_sum_exp<T: Real>(x: &[T], n: usize, out: &mut [T]) {
    for (x, o) in x.chunks_exact(n.max(1)).zip(out) {
        let max = x.iter().copied().fold(T::neg_infinity(), T::max);
        *o = if max.is_infinite() { max } else { max + x.iter().map(|&x| (x - max).exp()).sum::<T>().ln() };
    }
}

/// Softmax of each run of `n` numbers.
pub(crate) fn softmax<T: Real>(x: &[T], n: usize, out: &mut [T]) {
    for (x, out) in x.chunks_exact(n.max(1)).zip(out.chunks_exact_mut(n.max(1))) {
        let max = x.iter().copied().fold(T::neg_infinity(), T::max);
        out.iter_mut().zip(x).for_each(|(o, &x)| *o = (x - max).exp());
        let total = out.iter().copied().sum::<T>();
        out.iter_mut().for_each(|o| *o /= total);
    }
}
