//! From numbers to bits, the same way when a model is fitted and ever after.

use gibbs_core::key::{Key, Purpose};
use serde::{Deserialize, Serialize};

use crate::column_order::column_order;
use crate::{BitTable, DataError, Table, Values};

/// What the user asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BinariseOption {
    /// The values are 0 and 1 already.
    #[default]
    None,
    /// 1 where the value is at least this.
    Threshold(f64),
    /// A random bit with the grey value as its probability.
    Bernoulli {
        /// The values that mean probability 0 and 1. If absent: `(0, 1)` where the table lies in it, else its
        /// smallest (or 0 if nothing is negative) and largest value.
        range: Option<(f64, f64)>,
    },
}

/// How values become bits, with everything decided.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Binarise {
    /// The values are 0 and 1 already; anything else is an error.
    None,
    /// 1 where `x >= threshold`.
    Threshold(f64),
    /// 1 with probability `(x - low) / (high - low)`.
    Bernoulli {
        /// Value of probability 0.
        low: f64,
        /// Value of probability 1.
        high: f64,
    },
}

/// The fitted preparation of a table, stored with a run and applied to every table the model sees.
///
/// # Example
/// ```
/// use gibbs_core::key::Key;
/// use gibbs_data::{BinariseOption, Preprocess, Table, Values};
/// let t = Table::from_values(3, Values::U8(vec![0, 9, 16, 8, 3, 0])).unwrap();
/// let p = Preprocess::fit(&t, BinariseOption::Threshold(8.0)).unwrap();
/// let bits = p.apply(&t, &Key::from_seed(0)).unwrap();
/// assert_eq!(bits.words, [0b110, 0b001]);
/// assert!(Preprocess::fit(&t, BinariseOption::None).unwrap_err().to_string().contains("--binarize"));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preprocess {
    /// Names of the columns, in the model's order.
    pub columns: Vec<String>,
    /// Whether the names came with the data.
    pub has_names: bool,
    /// Number of columns.
    pub n_cols: usize,
    /// How values become bits.
    pub binarise: Binarise,
    /// Height and width of the picture that a row is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<(usize, usize)>,
}

/// Rows that share one key when bits are drawn.
const BLOCK: usize = 128;

impl Preprocess {
    /// Decides how this table, and later ones like it, become bits, and checks that this one can.
    ///
    /// # Errors
    /// [`DataError::Missing`], [`DataError::Infinite`], [`DataError::NotBinary`] or [`DataError::OutsideRange`] with row,
    /// column and value; [`DataError::Setting`] for a threshold or range that is not finite.
    pub fn fit(table: &Table, option: BinariseOption) -> Result<Self, DataError> {
        table.check_finite()?;
        let binarise = match option {
            BinariseOption::None => Binarise::None,
            BinariseOption::Threshold(t) if t.is_finite() => Binarise::Threshold(t),
            BinariseOption::Threshold(t) => {
                return Err(DataError::Setting(format!("--binarize {t}: the threshold must be a finite number")));
            }
            BinariseOption::Bernoulli { range } => {
                let (low, high) = range.unwrap_or_else(|| range_of(table));
                if !(low.is_finite() && high.is_finite() && low < high) {
                    return Err(DataError::Setting(format!(
                        "the range {low} to {high} for Bernoulli draws is empty; give two finite numbers, the smaller first"
                    )));
                }
                Binarise::Bernoulli { low, high }
            }
        };
        let (columns, has_names) = (table.columns.clone(), table.has_names);
        let fitted = Preprocess { columns, has_names, n_cols: table.n_cols(), binarise, shape: table.shape };
        fitted.check_values(table)?;
        Ok(fitted)
    }

    /// The table as bits. Columns are found by name where both sides have names, else taken in order.
    ///
    /// Random bits are drawn under [`Purpose::Binarise`] from one key a block of 128 rows: the same table and key give the
    /// same bits on any machine and at any number of threads.
    ///
    /// # Errors
    /// [`DataError::ColumnCount`] for another number of columns, [`DataError::UnknownColumn`] for a missing one, and those of
    /// [`Preprocess::fit`].
    pub fn apply(&self, table: &Table, key: &Key) -> Result<BitTable, DataError> {
        let order = column_order(&self.columns, self.has_names, table)?;
        table.check_finite()?;
        self.check_values(table)?;
        let mut bits = BitTable::zeros(table.n_rows, self.n_cols);
        let key = key.purpose(Purpose::Binarise);
        for start in (0..table.n_rows).step_by(BLOCK) {
            let rows = start..(start + BLOCK).min(table.n_rows);
            match self.binarise {
                Binarise::None => fill(&mut bits, table, &order, rows, |x| x == 1.0),
                Binarise::Threshold(t) => fill(&mut bits, table, &order, rows, |x| x >= t),
                Binarise::Bernoulli { low, high } => {
                    let mut rng = key.block((start / BLOCK) as u64).rng();
                    fill(&mut bits, table, &order, rows, |x| rng.uniform() < (x - low) / (high - low));
                }
            }
        }
        Ok(bits)
    }

    fn check_values(&self, table: &Table) -> Result<(), DataError> {
        let first = |bad: &dyn Fn(f64) -> bool| (0..table.values.len()).find(|&i| bad(table.values.get(i)));
        match self.binarise {
            Binarise::Threshold(_) => Ok(()),
            Binarise::None => match first(&|x| x != 0.0 && x != 1.0) {
                None => Ok(()),
                Some(i) => {
                    let (row, column) = table.locate(i);
                    Err(DataError::NotBinary { row, column, value: table.values.get(i), advice: advice(table) })
                }
            },
            Binarise::Bernoulli { low, high } => match first(&|x| x < low || x > high) {
                None => Ok(()),
                Some(i) => {
                    let (row, column) = table.locate(i);
                    Err(DataError::OutsideRange { row, column, value: table.values.get(i), low, high })
                }
            },
        }
    }
}

fn fill(
    bits: &mut BitTable,
    table: &Table,
    order: &[usize],
    rows: std::ops::Range<usize>,
    mut one: impl FnMut(f64) -> bool,
) {
    for r in rows {
        for (k, &c) in order.iter().enumerate() {
            if one(table.values.get(r * order.len() + c)) {
                bits.set(r, k);
            }
        }
    }
}

fn extremes(table: &Table) -> (f64, f64) {
    match &table.values {
        Values::U8(v) => v.iter().fold((255.0, 0.0), |(a, b), &x| (f64::from(x).min(a), f64::from(x).max(b))),
        Values::F64(v) => v.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &x| (a.min(x), b.max(x))),
    }
}

fn range_of(table: &Table) -> (f64, f64) {
    let (min, max) = extremes(table);
    (min.min(0.0), if min >= 0.0 && max <= 1.0 { 1.0 } else { max })
}

fn advice(table: &Table) -> String {
    let (min, max) = extremes(table);
    if min >= 0.0 && max <= 1.0 {
        "say --binarize 0.5 to cut at a half, or --binarize bernoulli to draw bits with these probabilities".to_string()
    } else {
        let middle = f64::midpoint(min, max);
        format!(
            "values run from {min} to {max}: say --binarize THRESHOLD (x >= THRESHOLD becomes 1; the middle is {middle})"
        )
    }
}
