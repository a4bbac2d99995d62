//! How the values of a table become rows of a model: fitted once, kept with the model, applied to every later table.

use gibbs_core::dense::Dense;
use gibbs_core::key::{Key, Purpose};
use gibbs_core::rows::{Continuous, Rows};
use gibbs_data::{
    BinariseOption, BitTable, Categories, CountColumns, DataError, Preprocess, Scaling, Split, Standardise, Table,
};
use gibbs_spin::Bits;
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::config::{ModelKind, ScaleKind, VisibleKind};
use crate::dataset::{MOST_CATEGORIES, Part, binarise_option, generator, names_file, read_table};
use crate::error::Error;
use crate::options::FitOptions;

/// How a table becomes rows of a model: fitted once, kept with the model, applied to every later table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Preparation {
    /// Rows of bits.
    Bits(Preprocess),
    /// Rows of real numbers on the model's scale.
    Real(Standardise),
    /// Rows of categories as groups of bits.
    Categories(Categories),
    /// Rows of counts.
    Counts(CountColumns),
    /// Rows of bits, then one group of bits for the class.
    Labelled(Labelled),
}

/// Bits, and the class of a row as a group of bits behind them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Labelled {
    /// How the other columns become bits.
    pub bits: Preprocess,
    /// Name of the column of classes.
    pub column: String,
    /// The classes, rising.
    pub classes: Vec<i64>,
    /// Names of all columns, that of the classes last.
    pub columns: Vec<String>,
}

impl Labelled {
    fn fit(table: &Table, column: &str, option: BinariseOption) -> Result<Self, Error> {
        let bits = Preprocess::fit(table, option)?;
        let labels = Self::labels(table, column)?;
        let mut classes = labels.to_vec();
        classes.sort_unstable();
        classes.dedup();
        if !(2..=MOST_CATEGORIES).contains(&classes.len()) {
            return Err(Error::Data(DataError::Categories {
                column: column.into(),
                count: classes.len(),
                problem: format!("classes are 2 to {MOST_CATEGORIES} different integers"),
            }));
        }
        let mut columns = bits.columns.clone();
        columns.push(column.to_string());
        Ok(Self { bits, column: column.into(), classes, columns })
    }

    fn labels<'a>(table: &'a Table, column: &str) -> Result<&'a [i64], Error> {
        table.labels.as_deref().ok_or_else(|| {
            Error::Usage(format!("the model knows classes (column {column:?}), and this table has no labels; `gibbs impute` predicts them"))
        })
    }

    /// Bits with the group of the class; `None` in `labels` leaves a row's group empty.
    pub(crate) fn join(&self, bits: &Bits, labels: &[Option<i64>], first_row: usize) -> Result<Bits, Error> {
        let n = bits.n_cols();
        let mut joined = Bits::zeros(bits.n_rows(), n + self.width());
        for (row, label) in labels.iter().enumerate() {
            (0..n).filter(|&c| bits.get(row, c)).for_each(|c| joined.set(row, c, true));
            let Some(label) = label else { continue };
            let Ok(code) = self.classes.binary_search(label) else {
                return Err(Error::Data(DataError::UnseenCategory {
                    row: first_row + row,
                    column: self.column.clone(),
                    value: label.to_string(),
                    known: self.classes.iter().map(i64::to_string).collect::<Vec<_>>().join(", "),
                }));
            };
            match self.width() {
                1 => joined.set(row, n, code == 1),
                _ => joined.set(row, n + code, true),
            }
        }
        Ok(joined)
    }

    /// Bits of the class: one where there are two classes.
    pub(crate) fn width(&self) -> usize {
        if self.classes.len() == 2 { 1 } else { self.classes.len() }
    }
}

