//! Tables of text: comma, semicolon, tab or space between the cells, with or without a header, quoted or not.
//!
//! A header is recognised by its cells: the first line is one if every filled cell of it is text, or if a column is text there and a
//! number in the second line, or if it counts `0, 1, ..., n-1` with `n` at least 8 (names that data-frame libraries give
//! by themselves). Blank lines are skipped. Empty cells, `NA`, `N/A`, `nan`, `none`, `null` and `?` are missing values;
//! `true` and `false` are 1 and 0.

use std::cell::Cell;
use std::collections::HashMap;
use std::io::{Cursor, Read, Write};

use ::csv::{ByteRecord, ReaderBuilder};

use super::columns::{self, Roles, short};
use super::stream::{BLOCK, Sink, Streamed};
use crate::{DataError, Header, ReadOptions, Table, Values};

/// Finds the wanted columns.
type Resolve = fn(&[String], &ReadOptions) -> Result<Roles, DataError>;

/// Bytes looked at to find the delimiter.
const SNIFF: usize = 1 << 16;

pub(crate) fn read(reader: impl Read, options: &ReadOptions) -> Result<Table, DataError> {
    let left = Cell::new(options.max_bytes);
    let (rows, has_names) = text(reader, Roles::resolve, options, &left, &mut |_| Ok(()))?;
    rows.finish(has_names)
}

/// Hands over the first of the columns that `options` leave.
pub(crate) fn stream(reader: impl Read, options: &ReadOptions, each: &mut Sink<'_>) -> Result<Streamed, DataError> {
    let left = Cell::new(options.max_bytes);
    let mut block = Vec::with_capacity(BLOCK);
    let mut hand_over = |values: &mut Values| {
        block.clear();
        values.drain_into(&mut block);
        each(&block)
    };
    let mut full = |rows: &mut Rows<'_>| {
        if rows.values.len() < BLOCK {
            return Ok(());
        }
        // Only what is held counts: the next block may be as long as the first.
        left.set(options.max_bytes);
        hand_over(&mut rows.values)
    };
    let first = |names: &[String], o: &ReadOptions| {
        let mut roles = Roles::resolve(names, o)?;
        roles.data.truncate(1);
        Ok(roles)
    };
    let (mut rows, has_names) = text(reader, first, options, &left, &mut full)?;
    if !rows.values.is_empty() {
        hand_over(&mut rows.values)?;
    }
    let first_row = if has_names { 2 } else { 1 };
    let n = rows.row - first_row;
    if n == 0 {
        return Err(DataError::NoRows { columns: rows.names.len() });
    }
    Ok(Streamed { column: rows.names[rows.roles.data[0]].clone(), rows: n as u64, first_row })
}

/// Reads rows, at most `left` bytes of them; `after` sees them after every row. Returns them and whether there is a header.
fn text<'a>(
    mut reader: impl Read,
    resolve: Resolve,
    options: &'a ReadOptions,
    left: &Cell<u64>,
    after: &mut dyn FnMut(&mut Rows<'a>) -> Result<(), DataError>,
) -> Result<(Rows<'a>, bool), DataError> {
    let start = super::head(&mut reader, SNIFF)?;
    if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        return Err(DataError::Corrupt("UTF-16 text: save it as UTF-8".into()));
    }
    if start.iter().take(4096).any(|&b| b == 0) {
        return Err(DataError::Corrupt(
            "neither text nor one of the formats CSV, TSV, Parquet, NPY, NPZ, IDX, PNG (each text may be gzipped)"
                .into(),
        ));
    }
    let delimiter = delimiter(&start, options)?;
    let whole = Limited { inner: Cursor::new(start).chain(reader), left };
    if delimiter == b' ' {
        parse(Squeeze::new(whole), b' ', resolve, options, after)
    } else {
        parse(whole, delimiter, resolve, options, after)
    }
}

