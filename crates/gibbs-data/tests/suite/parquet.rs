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
