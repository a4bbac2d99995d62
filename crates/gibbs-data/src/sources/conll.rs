//! Columns of text, a token a line and a blank line between sentences: the format of the `CoNLL` shared tasks.
//!
//! Columns are separated by spaces or tabs and every line has as many. Lines that begin with `-DOCSTART-` divide documents:
//! they end a sentence and are no tokens. What the last column means is the reader's business: labels, mostly.
//!
//! Source: Tjong Kim Sang & De Meulder 2003, section 2.1, DOI 10.3115/1119176.1119195.

use crate::DataError;

/// Largest file that is read: 4 GiB of text.
const MAX_BYTES: u64 = 4 << 30;

/// Tokens of a file in columns, divided into sentences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sentences {
    /// Columns of every token.
    pub n_columns: usize,
    /// Tokens of each sentence.
    pub lengths: Vec<usize>,
    cells: Vec<String>,
    lines: Vec<usize>,
}

impl Sentences {
    /// Number of tokens.
    pub fn n_tokens(&self) -> usize {
        self.lines.len()
    }

    /// The columns of a token.
    ///
    /// # Panics
    /// If there is no such token.
    pub fn token(&self, i: usize) -> &[String] {
        &self.cells[i * self.n_columns..][..self.n_columns]
    }

    /// The line of a token in the file, from 1.
    ///
    /// # Panics
    /// If there is no such token.
    pub fn line(&self, i: usize) -> usize {
        self.lines[i]
    }

    /// The sentences at `index`, in that order.
    ///
    /// # Panics
    /// If an index is out of range.
    pub fn select(&self, index: &[usize]) -> Self {
        let starts: Vec<usize> = self.lengths.iter().scan(0, |at, n| Some(std::mem::replace(at, *at + n))).collect();
        let mut out = Self { n_columns: self.n_columns, ..Self::default() };
        for i in index {
            let tokens = starts[*i]..starts[*i] + self.lengths[*i];
            out.lengths.push(tokens.len());
            out.lines.extend_from_slice(&self.lines[tokens.clone()]);
            out.cells.extend_from_slice(&self.cells[tokens.start * self.n_columns..tokens.end * self.n_columns]);
        }
        out
    }
}

/// Reads a file of this format.
///
/// # Errors
/// As [`parse`], and what the system says.
pub fn read(path: &std::path::Path) -> Result<Sentences, DataError> {
    let in_file = |e: DataError| e.in_file(path);
    if !path.exists() {
        return Err(DataError::NotFound { path: path.to_path_buf(), hint: String::new() });
    }
    let found = std::fs::metadata(path).map_err(|e| in_file(e.into()))?.len();
    if found > MAX_BYTES {
        return Err(in_file(DataError::TooLarge { what: "the file".into(), found, limit: MAX_BYTES }));
    }
    let bytes = std::fs::read(path).map_err(|e| in_file(e.into()))?;
    parse(&bytes).map_err(in_file)
}

/// Parses a file's bytes. No more memory is taken than some multiple of them.
///
/// # Errors
/// Text that is not UTF-8, a line with another number of columns than those before it, or no token at all.
///
/// # Example
/// ```
/// let found = gibbs_data::conll::parse(b"-DOCSTART- O\n\nGibbs B-PER\nsampled O\n\nYale B-ORG\n").unwrap();
/// assert_eq!((found.lengths.clone(), found.token(1)), (vec![2, 1], &["sampled".to_string(), "O".to_string()][..]));
/// assert!(gibbs_data::conll::parse(b"a B\nb\n").unwrap_err().to_string().contains("row 2"));
/// ```
pub fn parse(bytes: &[u8]) -> Result<Sentences, DataError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut out = Sentences::default();
    let mut length = 0;
    for (i, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let row = i + 1;
        let line = std::str::from_utf8(line).map_err(|_| {
            DataError::Corrupt(format!("line {row} is not UTF-8; convert the file, with iconv for instance"))
        })?;
        let mut cells = line.split([' ', '\t', '\r']).filter(|c| !c.is_empty()).peekable();
        if cells.peek().is_none_or(|first| *first == "-DOCSTART-") {
            if length > 0 {
                out.lengths.push(std::mem::take(&mut length));
            }
            continue;
        }
        let before = out.cells.len();
        out.cells.extend(cells.map(String::from));
        let found = out.cells.len() - before;
        if out.lines.is_empty() {
            out.n_columns = found;
        } else if found != out.n_columns {
            return Err(DataError::Ragged { row, expected: out.n_columns, found, delimiter: ' ' });
        }
        out.lines.push(row);
        length += 1;
    }
    if length > 0 {
        out.lengths.push(length);
    }
    if out.lines.is_empty() { Err(DataError::Empty) } else { Ok(out) }
}
