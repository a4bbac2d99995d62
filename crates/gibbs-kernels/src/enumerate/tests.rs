use proptest::prelude::*;

use super::*;
use crate::level::{available, detect};
use crate::rng::fill_normal;

/// Of moments in f32: a weight is a product of up to 200 factors with three roundings of 2^-24 each, at worst 4e-5 and
/// with random signs 2e-6; expectations are averages of numbers below one with such weights.
const TOLERANCE: f64 = 1e-5;

fn parameters(n: usize, m: usize, spread: f32, seed: u64) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let draw = |len, stream: u64, spread: f32| {
        let mut x = vec![0.0; len];
        fill_normal(u128::from(seed) << 64 | u128::from(stream), &mut x);
        x.iter_mut().for_each(|x: &mut f32| *x *= spread);
        x
    };
    (draw(n * m, 0, spread), draw(n, 1, 1.0), draw(m, 2, 1.0))
}

/// Sums over the states of both layers.
fn brute_force(w: &[f32], b: &[f32], c: &[f32]) -> Moments {
    let (n, m) = (b.len(), c.len());
    let mut terms = Vec::new();
    for e in 0..1u32 << n {
        for o in 0..1u32 << m {
            let on = |x: u32, i: usize| f64::from(x >> i & 1);
            let mut log_weight = (0..n).map(|i| on(e, i) * f64::from(b[i])).sum::<f64>();
            for j in 0..m {
                let input = f64::from(c[j]) + (0..n).map(|i| on(e, i) * f64::from(w[i * m + j])).sum::<f64>();
                log_weight += on(o, j) * input;
            }
            terms.push((log_weight, e, o));
        }
    }
    let log_z = log_sum_exp(&terms.iter().map(|t| t.0).collect::<Vec<_>>());
    let mean =
        |f: &dyn Fn(u32, u32) -> bool| terms.iter().filter(|t| f(t.1, t.2)).map(|t| (t.0 - log_z).exp()).sum::<f64>();
    Moments {
        log_z,
        enumerated: (0..n).map(|i| mean(&|e, _| e >> i & 1 == 1)).collect(),
        other: (0..m).map(|j| mean(&|_, o| o >> j & 1 == 1)).collect(),
        joint: (0..n * m).map(|k| mean(&|e, o| e >> (k / m) & o >> (k % m) & 1 == 1)).collect(),
    }
}

fn worst(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn against_both_layers(n in 0usize..9, m in 0usize..7, spread in 0.0f32..5.0, seed: u64) {
        let (w, b, c) = parameters(n, m, spread, seed);
        let exact = brute_force(&w, &b, &c);
        let w = Matrix::row_major(&w, n, m);
        for on in available() {
            let found = moments_on(on, w, &b, &c);
            prop_assert!((log_z_on(on, w, &b, &c, &|_| true).unwrap() - exact.log_z).abs() < 1e-10);
            prop_assert!((found.log_z - exact.log_z).abs() < TOLERANCE);
            prop_assert!(worst(&found.enumerated, &exact.enumerated) < TOLERANCE);
            prop_assert!(worst(&found.other, &exact.other) < TOLERANCE);
            prop_assert!(worst(&found.joint, &exact.joint) < TOLERANCE);
        }
    }

    /// Several shards, blocks and ranges; many units, so that exponents are taken off; weights beyond the tables.
    #[test]
    fn levels_agree(n in 6usize..13, m in 1usize..200, log_spread in -3.0f32..3.5, seed: u64) {
        let (w, b, c) = parameters(n, m, log_spread.exp(), seed);
        let w = Matrix::row_major(&w, n, m);
        let (x, y) = (moments_on(Level::Scalar, w, &b, &c), moments_on(detect(), w, &b, &c));
        prop_assert!((x.log_z - y.log_z).abs() < TOLERANCE * (1.0 + m as f64 / 10.0));
        prop_assert!(worst(&x.enumerated, &y.enumerated) < TOLERANCE);
        prop_assert!(worst(&x.other, &y.other) < TOLERANCE);
        prop_assert!(worst(&x.joint, &y.joint) < TOLERANCE);
        let z = |on| log_z_on(on, w, &b, &c, &|_| true).unwrap();
        prop_assert!((z(detect()) - x.log_z).abs() < 1e-12 * (100.0 + m as f64 + x.log_z.abs()));
    }
}

#[test]
fn not_a_number_is_not_hidden() {
    for at in 0..3 {
        let (mut w, mut b, mut c) = parameters(8, 5, 1.0, 1);
        [&mut w, &mut b, &mut c][at][1] = f32::NAN;
        let w = Matrix::row_major(&w, 8, 5);
        assert!(log_z(w, &b, &c, &|_| true).unwrap().is_nan());
        assert!(moments(w, &b, &c).log_z.is_nan());
    }
}

/// Enumerating either layer gives the same sum; the transposed view is read.
#[test]
fn either_layer() {
    let (w, b, c) = parameters(12, 10, 1.0, 4);
    let w = Matrix::row_major(&w, 12, 10);
    let (x, y) = (moments(w, &b, &c), moments(w.t(), &c, &b));
    assert!((x.log_z - y.log_z).abs() < TOLERANCE);
    assert!(worst(&x.enumerated, &y.other) < TOLERANCE && worst(&x.other, &y.enumerated) < TOLERANCE);
    let transposed: Vec<f64> = (0..120).map(|k| y.joint[k % 10 * 12 + k / 10]).collect();
    assert!(worst(&x.joint, &transposed) < TOLERANCE);
    let z = |w, b: &[f32], c: &[f32]| log_z(w, b, c, &|_| true).unwrap();
    assert!((z(w, &b, &c) - z(w.t(), &c, &b)).abs() < 1e-10);
}

#[test]
fn threads_do_not_matter() {
    let (w, b, c) = parameters(13, 20, 1.0, 5);
    let on_threads = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let w = Matrix::row_major(&w, 13, 20);
        pool.install(|| (moments(w, &b, &c), log_z(w, &b, &c, &|_| true)))
    };
    assert_eq!(on_threads(1), on_threads(3));
}

#[test]
fn progress_counts_and_stops() {
    use std::sync::Mutex;
    let (w, b, c) = parameters(14, 3, 1.0, 6);
    let w = Matrix::row_major(&w, 14, 3);
    let largest = Mutex::new(0);
    let seen = |n: u64| {
        let mut largest = largest.lock().unwrap();
        *largest = n.max(*largest);
        true
    };
    assert!(log_z(w, &b, &c, &seen).is_some());
    assert_eq!(*largest.lock().unwrap(), 1 << 14);
    assert_eq!(log_z(w, &b, &c, &|n| n < 5000), None);
}
