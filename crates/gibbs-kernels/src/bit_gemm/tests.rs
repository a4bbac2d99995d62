use proptest::prelude::*;

use super::*;
use crate::level::{available, detect};
use crate::rng::fill_uniform;
use crate::testing::random_bits;

fn random_matrix(len: usize, seed: u64) -> Vec<f32> {
    let mut x = vec![0.0; len];
    fill_uniform(u128::from(seed), &mut x);
    x.iter_mut().for_each(|v| *v -= 0.5);
    x
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every level gives the same bits, and they are within the documented bound of an f64 sum.
    #[test]
    fn product(m in 0usize..300, k in 0usize..200, n in 0usize..150, seed: u64, density in 0.0..1.0, t: bool) {
        let words = random_bits(m, k, density, seed);
        let a = BitRows::new(&words, m, k);
        let data = random_matrix(k * n, seed);
        let b = if t { Matrix::row_major(&data, n, k).t() } else { Matrix::row_major(&data, k, n) };
        let bias = random_matrix(n, seed ^ 1);
        let (mut x, mut y) = (vec![0.0; m * n], vec![1.0; m * n]);
        gemm_on(Level::Scalar, a, b, None, &mut x);
        for on in available() {
            gemm_on(on, a, b, None, &mut y);
            prop_assert_eq!(&x, &y, "{:?}", on);
        }
        gemm_on(detect(), a, b, Some(&bias), &mut y);
        for i in 0..m {
            for j in 0..n {
                let terms = || (0..k).filter(|&l| a.get(i, l)).map(|l| f64::from(b.get(l, j)));
                // Error bound of the module's documentation; 2^-24 is the unit roundoff.
                let bound = (k as f64 / 4.0 + 4.0) * 2f64.powi(-24) * terms().map(f64::abs).sum::<f64>();
                prop_assert!((f64::from(x[i * n + j]) - terms().sum::<f64>()).abs() <= bound);
                prop_assert_eq!(y[i * n + j], x[i * n + j] + bias[j]);
            }
        }
    }

    #[test]
    fn transposed_product(m in 0usize..200, k in 0usize..300, n in 0usize..100, seed: u64) {
        let words = random_bits(m, k, 0.3, seed);
        let a = BitRows::new(&words, m, k);
        let p = random_matrix(m * n, seed);
        let start = random_matrix(k * n, seed ^ 1);
        let (mut x, mut scratch) = (start.clone(), Vec::new());
        gemm_tn_on(Level::Scalar, a, &p, n, 0.7, &mut x, &mut scratch);
        for on in available() {
            let mut y = start.clone();
            gemm_tn_on(on, a, &p, n, 0.7, &mut y, &mut scratch);
            prop_assert_eq!(&x, &y, "{:?}", on);
        }
        for l in 0..k {
            for j in 0..n {
                let sum: f64 = (0..m).filter(|&i| a.get(i, l)).map(|i| f64::from(p[i * n + j])).sum();
                let expected = f64::from(start[l * n + j]) + 0.7 * sum;
                // |p| <= 1/2, so the sum of absolute values is at most m / 2; two more roundings for alpha and start.
                let bound = (m as f64 / 4.0 + 6.0) * 2f64.powi(-24) * (m as f64 / 2.0 + 1.0);
                prop_assert!((f64::from(x[l * n + j]) - expected).abs() <= bound);
            }
        }
    }

    /// The fused draw is the product followed by the draw, when the logits are exact.
    #[test]
    fn fused_draw(m in 0usize..300, k in 0usize..100, n in 0usize..150, seed: u64) {
        let words = random_bits(m, k, 0.5, seed);
        let a = BitRows::new(&words, m, k);
        // Multiples of 1/8 add without rounding.
        let eighths = |len, seed| random_matrix(len, seed).iter().map(|v| (v * 16.0).round() / 8.0).collect::<Vec<_>>();
        let (b, bias) = (eighths(k * n, seed), eighths(n, seed ^ 1));
        let b = Matrix::row_major(&b, k, n);
        let mut logits = vec![0.0; m * n];
        bit_gemm(a, b, Some(&bias), &mut logits);
        let len = m * words_per_row(n);
        let (mut x, mut y) = (vec![u64::MAX; len], vec![0; len]);
        for on in available() {
            gemm_bernoulli_on(on, a, b, 1.0, &bias, u128::from(seed), &mut x);
            bernoulli::draw_on(on, &logits, (m, n), 1.0, u128::from(seed), &mut y);
            prop_assert_eq!(&x, &y);
        }
    }
}

#[test]
fn threads_do_not_matter() {
    let (m, k, n) = (300, 500, 200);
    let words = random_bits(m, k, 0.4, 3);
    let a = BitRows::new(&words, m, k);
    let b = random_matrix(k * n, 4);
    let bias = vec![0.1; n];
    let on_threads = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let b = Matrix::row_major(&b, k, n);
            let mut out = vec![0.0; m * n];
            bit_gemm(a, b, Some(&bias), &mut out);
            let mut drawn = vec![0; m * words_per_row(n)];
            bit_gemm_bernoulli(a, b, 0.5, &bias, 9, &mut drawn);
            (out, drawn)
        })
    };
    assert_eq!(on_threads(1), on_threads(3));
}

#[test]
#[should_panic(expected = "inner dimensions")]
fn mismatched_shapes() {
    bit_gemm(BitRows::new(&[1], 1, 3), Matrix::row_major(&[0.0; 4], 2, 2), None, &mut [0.0; 2]);
}
