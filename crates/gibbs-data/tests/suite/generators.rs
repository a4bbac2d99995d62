use std::collections::HashMap;

use gibbs_core::key::Key;
use gibbs_data::generators::{BarsAndStripes, Generator, Ising, Parity, Shifter, from_name};
use gibbs_data::{DataError, Table, Values};

fn rows(t: &Table) -> Vec<&[u8]> {
    let Values::U8(v) = &t.values else { panic!("bits are bytes") };
    v.chunks_exact(t.n_cols()).collect()
}

/// Exact distributions by enumeration, independent of the generators' own code: weight of a row, zero where impossible.
fn weight(name: &str, x: &[u8]) -> f64 {
    match name {
        "bars-and-stripes" => {
            let side = x.len().isqrt();
            let rows = x.chunks(side).all(|r| r.iter().all(|b| b == &r[0]));
            let columns = (0..side).all(|c| (0..side).all(|r| x[r * side + c] == x[c]));
            f64::from(rows || columns)
        }
        "parity" => f64::from(x.iter().sum::<u8>().is_multiple_of(2)),
        "shifter" => {
            let n = (x.len() - 3) / 2;
            let class: Vec<usize> = (0..3).filter(|&k| x[2 * n + k] == 1).collect();
            f64::from(class.len() == 1 && (0..n).all(|i| x[n + (i + class[0] + n - 1) % n] == x[i]))
        }
        "ising" => {
            let (side, beta) = (x.len().isqrt(), 0.3);
            let spin = |r: usize, c: usize| 2.0 * f64::from(x[r % side * side + c % side]) - 1.0;
            let bonds =
                |i: usize| spin(i / side, i % side) * (spin(i / side + 1, i % side) + spin(i / side, i % side + 1));
            (beta * (0..x.len()).map(bonds).sum::<f64>()).exp()
        }
        other => panic!("{other}"),
    }
}

fn small() -> Vec<Box<dyn Generator>> {
    ["bars-and-stripes:side=3", "parity:bits=6", "shifter:bits=3", "ising:side=3,beta=0.3"]
        .iter()
        .map(|n| from_name(n).unwrap().unwrap())
        .collect()
}

#[test]
fn draws_follow_the_exact_law() {
    let n = 200_000;
    for g in small() {
        let t = g.generate(Some(n), &Key::from_seed(3)).unwrap();
        let width = t.n_cols();
        let state = |s: usize| (0..width).map(|k| (s >> k & 1) as u8).collect::<Vec<_>>();
        let weights: Vec<f64> = (0..1 << width).map(|s| weight(g.name(), &state(s))).collect();
        let z: f64 = weights.iter().sum();
        let entropy: f64 = weights.iter().filter(|w| **w > 0.0).map(|w| w / z * (z / w).ln()).sum();
        assert!((g.entropy() - entropy).abs() < 1e-10, "{}: {} {entropy}", g.name(), g.entropy());
        assert_eq!(t.max_log_likelihood, Some(-g.entropy()));

        let mut counts: HashMap<usize, f64> = HashMap::new();
        for row in rows(&t) {
            *counts.entry(row.iter().enumerate().map(|(k, &b)| usize::from(b) << k).sum()).or_default() += 1.0;
        }
        assert!(counts.keys().all(|&s| weights[s] > 0.0), "{} draws an impossible row", g.name());
        // States expected fewer than 5 times are left out: chi-squared holds for the rest, with mean dof and variance 2 dof;
        // 5 standard deviations above the mean is a false alarm of about 1e-6.
        let (mut chi2, mut dof) = (0.0, -1.0);
        for (s, w) in weights.iter().enumerate().filter(|(_, w)| **w / z * n as f64 >= 5.0) {
            let expected = w / z * n as f64;
            chi2 += (counts.get(&s).copied().unwrap_or(0.0) - expected).powi(2) / expected;
            dof += 1.0;
        }
        assert!(chi2 < dof + 5.0 * (2.0f64 * dof).sqrt(), "{}: chi2 {chi2}, {dof} dof", g.name());
    }
}

#[test]
fn the_law_test_sees_a_wrong_temperature() {
    // Draws at 0.32 held against the law at 0.3 must fail the threshold of the test above.
    let n = 200_000;
    let t = Ising::new(3, 0.32).unwrap().generate(Some(n), &Key::from_seed(3)).unwrap();
    let all: Vec<Vec<u8>> = (0..512).map(|s| (0..9).map(|k| (s >> k & 1) as u8).collect()).collect();
    let z: f64 = all.iter().map(|x| weight("ising", x)).sum();
    let mut counts: HashMap<&[u8], f64> = HashMap::new();
    for row in rows(&t) {
        *counts.entry(row).or_default() += 1.0;
    }
    let chi2: f64 = all
        .iter()
        .map(|x| {
            let expected = weight("ising", x) / z * n as f64;
            (counts.get(x.as_slice()).copied().unwrap_or(0.0) - expected).powi(2) / expected
        })
        .sum();
    assert!(chi2 > 511.0 + 5.0 * 1022f64.sqrt(), "chi2 {chi2}");
}

#[test]
fn listed_patterns_are_all_different() {
    for (g, count) in small().into_iter().zip([14, 32, 24]) {
        let t = g.generate(None, &Key::from_seed(0)).unwrap();
        let mut seen = rows(&t);
        seen.sort_unstable();
        seen.dedup();
        assert_eq!((t.n_rows, seen.len()), (count, count), "{}", g.name());
        assert!((g.entropy() - f64::from(count as u32).ln()).abs() < 1e-12);
    }
}

#[test]
fn more_rows_begin_with_the_same_rows() {
    for g in small() {
        let key = Key::from_seed(9);
        let (few, many) = (g.generate(Some(200), &key).unwrap(), g.generate(Some(1000), &key).unwrap());
        assert_eq!(rows(&few), rows(&many)[..200], "{}", g.name());
        assert_ne!(few.source_hash, many.source_hash);
    }
}

#[test]
fn limits() {
    assert!(BarsAndStripes::new(1).is_err() && BarsAndStripes::new(33).is_err() && Parity::new(61).is_err());
    assert!(Shifter::new(2).is_err() && Ising::new(9, 0.1).is_err() && Ising::new(4, f64::INFINITY).is_err());
    let key = Key::from_seed(0);
    assert!(matches!(Parity::new(9).unwrap().generate(Some(0), &key), Err(DataError::NoRows { .. })));
    assert!(matches!(Parity::new(60).unwrap().generate(Some(usize::MAX), &key), Err(DataError::TooLarge { .. })));
    // The largest of each works: no overflow in the counting of patterns.
    assert_eq!(BarsAndStripes::new(32).unwrap().generate(Some(3), &key).unwrap().n_cols(), 1024);
    assert_eq!(Shifter::new(56).unwrap().generate(Some(3), &key).unwrap().n_cols(), 115);
    assert!(Ising::new(8, -2.0).unwrap().entropy().is_finite());
}
