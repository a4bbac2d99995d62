use gibbs_data::{DataError, Header, ReadOptions, Table, Values};
use proptest::prelude::*;

use super::{bytes, cells, gz};

fn table(text: &str) -> Table {
    bytes(text.as_bytes(), &ReadOptions::default()).unwrap()
}

fn error(text: &str, options: &ReadOptions) -> DataError {
    bytes(text.as_bytes(), options).unwrap_err()
}

#[test]
fn delimiters_and_headers_are_found() {
    // (text, has a header, names, cells)
    let cases: &[(&str, bool, &[&str], &[f64])] = &[
        ("a,b\n1,2\n3,4\n", true, &["a", "b"], &[1.0, 2.0, 3.0, 4.0]),
        ("1,2\n3,4\n", false, &["x0", "x1"], &[1.0, 2.0, 3.0, 4.0]),
        ("a;b\r\n1;2\r\n", true, &["a", "b"], &[1.0, 2.0]),
        ("1\t2\n3\t4", false, &["x0", "x1"], &[1.0, 2.0, 3.0, 4.0]),
        ("  1  2.5\n 30  4\n", false, &["x0", "x1"], &[1.0, 2.5, 30.0, 4.0]),
        ("5\n6\n", false, &["x0"], &[5.0, 6.0]),
        ("y\n6\n", true, &["y"], &[6.0]),
        ("\"a, b\",c\n1,2\n", true, &["a, b", "c"], &[1.0, 2.0]),
        ("\u{feff}a,b\n1,2\n", true, &["a", "b"], &[1.0, 2.0]),
        ("a,a,\n1,2,3\n", true, &["a", "a.1", "x2"], &[1.0, 2.0, 3.0]),
        (
            "0,1,2,3,4,5,6,7\n1,0,1,0,1,0,1,1\n",
            true,
            &["0", "1", "2", "3", "4", "5", "6", "7"],
            &[1., 0., 1., 0., 1., 0., 1., 1.],
        ),
        ("0,1\n1,1\n\n0,0\n", false, &["x0", "x1"], &[0.0, 1.0, 1.0, 1.0, 0.0, 0.0]),
        ("t,f\ntrue,FALSE\n", true, &["t", "f"], &[1.0, 0.0]),
        ("a,b\n 1 ,\"2\"\n", true, &["a", "b"], &[1.0, 2.0]),
    ];
    for (text, has_names, names, want) in cases {
        for content in [text.as_bytes().to_vec(), gz(text.as_bytes())] {
            let t = bytes(&content, &ReadOptions::default()).unwrap();
            assert_eq!(
                (t.has_names, t.columns.as_slice(), cells(&t).as_slice()),
                (*has_names, names.map_strings().as_slice(), *want),
                "{text:?}"
            );
        }
    }
}

trait MapStrings {
    fn map_strings(&self) -> Vec<String>;
}

impl MapStrings for &[&str] {
    fn map_strings(&self) -> Vec<String> {
        self.iter().map(ToString::to_string).collect()
    }
}

#[test]
fn bytes_until_a_value_needs_more() {
    assert_eq!(table("0,1\n255,7\n").values, Values::U8(vec![0, 1, 255, 7]));
    for last in ["256", "-1", "0.5", "1e3"] {
        let t = table(&format!("0,1\n255,{last}\n"));
        assert!(
            matches!(&t.values, Values::F64(v) if v[..3] == [0.0, 1.0, 255.0] && v[3] == last.parse::<f64>().unwrap())
        );
    }
}

#[test]
fn missing_and_infinite_values_are_located() {
    for missing in ["", "NA", "nan", "?", "NULL", "None", "n/a"] {
        let t = table(&format!("a,b\n1,2\n3,{missing}\n"));
        assert_eq!(t.first_missing(), Some((3, "b".into())), "{missing:?}");
        assert!(t.check_finite().unwrap_err().to_string().starts_with("row 3, column \"b\": the value is missing"));
    }
    let t = table("1,2\n-inf,4\n");
    assert_eq!((t.first_infinite(), t.first_missing()), (Some((2, "x0".into())), None));
    assert!(matches!(t.check_finite(), Err(DataError::Infinite { row: 2, value, .. }) if value == f64::NEG_INFINITY));
}