fn parse<'a>(
    reader: impl Read,
    delimiter: u8,
    resolve: Resolve,
    options: &'a ReadOptions,
    after: &mut dyn FnMut(&mut Rows<'a>) -> Result<(), DataError>,
) -> Result<(Rows<'a>, bool), DataError> {
    let mut csv = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .buffer_capacity(1 << 16)
        .from_reader(reader);
    let mut next = |record: &mut ByteRecord| csv.read_byte_record(record).map_err(|e| from_csv(e, options));
    let (mut first, mut second) = (ByteRecord::new(), ByteRecord::new());
    if !next(&mut first)? {
        return Err(DataError::Empty);
    }
    let n = first.len();
    let more = next(&mut second)?;
    let has_names = match options.header {
        Header::Yes => true,
        Header::No => false,
        Header::Auto => looks_like_header(&first, more.then_some(&second)),
    };
    let names = if has_names {
        columns::unique(first.iter().map(|c| String::from_utf8_lossy(c).into_owned()).collect())
    } else {
        columns::unnamed(n)
    };
    let mut rows = Rows::new(names, resolve, delimiter, options)?;
    if has_names {
        rows.row = 2;
    } else {
        rows.push(&first)?;
        after(&mut rows)?;
    }
    let mut current = more;
    while current {
        rows.push(&second)?;
        after(&mut rows)?;
        current = next(&mut second)?;
    }
    Ok((rows, has_names))
}

/// The table as it grows.
struct Rows<'a> {
    names: Vec<String>,
    roles: Roles,
    values: Values,
    /// Of a table of text: the values of every data column.
    levels: Vec<Coded>,
    weights: Vec<f64>,
    labels: Vec<i64>,
    row: usize,
    delimiter: u8,
    options: &'a ReadOptions,
}

impl<'a> Rows<'a> {
    fn new(names: Vec<String>, resolve: Resolve, delimiter: u8, options: &'a ReadOptions) -> Result<Self, DataError> {
        let roles = resolve(&names, options)?;
        let (values, weights, labels) = (Values::new(), Vec::new(), Vec::new());
        let levels = roles.data.iter().map(|_| Coded::default()).collect();
        Ok(Rows { names, roles, values, levels, weights, labels, row: 1, delimiter, options })
    }

    fn push(&mut self, record: &ByteRecord) -> Result<(), DataError> {
        if record.len() != self.names.len() {
            let (expected, found, delimiter) = (self.names.len(), record.len(), char::from(self.delimiter));
            return Err(DataError::Ragged { row: self.row, expected, found, delimiter });
        }
        for i in 0..self.roles.data.len() {
            let column = self.roles.data[i];
            let value =
                if self.options.text { self.levels[i].code(&record[column]) } else { self.number(record, column)? };
            self.values.push(value);
        }
        if let Some(c) = self.roles.weight {
            self.weights.push(columns::weight(self.number(record, c)?, self.row, &self.names[c])?);
        }
        if let Some(c) = self.roles.label {
            self.labels.push(columns::label(self.number(record, c)?, self.row, &self.names[c])?);
        }
        let bytes = self.values.len() as u64 * self.values.cell_bytes();
        if bytes > self.options.max_bytes {
            return Err(DataError::TooLarge { what: "the table".into(), found: bytes, limit: self.options.max_bytes });
        }
        self.row += 1;
        Ok(())
    }

    fn number(&self, record: &ByteRecord, c: usize) -> Result<f64, DataError> {
        number(&record[c]).ok_or_else(|| {
            let cell = short(&String::from_utf8_lossy(&record[c]));
            let name = &self.names[c];
            let advice = if self.row == 1 {
                "if the first line holds column names, say --header true".to_string()
            } else {
                format!("leave the column out with --drop {name}, or name the wanted ones with --columns")
            };
            DataError::Text { row: self.row, column: name.clone(), cell, advice }
        })
    }

    fn finish(mut self, has_names: bool) -> Result<Table, DataError> {
        if self.values.is_empty() {
            return Err(DataError::NoRows { columns: self.names.len() });
        }
        self.values.shrink_to_fit();
        let columns: Vec<String> = self.roles.data.iter().map(|&c| self.names[c].clone()).collect();
        Ok(Table {
            n_rows: self.values.len() / columns.len(),
            columns,
            has_names,
            values: self.values,
            weights: self.roles.weight.map(|_| self.weights),
            labels: self.roles.label.map(|_| self.labels),
            levels: self.options.text.then(|| self.levels.into_iter().map(|l| l.names).collect()),
            first_row: if has_names { 2 } else { 1 },
            ..Table::default()
        })
    }
}

