//! Readers: one file a format. [`read`] looks at the first bytes, not at the name.

pub(crate) mod columns;
pub mod conll;
pub mod csv;
mod guard;
pub(crate) mod idx;
pub(crate) mod image;
pub mod mat;
pub mod npy;
mod npy_header;
pub(crate) mod npz;
pub mod parquet;
mod stream;

use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};

use crate::{DataError, Table, hash::Hashing};
pub use stream::{Streamed, stream_column};

/// Whether the first line of a text table holds names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Header {
    /// Decided by looking: see [`csv`].
    #[default]
    Auto,
    /// The first line holds names.
    Yes,
    /// The first line is data.
    No,
}

/// What to read from a file and how much of it at most.
///
/// # Example
/// ```
/// use gibbs_data::{read_bytes, ReadOptions};
/// let options = ReadOptions { drop: vec!["name".into()], label_column: Some("y".into()), ..ReadOptions::default() };
/// let t = read_bytes("name,a,b,y\nann,0,1,7\nbob,1,1,8\n".as_bytes(), "t.csv", &options).unwrap();
/// assert_eq!(t.columns, ["a", "b"]);
/// assert_eq!(t.labels, Some(vec![7, 8]));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReadOptions {
    /// Columns to keep, in this order; all if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// Columns to leave out.
    pub drop: Vec<String>,
    /// Whether a text table has a header line.
    pub header: Header,
    /// What separates the cells of a text table: comma, semicolon, tab or space if absent, whichever the first lines show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// Name of the array in an NPZ file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub array: Option<String>,
    /// A column of non-negative sample weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_column: Option<String>,
    /// A column of integer labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_column: Option<String>,
    /// Take the cells of a text table for names of categories, numbers too: see [`Table::levels`].
    pub text: bool,
    /// Limit on the table in memory and on the decompressed file, in bytes; 8 GiB unless set.
    pub max_bytes: u64,
}

impl Default for ReadOptions {
    fn default() -> Self {
        ReadOptions {
            columns: None,
            drop: Vec::new(),
            header: Header::Auto,
            delimiter: None,
            array: None,
            weight_column: None,
            label_column: None,
            text: false,
            max_bytes: 8 << 30,
        }
    }
}

/// Reads a table: CSV or TSV, NPY or IDX (each also gzipped), NPZ, Parquet, a PNG picture or a folder of them.
///
/// The format is recognised by the first bytes. Memory grows with the data actually read, never with what a header
/// announces, and stays below rows x columns bytes plus buffers where every value is an integer in `0..=255`.
/// A path may be a pipe (`/dev/stdin`) for the formats that are read in one pass (CSV, NPY, IDX).
///
/// # Errors
/// [`DataError`], with the file, the row (from 1, the header counted) and the column. Missing values are no error here:
/// they become `NaN`, see [`Table::first_missing`].
///
/// # Example
/// ```
/// use gibbs_data::{read, ReadOptions};
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("t.csv");
/// std::fs::write(&path, "a;b\n0;1\n1;1\n").unwrap();
/// let t = read(&path, &ReadOptions::default()).unwrap();
/// assert_eq!((t.n_rows, t.columns.as_slice()), (2, ["a".to_string(), "b".to_string()].as_slice()));
/// ```
pub fn read(path: &Path, options: &ReadOptions) -> Result<Table, DataError> {
    let result = match std::fs::metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(not_found(path)),
        Err(e) => Err(e.into()),
        Ok(m) if m.is_dir() => image::read_folder(path, options),
        Ok(_) => read_file(path, options),
    };
    let mut table = result.map_err(|e| e.in_file(path))?;
    table.source = path.display().to_string();
    Ok(table)
}

/// Reads a table from bytes in memory, as [`read`] reads a file; `name` is used in messages.
///
/// # Errors
/// As [`read`].
pub fn read_bytes(bytes: &[u8], name: &str, options: &ReadOptions) -> Result<Table, DataError> {
    let result = if bytes.starts_with(PARQUET) {
        parquet::read(parquet::copied(bytes), options)
    } else if bytes.starts_with(ZIP) {
        npz::read(Cursor::new(bytes), options)
    } else if bytes.starts_with(PNG) {
        image::read_one(bytes, name, options)
    } else {
        stream(bytes, options).map(|(t, _)| t)
    };
    let mut table = result.map_err(|e| e.in_file(Path::new(name)))?;
    table.source_hash = Hashing::new(bytes).finish()?;
    table.source = name.to_string();
    Ok(table)
}

