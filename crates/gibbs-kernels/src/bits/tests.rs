use proptest::prelude::*;

use super::*;
use crate::testing::random_bits;

proptest! {
    #[test]
    fn transposes(m in 0usize..200, n in 0usize..200, seed: u64) {
        let words = random_bits(m, n, 0.5, seed);
        let a = BitRows::new(&words, m, n);
        let mut out = Vec::new();
        transpose(a, &mut out);
        let t = BitRows::new(&out, n, m);
        for i in 0..m {
            for j in 0..n {
                prop_assert_eq!(a.get(i, j), t.get(j, i));
            }
        }
    }

    #[test]
    fn sums(m in 0usize..150, n in 0usize..200, seed: u64, density in 0.0..1.0) {
        let words = random_bits(m, n, density, seed);
        let a = BitRows::new(&words, m, n);
        // Small whole numbers: sums are exact, so equality is.
        let weights: Vec<f32> = (0..m).map(|i| (i % 17) as f32 - 8.0).collect();
        let b: Vec<f32> = (0..n).map(|i| (i % 13) as f32 - 6.0).collect();
        let mut out = vec![f32::NAN; n];
        column_sums(a, Some(&weights), &mut out);
        for (j, o) in out.iter().enumerate() {
            prop_assert_eq!(*o, (0..m).filter(|&i| a.get(i, j)).map(|i| weights[i]).sum::<f32>());
        }
        column_sums(a, None, &mut out);
        for (j, o) in out.iter().enumerate() {
            prop_assert_eq!(*o, (0..m).filter(|&i| a.get(i, j)).count() as f32);
        }
        let mut dots = vec![f64::NAN; m];
        row_dots(a, &b, &mut dots);
        for (i, d) in dots.iter().enumerate() {
            prop_assert_eq!(*d, (0..n).filter(|&k| a.get(i, k)).map(|k| f64::from(b[k])).sum::<f64>());
        }
    }
}

#[test]
#[should_panic(expected = "one weight a row")]
fn weights_of_another_length() {
    column_sums(BitRows::new(&[1], 1, 1), Some(&[1.0, 2.0]), &mut [0.0]);
}