#[test]
fn bad_tables_are_explained() {
    let auto = ReadOptions::default();
    assert!(matches!(error("", &auto).root(), DataError::Empty));
    assert!(matches!(error("\n\n", &auto).root(), DataError::Empty));
    assert!(matches!(error("a,b\n", &auto).root(), DataError::NoRows { columns: 2 }));
    assert!(matches!(
        error("a,b\n1,2\n3\n", &auto).root(),
        DataError::Ragged { row: 3, expected: 2, found: 1, delimiter: ',' }
    ));
    let text = error("a,b\n1,2\n3,four\n", &auto);
    assert!(matches!(text.root(), DataError::Text { row: 3, column, cell, .. } if column == "b" && cell == "four"));
    assert_eq!(
        text.to_string(),
        "given: row 3, column \"b\": \"four\" is not a number; leave the column out with --drop b, or name the wanted ones with --columns"
    );
    assert!(error("\u{0}\u{1}junk\n", &auto).to_string().contains("neither text nor"));
    assert!(bytes(b"\xff\xfea\0", &auto).unwrap_err().to_string().contains("UTF-16"));
    let small = ReadOptions { max_bytes: 10, ..ReadOptions::default() };
    assert!(matches!(error("1,2,3,4\n1,2,3,4\n", &small).root(), DataError::TooLarge { limit: 10, .. }));
}

#[test]
fn columns_are_chosen_before_cells_are_judged() {
    let text = "name,a,w,b,y\nann,1,0.5,2,7\nbob,3,2,4,-8\n";
    let options = |columns: Option<&[&str]>, drop: &[&str]| ReadOptions {
        columns: columns.map(|c| c.iter().map(ToString::to_string).collect()),
        drop: drop.iter().map(ToString::to_string).collect(),
        weight_column: Some("w".into()),
        label_column: Some("y".into()),
        ..ReadOptions::default()
    };
    let t = bytes(text.as_bytes(), &options(None, &["name"])).unwrap();
    assert_eq!((t.columns.as_slice(), cells(&t)), (["a".to_string(), "b".into()].as_slice(), vec![1.0, 2.0, 3.0, 4.0]));
    assert_eq!((t.weights, t.labels), (Some(vec![0.5, 2.0]), Some(vec![7, -8])));
    let t = bytes(text.as_bytes(), &options(Some(&["b", "a"]), &[])).unwrap();
    assert_eq!(cells(&t), [2.0, 1.0, 4.0, 3.0]);
    let e = error(text, &options(Some(&["aa"]), &[]));
    assert!(e.to_string().contains("did you mean \"a\"?"), "{e}");
    assert!(matches!(error(text, &options(Some(&["a"]), &["a"])).root(), DataError::NoColumns));
    let weights = |w: &str| {
        error(&format!("a,w\n1,{w}\n"), &ReadOptions { weight_column: Some("w".into()), ..ReadOptions::default() })
    };
    assert!(["-1", "nan", "inf"].iter().all(|w| matches!(weights(w).root(), DataError::Role { row: 2, .. })));
    let label = error("a,y\n1,0.5\n", &ReadOptions { label_column: Some("y".into()), ..ReadOptions::default() });
    assert!(label.to_string().ends_with("0.5 is not a label: an integer"));
}

#[test]
fn header_and_delimiter_can_be_said() {
    let no = ReadOptions { header: Header::No, ..ReadOptions::default() };
    assert!(error("a,b\n1,2\n", &no).to_string().contains("--header"));
    let yes = ReadOptions { header: Header::Yes, delimiter: Some('|'), ..ReadOptions::default() };
    let t = bytes(b"1|2\n3|4\n", &yes).unwrap();
    assert_eq!((t.columns.as_slice(), t.n_rows, t.first_row), (["1".to_string(), "2".into()].as_slice(), 1, 2));
    let bad = ReadOptions { delimiter: Some('é'), ..ReadOptions::default() };
    assert!(matches!(error("1\n", &bad).root(), DataError::Setting(_)));
}