const PARQUET: &[u8] = b"PAR1";
const ZIP: &[u8] = b"PK\x03\x04";
const EMPTY_ZIP: &[u8] = b"PK\x05\x06";
const PNG: &[u8] = b"\x89PNG";
const GZIP: &[u8] = b"\x1f\x8b";

fn read_file(path: &Path, options: &ReadOptions) -> Result<Table, DataError> {
    let mut file = File::open(path)?;
    let magic = head(&mut file, 4)?;
    let random_access = [PARQUET, ZIP, EMPTY_ZIP, PNG].iter().any(|m| magic.starts_with(m));
    if !random_access {
        let (table, hash) = stream(Cursor::new(magic).chain(file), options)?;
        return Ok(Table { source_hash: hash, ..table });
    }
    let reopened = File::open(path)?;
    let source_hash = Hashing::new(BufReader::new(File::open(path)?)).finish()?;
    let table = if magic.starts_with(PARQUET) {
        parquet::read(reopened, options)
    } else if magic.starts_with(PNG) {
        image::read_one(&image::picture_bytes(reopened, options)?, &path.display().to_string(), options)
    } else {
        npz::read(BufReader::new(reopened), options)
    }?;
    Ok(Table { source_hash, ..table })
}

/// Reads a format that needs one pass: NPY, IDX, text; gzip is taken off first.
fn stream(raw: impl Read, options: &ReadOptions) -> Result<(Table, [u8; 32]), DataError> {
    let mut raw = Hashing::new(BufReader::with_capacity(1 << 16, raw));
    let magic = head(&mut raw, 2)?;
    let mut whole = Cursor::new(magic.clone()).chain(&mut raw);
    let table = if magic == GZIP {
        let mut plain = MultiGzDecoder::new(BufReader::new(whole));
        plain_stream(&mut plain, options)
    } else {
        plain_stream(&mut whole, options)
    }?;
    Ok((table, raw.finish()?))
}

/// Reads a one-pass format and digests its uncompressed content.
pub(crate) fn read_uncompressed(path: &Path, options: &ReadOptions) -> Result<(Table, [u8; 32]), DataError> {
    let mut file = BufReader::new(File::open(path)?);
    let magic = head(&mut file, 2)?;
    let whole = Cursor::new(magic.clone()).chain(file);
    let content: Box<dyn Read> =
        if magic == GZIP { Box::new(MultiGzDecoder::new(BufReader::new(whole))) } else { Box::new(whole) };
    let mut content = Hashing::new(content);
    let table = plain_stream(&mut content, options)?;
    Ok((table, content.finish()?))
}

fn plain_stream(reader: &mut dyn Read, options: &ReadOptions) -> Result<Table, DataError> {
    let magic = head(reader, 8)?;
    let whole = Cursor::new(magic.clone()).chain(reader);
    if magic.starts_with(npy::MAGIC) {
        npy::read(whole, options.max_bytes)?.into_table(options)
    } else if idx::is_idx(&magic) {
        idx::read(whole, options)
    } else if [PARQUET, ZIP, PNG].iter().any(|m| magic.starts_with(m)) {
        Err(DataError::Corrupt("a gzipped Parquet, NPZ or PNG file: unpack it first (gunzip)".into()))
    } else {
        csv::read(whole, options)
    }
}

/// The first bytes of a stream, fewer only at its end: a pipe may deliver them one by one.
pub(crate) fn head(reader: &mut (impl Read + ?Sized), n: usize) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    reader.take(n as u64).read_to_end(&mut bytes).map_err(DataError::from_read)?;
    Ok(bytes)
}

fn not_found(path: &Path) -> DataError {
    let name = path.to_string_lossy();
    let beside = path.parent().map(|p| if p.as_os_str().is_empty() { Path::new(".") } else { p });
    let names: Vec<String> = beside
        .and_then(|d| std::fs::read_dir(d).ok())
        .map(|entries| entries.flatten().take(10_000).map(|e| e.file_name().to_string_lossy().into_owned()).collect())
        .unwrap_or_default();
    let file = path.file_name().map(|f| f.to_string_lossy().into_owned()).unwrap_or_default();
    let sets = crate::named::list().iter().map(|s| s.name);
    let hint = crate::nearest(&file, names.iter().map(String::as_str))
        .map(|n| format!("; there is {n:?} in that folder"))
        .or_else(|| crate::nearest(&name, sets).map(|n| format!("; did you mean the data set {n:?}?")))
        .unwrap_or_default();
    DataError::NotFound { path: path.to_path_buf(), hint }
}