impl Preparation {
    /// Decides how `table` becomes rows of a model of this kind, scales from its training rows.
    pub fn fit(kind: ModelKind, table: &Table, split: &Split, options: &FitOptions) -> Result<Self, Error> {
        let visible = options.visible.unwrap_or(VisibleKind::Bernoulli);
        match (kind, visible, &options.classes) {
            (ModelKind::Mlp | ModelKind::Conv, ..) | (ModelKind::Rbm, VisibleKind::Gaussian, _) => {}
            (ModelKind::Rbm, VisibleKind::Categorical, _) => {
                return Ok(Self::Categories(Categories::fit(table, MOST_CATEGORIES)?));
            }
            (ModelKind::Rbm, VisibleKind::Counts, _) => return Ok(Self::Counts(CountColumns::fit(table)?)),
            (ModelKind::Rbm, _, Some(column)) => {
                return Ok(Self::Labelled(Labelled::fit(table, column, binarise_option(options)?)?));
            }
            _ => return Ok(Self::Bits(Preprocess::fit(table, binarise_option(options)?)?)),
        }
        let synthetic = options.data.as_deref().is_some_and(|name| generator(name).is_some());
        let scale = options.scale.unwrap_or(match (synthetic, table.shape) {
            (true, _) => ScaleKind::None,
            (false, Some(_)) => ScaleKind::Unit,
            (false, None) => ScaleKind::Standard,
        });
        let scaling = match scale {
            ScaleKind::None => Scaling::None,
            ScaleKind::Standard => Scaling::Standard,
            ScaleKind::Unit => Scaling::Unit { range: None },
        };
        let width = options.dequantise.filter(|w| *w > 0.0);
        Ok(Self::Real(Standardise::fit(table, &split.train, scaling, width)?))
    }

    /// Rows of a whole table, with its weights.
    pub fn apply(&self, table: &Table, seed: u64) -> Result<Part, Error> {
        let key = Key::from_seed(seed).purpose(Purpose::Binarise);
        let packed = |bits: BitTable| Bits::from_words(bits.n_rows, bits.n_cols, bits.words);
        let rows = match self {
            Self::Bits(p) => Batch::Bits(packed(p.apply(table, &key)?)),
            Self::Categories(c) => Batch::Bits(packed(c.apply(table)?)),
            Self::Labelled(l) => {
                let labels: Vec<Option<i64>> = Labelled::labels(table, &l.column)?.iter().copied().map(Some).collect();
                Batch::Bits(l.join(&packed(l.bits.apply(table, &key)?), &labels, table.first_row)?)
            }
            Self::Counts(c) => {
                let counts = c.apply(table)?;
                Batch::Real(Dense::from_rows(c.columns.len(), counts.iter().map(|&v| v as f32).collect()))
            }
            Self::Real(s) => {
                let values = s.apply(table, &key)?;
                Batch::Real(Dense::from_rows(s.n_cols(), values.iter().map(|&v| v as f32).collect()))
            }
        };
        Ok(Part { rows, weights: table.weights.clone(), log_true: None, labels: table.labels.clone() })
    }

    /// Names of the columns, in the model's order.
    pub fn columns(&self) -> &[String] {
        match self {
            Self::Bits(p) => &p.columns,
            Self::Real(s) => &s.columns,
            Self::Categories(c) => &c.columns,
            Self::Counts(c) => &c.columns,
            Self::Labelled(l) => &l.columns,
        }
    }

    /// What is wrong with a preparation that was read from a file.
    ///
    /// # Errors
    /// A sentence, if columns and categories do not belong together.
    pub(crate) fn check(&self) -> Result<(), String> {
        let fits = match self {
            Self::Categories(c) => c.levels.len() == c.columns.len() && c.levels.iter().all(|l| l.len() >= 2),
            Self::Labelled(l) => l.classes.len() >= 2 && l.columns.len() == l.bits.columns.len() + 1,
            Self::Real(s) => s.shift.len() == s.columns.len() && s.scale.len() == s.columns.len(),
            Self::Bits(_) | Self::Counts(_) => true,
        };
        if fits { Ok(()) } else { Err("its model block is damaged (columns and categories differ in number)".into()) }
    }

    /// Units that a row has for each of its columns.
    pub fn widths(&self) -> Vec<usize> {
        match self {
            Self::Categories(c) => c.widths(),
            Self::Labelled(l) => {
                let mut widths = vec![1; l.bits.columns.len()];
                widths.push(l.width());
                widths
            }
            _ => vec![1; self.columns().len()],
        }
    }

    /// Units of a row.
    pub fn n_units(&self) -> usize {
        self.widths().iter().sum()
    }

