//! No bytes make a reader panic or take memory that the bytes do not account for.
//!
//! A binary of its own: the peak memory that is measured is that of the whole process.

use std::io::Write;

use gibbs_data::{Picture, ReadOptions, Split, npy, read_bytes, stream_column};
use proptest::prelude::*;

fn golden(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn gz(content: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(content).unwrap();
    out.finish().unwrap()
}

/// Peak resident memory of this process in bytes, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib << 10)
}

/// Small valid files of every format: changed here and there they reach deep into the readers.
fn seeds() -> Vec<Vec<u8>> {
    let files = [
        "plain.parquet",
        "snappy.parquet",
        "zstd_v2.parquet",
        "gzip_v1.parquet",
        "no_dictionary.parquet",
        "fortran_f4.npy",
        "cube_u1.npy",
        "version3.npy",
        "record.npy",
        "two.npz",
        "one.npz",
        "pictures/a_grey.png",
        "pictures/d_red_alpha.png",
        "pictures/f_palette.png",
    ];
    let csv = b"a,b,\"c d\"\n1,2.5,NA\n0,-1e3,inf\n\"7\",?,true\n".to_vec();
    let idx = [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3][..], &[1, 2, 3, 4, 5, 6]].concat();
    let mut all: Vec<Vec<u8>> = files.iter().map(|f| std::fs::read(golden(f)).unwrap()).collect();
    all.extend([gz(&csv), gz(&idx), csv, b" 1  2\n 3 4\n".to_vec(), idx]);
    all
}

fn options(choice: u8) -> ReadOptions {
    let some = |name: &str| Some(name.to_string());
    let base = ReadOptions { max_bytes: 16 << 20, ..ReadOptions::default() };
    match choice % 6 {
        0 => ReadOptions { array: some("x"), ..base },
        1 => ReadOptions { weight_column: some("x1"), label_column: some("a"), ..base },
        2 => ReadOptions { drop: ["text", "day", "list.list.element"].map(String::from).to_vec(), ..base },
        3 => ReadOptions { columns: Some(vec!["small".into(), "d".into(), "inner.a".into()]), ..base },
        _ => base,
    }
}

/// Reading ends in a table that is consistent, or in an error that has something to say.
fn reads_or_explains(content: &[u8], choice: u8) {
    match read_bytes(content, "given", &options(choice)) {
        Ok(t) => {
            assert_eq!(t.values.len(), t.n_rows * t.n_cols());
            assert!(t.n_rows > 0 && t.n_cols() > 0);
            assert!(t.weights.is_none_or(|w| w.len() == t.n_rows) && t.labels.is_none_or(|l| l.len() == t.n_rows));
            assert!(t.shape.is_none_or(|(h, w)| h * w == t.columns.len()));
        }
        Err(e) => assert!(e.to_string().len() > 10),
    }
    if let Ok(p) = Picture::decode(content, 16 << 20) {
        assert_eq!(p.samples.len(), p.height * p.width * p.channels);
    }
}

/// What a test may add to the peak: the limit of 16 MiB for a table, as much for its growth, the decompressors' windows.
const MARGIN: u64 = 160 << 20;

fn within_memory(run: impl FnOnce()) {
    let before = peak_memory();
    run();
    if let (Some(before), Some(after)) = (before, peak_memory()) {
        assert!(after < before + MARGIN, "peak memory rose from {before} to {after}");
    }
}

fn runner(cases: u32) -> proptest::test_runner::TestRunner {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    proptest::test_runner::TestRunner::new(config)
}

#[test]
fn arbitrary_bytes() {
    let magics: &[&[u8]] = &[
        b"",
        b"\x93NUMPY\x01\x00\x40\x00{'descr': '<f4', 'fortran_order': False, 'shape': (",
        b"\x93NUMPY\x02\x00",
        b"PK\x03\x04",
        b"PAR1",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"\x1f\x8b\x08\0",
        b"\0\0\x08\x03",
        b"a,b\n",
    ];
    within_memory(|| {
        let bytes = prop::collection::vec(any::<u8>(), 0..300);
        runner(4000)
            .run(&(0..magics.len(), bytes, any::<u8>()), |(m, tail, choice)| {
                reads_or_explains(&[magics[m], &tail].concat(), choice);
                reads_or_explains(&gz(&tail), choice);
                let _ = npy::read(&tail[..], 1 << 20);
                Ok(())
            })
            .unwrap();
    });
}

