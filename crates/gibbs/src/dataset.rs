//! From what the user named to rows that a model takes: reading, preprocessing, splitting.

use std::path::Path;

use gibbs_core::dense::Dense;
use gibbs_core::key::{Key, Purpose};
use gibbs_core::rows::{Continuous, Rows};
use gibbs_data::generators::{self, Generator};
use gibbs_data::{
    BinariseOption, BitTable, Categories, CountColumns, DataError, Header, Kind, NamedOptions, Preprocess, ReadOptions,
    Scaling, Split, Standardise, Table, inspect,
};
use gibbs_spin::Bits;
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::config::{ModelKind, ScaleKind, VisibleKind};
use crate::error::Error;
use crate::options::FitOptions;
use crate::run_dir::RunDir;

/// Thresholds at which the named sets are customarily cut into bits.
const CUSTOMARY_THRESHOLDS: [(&str, f64); 3] = [("digits", 8.0), ("mnist", 128.0), ("fashion-mnist", 128.0)];

/// The customary threshold of a named set.
pub fn customary_threshold(data: &str) -> Option<f64> {
    CUSTOMARY_THRESHOLDS.iter().find(|(name, _)| *name == data).map(|&(_, t)| t)
}

/// Reads a file, a folder of pictures or a named set. A name that is also a path is the path, unless that is a run.
pub fn read_table(data: &str, options: &FitOptions) -> Result<Table, Error> {
    let path = Path::new(data);
    let bare_name = !data.contains(['/', '\\', '.']) || data.contains(':');
    let is_data = path.exists() && RunDir::open(path).is_err();
    if is_data || !bare_name {
        return Ok(gibbs_data::read(path, &read_options(options))?);
    }
    let chosen = [
        ("--columns", options.columns.is_some()),
        ("--drop", options.drop.as_ref().is_some_and(|d| !d.is_empty())),
        ("--weight-column", options.weight_column.is_some()),
        ("--label-column", options.label_column.is_some()),
    ];
    if let Some((flag, _)) = chosen.iter().find(|(_, given)| *given) {
        return Err(Error::Usage(format!("{flag} is for files; the named set {data} is taken whole")));
    }
    let named = NamedOptions {
        data_dir: options.data_dir.clone(),
        download: options.download.unwrap_or(false),
        n: options.rows,
        ..NamedOptions::default()
    };
    let key = Key::from_seed(options.seed.unwrap_or(0)).purpose(Purpose::Generate);
    Ok(gibbs_data::named(data, &named, &key)?)
}

fn read_options(o: &FitOptions) -> ReadOptions {
    let text = o.visible == Some(VisibleKind::Categorical);
    ReadOptions {
        columns: o.columns.clone(),
        drop: o.drop.clone().unwrap_or_default(),
        header: match o.header {
            None => Header::Auto,
            Some(true) => Header::Yes,
            Some(false) => Header::No,
        },
        delimiter: o.delimiter,
        array: o.array.clone(),
        weight_column: o.weight_column.clone(),
        // Classes among categories are a column like the others; beside bits they are the table's labels.
        label_column: if text { None } else { o.classes.clone().or_else(|| o.label_column.clone()) },
        text,
        ..ReadOptions::default()
    }
}

/// Reads a table about whose columns nothing was said, as text if some cell is no number and every column has few values;
/// `options.visible` then says so.
///
/// # Errors
/// As [`read_table`]; the column that has too many values to be categories is named.
pub fn read_unknown(data: &str, options: &mut FitOptions) -> Result<Table, Error> {
    let numbers = match read_table(data, options) {
        Err(Error::Data(e)) if matches!(e.root(), DataError::Text { .. }) => Err(e),
        other => return other,
    };
    let open = options.model.is_none_or(|m| m == ModelKind::Rbm) && options.visible.is_none();
    if !open || options.binarize.is_some() {
        return numbers.map_err(Error::Data);
    }
    options.visible = Some(VisibleKind::Categorical);
    let table = read_table(data, options)?;
    // A header taken for data would make every column one of text.
    Categories::fit(&table, FEW_CATEGORIES).map_err(|e| match numbers {
        Err(first) if !matches!(e, DataError::Missing { .. }) => Error::Table(format!(
            "{first}. Taken as categories, {e}, or say --visible categorical to allow up to {MOST_CATEGORIES}"
        )),
        _ => Error::Data(e),
    })?;
    Ok(table)
}

/// How values become bits, as the user said; as they are if nothing was said.
pub fn binarise_option(options: &FitOptions) -> Result<BinariseOption, Error> {
    match options.binarize.as_deref() {
        None | Some("none") => Ok(BinariseOption::None),
        Some("bernoulli") => Ok(BinariseOption::Bernoulli { range: None }),
        Some(text) => match text.parse::<f64>() {
            Ok(t) if t.is_finite() => Ok(BinariseOption::Threshold(t)),
            _ => Err(Error::Usage(format!("--binarize takes a number, `bernoulli` or `none`, found `{text}`"))),
        },
    }
}

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

/// Most values of a column of categories that was asked for, and of one that is recognised.
const MOST_CATEGORIES: usize = 1_000;
const FEW_CATEGORIES: usize = 64;

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

/// One part of a table, ready for a model.
#[derive(Clone, Debug)]
pub struct Part {
    /// Rows.
    pub rows: Batch,
    /// One weight a row, if the table has weights.
    pub weights: Option<Vec<f64>>,
    /// Log of the true density of each row, nats, where the data is synthetic and it is known.
    pub log_true: Option<Vec<f64>>,
    /// Label of each row, if the table has labels. No density sees them.
    pub labels: Option<Vec<i64>>,
}

