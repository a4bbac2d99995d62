//! From what the user named to rows that a model takes: reading, preprocessing, splitting.

use std::path::Path;

use gibbs_core::dense::Dense;
use gibbs_core::key::{Key, Purpose};
use gibbs_data::generators::{self, Generator};
use gibbs_data::{
    BinariseOption, Header, Kind, NamedOptions, Preprocess, ReadOptions, Scaling, Split, Standardise, Table, inspect,
};
use gibbs_spin::Bits;
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::config::{ModelKind, ScaleKind};
use crate::error::Error;
use crate::options::FitOptions;

/// Thresholds at which the named sets are customarily cut into bits.
const CUSTOMARY_THRESHOLDS: [(&str, f64); 3] = [("digits", 8.0), ("mnist", 128.0), ("fashion-mnist", 128.0)];

/// The customary threshold of a named set.
pub fn customary_threshold(data: &str) -> Option<f64> {
    CUSTOMARY_THRESHOLDS.iter().find(|(name, _)| *name == data).map(|&(_, t)| t)
}

/// Reads a file, a folder of pictures or a named set. A name that is also a path is the path.
pub fn read_table(data: &str, options: &FitOptions) -> Result<Table, Error> {
    let path = Path::new(data);
    let bare_name = !data.contains(['/', '\\', '.']) || data.contains(':');
    if path.exists() || !bare_name {
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
        label_column: o.label_column.clone(),
        ..ReadOptions::default()
    }
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
}

impl Preparation {
    /// Decides how `table` becomes rows of a model of this kind, scales from its training rows.
    pub fn fit(kind: ModelKind, table: &Table, split: &Split, options: &FitOptions) -> Result<Self, Error> {
        if kind.takes_bits() {
            return Ok(Self::Bits(Preprocess::fit(table, binarise_option(options)?)?));
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
        let rows = match self {
            Self::Bits(p) => {
                let bits = p.apply(table, &key)?;
                Batch::Bits(Bits::from_words(bits.n_rows, bits.n_cols, bits.words))
            }
            Self::Real(s) => {
                let values = s.apply(table, &key)?;
                Batch::Real(Dense::from_rows(s.n_cols(), values.iter().map(|&v| v as f32).collect()))
            }
        };
        Ok(Part { rows, weights: table.weights.clone(), log_true: None })
    }

    /// Names of the columns, in the model's order.
    pub fn columns(&self) -> &[String] {
        match self {
            Self::Bits(p) => &p.columns,
            Self::Real(s) => &s.columns,
        }
    }

    /// What is added to the log density on the model's scale to have that of the table's own units, nats a row.
    pub fn log_jacobian(&self) -> f64 {
        match self {
            Self::Bits(_) => 0.0,
            Self::Real(s) => s.log_jacobian(),
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
