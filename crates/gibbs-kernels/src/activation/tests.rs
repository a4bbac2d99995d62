use proptest::prelude::*;

use super::*;
use crate::level::{available, detect};

fn ulp(x: f32) -> f64 {
    let x = x.abs().max(f32::MIN_POSITIVE);
    f64::from(f32::from_bits(x.to_bits() + 1)) - f64::from(x)
}

/// A grid over the range plus numbers near the ends of the table of exponents.
fn grid() -> Vec<f32> {
    let mut x: Vec<f32> = (-200_000..=200_000).map(|i| i as f32 * 5e-4).collect();
    x.extend((-1000..=1000).map(|i| i as f32));
    x.extend([-87.4, -87.336_55, -87.336_54, -87.3, 87.3, 1e-30, -1e-30, f32::MAX, f32::MIN]);
    x
}

#[test]
fn sigmoid_within_three_ulp() {
    let x = grid();
    for on in available() {
        let mut p = vec![0.0; x.len()];
        sigmoid_on(on, 1.0, &x, &mut p);
        let mut worst = 0.0;
        for (x, p) in x.iter().zip(&p) {
            let exact = 1.0 / (1.0 + (-f64::from(*x)).exp());
            if exact >= f64::from(f32::MIN_POSITIVE) * 1.001 {
                worst = f64::max(worst, (f64::from(*p) - exact).abs() / ulp(exact as f32));
            } else {
                assert!(f64::from(*p) <= f64::from(f32::MIN_POSITIVE) * 1.001);
            }
        }
        assert!(worst < 3.0, "{on:?}: {worst} ulp");
    }
}

#[test]
fn special_values() {
    for on in available() {
        let x = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0];
        let mut p = [9.0; 5];
        sigmoid_on(on, 1.0, &x, &mut p);
        assert!(p[0].is_nan());
        assert_eq!(p[1..], [1.0, 0.0, 0.5, 0.5]);
        let mut s = [0.0; 5];
        softplus_sum_on(on, &x, (5, 1), 1.0, &mut s);
        assert!(s[0].is_nan() && s[1] == f64::INFINITY && s[2] == 0.0);
        assert!((s[3] - 2f64.ln()).abs() < 1e-7);
    }
    assert_eq!(log_sum_exp(&[]), f64::NEG_INFINITY);
    assert_eq!(log_sum_exp(&[f64::NEG_INFINITY]), f64::NEG_INFINITY);
    assert_eq!(log_sum_exp(&[f64::INFINITY, 0.0]), f64::INFINITY);
    assert!(log_sum_exp(&[0.0, f64::NAN]).is_nan());
    assert!((log_sum_exp(&[-1e4, -1e4 - 1.0]) + 1e4 - (1.0 + (-1f64).exp()).ln()).abs() < 1e-11);
}

proptest! {
    #[test]
    fn softplus_sums(m in 0usize..5, n in 0usize..1500, scale in 0.0f32..3.0, spread in 0.0f32..30.0, seed: u64) {
        let mut x = vec![0.0; m * n];
        crate::rng::fill_normal(u128::from(seed), &mut x);
        x.iter_mut().for_each(|x| *x *= spread);
        let (mut a, mut b) = (vec![0.0; m], vec![0.0; m]);
        softplus_sum_on(Level::Scalar, &x, (m, n), scale, &mut a);
        softplus_sum_on(detect(), &x, (m, n), scale, &mut b);
        for (a, b) in a.iter().zip(&b) {
            // The documented bound: 1.3e-7 a column for 1 + e and its products (a rounding of each, 2^-24, and 1.5
            // ulp of e <= 1), and a relative error of the linear part's f32 sums of at most 64 terms: 2^-21 is generous.
            prop_assert!((a - b).abs() <= 1.3e-7 * n as f64 + a / 2f64.powi(21), "{a} {b}");
        }
    }

    #[test]
    fn sigmoids_agree(x in prop::collection::vec(-30f32..30.0, 0..50), scale in -2f32..2.0) {
        let (mut a, mut b) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        sigmoid_on(Level::Scalar, scale, &x, &mut a);
        sigmoid_on(detect(), scale, &x, &mut b);
        for (a, b) in a.iter().zip(&b) {
            prop_assert!((f64::from(*a) - f64::from(*b)).abs() <= 4.0 * ulp(*a));
        }
    }
}
