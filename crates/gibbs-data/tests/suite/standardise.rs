use gibbs_core::key::Key;
use gibbs_data::{DataError, ReadOptions, Scaling, Standardise, Table, Values};
use proptest::prelude::*;

use super::bytes;

fn csv(text: &str) -> Table {
    bytes(text.as_bytes(), &ReadOptions::default()).unwrap()
}

const KEY: fn() -> Key = || Key::from_seed(5);

fn all(t: &Table) -> Vec<usize> {
    (0..t.n_rows).collect()
}

#[test]
fn only_training_rows_decide() {
    let t = csv("a,b\n0,5\n2,7\n1000,-9\n");
    let s = Standardise::fit(&t, &[0, 1], Scaling::Standard, None).unwrap();
    assert_eq!((&s.shift[..], &s.scale[..]), (&[1.0, 6.0][..], &[1.0, 1.0][..]));
    assert_eq!(s.apply(&t, &KEY()).unwrap(), [-1.0, -1.0, 1.0, 1.0, 999.0, -15.0]);
    let unit = Standardise::fit(&t, &[0, 1], Scaling::Unit { range: None }, None).unwrap();
    assert_eq!((unit.shift[0], unit.scale[1]), (0.0, 7.0));
    let none = Standardise::fit(&t, &[0], Scaling::None, None).unwrap();
    assert_eq!((none.apply(&t, &KEY()).unwrap()[4], none.log_jacobian()), (1000.0, 0.0));
}

#[test]
fn columns_come_in_the_models_order() {
    let s =
        Standardise::fit(&csv("a,b\n0,10\n1,30\n"), &[0, 1], Scaling::Unit { range: Some((0.0, 10.0)) }, None).unwrap();
    assert_eq!(s.apply(&csv("b,a\n20,5\n"), &KEY()).unwrap(), [0.5, 2.0]);
    let e = s.apply(&csv("a,bb\n1,2\n"), &KEY()).unwrap_err().to_string();
    assert!(e.contains("no column is called \"b\", did you mean"), "{e}");
    assert!(matches!(s.apply(&csv("a\n1\n"), &KEY()), Err(DataError::ColumnCount { expected: 2, found: 1, .. })));
}

#[test]
fn pixels_with_noise_fill_the_unit_interval() {
    let n = 40_000;
    let t = Table::from_values(2, Values::U8((0..2 * n).map(|i| if i % 2 == 0 { 7 } else { 255 }).collect())).unwrap();
    let s = Standardise::fit(&t, &all(&t), Scaling::Unit { range: None }, Some(1.0)).unwrap();
    assert_eq!((s.shift[0], s.scale[0]), (0.0, 256.0));
    assert!((s.log_jacobian() + 2.0 * 256f64.ln()).abs() < 1e-12);
    let z = s.apply(&t, &KEY()).unwrap();
    assert!(z.iter().all(|z| (0.0..1.0).contains(z)));
    let noise: Vec<f64> = z.iter().step_by(2).map(|z| z * 256.0 - 7.0).collect();
    gibbs_testkit::ks_test(&noise, |u| u.clamp(0.0, 1.0), 1e-6).unwrap();
    // The same table and key give the same noise, also when the rows after a block are missing.
    let mut short = t.clone();
    short.truncate(256);
    assert_eq!(s.apply(&short, &KEY()).unwrap(), z[..512]);
    assert_ne!(s.apply(&t, &Key::from_seed(6)).unwrap(), z);
    // Under the standard scale the noise counts: a constant column has its variance, 1 / 12.
    let s = Standardise::fit(&t, &all(&t), Scaling::Standard, Some(1.0)).unwrap();
    assert_eq!(s.shift, [7.5, 255.5]);
    assert!((s.scale[0] - 12f64.sqrt().recip()).abs() < 1e-12);
}