#[test]
fn what_is_written_reads_back() {
    let t = table("a,b\n0.1,-3e-300\n255,NA\n");
    let mut out = Vec::new();
    gibbs_data::csv::write_table(&mut out, &t).unwrap();
    let back = bytes(&out, &ReadOptions::default()).unwrap();
    assert_eq!(back.columns, t.columns);
    assert!(cells(&back).iter().zip(cells(&t)).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()));
    let uneven = gibbs_data::csv::write(&mut out, &["a", "b"], &[&[1.0], &[1.0, 2.0]]);
    assert!(matches!(uneven, Err(DataError::Setting(_))));
}

#[test]
fn a_cut_gzip_is_an_error() {
    let whole = gz("0,1,1\n".repeat(1000).as_bytes());
    for n in [3, 12, whole.len() / 2, whole.len() - 1] {
        let e = bytes(&whole[..n], &ReadOptions::default()).unwrap_err();
        assert!(matches!(e.root(), DataError::Corrupt(_)), "{n}: {e}");
    }
}

proptest! {
    /// A number written as text is read to the same bits, in every delimiter, packed or not.
    #[test]
    fn numbers_survive(numbers in prop::collection::vec(prop::num::f64::NORMAL, 1..60), d in 0usize..4, width in 1usize..4) {
        let delimiter = [',', ';', '\t', ' '][d];
        let rows: Vec<&[f64]> = numbers.chunks_exact(width).collect();
        let line = |r: &&[f64]| r.iter().map(ToString::to_string).collect::<Vec<_>>().join(&delimiter.to_string());
        let text = rows.iter().map(line).collect::<Vec<_>>().join("\n");
        prop_assume!(!rows.is_empty());
        let options = ReadOptions { delimiter: Some(delimiter), ..ReadOptions::default() };
        for content in [text.as_bytes().to_vec(), gz(text.as_bytes())] {
            let t = bytes(&content, &options).unwrap();
            prop_assert_eq!((t.n_rows, t.n_cols()), (rows.len(), width));
            prop_assert!(cells(&t).iter().zip(&numbers).all(|(a, b)| a.to_bits() == b.to_bits()));
        }
    }
}

proptest::proptest! {
    /// Any text is a table of categories or an error, and what was fitted applies to its own table.
    #[test]
    fn arbitrary_text_as_categories_never_panics(text in "([a-z,;\"? \n0-9.]{0,80}|[^\u{0}]{0,60})") {
        use gibbs_data::{Categories, ReadOptions, read_bytes};
        let options = ReadOptions { text: true, ..ReadOptions::default() };
        if let Ok(table) = read_bytes(text.as_bytes(), "t.csv", &options)
            && let Ok(fitted) = Categories::fit(&table, 64)
        {
            let bits = fitted.apply(&table).unwrap();
            for row in 0..table.n_rows {
                let flags: Vec<bool> = (0..bits.n_cols).map(|c| bits.get(row, c)).collect();
                let names = fitted.names(&flags);
                for (c, name) in names.iter().enumerate() {
                    assert_eq!(table.text(row, c).as_deref(), Some(*name));
                }
            }
        }
    }
}

#[test]
fn text_is_coded_and_missing_cells_stay_missing() {
    use gibbs_data::{ReadOptions, read_bytes};
    let options = ReadOptions { text: true, ..ReadOptions::default() };
    let t = read_bytes("a,b\nx,1.50\n?,1.5\ny,true\nx,\n".as_bytes(), "t.csv", &options).unwrap();
    let levels = t.levels.clone().unwrap();
    assert_eq!(levels[0], ["x", "y"]);
    assert_eq!(levels[1], ["1.5", "true"]);
    assert_eq!((t.text(1, 0), t.text(1, 1), t.text(3, 1)), (None, Some("1.5".to_string()), None));
    let (filled, known) = t.filled(|_| 0.0);
    assert_eq!((filled.text(1, 0).as_deref(), known[2], known[3]), (Some("x"), false, true));
    let mut t = t;
    assert_eq!(t.take_column("a").map(|c| (c[0], c[2])), Some((0.0, 1.0)));
    assert_eq!((t.n_cols(), t.text(2, 0).as_deref()), (1, Some("true")));
    assert!(t.take_column("a").is_none());
}
