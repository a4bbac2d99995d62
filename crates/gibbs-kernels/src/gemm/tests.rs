use proptest::prelude::*;

use super::*;
use crate::level::available;

fn numbers(len: usize, seed: u64) -> Vec<f32> {
    let mut x = vec![0.0; len];
    crate::rng::fill_normal_serial(u128::from(seed), &mut x);
    x
}

/// `sum_p a(i, p) b(p, j)` in f64 and the same of absolute values.
fn exact(k: usize, a: impl Fn(usize) -> f32, b: impl Fn(usize) -> f32) -> (f64, f64) {
    (0..k).fold((0.0, 0.0), |(sum, size), p| {
        let x = f64::from(a(p)) * f64::from(b(p));
        (sum + x, size + x.abs())
    })
}

/// Whole numbers whose sums are exact in f32, so that equality is.
fn whole(len: usize, seed: u64) -> Vec<f32> {
    numbers(len, seed).into_iter().map(|x| (4.0 * x).round()).collect()
}

/// Sizes on both sides of every border: of tiles, panels, few columns and passes.
fn size() -> impl Strategy<Value = usize> {
    prop_oneof![0usize..20, 20usize..70, Just(256), Just(257), Just(600)]
}

proptest! {
    #[test]
    fn products(m in size(), k in size(), n in size(), seed: u64, with_bias: bool, accumulate: bool) {
        prop_assume!(m * k * n < 1_000_000);
        let (a, b, bias, old) = (whole(m * k, seed), whole(k * n, seed ^ 1), whole(n, seed ^ 2), whole(m * n, seed ^ 3));
        let b_t: Vec<f32> = (0..k * n).map(|i| b[i % k * n + i / k]).collect();
        for on in available() {
            for packed in [Packed::new(k, n, &b), Packed::transposed(k, n, &b_t)] {
                let mut c = old.clone();
                matmul_on(on, m, &a, &packed, with_bias.then_some(&bias), accumulate, &mut c);
                for (at, c) in c.iter().enumerate() {
                    let (i, j) = (at / n, at % n);
                    let (sum, _) = exact(k, |p| a[i * k + p], |p| b[p * n + j]);
                    let rest = if with_bias { bias[j] } else { 0.0 } + if accumulate { old[at] } else { 0.0 };
                    prop_assert_eq!(f64::from(*c), sum + f64::from(rest), "{}, {} on {:?}", i, j, on);
                }
            }
        }
    }

    #[test]
    fn transposed_products(m in size(), k in size(), n in size(), seed: u64, accumulate: bool) {
        prop_assume!(m * k * n < 1_000_000);
        let (a, g, old) = (whole(m * k, seed), whole(m * n, seed ^ 1), whole(k * n, seed ^ 3));
        for on in available() {
            let mut c = old.clone();
            matmul_tn_on(on, (m, k, n), &a, &g, accumulate, &mut c);
            for (at, c) in c.iter().enumerate() {
                let (p, j) = (at / n, at % n);
                let (sum, _) = exact(m, |i| a[i * k + p], |i| g[i * n + j]);
                let rest = if accumulate { old[at] } else { 0.0 };
                prop_assert_eq!(f64::from(*c), sum + f64::from(rest), "{}, {} on {:?}", p, j, on);
            }
        }
    }

    /// Vectors of either width sum in the same order.
    #[test]
    fn vectors_of_either_width_give_the_same_bits(m in size(), k in size(), n in size(), seed: u64, accumulate: bool) {
        prop_assume!(m * k * n < 1_000_000);
        let (a, b, bias) = (numbers(m * k, seed), numbers(k * n, seed ^ 1), numbers(n, seed ^ 2));
        let packed = Packed::new(k, n, &b);
        let on = |level| {
            let mut c = numbers(m * n, seed ^ 3);
            matmul_on(level, m, &a, &packed, Some(&bias), accumulate, &mut c);
            let mut grad = numbers(k * n, seed ^ 5);
            matmul_tn_on(level, (m, k, n), &a, &c, accumulate, &mut grad);
            [c, grad]
        };
        let vectors: Vec<[Vec<f32>; 2]> = available().filter(|l| *l != Level::Scalar).map(on).collect();
        prop_assert!(vectors.iter().all(|c| *c == vectors[0]));
    }

    #[test]
    fn rows_do_not_depend_on_their_number(m in 1usize..40, k in size(), n in size(), first in 0usize..40, seed: u64) {
        let first = first % m;
        let (a, b) = (numbers(m * k, seed), numbers(k * n, seed ^ 1));
        let b = Packed::new(k, n, &b);
        let (mut all, mut some) = (vec![0.0; m * n], vec![0.0; (m - first) * n]);
        matmul(m, &a, &b, None, false, &mut all);
        matmul(m - first, &a[first * k..], &b, None, false, &mut some);
        prop_assert_eq!(&all[first * n..], some.as_slice());
    }
}

