use proptest::prelude::*;

use super::*;
use crate::activation::scalar::softplus;
use crate::bits::BitRows;
use crate::level::{available, detect};
use crate::rng::fill_normal;

fn normals(len: usize, seed: u64, spread: f32) -> Vec<f32> {
    let mut x = vec![0.0; len];
    fill_normal(u128::from(seed), &mut x);
    x.iter_mut().for_each(|x| *x *= spread);
    x
}

fn count_differences(a: &[u64], b: &[u64]) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
}

proptest! {
    /// The same random numbers on every level: bits differ only on an edge, about 1e-7 each; two of the 20 000 bits
    /// of a case would be a one in 10^6 event, and six cases in a thousand may see one.
    #[test]
    fn levels_agree(m in 0usize..150, n in 0usize..140, seed: u64, spread in 0.0f32..20.0, scale in 0.0f32..2.0) {
        let x = normals(m * n, seed, spread);
        let len = m * words_per_row(n);
        let (mut a, mut b, mut c) = (vec![u64::MAX; len], vec![u64::MAX; len], vec![u64::MAX; len]);
        draw_on(Level::Scalar, &x, (m, n), scale, 5, &mut a);
        draw_on(detect(), &x, (m, n), scale, 5, &mut b);
        prop_assert!(count_differences(&a, &b) <= 1);
        BitRows::new(&b, m, n); // padding is zero

        let (beta0, beta1) = (0.9 * scale, scale);
        let start: Vec<f64> = (0..m).map(|i| i as f64).collect();
        for on in available() {
            let mut increment = start.clone();
            draw_with_increment_on(on, &x, (m, n), (beta0, beta1), 5, &mut c, &mut increment);
            prop_assert_eq!(&c, if on == Level::Scalar { &a } else { &b });
            for (i, increment) in increment.iter().enumerate() {
                let row = x[i * n..][..n].iter().map(|&x| f64::from(x));
                let exact: f64 = row.clone().map(|x| softplus(f64::from(beta1) * x) - softplus(f64::from(beta0) * x)).sum();
                let linear: f64 = row.map(|x| f64::from(beta1 - beta0) * x.max(0.0)).sum();
                let bound = 3e-7 * n as f64 + linear / 2f64.powi(21) + 1e-12;
                prop_assert!((increment - i as f64 - exact).abs() <= bound, "{increment} {exact}");
            }
        }
    }
}

/// Chi-square of counts at many logits, tails included.
#[test]
fn law() {
    let logits = [-16.0, -9.0, -6.0, -3.0, -1.0, -0.2, 0.0, 0.4, 1.0, 2.5, 5.0, 8.0, 16.0f32];
    let (m, n) = (1 << 17, logits.len());
    let x: Vec<f32> = (0..m).flat_map(|_| logits).collect();
    for on in available() {
        let mut out = vec![0; m];
        draw_on(on, &x, (m, n), 1.0, 77, &mut out);
        let mut chi2 = 0.0;
        for (j, &x) in logits.iter().enumerate() {
            let ones = out.iter().filter(|w| *w >> j & 1 == 1).count() as f64;
            let p = 1.0 / (1.0 + (-f64::from(x)).exp());
            let expected = m as f64 * p;
            if x.abs() < 9.5 {
                chi2 += (ones - expected).powi(2) / (expected * (1.0 - p));
            } else {
                // Expected count of the unlikely value: 2^17 e^-16 = 0.015; three have probability 5e-7.
                assert!(ones.min(m as f64 - ones) < 3.0);
            }
        }
        assert!(chi2 < 35.6, "chi2 {chi2}"); // 11 cells, alpha = 2e-4
    }
}

/// Unlikely values below the grid of f32 near one still come: p = 2^-20 on both sides.
#[test]
fn tails() {
    let p = 2f64.powi(-20);
    let x = ((p / (1.0 - p)).ln()) as f32;
    let m = 1 << 16;
    for sign in [1.0, -1.0] {
        let logits = vec![sign * x; 64 * m];
        let mut out = vec![0; m];
        draw(&logits, m, 64, 1.0, 3, &mut out);
        let unlikely: u32 = out.iter().map(|w| if sign > 0.0 { w.count_ones() } else { w.count_zeros() }).sum();
        // Poisson of mean 4: more than 16 has probability 1e-6; zero has 0.018 and would be a seed's bad luck.
        assert!((1..=16).contains(&unlikely), "{unlikely}");
    }
}

#[test]
fn certain_values() {
    let x = [1000.0, f32::INFINITY, -1000.0, f32::NEG_INFINITY];
    for on in available() {
        let logits: Vec<f32> = (0..10_000).flat_map(|_| x).collect();
        let mut out = vec![0; 10_000];
        draw_on(on, &logits, (10_000, 4), 1.0, 1, &mut out);
        assert!(out.iter().all(|w| *w == 0b0011));
    }
}

/// Neighbouring bits are independent: counts of the four patterns of adjacent columns and adjacent rows.
#[test]
fn independence() {
    let (m, n) = (4096, 128);
    let mut out = vec![0; 2 * m];
    draw(&vec![0.0; m * n], m, n, 1.0, 21, &mut out);
    let a = BitRows::new(&out, m, n);
    for (down, right) in [(0, 1), (1, 0), (0, 8), (8, 0), (64, 0), (0, 64)] {
        let mut counts = [0.0; 4];
        for i in 0..m - down {
            for j in 0..n - right {
                counts[2 * usize::from(a.get(i, j)) + usize::from(a.get(i + down, j + right))] += 1.0f64;
            }
        }
        let total: f64 = counts.iter().sum();
        // The correlation of independent fair bits has standard deviation 1 / sqrt(total).
        let correlation = (counts[0] + counts[3] - counts[1] - counts[2]) / total;
        assert!(correlation.abs() < 5.0 / total.sqrt(), "{down} {right}: {correlation}");
    }
}
