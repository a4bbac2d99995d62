//! A column that goes by is the column that is read.

use std::path::Path;

use gibbs_data::{DataError, ReadOptions, Streamed, csv, npy, read, stream_column};

use super::{golden, gz};

fn streamed(path: &Path, column: Option<&str>, options: &ReadOptions) -> Result<(Streamed, Vec<f64>), DataError> {
    let mut values = Vec::new();
    let found = stream_column(path, column, options, &mut |block| {
        assert!((1..=4096).contains(&block.len()));
        values.extend_from_slice(block);
        Ok(())
    })?;
    Ok((found, values))
}

/// The column as [`read`] has it, compared bit by bit.
fn same_as_read(path: &Path, column: &str) {
    let options = ReadOptions { columns: Some(vec![column.into()]), ..ReadOptions::default() };
    let table = read(path, &options).unwrap();
    let (found, values) = streamed(path, Some(column), &ReadOptions::default()).unwrap();
    assert_eq!(found, Streamed { column: column.into(), rows: table.n_rows as u64, first_row: table.first_row });
    let wanted: Vec<u64> = (0..table.n_rows).map(|r| table.value(r, 0).to_bits()).collect();
    assert!(values.iter().map(|v| v.to_bits()).eq(wanted), "{} {column}", path.display());
}

#[test]
fn what_goes_by_is_what_is_read() {
    for name in ["snappy.parquet", "zstd_v2.parquet", "gzip_v1.parquet"] {
        ["flag", "small", "i", "u", "big", "f", "d", "inner.a"].iter().for_each(|c| same_as_read(&golden(name), c));
    }
    let dir = tempfile::tempdir().unwrap();
    let (n, path) = (10_001, dir.path().join("t"));
    let columns: [Vec<f64>; 2] = [
        (0..n).map(f64::from).collect(),
        (0..n).map(|i| if i % 7 == 2 { f64::NAN } else { 0.1 * f64::from(i) }).collect(),
    ];
    let mut text = Vec::new();
    csv::write(&mut text, &["whole", "tenth"], &[&columns[0], &columns[1]]).unwrap();
    let spaced = String::from_utf8(text.clone()).unwrap().replace(',', "   ");
    for content in [text.clone(), spaced.into_bytes(), gz(&text)] {
        std::fs::write(&path, content).unwrap();
        ["whole", "tenth"].iter().for_each(|c| same_as_read(&path, c));
    }
    // Without a header, and without a name: the first column, whatever the others hold.
    std::fs::write(&path, "1.5,one\n-2,two\n").unwrap();
    let (found, values) = streamed(&path, None, &ReadOptions::default()).unwrap();
    assert_eq!((found.column.as_str(), found.first_row, values), ("x0", 1, vec![1.5, -2.0]));
    let mut array = Vec::new();
    npy::write(&mut array, &[5000, 2], npy::Numbers::F32(&vec![0.5; 10_000])).unwrap();
    std::fs::write(&path, array).unwrap();
    same_as_read(&path, "x1");
}

#[test]
fn the_limit_is_one_of_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.csv");
    let text = "1234.25\n".repeat(60_000);
    std::fs::write(&path, &text).unwrap();
    // 4,096 lines take some 33 kB, and the reader is at most two buffers of 64 KiB ahead.
    let options = ReadOptions { max_bytes: 200_000, ..ReadOptions::default() };
    assert!(matches!(read(&path, &options).unwrap_err().root(), DataError::TooLarge { .. }));
    assert_eq!(streamed(&path, None, &options).unwrap().1.len(), 60_000);
    // A line without end is no block.
    std::fs::write(&path, format!("1\n\"{text}")).unwrap();
    assert!(matches!(streamed(&path, None, &options).unwrap_err().root(), DataError::TooLarge { .. }));
}

#[test]
fn errors_say_where() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.csv");
    let text: String = (0..9_000).map(|i| if i == 8_000 { "oops\n".into() } else { format!("{i}\n") }).collect();
    std::fs::write(&path, format!("x\n{text}")).unwrap();
    let e = streamed(&path, Some("x"), &ReadOptions::default()).unwrap_err().to_string();
    assert!(e.contains("row 8002") && e.contains("t.csv"), "{e}");
    let mut blocks = 0;
    let stopped = stream_column(&path, None, &ReadOptions::default(), &mut |_| {
        blocks += 1;
        Err(DataError::Setting("enough".into()))
    });
    assert!(stopped.unwrap_err().to_string().contains("enough") && blocks == 1);
    for (file, column) in [("snappy.parquet", "smal"), ("snappy.parquet", "text"), ("no_rows.parquet", "small")] {
        let e = streamed(&golden(file), Some(column), &ReadOptions::default()).unwrap_err();
        let options = ReadOptions { columns: Some(vec![column.into()]), ..ReadOptions::default() };
        assert_eq!(e.to_string(), read(&golden(file), &options).unwrap_err().to_string());
    }
    assert!(matches!(
        streamed(&dir.path().join("none"), None, &ReadOptions::default()),
        Err(DataError::NotFound { .. })
    ));
}
