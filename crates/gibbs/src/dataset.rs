//! From what the user named to parts that a model is fitted on: reading and splitting.

use std::path::Path;

use gibbs_core::key::{Key, Purpose};
use gibbs_data::generators::{self, Generator};
use gibbs_data::{
    BinariseOption, Categories, DataError, Header, Kind, NamedOptions, ReadOptions, Split, Table, inspect,
};

use crate::batch::Batch;
use crate::config::{ModelKind, VisibleKind};
use crate::error::Error;
use crate::options::FitOptions;
pub use crate::preparation::{Labelled, Preparation};
use crate::run_dir::RunDir;

/// Thresholds at which the named sets are customarily cut into bits.
const CUSTOMARY_THRESHOLDS: [(&str, f64); 3] = [("digits", 8.0), ("mnist", 128.0), ("fashion-mnist", 128.0)];

/// Most values of a column of categories that was asked for, and of one that is recognised.
pub(crate) const MOST_CATEGORIES: usize = 1_000;
const FEW_CATEGORIES: usize = 64;

/// The customary threshold of a named set.
pub fn customary_threshold(data: &str) -> Option<f64> {
    CUSTOMARY_THRESHOLDS.iter().find(|(name, _)| *name == data).map(|&(_, t)| t)
}

/// Whether `data` names a file or a folder and not a set. A name that is also a path is the path, unless that is a run.
pub(crate) fn names_file(data: &str) -> bool {
    let path = Path::new(data);
    let bare_name = !data.contains(['/', '\\', '.']) || data.contains(':');
    path.exists() && RunDir::open(path).is_err() || !bare_name
}

/// Reads a file, a folder of pictures or a named set.
pub fn read_table(data: &str, options: &FitOptions) -> Result<Table, Error> {
    if names_file(data) {
        return Ok(gibbs_data::read(Path::new(data), &read_options(options))?);
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
pub(crate) fn generator(name: &str) -> Option<Box<dyn Generator>> {
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