    /// Widths of the groups of units, and the group that holds the classes.
    ///
    /// # Errors
    /// [`Error::Usage`] if no column of categories has the name of the classes.
    pub(crate) fn groups(&self, classes: Option<&str>) -> Result<(Vec<usize>, Option<usize>), Error> {
        let widths = self.widths();
        let group = match (self, classes) {
            (Self::Labelled(_), _) => Some(widths.len() - 1),
            (Self::Categories(c), Some(name)) => Some(c.columns.iter().position(|n| n == name).ok_or_else(|| {
                Error::Usage(format!(
                    "--classes {name}: no column is called so; the columns are {}",
                    c.columns.join(", ")
                ))
            })?),
            _ => None,
        };
        Ok((widths, group))
    }

    /// Words of a document about which nothing is known, of tables of counts.
    pub(crate) fn mean_length(&self) -> usize {
        if let Self::Counts(c) = self { c.mean_length } else { 1 }
    }

    /// Whether the columns of the table had names, by which those of a later one are found.
    fn has_names(&self) -> bool {
        match self {
            Self::Bits(p) => p.has_names,
            Self::Real(s) => s.has_names,
            Self::Categories(c) => c.has_names,
            Self::Counts(c) => c.has_names,
            Self::Labelled(l) => l.bits.has_names,
        }
    }

    /// Reads a later table: of a file with a header the columns of the fit, whatever else it holds, and any other by the
    /// places of its columns. A column of labels, which no density asks for, may be missing.
    ///
    /// # Errors
    /// As [`read_table`].
    pub fn read(&self, data: &str, options: &FitOptions) -> Result<Table, Error> {
        let mut options = options.clone();
        options.data = Some(data.to_string());
        options.columns = (self.has_names() && names_file(data)).then(|| self.columns().to_vec());
        options.drop = None;
        loop {
            let error = match read_table(data, &options) {
                // Without a header the names were made up.
                Ok(table) if options.columns.is_some() && !table.has_names => {
                    options.columns = None;
                    continue;
                }
                Err(Error::Data(error)) => error,
                other => return other,
            };
            match error.root() {
                DataError::UnknownColumn { name, .. } if options.label_column.as_ref() == Some(name) => {
                    options.label_column = None;
                }
                // Told by its place, or what is missing is said in the model's terms.
                DataError::UnknownColumn { .. } if options.columns.is_some() => options.columns = None,
                _ => return Err(Error::Data(error)),
            }
        }
    }

    /// How later tables are to be read: text where categories are.
    pub fn reads_text(&self) -> bool {
        matches!(self, Self::Categories(_))
    }

    /// Cells of a row of the model in the table's own terms, one a column.
    ///
    /// # Panics
    /// If the row is of another kind.
    pub fn cells(&self, rows: &Batch, row: usize) -> Vec<String> {
        match (self, rows) {
            (Self::Real(s), Batch::Real(x)) => {
                let z: Vec<f64> = x.row(row).iter().map(|&v| f64::from(v)).collect();
                s.invert(&z).into_iter().map(|v| (v as f32).to_string()).collect()
            }
            (_, Batch::Real(x)) => x.row(row).iter().map(f32::to_string).collect(),
            (Self::Categories(c), Batch::Bits(x)) => {
                let bits: Vec<bool> = (0..x.n_cols()).map(|i| x.get(row, i)).collect();
                c.names(&bits).into_iter().map(String::from).collect()
            }
            (Self::Labelled(l), Batch::Bits(x)) => {
                let n = l.bits.columns.len();
                let class = match l.width() {
                    1 => usize::from(x.get(row, n)),
                    width => (0..width).position(|k| x.get(row, n + k)).unwrap_or(0),
                };
                let bits = (0..n).map(|i| u8::from(x.get(row, i)).to_string());
                bits.chain([l.classes[class].to_string()]).collect()
            }
            (_, Batch::Bits(x)) => (0..x.n_cols()).map(|i| u8::from(x.get(row, i)).to_string()).collect(),
        }
    }

    /// What is added to the log density on the model's scale to have that of the table's own units, nats a row.
    pub fn log_jacobian(&self) -> f64 {
        match self {
            Self::Real(s) => s.log_jacobian(),
            _ => 0.0,
        }
    }
}
