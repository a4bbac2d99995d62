//! Real numbers on the scale of a model, the same way when it is fitted and ever after.

use gibbs_core::key::{Key, Purpose};
use serde::{Deserialize, Serialize};

use crate::column_order::column_order;
use crate::{DataError, Table};

/// The scale that the user asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scaling {
    /// The values as they are.
    None,
    /// Mean 0 and variance 1 of every column over the training rows.
    #[default]
    Standard,
    /// One map for all columns that takes a range to `[0, 1]`, as for pixels.
    Unit {
        /// The values that become 0 and 1. If absent: the smallest training value (or 0 if nothing is negative) and the
        /// largest one, plus the width of the dequantisation noise.
        range: Option<(f64, f64)>,
    },
}

/// The fitted map of a table's cells, `z = (x + width u - shift) / scale` column by column with `u ~ U(0, 1)` where
/// noise was asked for; stored with a run and applied to every table the model sees.
///
/// # Dequantisation
/// Integers have no density: a model of real numbers could put a spike on each and have any likelihood. Uniform noise of the
/// width of a step makes the mean log density of the noisy numbers a lower bound of the log probability of the integers
/// (Theis, van den Oord & Bethge, ICLR 2016, arXiv 1511.01844, section 3.1).
///
/// # Example
/// ```
/// use gibbs_core::key::Key;
/// use gibbs_data::{Scaling, Standardise, Table, Values};
/// let t = Table::from_values(2, Values::F64(vec![1.0, 10.0, 3.0, 30.0])).unwrap();
/// let s = Standardise::fit(&t, &[0, 1], Scaling::Standard, None).unwrap();
/// let z = s.apply(&t, &Key::from_seed(0)).unwrap();
/// assert_eq!(z, [-1.0, -1.0, 1.0, 1.0]);
/// assert_eq!(s.invert(&z), [1.0, 10.0, 3.0, 30.0]);
/// // A density of z, stated for x: log p(x) = log p(z) + log_jacobian.
/// assert!((s.log_jacobian() + 10f64.ln()).abs() < 1e-12);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standardise {
    /// Names of the columns, in the model's order.
    pub columns: Vec<String>,
    /// Whether the names came with the data.
    pub has_names: bool,
    /// What becomes 0, one a column.
    pub shift: Vec<f64>,
    /// What becomes 1, less the shift; positive, one a column.
    pub scale: Vec<f64>,
    /// Width of the uniform noise added before all else, in the units of the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dequantise: Option<f64>,
    /// Height and width of the picture that a row is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<(usize, usize)>,
}

/// Rows that share one key when noise is drawn.
const BLOCK: usize = 128;

impl Standardise {
    /// Decides the map from the training rows of a table; `dequantise` is the width of the uniform noise, 1 for integers.
    ///
    /// # Errors
    /// [`DataError::Missing`] or [`DataError::Infinite`] with row and column, [`DataError::Constant`] for a column without
    /// spread under [`Scaling::Standard`], [`DataError::Split`] for rows that do not exist or none, [`DataError::Setting`]
    /// for a width or a range without meaning.
    pub fn fit(table: &Table, rows: &[usize], scaling: Scaling, dequantise: Option<f64>) -> Result<Self, DataError> {
        table.check_finite()?;
        if let Some(row) = rows.iter().find(|&&r| r >= table.n_rows) {
            return Err(DataError::Split(format!("train names row {row}, but the table has {} rows", table.n_rows)));
        }
        if rows.is_empty() {
            return Err(DataError::Split("there are no training rows to take a scale from".to_string()));
        }
        if let Some(width) = dequantise.filter(|w| !(w.is_finite() && *w > 0.0)) {
            return Err(DataError::Setting(format!("noise of width {width}: give a positive number, 1 for integers")));
        }
        let n_cols = table.n_cols();
        let width = dequantise.unwrap_or(0.0);
        let (shift, scale) = match scaling {
            Scaling::None => (vec![0.0; n_cols], vec![1.0; n_cols]),
            Scaling::Standard => standard(table, rows, width)?,
            Scaling::Unit { range } => {
                let (low, high) = range.unwrap_or_else(|| range_of(table, rows, width));
                if !(low.is_finite() && high.is_finite() && low < high) {
                    return Err(DataError::Setting(format!(
                        "the range {low} to {high} cannot become 0 to 1; give two finite numbers, the smaller first"
                    )));
                }
                (vec![low; n_cols], vec![high - low; n_cols])
            }
        };
        let columns = table.columns.clone();
        Ok(Standardise { columns, has_names: table.has_names, shift, scale, dequantise, shape: table.shape })
    }

