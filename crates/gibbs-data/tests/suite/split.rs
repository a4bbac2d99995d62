use gibbs_core::key::Key;
use gibbs_data::{DataError, Split};
use proptest::prelude::*;

use super::public_data;

#[test]
fn files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("split.json");
    std::fs::write(&path, r#"{"train": [0, 2, 4], "validation": [1], "test": [3]}"#).unwrap();
    let s = Split::from_file(&path, 5).unwrap();
    assert_eq!((s.train, s.validation, s.test), (vec![0, 2, 4], vec![1], vec![3]));
    let e = Split::from_file(&path, 4).unwrap_err();
    assert!(e.to_string().contains("split.json: the split cannot be used: train names row 4"), "{e}");
    assert!(matches!(Split::from_file(&dir.path().join("none"), 4), Err(DataError::NotFound { .. })));
}

#[test]
fn what_is_refused() {
    let error = |text: &str| Split::from_json(text, 10).unwrap_err().to_string();
    assert!(error(r#"{"train": [1, 1], "test": []}"#).contains("row 1 is in train and again in train"));
    assert!(error(r#"{"train": [1], "test": [2, 1]}"#).contains("row 1 is in train and again in test"));
    assert!(error(r#"{"train": [], "test": [2]}"#).contains("no training rows"));
    assert!(error(r#"{"train": [-1], "test": [2]}"#).contains("rows counted from 0"));
    assert!(error(r#"{"train": [0.5], "test": [2]}"#).contains("rows counted from 0"));
    assert!(error(r#"{"test": [2]}"#).contains("train"));
    assert!(error("[1]").contains("expected"));
    let key = Key::from_seed(0);
    for f in [-0.1, 1.0, f64::NAN] {
        assert!(matches!(Split::random(10, f, 0.1, &key), Err(DataError::Split(_))), "{f}");
    }
    assert!(Split::random(1, 0.0, 0.9, &key).is_err());
}

#[test]
fn the_public_split_of_the_digits() {
    let Some(path) = public_data().map(|d| d.join("digits-split.json")).filter(|p| p.exists()) else {
        println!("skipped: no digits-split.json (set GIBBS_DATA)");
        return;
    };
    let mut s = Split::from_file(&path, 1797).unwrap();
    assert_eq!((s.train.len(), s.test.len(), s.train[0]), (1437, 360, 360));
    s.carve_validation(0.15, &Key::from_seed(0)).unwrap();
    assert_eq!((s.train.len(), s.validation.len()), (1221, 216)); // 0.15 * 1437 = 215.55
    s.check(1797).unwrap();
}

proptest! {
    /// Each row is in exactly one part, parts are as large as asked, and the same key gives the same split.
    #[test]
    fn random_splits_are_partitions(n in 1usize..500, v in 0.0f64..0.9, t in 0.0f64..0.9, seed: u64) {
        let key = Key::from_seed(seed);
        if let Ok(s) = Split::random(n, v, t, &key) {
            let mut all: Vec<usize> = s.parts().iter().flat_map(|p| p.1.to_vec()).collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..n).collect::<Vec<_>>());
            prop_assert_eq!(s.test.len(), (t * n as f64).round() as usize);
            prop_assert!(s.train.is_sorted() && s.test.is_sorted());
            prop_assert_eq!(s, Split::random(n, v, t, &key).unwrap());
        }
    }
}

#[test]
fn every_row_is_equally_likely_to_be_held_out() {
    // 2,000 splits of 10 rows, 3 held out: each row's count is binomial(2000, 0.3); five standard deviations are 102.
    let mut counts = [0.0f64; 10];
    for seed in 0..2000 {
        Split::random(10, 0.0, 0.3, &Key::from_seed(seed)).unwrap().test.iter().for_each(|&r| counts[r] += 1.0);
    }
    assert!(counts.iter().all(|c| (c - 600.0).abs() < 102.5), "{counts:?}");
}
