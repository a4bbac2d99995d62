//! One column of a file, block by block: memory does not grow with the file.

use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::{EMPTY_ZIP, GZIP, PARQUET, PNG, ZIP, csv, head, idx, npy, parquet, read};
use crate::{DataError, ReadOptions};

/// Values handed over at once, at most.
pub(super) const BLOCK: usize = 4096;
/// Bytes that tell the formats apart.
const MAGIC: usize = 8;

/// What takes the blocks of a column.
pub(super) type Sink<'a> = dyn FnMut(&[f64]) -> Result<(), DataError> + 'a;

/// The column that went by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Streamed {
    /// Its name.
    pub column: String,
    /// Its rows, missing ones included.
    pub rows: u64,
    /// The number a person gives the first row: 2 below a header, 1 without.
    pub first_row: usize,
}

/// Hands the values of one column to `each`, in order and in blocks of at most 4,096; missing ones are `NaN`. Without a name it
/// is the first column that `options` leave.
///
/// Parquet (a page of a row group at a time) and text (CSV, TSV; also gzipped) are never held in memory: for them
/// [`ReadOptions::max_bytes`] bounds a block, not the file. Other formats are read whole first.
///
/// # Errors
/// As [`read`]; an error of `each` ends the reading and is returned with the file's name.
///
/// # Example
/// ```
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("t.csv");
/// std::fs::write(&path, "a,b\n1,4\n2,NA\n3,6\n").unwrap();
/// let mut sum = 0.0;
/// let found = gibbs_data::stream_column(&path, Some("a"), &Default::default(), &mut |block| {
///     sum += block.iter().sum::<f64>();
///     Ok(())
/// });
/// assert_eq!((sum, found.unwrap().rows), (6.0, 3));
/// ```
pub fn stream_column(
    path: &Path,
    column: Option<&str>,
    options: &ReadOptions,
    each: &mut dyn FnMut(&[f64]) -> Result<(), DataError>,
) -> Result<Streamed, DataError> {
    let columns = column.map(|c| vec![c.to_string()]).or_else(|| options.columns.clone());
    let options = ReadOptions { columns, weight_column: None, label_column: None, text: false, ..options.clone() };
    let metadata = match std::fs::metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(super::not_found(path)),
        other => other.map_err(|e| DataError::from(e).in_file(path))?,
    };
    if metadata.is_dir() {
        return whole(path, &options, each);
    }
    let streamed = match content(path).map_err(|e| e.in_file(path))? {
        Content::Parquet(file) => parquet::stream(file, &options, each),
        Content::Text(text) => csv::stream(text, &options, each),
        Content::Other => return whole(path, &options, each),
    };
    streamed.map_err(|e| e.in_file(path))
}

enum Content {
    Parquet(File),
    Text(Box<dyn Read>),
    Other,
}

/// Looks at the first bytes, those below gzip too.
fn content(path: &Path) -> Result<Content, DataError> {
    let mut file = File::open(path)?;
    let magic = head(&mut file, MAGIC)?;
    if magic.starts_with(PARQUET) {
        return Ok(Content::Parquet(File::open(path)?));
    }
    let rest = Cursor::new(magic.clone()).chain(file);
    let mut plain: Box<dyn Read> = if magic.starts_with(GZIP) {
        Box::new(MultiGzDecoder::new(BufReader::new(rest)))
    } else {
        Box::new(BufReader::with_capacity(1 << 16, rest))
    };
    let magic = head(&mut plain, MAGIC)?;
    let other = [PARQUET, ZIP, EMPTY_ZIP, PNG, npy::MAGIC].iter().any(|m| magic.starts_with(m)) || idx::is_idx(&magic);
    Ok(if other { Content::Other } else { Content::Text(Box::new(Cursor::new(magic).chain(plain))) })
}

/// The other formats, and those that [`read`] refuses.
fn whole(path: &Path, options: &ReadOptions, each: &mut Sink<'_>) -> Result<Streamed, DataError> {
    let table = read(path, options)?;
    let mut block = Vec::with_capacity(BLOCK);
    for start in (0..table.n_rows).step_by(BLOCK) {
        block.clear();
        block.extend((start..(start + BLOCK).min(table.n_rows)).map(|r| table.value(r, 0)));
        each(&block).map_err(|e| e.in_file(path))?;
    }
    Ok(Streamed { column: table.columns[0].clone(), rows: table.n_rows as u64, first_row: table.first_row })
}
