use gibbs_data::{DataError, ReadOptions, Values, read};

use super::{golden, read_golden};

fn options(columns: &[&str]) -> ReadOptions {
    ReadOptions { columns: Some(columns.iter().map(ToString::to_string).collect()), ..ReadOptions::default() }
}

#[test]
fn every_number_type_in_every_compression() {
    let columns = ["flag", "small", "i", "u", "big", "f", "d", "inner.a"];
    for name in ["snappy.parquet", "zstd_v2.parquet", "gzip_v1.parquet"] {
        let t = read(&golden(name), &options(&columns)).unwrap();
        assert_eq!((t.n_rows, t.columns.as_slice()), (300, columns.map(String::from).as_slice()), "{name}");
        for r in 0..300 {
            let x = r as f64;
            let i = if r % 10 == 3 { f64::NAN } else { x - 150.0 };
            let want = [f64::from(r % 2 == 0), x % 7.0, i, 4_294_967_295.0 - x, x * 1e9, x / 8.0, x / 3.0, x % 3.0];
            for (c, w) in want.into_iter().enumerate() {
                let found = t.value(r, c);
                assert!(found == w || found.is_nan() && w.is_nan(), "{name} row {r} {}: {found} {w}", columns[c]);
            }
        }
        assert_eq!(t.first_missing(), Some((4, "i".into())));
    }
}

#[test]
fn columns_that_are_no_numbers() {
    for (column, word) in [("text", "String"), ("day", "Date"), ("list.list.element", "list")] {
        let e = read(&golden("snappy.parquet"), &options(&[column])).unwrap_err();
        assert!(matches!(e.root(), DataError::UnsupportedType { .. }) && e.to_string().contains(word), "{e}");
        assert!(e.to_string().contains(&format!("--drop {column}")), "{e}");
    }
    let e = read(&golden("snappy.parquet"), &options(&["smal"])).unwrap_err();
    assert!(e.to_string().contains("did you mean \"small\"?"), "{e}");
}

#[test]
fn small_integers_take_a_byte() {
    let t = read_golden("plain.parquet").unwrap();
    assert_eq!(t.values, Values::U8((0..300).map(|r| (r % 7) as u8).collect()));
    let roles =
        ReadOptions { weight_column: Some("f".into()), label_column: Some("big".into()), ..options(&["small"]) };
    let t = read(&golden("snappy.parquet"), &roles).unwrap();
    assert_eq!((t.weights.unwrap()[16], t.labels.unwrap()[2]), (2.0, 2_000_000_000));
}

#[test]
fn damage_and_emptiness() {
    assert!(matches!(read_golden("no_rows.parquet").unwrap_err().root(), DataError::NoRows { columns: 1 }));
    let whole = std::fs::read(golden("plain.parquet")).unwrap();
    for n in [4, 8, 100, whole.len() - 1] {
        let e = super::bytes(&whole[..n], &ReadOptions::default()).unwrap_err();
        assert!(matches!(e.root(), DataError::Corrupt(_)), "{n}: {e}");
    }
    let small = ReadOptions { max_bytes: 100, ..ReadOptions::default() };
    assert!(matches!(super::bytes(&whole, &small).unwrap_err().root(), DataError::TooLarge { .. }));
}

#[test]
fn a_panic_of_the_decoder_is_an_error() {
    // Found by fuzzing: dictionary codes whose dictionary is missing.
    let e = read_golden("no_dictionary.parquet").unwrap_err();
    assert!(matches!(e.root(), DataError::Corrupt(_)) && e.to_string().contains("its decoder failed"), "{e}");
}

#[test]
fn what_is_written_reads_back() {
    // More rows than a row group holds, and every kind of number.
    let odd = [f64::NAN, -0.0, f64::INFINITY, f64::MIN_POSITIVE, 1.0 / 3.0];
    let (a, b): (Vec<f64>, Vec<f64>) = (0..1_100_000).map(|i| (f64::from(i) + 0.5, odd[i as usize % 5])).unzip();
    let mut file = Vec::new();
    gibbs_data::parquet::write(&mut file, &["a", "an odd name, \"quoted\""], &[&a, &b]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.parquet");
    std::fs::write(&path, &file).unwrap();
    let t = read(&path, &ReadOptions::default()).unwrap();
    assert_eq!(t.n_rows, a.len());
    assert_eq!(t.columns[1], "an odd name, \"quoted\"");
    for r in (0..a.len()).step_by(997).chain([a.len() - 1]) {
        assert_eq!((t.value(r, 0), t.value(r, 1).to_bits()), (a[r], b[r].to_bits()));
    }
    for (names, columns) in [(["a", "a"], [&a[..1], &b[..1]]), (["a", "b"], [&a[..1], &b[..2]])] {
        let refused = gibbs_data::parquet::write(std::io::sink(), &names, &columns);
        assert!(matches!(refused, Err(DataError::Setting(_))), "{refused:?}");
    }
}
