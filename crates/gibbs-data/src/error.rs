//! What can be wrong with data, in words a user can act on.

use std::path::{Path, PathBuf};

/// Why a table could not be read, generated, split or prepared.
///
/// Rows are numbered as a person sees them in the file: from 1, the header counted, blank lines not.
/// Indices of a split are positions in the table: from 0.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A problem inside a file: which one, and what.
    #[error("{}: {problem}", file.display())]
    InFile {
        /// The file or folder that was read.
        file: PathBuf,
        /// What is wrong in it.
        #[source]
        problem: Box<DataError>,
    },
    /// Nothing at this path.
    #[error("no such file or folder: {}{hint}", path.display())]
    NotFound {
        /// The path given.
        path: PathBuf,
        /// A suggestion, or nothing.
        hint: String,
    },
    /// Zero bytes, or only blank lines.
    #[error("the file is empty; expected a table with at least one row")]
    Empty,
    /// A header or a shape, and no data behind it.
    #[error("the table has {columns} columns but no rows; if its only line is data, say --header false")]
    NoRows {
        /// Columns that were announced.
        columns: usize,
    },
    /// Every column was dropped or became the weight or the label.
    #[error("no data columns are left; check --columns, --drop, --weight-column and --label-column")]
    NoColumns,
    /// A row of another length than the rows before it.
    #[error(
        "row {row} has {found} cells, the rows before it have {expected}; check the delimiter ({delimiter:?}) and quotes"
    )]
    Ragged {
        /// Row in the file, from 1.
        row: usize,
        /// Cells in the first row.
        expected: usize,
        /// Cells in this row.
        found: usize,
        /// The delimiter in use.
        delimiter: char,
    },
    /// A cell that is not a number.
    #[error("row {row}, column {column:?}: {cell:?} is not a number; {advice}")]
    Text {
        /// Row in the file, from 1.
        row: usize,
        /// Name of the column.
        column: String,
        /// The beginning of the cell.
        cell: String,
        /// What to do.
        advice: String,
    },
    /// An empty cell, `NA`, `nan`, `?` or null.
    #[error(
        "row {row}, column {column:?}: the value is missing; fill it in (gibbs impute does, by a model), remove the row, or fit without the column \
         (--drop {column})"
    )]
    Missing {
        /// Row in the file, from 1.
        row: usize,
        /// Name of the column.
        column: String,
    },
    /// A value that is infinite.
    #[error("row {row}, column {column:?}: the value is {value}; only finite numbers can be modelled")]
    Infinite {
        /// Row in the file, from 1.
        row: usize,
        /// Name of the column.
        column: String,
        /// Plus or minus infinity.
        value: f64,
    },
    /// A value that binary units cannot take.
    #[error("row {row}, column {column:?}: {value} is not 0 or 1, which binary units need; {advice}")]
    NotBinary {
        /// Row in the file, from 1.
        row: usize,
        /// Name of the column.
        column: String,
        /// The value.
        value: f64,
        /// What to do.
        advice: String,
    },
    /// Columns without spread, which cannot be given unit variance.
    #[error(
        "column {column:?} is {value} in every training row{}, so it has no scale; leave it out with --drop {column}, or \
         choose a scaling of all columns together",
        others(*count)
    )]
    Constant {
        /// Name of the first such column.
        column: String,
        /// Its value.
        value: f64,
        /// How many columns are constant.
        count: usize,
    },
    /// A column that is no choice between categories.
    #[error("column {column:?} has {count} different values, {problem}; leave it out with --drop {column}")]
    Categories {
        /// Name of the column.
        column: String,
        /// How many values it has.
        count: usize,
        /// Why that does not do.
        problem: String,
    },
    /// A category that the model was not fitted with.
    #[error("row {row}, column {column:?}: {value:?} was not among the values that the model was fitted with: {known}")]
    UnseenCategory {
        /// Row in the file, from 1.
        row: usize,
        /// Name of the column.
        column: String,
        /// The value.
        value: String,
        /// The values known, the first few.
        known: String,
    },
    /// A value outside the range that Bernoulli draws were set up for.
    #[error(
        "row {row}, column {column:?}: {value} lies outside [{low}, {high}], so it is no probability of a 1; \
         use --binarize THRESHOLD, or fit again on data that covers the range"
    )]
    OutsideRange {
        /// Row in the file, from 1.
        row: usize,
        /// Name of the column.
        column: String,
        /// The value.
        value: f64,
        /// Value that means probability 0.
        low: f64,
        /// Value that means probability 1.
        high: f64,
    },
    /// A weight or a label that cannot be one.
    #[error("row {row}, column {column:?}: {value} is not {wanted}")]
    Role {
        /// Row in the file, from 1.
        row: usize,
        /// Name of the column.
        column: String,
        /// The value.
        value: f64,
        /// What the column must hold.
        wanted: &'static str,
    },
    /// Numbers stored in a way this program does not read.
    #[error("{what} has type {found}; readable are {readable}")]
    UnsupportedType {
        /// The column or array.
        what: String,
        /// The type in the file's own words.
        found: String,
        /// The types that can be read.
        readable: &'static str,
    },
    /// The file ends before what its header announces.
    #[error("the file is cut short: {what} needs {expected} bytes, {found} are there; copy or download it again")]
    Truncated {
        /// What was being read.
        what: String,
        /// Bytes announced.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// Bytes that contradict the format.
    #[error("the file is damaged or not what it seems: {0}")]
    Corrupt(String),
    /// More data than the limit allows.
    #[error(
        "{what} would take {found} bytes, more than the limit of {limit}; select fewer columns with --columns, or split the file"
    )]
    TooLarge {
        /// The table, file or array.
        what: String,
        /// Bytes it would take, as far as known.
        found: u64,
        /// [`ReadOptions::max_bytes`](crate::ReadOptions::max_bytes).
        limit: u64,
    },
    /// Pictures of different sizes in one folder.
    #[error("pictures differ in size: {first} is {first_height}x{first_width}, {other} is {height}x{width}")]
    InconsistentImages {
        /// The first picture.
        first: String,
        /// Its height.
        first_height: usize,
        /// Its width.
        first_width: usize,
        /// The picture that differs.
        other: String,
        /// Its height.
        height: usize,
        /// Its width.
        width: usize,
    },
    /// A folder without pictures.
    #[error("the folder holds no .png files; give a file, or a folder of PNG pictures of one size")]
    NoImages,
    /// A column that the table does not have.
    #[error("no column is called {name:?}{}; the table has {count} columns: {some}", nearest_hint(.nearest.as_ref()))]
    UnknownColumn {
        /// The name asked for.
        name: String,
        /// The closest name, if one is close.
        nearest: Option<String>,
        /// Number of columns.
        count: usize,
        /// The first few names.
        some: String,
    },
    /// An array that the NPZ file does not have, or a choice that was not made.
    #[error("{problem}; the file holds {}; choose one with --array NAME", .names.join(", "))]
    ChooseArray {
        /// What is missing.
        problem: String,
        /// The arrays in the file.
        names: Vec<String>,
    },
    /// A data set that the program does not know.
    #[error("no data set is called {name:?}{}; known: {}", nearest_hint(.nearest.as_ref()), .known.join(", "))]
    UnknownSet {
        /// The name asked for.
        name: String,
        /// The closest name, if one is close.
        nearest: Option<String>,
        /// Every known name.
        known: Vec<String>,
    },
    /// A parameter of a generator that is out of range or does not exist.
    #[error("{generator}: {problem}")]
    Parameter {
        /// The generator.
        generator: &'static str,
        /// What is wrong and which values are possible.
        problem: String,
    },
    /// A file of a named set whose content is not the published one.
    #[error(
        "its uncompressed content has SHA-256 {found}, the published file has {expected}; delete it and get it again"
    )]
    Checksum {
        /// Digest of what was read.
        found: String,
        /// Digest of the published file.
        expected: String,
    },
    /// Files of a named set that are nowhere.
    #[error("the files of {set} were not found. Looked for:\n  {}\n{advice}", paths(.looked_for))]
    FilesNotFound {
        /// The data set.
        set: String,
        /// Every path tried.
        looked_for: Vec<PathBuf>,
        /// How to get them.
        advice: String,
    },
    /// A download that did not succeed.
    #[error("downloading {url} failed: {problem}")]
    Download {
        /// Where from.
        url: String,
        /// What the downloader said.
        problem: String,
    },
    /// Another number of columns than the model was fitted on.
    #[error("the table has {found} columns, the model was fitted on {expected}; {advice}")]
    ColumnCount {
        /// Columns of the model.
        expected: usize,
        /// Columns of the table.
        found: usize,
        /// What to do.
        advice: String,
    },
    /// A label that training did not meet.
    #[error("row {row}: the label {label:?} was not met in training, which had {known}; correct it, or fit with it")]
    UnknownLabel {
        /// Row in the file, from 1.
        row: usize,
        /// The label.
        label: String,
        /// The labels of training.
        known: String,
    },
    /// A split that does not fit the table or itself.
    #[error("the split cannot be used: {0}")]
    Split(String),
    /// A preprocessing setting without meaning.
    #[error("{0}")]
    Setting(String),
    /// The operating system's answer.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl DataError {
    /// The same problem, with the file it is in.
    #[must_use]
    pub fn in_file(self, file: &Path) -> Self {
        match self {
            DataError::InFile { .. } | DataError::NotFound { .. } | DataError::FilesNotFound { .. } => self,
            problem => DataError::InFile { file: file.to_path_buf(), problem: Box::new(problem) },
        }
    }

    /// The problem itself, without the file around it.
    pub fn root(&self) -> &DataError {
        match self {
            DataError::InFile { problem, .. } => problem.root(),
            problem => problem,
        }
    }

    /// A reading error in the format's terms: an early end is [`DataError::Truncated`] or damage, the rest is I/O.
    pub(crate) fn from_read(error: std::io::Error) -> Self {
        use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        match error.kind() {
            UnexpectedEof => DataError::Corrupt(format!("it ends in the middle ({error}); copy or download it again")),
            InvalidData | InvalidInput => DataError::Corrupt(error.to_string()),
            _ => DataError::Io(error),
        }
    }
}

fn others(count: usize) -> String {
    if count > 1 { format!(" (and {} other columns are constant)", count - 1) } else { String::new() }
}

fn nearest_hint(nearest: Option<&String>) -> String {
    nearest.map(|n| format!(", did you mean {n:?}?")).unwrap_or_default()
}

fn paths(list: &[PathBuf]) -> String {
    list.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join("\n  ")
}
