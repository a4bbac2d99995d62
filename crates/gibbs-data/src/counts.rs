//! Columns that count: words of documents.

use serde::{Deserialize, Serialize};

use crate::column_order::column_order;
use crate::{DataError, Table};

/// The columns of a table of counts, stored with a run and applied to every later table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountColumns {
    /// Names of the columns (the vocabulary), in the model's order.
    pub columns: Vec<String>,
    /// Whether the names came with the data.
    pub has_names: bool,
    /// Rounded mean of the rows' sums: the length of a document about which nothing is known.
    pub mean_length: usize,
}

/// Largest count of a cell: single precision holds sums of many such exactly.
const MOST: f64 = 1e6;

impl CountColumns {
    /// Takes the columns of a table of counts.
    ///
    /// # Errors
    /// Those of [`CountColumns::apply`].
    pub fn fit(table: &Table) -> Result<Self, DataError> {
        let mut fitted = Self { columns: table.columns.clone(), has_names: table.has_names, mean_length: 1 };
        let values = fitted.apply(table)?;
        fitted.mean_length = ((values.iter().sum::<f64>() / table.n_rows as f64).round() as usize).max(1);
        Ok(fitted)
    }

    /// The counts, row-major, in the model's order.
    ///
    /// # Errors
    /// [`DataError::ColumnCount`], [`DataError::UnknownColumn`], [`DataError::Missing`], [`DataError::Infinite`], and
    /// [`DataError::Role`] for a value that is no count, or in a row without any.
    pub fn apply(&self, table: &Table) -> Result<Vec<f64>, DataError> {
        let order = column_order(&self.columns, self.has_names, table)?;
        table.check_finite()?;
        let mut out = Vec::with_capacity(table.values.len());
        for row in 0..table.n_rows {
            let role = |c: usize, wanted| DataError::Role {
                row: table.first_row + row,
                column: table.columns[c].clone(),
                value: table.value(row, c),
                wanted,
            };
            let mut total = 0.0;
            for &c in &order {
                let value = table.value(row, c);
                if value.fract() != 0.0 || !(0.0..=MOST).contains(&value) {
                    return Err(role(c, "a count: a whole number from 0 to 1,000,000"));
                }
                total += value;
                out.push(value);
            }
            if total == 0.0 {
                return Err(role(
                    order[0],
                    "enough: a document has at least one word, and every count of this row is 0",
                ));
            }
        }
        Ok(out)
    }
}