#[test]
fn what_cannot_be_scaled_is_named() {
    let t = csv("a,flat,b,still\n1,3,2,0\n2,3,5,0\n9,4,5,1\n");
    let e = Standardise::fit(&t, &[0, 1], Scaling::Standard, None).unwrap_err();
    assert!(matches!(&e, DataError::Constant { column, value: 3.0, count: 2 } if column == "flat"));
    let e = e.to_string();
    assert!(e.contains("--drop flat") && e.contains("1 other columns"), "{e}");
    assert!(Standardise::fit(&t, &[0, 1, 2], Scaling::Standard, None).is_ok());

    let holes = csv("a,b\n1,2\n3,NA\n");
    let e = Standardise::fit(&holes, &[0], Scaling::None, None).unwrap_err();
    assert!(matches!(&e, DataError::Missing { row: 3, column } if column == "b"), "{e}");
    let s = Standardise::fit(&csv("a,b\n1,2\n3,4\n"), &[0, 1], Scaling::Standard, None).unwrap();
    assert!(matches!(s.apply(&holes, &KEY()), Err(DataError::Missing { row: 3, .. })));
    assert!(matches!(s.apply(&csv("a,b\n1,inf\n"), &KEY()), Err(DataError::Infinite { row: 2, .. })));

    assert!(matches!(Standardise::fit(&t, &[], Scaling::None, None), Err(DataError::Split(_))));
    assert!(matches!(Standardise::fit(&t, &[3], Scaling::None, None), Err(DataError::Split(_))));
    for width in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(Standardise::fit(&t, &[0], Scaling::None, Some(width)), Err(DataError::Setting(_))));
    }
    let empty = Scaling::Unit { range: Some((1.0, 1.0)) };
    assert!(matches!(Standardise::fit(&t, &[0], empty, None), Err(DataError::Setting(_))));
    let zeros = csv("a\n0\n0\n");
    assert!(matches!(Standardise::fit(&zeros, &[0], Scaling::Unit { range: None }, None), Err(DataError::Setting(_))));
}

#[test]
fn stored_and_loaded_it_is_the_same() {
    let t = csv("a,b\n1,0.1\n0,0.7\n");
    for (scaling, noise) in
        [(Scaling::Standard, None), (Scaling::Unit { range: None }, Some(0.1)), (Scaling::None, None)]
    {
        let s = Standardise::fit(&t, &[0, 1], scaling, noise).unwrap();
        let text = serde_json::to_string(&s).unwrap();
        assert_eq!(serde_json::from_str::<Standardise>(&text).unwrap(), s, "{text}");
    }
}

proptest! {
    /// Over the training rows the result has mean 0 and variance 1, and the map can be undone.
    #[test]
    fn standard_means_standard(
        n_cols in 1usize..5, n_rows in 2usize..300, seed: u64, scale in -6.0..6.0f64, centre in -1e3..1e3f64,
    ) {
        let mut rng = Key::from_seed(seed).rng();
        let scale = scale.exp();
        let cells: Vec<f64> = (0..n_cols * n_rows).map(|_| centre + scale * rng.normal()).collect();
        let t = Table::from_values(n_cols, Values::F64(cells.clone())).unwrap();
        let s = Standardise::fit(&t, &all(&t), Scaling::Standard, None).unwrap();
        let z = s.apply(&t, &KEY()).unwrap();
        // Rounding: eps * |centre| / scale, at most 1e-10, times few.
        for c in 0..n_cols {
            let column: Vec<f64> = z.iter().skip(c).step_by(n_cols).copied().collect();
            let n = n_rows as f64;
            prop_assert!((column.iter().sum::<f64>() / n).abs() < 1e-8);
            prop_assert!((column.iter().map(|z| z * z).sum::<f64>() / n - 1.0).abs() < 1e-8);
        }
        for (a, b) in s.invert(&z).iter().zip(&cells) {
            prop_assert!((a - b).abs() < 1e-9 * (1.0 + b.abs()));
        }
    }
}
