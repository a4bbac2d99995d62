use gibbs_core::key::Key;
use gibbs_data::{Binarise, BinariseOption, DataError, Kind, Preprocess, ReadOptions, Table, Values, inspect};
use proptest::prelude::*;

use super::bytes;

fn csv(text: &str) -> Table {
    bytes(text.as_bytes(), &ReadOptions::default()).unwrap()
}

const KEY: fn() -> Key = || Key::from_seed(5);

#[test]
fn thresholds_and_layout() {
    let n_cols = 70;
    let t = Table::from_values(n_cols, Values::U8((0..140).collect())).unwrap();
    let bits = Preprocess::fit(&t, BinariseOption::Threshold(65.0)).unwrap().apply(&t, &KEY()).unwrap();
    // Row 0 holds 0..70, so bits 65 to 69; row 1 holds 70..140, all ones; the padding stays zero.
    assert_eq!(bits.words, [0, 0b11_1110, u64::MAX, 0b11_1111]);
    assert_eq!(bits.select(&[1]).words, bits.row(1));
}

#[test]
fn columns_come_in_the_models_order() {
    let fitted = Preprocess::fit(&csv("a,b,c\n1,0,1\n0,0,1\n"), BinariseOption::None).unwrap();
    let bits = fitted.apply(&csv("c,a,b\n1,0,0\n"), &KEY()).unwrap();
    assert_eq!(bits.words, [0b100]);
    assert_eq!(fitted.apply(&csv("1,0,0\n1,1,1\n"), &KEY()).unwrap().words, [0b001, 0b111]); // no names: in order
    let e = fitted.apply(&csv("a,b,cc\n1,0,0\n"), &KEY()).unwrap_err();
    assert!(e.to_string().contains("no column is called \"c\", did you mean"), "{e}");
    let e = fitted.apply(&csv("a,b,c,label\n1,0,0,1\n"), &KEY()).unwrap_err();
    assert!(
        e.to_string().starts_with("the table has 4 columns, the model was fitted on 3; not among the model's: label"),
        "{e}"
    );
    assert!(matches!(
        fitted.apply(&csv("a,b\n1,0\n"), &KEY()),
        Err(DataError::ColumnCount { expected: 3, found: 2, .. })
    ));
}

#[test]
fn values_that_are_no_bits() {
    let e = Preprocess::fit(&csv("a,b\n1,0\n0,5\n"), BinariseOption::None).unwrap_err();
    assert!(matches!(&e, DataError::NotBinary { row: 3, column, value: 5.0, .. } if column == "b"));
    assert!(e.to_string().contains("--binarize THRESHOLD"), "{e}");
    let e = Preprocess::fit(&csv("a,b\n1,0\n0,0.5\n"), BinariseOption::None).unwrap_err();
    assert!(e.to_string().contains("--binarize 0.5") && e.to_string().contains("--binarize bernoulli"), "{e}");
    assert!(matches!(
        Preprocess::fit(&csv("a\n1\nNA\n"), BinariseOption::Threshold(1.0)),
        Err(DataError::Missing { row: 3, .. })
    ));
    assert!(matches!(
        Preprocess::fit(&csv("a\n1\ninf\n"), BinariseOption::None),
        Err(DataError::Infinite { row: 3, .. })
    ));
    assert!(matches!(Preprocess::fit(&csv("1\n"), BinariseOption::Threshold(f64::NAN)), Err(DataError::Setting(_))));
    let empty = BinariseOption::Bernoulli { range: Some((1.0, 1.0)) };
    assert!(matches!(Preprocess::fit(&csv("1\n"), empty), Err(DataError::Setting(_))));
    // Fitted on bits, applied to something else: the same check again.
    let fitted = Preprocess::fit(&csv("1\n0\n"), BinariseOption::None).unwrap();
    assert!(matches!(fitted.apply(&csv("2\n"), &KEY()), Err(DataError::NotBinary { row: 1, .. })));
}