/// The documented bound on numbers that are not whole; a wrong last inner number would break it by far.
#[test]
fn error_of_a_sum() {
    for (m, k, n) in [(13, 100, 33), (9, 700, 16), (20, 300, 1), (5, 3, 40), (7, 65, 3)] {
        let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
        let packed = Packed::new(k, n, &b);
        let bound = (k + 9) as f64 / 2f64.powi(24);
        for on in available() {
            let mut c = vec![f32::NAN; m * n];
            matmul_on(on, m, &a, &packed, None, false, &mut c);
            let mut caught = 0;
            let mut c_tn = vec![f32::NAN; k * n];
            matmul_tn_on(on, (m, k, n), &a, &numbers(m * n, 3), false, &mut c_tn);
            for (at, c) in c.iter().enumerate() {
                let (sum, size) = exact(k, |p| a[at / n * k + p], |p| b[p * n + at % n]);
                assert!((f64::from(*c) - sum).abs() <= bound * size, "{on:?} {m} {k} {n}: {c} {sum}");
                let short = sum - f64::from(a[at / n * k + k - 1]) * f64::from(b[(k - 1) * n + at % n]);
                caught += usize::from((f64::from(*c) - short).abs() > bound * size);
            }
            assert!(2 * caught > m * n, "the planted mistake passes");
            let g = numbers(m * n, 3);
            for (at, c) in c_tn.iter().enumerate() {
                let (sum, size) = exact(m, |i| a[i * k + at / n], |i| g[i * n + at % n]);
                assert!((f64::from(*c) - sum).abs() <= (m + 9) as f64 / 2f64.powi(24) * size);
            }
        }
    }
}

/// What was there is neither read nor kept: no NaN survives.
#[test]
fn old_numbers_are_overwritten() {
    for (m, k, n) in [(7, 20, 17), (7, 2, 17), (7, 20, 2), (7, 0, 17), (7, 0, 2)] {
        let mut c = vec![f32::NAN; m * n];
        matmul(m, &vec![1.0; m * k], &Packed::new(k, n, &vec![1.0; k * n]), None, false, &mut c);
        assert!(c.iter().all(|c| *c == k as f32), "{k} {n}: {c:?}");
        let mut c = vec![f32::NAN; k * n];
        matmul_tn(m, k, n, &vec![1.0; m * k], &vec![1.0; m * n], false, &mut c);
        assert!(c.iter().all(|c| *c == m as f32));
    }
}

#[test]
fn packing_again_leaves_no_trace() {
    let mut packed = Packed::new(9, 33, &vec![7.0; 9 * 33]);
    for (k, n) in [(9, 20), (5, 33), (17, 3), (9, 33), (2, 2)] {
        let b = numbers(k * n, 5);
        packed.repack(k, n, &b);
        assert_eq!(packed.floats(), Packed::new(k, n, &b).floats());
        packed.repack_transposed(k, n, &b);
        assert_eq!(packed.floats(), Packed::transposed(k, n, &b).floats());
    }
}

#[test]
#[should_panic(expected = "left-hand matrix of 2 x 3")]
fn mismatched_shapes() {
    matmul(2, &[0.0; 5], &Packed::new(3, 4, &[0.0; 12]), None, false, &mut [0.0; 8]);
}