    /// The table's rows on the model's scale, row-major. Columns are found by name where both sides have names, else taken
    /// in order.
    ///
    /// Noise is drawn under [`Purpose::Noise`] from one key a block of 128 rows.
    ///
    /// # Errors
    /// [`DataError::ColumnCount`], [`DataError::UnknownColumn`], [`DataError::Missing`], [`DataError::Infinite`].
    pub fn apply(&self, table: &Table, key: &Key) -> Result<Vec<f64>, DataError> {
        let order = column_order(&self.columns, self.has_names, table)?;
        table.check_finite()?;
        let (n_cols, key) = (order.len(), key.purpose(Purpose::Noise));
        let mut z = vec![0.0; table.n_rows * n_cols];
        for (b, block) in z.chunks_mut(BLOCK * n_cols).enumerate() {
            let mut rng = key.block(b as u64).rng();
            for (r, row) in block.chunks_exact_mut(n_cols).enumerate() {
                let first = (b * BLOCK + r) * n_cols;
                for (k, z) in row.iter_mut().enumerate() {
                    let noise = self.dequantise.map_or(0.0, |width| width * rng.uniform());
                    *z = (table.values.get(first + order[k]) + noise - self.shift[k]) / self.scale[k];
                }
            }
        }
        Ok(z)
    }

    /// Rows of a model in the units of the table, without undoing noise.
    ///
    /// # Panics
    /// If `z` does not hold whole rows.
    pub fn invert(&self, z: &[f64]) -> Vec<f64> {
        let n_cols = self.n_cols();
        assert!(z.len().is_multiple_of(n_cols), "{} numbers in rows of {n_cols}", z.len());
        z.iter().enumerate().map(|(i, z)| z * self.scale[i % n_cols] + self.shift[i % n_cols]).collect()
    }

    /// `ln |dz / dx| = -sum_k ln scale_k` in nats: what is added to the log density of `z` to have that of `x`.
    pub fn log_jacobian(&self) -> f64 {
        -self.scale.iter().map(|s| s.ln()).sum::<f64>()
    }

    /// Number of columns.
    pub fn n_cols(&self) -> usize {
        self.columns.len()
    }
}

/// Mean and standard deviation of every column over the rows, the noise's own (`width / 2`, `width^2 / 12`) included.
fn standard(table: &Table, rows: &[usize], width: f64) -> Result<(Vec<f64>, Vec<f64>), DataError> {
    let (n_cols, n) = (table.n_cols(), rows.len() as f64);
    let cell = |r: usize, c: usize| table.values.get(r * n_cols + c);
    let means: Vec<f64> = (0..n_cols).map(|c| rows.iter().map(|&r| cell(r, c)).sum::<f64>() / n).collect();
    let constant: Vec<usize> = (0..n_cols).filter(|&c| rows.iter().all(|&r| cell(r, c) == cell(rows[0], c))).collect();
    if let Some(&c) = constant.first().filter(|_| width == 0.0) {
        let (column, value, count) = (table.columns[c].clone(), cell(rows[0], c), constant.len());
        return Err(DataError::Constant { column, value, count });
    }
    let sd = |c: usize| {
        let variance = rows.iter().map(|&r| (cell(r, c) - means[c]).powi(2)).sum::<f64>() / n;
        (variance + width * width / 12.0).sqrt()
    };
    let scale = (0..n_cols).map(sd).collect();
    Ok((means.iter().map(|m| m + 0.5 * width).collect(), scale))
}

/// Smallest (or 0) and largest value in the rows; the noise reaches `width` further.
fn range_of(table: &Table, rows: &[usize], width: f64) -> (f64, f64) {
    let n_cols = table.n_cols();
    let cells = rows.iter().flat_map(|&r| (0..n_cols).map(move |c| table.values.get(r * n_cols + c)));
    let (min, max) = cells.fold((0.0, f64::NEG_INFINITY), |(a, b): (f64, f64), x| (a.min(x), b.max(x)));
    (min, max + width)
}