#[test]
fn bernoulli_draws_have_their_means() {
    let n = 40_000;
    let t = Table::from_values(3, Values::F64((0..3 * n).map(|i| [0.0, 0.3, 1.0][i % 3]).collect())).unwrap();
    let p = Preprocess::fit(&t, BinariseOption::Bernoulli { range: None }).unwrap();
    assert_eq!(p.binarise, Binarise::Bernoulli { low: 0.0, high: 1.0 });
    let bits = p.apply(&t, &KEY()).unwrap();
    let ones = |c: usize| (0..n).filter(|&r| bits.get(r, c)).count() as f64;
    assert_eq!((ones(0), ones(2)), (0.0, n as f64)); // never and always
    // Five standard deviations of a binomial: 5 sqrt(40000 * 0.3 * 0.7) = 458.
    assert!((ones(1) - 12_000.0).abs() < 458.0, "{}", ones(1));
    assert_eq!(bits, p.apply(&t, &KEY()).unwrap());
    assert_ne!(bits, p.apply(&t, &Key::from_seed(6)).unwrap());
    // A later block does not depend on the rows before it being there in full: the first 256 rows alone are the same.
    let mut short = t.clone();
    short.truncate(256);
    assert_eq!(p.apply(&short, &KEY()).unwrap().words, bits.words[..256]);
    let e = p.apply(&csv("0,0,1.5\n"), &KEY()).unwrap_err();
    assert!(matches!(e, DataError::OutsideRange { value: 1.5, high: 1.0, .. }));
    let grey = Preprocess::fit(&csv("0,16\n8,2\n"), BinariseOption::Bernoulli { range: None }).unwrap();
    assert_eq!(grey.binarise, Binarise::Bernoulli { low: 0.0, high: 16.0 });
}

#[test]
fn stored_and_loaded_it_is_the_same() {
    for option in
        [BinariseOption::None, BinariseOption::Threshold(0.1), BinariseOption::Bernoulli { range: Some((0.0, 1.5)) }]
    {
        let p = Preprocess::fit(&csv("a,b\n1,0\n0,1\n"), option).unwrap();
        let text = serde_json::to_string(&p).unwrap();
        assert_eq!(serde_json::from_str::<Preprocess>(&text).unwrap(), p, "{text}");
    }
}

#[test]
fn kinds() {
    let kind = |text: &str| inspect(&csv(text));
    assert_eq!(kind("1,1\n0,1\n"), Kind::Binary);
    assert_eq!(kind("1,0,0,0,1\n0,0,1,1,0\n0,1,0,1,0\n"), Kind::OneHot { groups: vec![0..3, 3..5] });
    assert_eq!(kind("1,0,1\n0,1,1\n"), Kind::Binary); // a column that is always 1 is no choice
    // A value that never occurs belongs to the variable before it.
    assert!(matches!(kind("1,0,0\n0,1,0\n"), Kind::OneHot { groups } if groups.len() == 1 && groups[0] == (0..3)));
    assert_eq!(kind("0.5,1\n0,1\n"), Kind::UnitInterval);
    assert_eq!(kind("5,1\n0,1\n"), Kind::Integer { min: 0.0, max: 5.0 });
    assert_eq!(kind("-5,1\n0,1\n"), Kind::Integer { min: -5.0, max: 1.0 });
    assert_eq!(kind("-0.5,1\n0,1\n"), Kind::Continuous { min: -0.5, max: 1.0 });
    assert_eq!(kind("NA,1\n0,1\n"), Kind::Incomplete { count: 1 });
    assert_eq!(kind("1,0,0,1\n0,1,1,0\n").to_string(), "one-hot columns: 2 variables with 2, 2 values");
}

proptest! {
    /// Bits are what a threshold says cell by cell, whatever the width.
    #[test]
    fn apply_is_the_definition(n_cols in 1usize..150, n_rows in 1usize..5, seed: u64) {
        let mut rng = Key::from_seed(seed).rng();
        let cells: Vec<u8> = (0..n_cols * n_rows).map(|_| rng.below(256) as u8).collect();
        let t = Table::from_values(n_cols, Values::U8(cells.clone())).unwrap();
        let bits = Preprocess::fit(&t, BinariseOption::Threshold(100.5)).unwrap().apply(&t, &KEY()).unwrap();
        for (i, &x) in cells.iter().enumerate() {
            prop_assert_eq!(bits.get(i / n_cols, i % n_cols), f64::from(x) >= 100.5);
        }
        let ones: u32 = bits.words.iter().map(|w| w.count_ones()).sum();
        prop_assert_eq!(ones as usize, cells.iter().filter(|&&x| x > 100).count()); // nothing in the padding
    }
}