/// The distinct values of a column of text.
#[derive(Default)]
struct Coded {
    names: Vec<String>,
    codes: HashMap<String, usize>,
}

impl Coded {
    /// Position of a cell's value, `NaN` for a missing one; a new value gets the next position.
    fn code(&mut self, cell: &[u8]) -> f64 {
        let name = match number(cell) {
            Some(x) if x.is_nan() => return f64::NAN,
            // Only numbers written as such have other spellings; true and false stay words.
            Some(x) if !cell.iter().all(|b| b.is_ascii_alphabetic() || *b == b' ') => x.to_string(),
            _ => String::from_utf8_lossy(cell).trim().to_string(),
        };
        if let Some(code) = self.codes.get(&name) {
            return *code as f64;
        }
        self.codes.insert(name.clone(), self.names.len());
        self.names.push(name);
        (self.names.len() - 1) as f64
    }
}

/// A cell as a number; `NaN` for a missing one, `None` for text.
fn number(cell: &[u8]) -> Option<f64> {
    match cell {
        [d] if d.is_ascii_digit() => return Some(f64::from(d - b'0')),
        [] => return Some(f64::NAN),
        _ => {}
    }
    let text = std::str::from_utf8(cell).ok()?.trim();
    if let Ok(x) = text.parse() {
        return Some(x);
    }
    if ["", "na", "n/a", "?", "null", "none"].iter().any(|m| text.eq_ignore_ascii_case(m)) {
        Some(f64::NAN)
    } else if text.eq_ignore_ascii_case("true") {
        Some(1.0)
    } else if text.eq_ignore_ascii_case("false") {
        Some(0.0)
    } else {
        None
    }
}

fn looks_like_header(first: &ByteRecord, second: Option<&ByteRecord>) -> bool {
    // A missing value says nothing about what the line is.
    let filled: Vec<Option<f64>> = first.iter().map(number).filter(|x| x.is_none_or(|x| !x.is_nan())).collect();
    if !filled.is_empty() && filled.iter().all(Option::is_none) {
        return true;
    }
    let counts = first.len() >= 8 && first.iter().enumerate().all(|(i, c)| number(c) == Some(i as f64));
    counts || second.is_some_and(|s| first.iter().zip(s).any(|(a, b)| number(a).is_none() && number(b).is_some()))
}

fn delimiter(start: &[u8], options: &ReadOptions) -> Result<u8, DataError> {
    match options.delimiter {
        Some(c) if c.is_ascii() && !matches!(c, '"' | '\n' | '\r') => return Ok(c as u8),
        Some(c) => return Err(DataError::Setting(format!("{c:?} cannot be a delimiter; use one ASCII character"))),
        None => {}
    }
    // The delimiter that cuts the first lines into equally many cells, more than one; else the one found at all.
    let text = String::from_utf8_lossy(start);
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).take(20).collect();
    let whole = if start.len() < SNIFF || lines.len() == 1 { lines.len() } else { lines.len().min(19) };
    let counts =
        |d: u8| -> Vec<usize> { lines[..whole].iter().map(|l| cells(l.trim_matches([' ', '\r']), d)).collect() };
    let candidates = *b",\t; ";
    let even = candidates
        .iter()
        .find(|&&d| matches!(counts(d).as_slice(), [n, rest @ ..] if *n > 1 && rest.iter().all(|m| m == n)));
    let some = candidates[..3].iter().find(|&&d| counts(d).first().is_some_and(|&n| n > 1));
    Ok(even.or(some).copied().unwrap_or(b','))
}

/// Cells of a line, delimiters inside quotes and repeated spaces not counted.
fn cells(line: &str, delimiter: u8) -> usize {
    let (mut n, mut quoted, mut previous) = (1, false, 0);
    for b in line.bytes() {
        quoted ^= b == b'"';
        n += usize::from(b == delimiter && !quoted && !(delimiter == b' ' && previous == b' '));
        previous = b;
    }
    n
}

