//! Elementwise functions, repetition and its adjoint.

use gibbs_core::real::Real;

use super::gamma;
use crate::element::Element;
use crate::tape::Spread;
use crate::tape::op::{Map, Zip};

pub(crate) fn map<T: Real>(how: Map, x: &[T], out: &mut [T]) {
    if let Map::LnGamma(order) = how {
        out.iter_mut().zip(x).for_each(|(o, &x)| *o = T::narrow(gamma::ln_gamma(order, x.widen())));
        return;
    }
    let f: fn(T) -> T = match how {
        Map::Exp => T::exp,
        Map::Ln => T::ln,
        Map::Recip => T::recip,
        Map::Sqrt => T::sqrt,
        Map::Sin => T::sin,
        Map::Cos => T::cos,
        Map::LnGamma(_) => unreachable!("taken above: it has an order"),
    };
    out.iter_mut().zip(x).for_each(|(o, &x)| *o = f(x));
}

pub(crate) fn zip_same<T: Real>(how: Zip, a: &[T], b: &[T], out: &mut [T]) {
    let all = out.iter_mut().zip(a).zip(b);
    match how {
        Zip::Add => all.for_each(|((o, &a), &b)| *o = a + b),
        Zip::Sub => all.for_each(|((o, &a), &b)| *o = a - b),
        Zip::Mul => all.for_each(|((o, &a), &b)| *o = a * b),
        Zip::Div => all.for_each(|((o, &a), &b)| *o = a / b),
    }
}

/// One number against many: `out = x (how) s`, or `s (how) x` if `flipped`.
fn zip_one<T: Real>(how: Zip, x: &[T], s: T, flipped: bool, out: &mut [T]) {
    let all = out.iter_mut().zip(x);
    match (how, flipped) {
        (Zip::Add, _) => all.for_each(|(o, &x)| *o = x + s),
        (Zip::Mul, _) => all.for_each(|(o, &x)| *o = x * s),
        (Zip::Sub, false) => all.for_each(|(o, &x)| *o = x - s),
        (Zip::Sub, true) => all.for_each(|(o, &x)| *o = s - x),
        (Zip::Div, false) => all.for_each(|(o, &x)| *o = x / s),
        (Zip::Div, true) => all.for_each(|(o, &x)| *o = s / x),
    }
}

pub(crate) fn zip<T: Element>(how: Zip, rows: usize, a: (&[T], Spread), b: (&[T], Spread), out: &mut [T]) {
    match (a.1.is_same(), b.1.is_same()) {
        (true, true) => T::zip_same(how, a.0, b.0, out),
        (true, false) => one_spread(how, a.0, b.0, b.1.sizes(rows), false, out),
        (false, true) => one_spread(how, b.0, a.0, a.1.sizes(rows), true, out),
        (false, false) => {
            let place = |i: usize, (_, reps, n): (usize, usize, usize)| i / (reps * n) * n + i % n;
            let (sa, sb) = (a.1.sizes(rows), b.1.sizes(rows));
            for (i, o) in out.iter_mut().enumerate() {
                zip_same(how, &[a.0[place(i, sa)]], &[b.0[place(i, sb)]], std::slice::from_mut(o));
            }
        }
    }
}

/// `x` has the shape of `out`, `s` repeats; `flipped` if `s` is the left operand.
fn one_spread<T: Element>(
    how: Zip,
    x: &[T],
    s: &[T],
    (_, reps, n): (usize, usize, usize),
    flipped: bool,
    out: &mut [T],
) {
    let block = (reps * n).max(1);
    for ((out, x), s) in out.chunks_exact_mut(block).zip(x.chunks_exact(block)).zip(s.chunks_exact(n.max(1))) {
        if n == 1 {
            zip_one(how, x, s[0], flipped, out);
        } else if !flipped || matches!(how, Zip::Add | Zip::Mul) {
            T::zip_rows(how, x, s, out);
        } else {
            let parts = out.chunks_exact_mut(n).zip(x.chunks_exact(n));
            parts.for_each(|(out, x)| T::zip_same(how, s, x, out));
        }
    }
}

pub(crate) fn spread<T: Real>(x: &[T], (_, reps, n): (usize, usize, usize), out: &mut [T]) {
    for (out, x) in out.chunks_exact_mut((reps * n).max(1)).zip(x.chunks_exact(n.max(1))) {
        if n == 1 { out.fill(x[0]) } else { out.chunks_exact_mut(n).for_each(|o| o.copy_from_slice(x)) }
    }
}

pub(crate) fn sum_to<T: Element>(x: &[T], (_, reps, n): (usize, usize, usize), out: &mut [T]) {
    for (x, out) in x.chunks_exact((reps * n).max(1)).zip(out.chunks_exact_mut(n.max(1))) {
        if n == 1 {
            out[0] = sum(x);
        } else {
            T::sum_rows(x, out);
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
