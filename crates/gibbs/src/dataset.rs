//! From what the user named to bits: reading, preprocessing, splitting.

use std::path::Path;

use gibbs_core::key::{Key, Purpose};
use gibbs_core::rows::Rows;
use gibbs_data::{BinariseOption, Header, Kind, NamedOptions, Preprocess, ReadOptions, Split, Table, inspect};
use gibbs_spin::Bits;

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

/// One part of a table, ready for a model.
#[derive(Clone, Debug)]
pub struct Part {
    /// Rows.
    pub rows: Bits,
    /// One weight a row, if the table has weights.
    pub weights: Option<Vec<f64>>,
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

    fn select(all: &Bits, weights: Option<&[f64]>, index: &[usize]) -> Self {
        Self { rows: all.select(index), weights: weights.map(|w| index.iter().map(|&i| w[i]).collect()) }
    }
}

/// Bits of a whole table under a fitted preprocessing.
pub fn to_bits(table: &Table, preprocess: &Preprocess, seed: u64) -> Result<Part, Error> {
    let key = Key::from_seed(seed).purpose(Purpose::Binarise);
    let bits = preprocess.apply(table, &key)?;
    Ok(Part { rows: Bits::from_words(bits.n_rows, bits.n_cols, bits.words), weights: table.weights.clone() })
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
    /// The fitted preprocessing.
    pub preprocess: Preprocess,
    /// The division.
    pub split: Split,
    /// Height and width of a row that is a picture.
    pub shape: Option<(usize, usize)>,
    /// Largest mean log-likelihood that any model can have, where the data is synthetic and it is known.
    pub max_log_likelihood: Option<f64>,
    /// SHA-256 of the raw data.
    pub data_sha256: String,
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

/// Divides a table by `split` and turns it into bits. The table is given up on the way.
pub fn prepare(table: Table, preprocess: Preprocess, split: Split, seed: u64) -> Result<Prepared, Error> {
    let all = to_bits(&table, &preprocess, seed)?;
    let (shape, max_log_likelihood, data_sha256) = (table.shape, table.max_log_likelihood, table.source_hash_hex());
    // The raw values are up to 64 times larger than their bits: they go before the parts are copied.
    drop(table);
    let weights = all.weights.as_deref();
    for (part, index) in split.parts() {
        let total: f64 = weights.map_or(1.0, |w| index.iter().map(|&i| w[i]).sum());
        if !index.is_empty() && total <= 0.0 {
            return Err(Error::Usage(format!(
                "the {} rows of the {part} part all have weight zero: check --weight-column, or choose another --seed",
                index.len()
            )));
        }
    }
    Ok(Prepared {
        train: Part::select(&all.rows, weights, &split.train),
        validation: Part::select(&all.rows, weights, &split.validation),
        test: Part::select(&all.rows, weights, &split.test),
        preprocess,
        split,
        shape,
        max_log_likelihood,
        data_sha256,
    })
}

/// Whether a table can be modelled as bits without being told how, and the sentence that says so.
///
/// # Errors
/// [`Error::Usage`] naming what would be needed.
pub fn recognise(table: &Table) -> Result<String, Error> {
    let kind = inspect(table);
    match kind {
        Kind::Binary | Kind::OneHot { .. } => Ok(kind.to_string()),
        // Missing and infinite values have an error of their own, with row and column.
        Kind::Incomplete { .. } => {
            Err(table.check_finite().err().map_or_else(|| Error::Usage(kind.to_string()), Error::Data))
        }
        _ => Err(Error::Usage(format!(
            "{}: {kind}. The models of this version are for binary tables: say how values become bits with \
             --binarize THRESHOLD (a value >= THRESHOLD is 1) or --binarize bernoulli, or choose binary columns with --columns",
            table.source
        ))),
    }
}