fn from_csv(error: ::csv::Error, options: &ReadOptions) -> DataError {
    match error.into_kind() {
        ::csv::ErrorKind::Io(e) if e.kind() == std::io::ErrorKind::FileTooLarge => {
            DataError::TooLarge { what: "the text".into(), found: options.max_bytes + 1, limit: options.max_bytes }
        }
        ::csv::ErrorKind::Io(e) => DataError::from_read(e),
        other => DataError::Corrupt(format!("{other:?}")),
    }
}

/// Fails, rather than ends, after a number of bytes.
struct Limited<'a, R> {
    inner: R,
    left: &'a Cell<u64>,
}

impl<R: Read> Read for Limited<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.left.set(self.left.get().checked_sub(n as u64).ok_or(std::io::ErrorKind::FileTooLarge)?);
        Ok(n)
    }
}

/// Makes one space of many, and none at the ends of a line: columns aligned by eye.
struct Squeeze<R> {
    inner: R,
    pending: bool,
    at_start: bool,
}

impl<R: Read> Squeeze<R> {
    fn new(inner: R) -> Self {
        Squeeze { inner, pending: false, at_start: true }
    }
}

impl<R: Read> Read for Squeeze<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if buffer.len() < 2 {
            return Ok(0);
        }
        loop {
            // A pending space may come before the first byte read: leave room for it.
            let mut raw = vec![0; (buffer.len() - 1).min(1 << 14)];
            let n = self.inner.read(&mut raw)?;
            let mut written = 0;
            for &b in &raw[..n] {
                match b {
                    b' ' | b'\t' => self.pending = !self.at_start,
                    b'\n' | b'\r' => {
                        (self.pending, self.at_start) = (false, true);
                        buffer[written] = b;
                        written += 1;
                    }
                    _ => {
                        if self.pending {
                            buffer[written] = b' ';
                            written += 1;
                        }
                        (self.pending, self.at_start) = (false, false);
                        buffer[written] = b;
                        written += 1;
                    }
                }
            }
            if written > 0 || n == 0 {
                return Ok(written);
            }
        }
    }
}

/// Writes columns of numbers with a header line; a value is written so that it reads back to the same bits.
///
/// # Errors
/// [`DataError::Setting`] where the lengths differ, [`DataError::Io`].
///
/// # Example
/// ```
/// let mut out = Vec::new();
/// gibbs_data::csv::write(&mut out, &["energy", "log_prob"], &[&[-3.5, 2.0], &[-1.25, -6.75]]).unwrap();
/// assert_eq!(String::from_utf8(out).unwrap(), "energy,log_prob\n-3.5,-1.25\n2,-6.75\n");
/// ```
pub fn write(out: impl Write, names: &[&str], columns: &[&[f64]]) -> Result<(), DataError> {
    let n_rows = super::columns::common_length(names, columns)?;
    write_rows(out, names.iter().copied(), n_rows, |r, c| columns[c][r])
}

/// Writes a table with its column names.
///
/// # Errors
/// [`DataError::Io`].
pub fn write_table(out: impl Write, table: &Table) -> Result<(), DataError> {
    write_rows(out, table.columns.iter().map(String::as_str), table.n_rows, |r, c| table.value(r, c))
}

fn write_rows<'a>(
    out: impl Write,
    names: impl Iterator<Item = &'a str>,
    n_rows: usize,
    value: impl Fn(usize, usize) -> f64,
) -> Result<(), DataError> {
    let mut csv = ::csv::Writer::from_writer(out);
    let names: Vec<&str> = names.collect();
    let failed = |e: ::csv::Error| DataError::Io(e.into());
    csv.write_record(&names).map_err(failed)?;
    for r in 0..n_rows {
        (0..names.len()).try_for_each(|c| csv.write_field(value(r, c).to_string())).map_err(failed)?;
        csv.write_record(None::<&[u8]>).map_err(failed)?;
    }
    csv.flush()?;
    Ok(())
}
