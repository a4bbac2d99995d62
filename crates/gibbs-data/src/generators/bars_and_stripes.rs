//! Bars and stripes.

use gibbs_core::key::Key;

use super::{Generator, parameter, table, uniform};
use crate::{DataError, Table};

pub(super) const NAME: &str = "bars-and-stripes";

/// Squares in which whole rows, or whole columns, are lit; uniform over the `2^(side+1) - 2` distinct patterns.
///
/// Entropy `ln(2^(side+1) - 2)`.
///
/// Source: `MacKay`, Information Theory, Inference and Learning Algorithms, 2003, section 43.1; Hinton & Sejnowski, in
/// Parallel Distributed Processing 1, 1986, chapter 7.
#[derive(Clone, Copy, Debug)]
pub struct BarsAndStripes {
    side: usize,
}

impl BarsAndStripes {
    /// Patterns on a square of this side.
    ///
    /// # Errors
    /// [`DataError::Parameter`] outside 2 to 32.
    pub fn new(side: usize) -> Result<Self, DataError> {
        if (2..=32).contains(&side) {
            return Ok(BarsAndStripes { side });
        }
        Err(parameter(NAME, format!("side is {side}, it must be 2 to 32")))
    }

    fn count(self) -> u64 {
        (2 << self.side) - 2
    }
}

impl Generator for BarsAndStripes {
    fn name(&self) -> &'static str {
        NAME
    }

    fn generate(&self, n: Option<usize>, key: &Key) -> Result<Table, DataError> {
        let side = self.side;
        let values = uniform(n, self.count(), side * side, key, |index, cells| {
            // First all choices of rows; then those of columns, without none and all, which are rows too.
            let rows = index >> side == 0;
            let lit = if rows { index } else { index - (1 << side) + 1 };
            for (k, cell) in cells.iter_mut().enumerate() {
                *cell = (lit >> (if rows { k / side } else { k % side }) & 1) as u8;
            }
        })?;
        table(self, side * side, values, Some((side, side)))
    }

    fn entropy(&self) -> f64 {
        (self.count() as f64).ln()
    }
}