#[test]
fn arbitrary_text() {
    within_memory(|| {
        let cell = prop_oneof!["[0-9.eE+-]{0,6}", "\"[a-z,\n]{0,4}\"?", Just("NA".to_string()), "[ \t;,]{1,3}"];
        let text = prop::collection::vec((cell, "[,;\t \n]"), 0..40);
        runner(4000)
            .run(&(text, any::<u8>()), |(cells, choice)| {
                let text: String = cells.into_iter().flat_map(|(a, b)| [a, b]).collect();
                reads_or_explains(text.as_bytes(), choice);
                Ok(())
            })
            .unwrap();
    });
}

#[test]
fn mutated_files() {
    let seeds = seeds();
    within_memory(|| {
        let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 1..6);
        runner(12_000)
            .run(&(0..seeds.len(), edits, any::<u8>(), any::<prop::sample::Index>()), |(s, edits, choice, cut)| {
                let mut content = seeds[s].clone();
                for (at, byte, how) in edits {
                    // The ends hold most of the structure: aim there half of the time.
                    let n = content.len();
                    let i = match how {
                        0 => at.index(n),
                        1 => at.index(n.min(64)),
                        _ => n - 1 - at.index(n.min(256)),
                    };
                    content[i] = if how == 3 { content[i] ^ (1 << (byte % 8)) } else { byte };
                }
                if choice >= 192 {
                    content.truncate(cut.index(content.len()) + 1);
                }
                reads_or_explains(&content, choice);
                Ok(())
            })
            .unwrap();
    });
}

/// A column that goes by is the column that is read, or an error; of the same files, the first of their columns.
#[test]
fn mutated_files_go_by() {
    let (seeds, dir) = (seeds(), tempfile::tempdir().unwrap());
    let path = dir.path().join("given");
    within_memory(|| {
        let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
        runner(1_000)
            .run(&(0..seeds.len(), edits), |(s, edits)| {
                let mut content = seeds[s].clone();
                edits.iter().for_each(|(at, byte)| content[at.index(seeds[s].len())] = *byte);
                std::fs::write(&path, &content).unwrap();
                let mut n = 0;
                let options = ReadOptions { max_bytes: 16 << 20, ..ReadOptions::default() };
                let found = stream_column(&path, None, &options, &mut |block| {
                    n += block.len() as u64;
                    Ok(())
                });
                match found {
                    Ok(found) => assert!(found.rows == n && n > 0),
                    Err(e) => assert!(e.to_string().len() > 10),
                }
                Ok(())
            })
            .unwrap();
    });
}

#[test]
fn mutated_splits() {
    let seed = br#"{"train": [0, 2, 4], "validation": [1], "test": [3], "source": "x"}"#;
    let edits = prop::collection::vec((0..seed.len(), any::<u8>()), 0..6);
    runner(4000)
        .run(&edits, |edits| {
            let mut text = seed.to_vec();
            for &(i, b) in &edits {
                text[i] = b;
            }
            if let Ok(s) = Split::from_json(&String::from_utf8_lossy(&text), 5) {
                assert!(s.check(5).is_ok());
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn decompression_bombs_stop_at_the_limit() {
    // 32 MiB of "0\n" in some 32 KiB.
    let bomb = gz(&b"0\n".repeat(16 << 20));
    within_memory(|| {
        let small = ReadOptions { max_bytes: 1 << 20, ..ReadOptions::default() };
        let e = read_bytes(&bomb, "bomb.csv.gz", &small).unwrap_err();
        assert!(matches!(e.root(), gibbs_data::DataError::TooLarge { .. }), "{e}");
    });
}