impl Part {
    /// Weights that sum to one.
    pub fn normalised_weights(&self) -> Vec<f64> {
        let n = self.rows.n_rows();
        match &self.weights {
            Some(w) => {
                let total: f64 = w.iter().sum();
                w.iter().map(|w| w / total).collect()
            }
            None => vec![1.0 / n as f64; n],
        }
    }

    /// The rows at `index`.
    #[must_use]
    pub fn select(&self, index: &[usize]) -> Self {
        let pick = |v: &Vec<f64>| index.iter().map(|&i| v[i]).collect();
        Self {
            rows: self.rows.select(index),
            weights: self.weights.as_ref().map(pick),
            log_true: self.log_true.as_ref().map(pick),
            labels: self.labels.as_ref().map(|l| index.iter().map(|&i| l[i]).collect()),
        }
    }

    /// The first rows, at most `most`.
    #[must_use]
    pub fn first(&self, most: usize) -> Self {
        let n = self.rows.n_rows().min(most);
        let cut = |v: &Vec<f64>| v[..n].to_vec();
        Self {
            rows: self.rows.slice(0, n),
            weights: self.weights.as_ref().map(cut),
            log_true: self.log_true.as_ref().map(cut),
            labels: self.labels.as_ref().map(|l| l[..n].to_vec()),
        }
    }
}

/// A table divided into parts.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Training rows.
    pub train: Part,
    /// Rows kept for early stopping.
    pub validation: Part,
    /// Rows kept for the end.
    pub test: Part,
    /// The fitted preparation.
    pub preparation: Preparation,
    /// The division.
    pub split: Split,
    /// Height and width of a row that is a picture.
    pub shape: Option<(usize, usize)>,
    /// Largest mean log-likelihood that any model can have, where the data is synthetic and it is known.
    pub max_log_likelihood: Option<f64>,
    /// SHA-256 of the raw data.
    pub data_sha256: String,
}

/// The generator that a name stands for, if it is a generator's and its parameters are right.
fn generator(name: &str) -> Option<Box<dyn Generator>> {
    generators::from_name(name).ok().flatten()
}

/// The division of a table that the options ask for.
pub fn split_of(table: &Table, options: &FitOptions) -> Result<Split, Error> {
    let key = Key::from_seed(options.seed.unwrap_or(0));
    let validation = options.validation_fraction.unwrap_or(0.15);
    let mut split = match (&options.split_file, &table.suggested_split) {
        (Some(path), _) => Split::from_file(path, table.n_rows)?,
        (None, Some(suggested)) if options.test_fraction.is_none() => suggested.clone(),
        _ => Split::random(table.n_rows, validation, options.test_fraction.unwrap_or(0.2), &key)?,
    };
    split.carve_validation(validation, &key)?;
    Ok(split)
}

/// Divides a table by `split` and prepares its rows. The table is given up on the way.
pub fn prepare(name: &str, table: Table, preparation: Preparation, split: Split, seed: u64) -> Result<Prepared, Error> {
    let mut all = preparation.apply(&table, seed)?;
    if let (Preparation::Real(_), Some(generator)) = (&preparation, generator(name)) {
        let n = table.n_cols();
        let row = |i: usize| (0..n).map(|c| table.value(i, c)).collect::<Vec<f64>>();
        all.log_true = (0..table.n_rows).map(|i| generator.log_density(&row(i))).collect();
    }
    let (shape, max_log_likelihood, data_sha256) = (table.shape, table.max_log_likelihood, table.source_hash_hex());
    // The raw values are up to 64 times larger than their bits: they go before the parts are copied.
    drop(table);
    for (part, index) in split.parts() {
        let total: f64 = all.weights.as_ref().map_or(1.0, |w| index.iter().map(|&i| w[i]).sum());
        if !index.is_empty() && total <= 0.0 {
            return Err(Error::Usage(format!(
                "the {} rows of the {part} part all have weight zero: check --weight-column, or choose another --seed",
                index.len()
            )));
        }
    }
    Ok(Prepared {
        train: all.select(&split.train),
        validation: all.select(&split.validation),
        test: all.select(&split.test),
        preparation,
        split,
        shape,
        max_log_likelihood,
        data_sha256,
    })
}

/// The kind of model for a table about which nothing was said, and the sentence that says why.
///
/// # Errors
/// Missing and infinite values, with row and column.
pub fn recognise(table: &Table) -> Result<(ModelKind, String), Error> {
    let kind = inspect(table);
    match kind {
        // Categories have positions for values.
        _ if table.levels.is_some() => Ok((ModelKind::Rbm, "columns of text, taken as categories".into())),
        Kind::Binary | Kind::OneHot { .. } => Ok((ModelKind::Rbm, kind.to_string())),
        // Missing and infinite values have an error of their own, with row and column.
        Kind::Incomplete { .. } => {
            Err(table.check_finite().err().map_or_else(|| Error::Usage(kind.to_string()), Error::Data))
        }
        Kind::Integer { .. } => Ok((
            ModelKind::Mlp,
            format!("{kind}, taken as real numbers: --dequantise 1 gives them a density, --binarize makes them bits"),
        )),
        _ => Ok((ModelKind::Mlp, kind.to_string())),
    }
}
