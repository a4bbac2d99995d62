//! One file a reader or idea; one binary, so that it links once.

mod conll;
mod csv;
mod generators;
mod idx;
mod images;
mod mat;
mod named;
mod npy;
mod parquet;
mod points;
mod preprocess;
mod split;
mod standardise;
mod stream;

use std::io::Write;
use std::path::{Path, PathBuf};

use gibbs_data::{DataError, ReadOptions, Table, read, read_bytes};

/// A committed file written by another program; see `golden/make.py`.
fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn read_golden(name: &str) -> Result<Table, DataError> {
    read(&golden(name), &ReadOptions::default())
}

fn bytes(content: &[u8], options: &ReadOptions) -> Result<Table, DataError> {
    read_bytes(content, "given", options)
}

fn cells(table: &Table) -> Vec<f64> {
    (0..table.values.len()).map(|i| table.values.get(i)).collect()
}

fn gz(content: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(content).unwrap();
    out.finish().unwrap()
}

/// The folder with public data, if this machine has one.
fn public_data() -> Option<PathBuf> {
    let beside = || Some(Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3)?.join("shared/data"));
    std::env::var_os("GIBBS_DATA").map(PathBuf::from).or_else(beside).filter(|p| p.is_dir())
}
