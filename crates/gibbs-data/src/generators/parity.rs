//! Even parity.

use gibbs_core::key::Key;

use super::{Generator, parameter, table, uniform};
use crate::{DataError, Table};

pub(super) const NAME: &str = "parity";

/// Bits with an even number of ones, uniform: any of them but one are independent fair coins.
///
/// Entropy `(bits - 1) ln 2`.
#[derive(Clone, Copy, Debug)]
pub struct Parity {
    bits: usize,
}

impl Parity {
    /// Rows of this many bits.
    ///
    /// # Errors
    /// [`DataError::Parameter`] outside 2 to 60.
    pub fn new(bits: usize) -> Result<Self, DataError> {
        if (2..=60).contains(&bits) {
            return Ok(Parity { bits });
        }
        Err(parameter(NAME, format!("bits is {bits}, it must be 2 to 60")))
    }
}

impl Generator for Parity {
    fn name(&self) -> &'static str {
        NAME
    }

    fn generate(&self, n: Option<usize>, key: &Key) -> Result<Table, DataError> {
        let free = self.bits - 1;
        let values = uniform(n, 1 << free, self.bits, key, |index, cells| {
            cells[..free].iter_mut().enumerate().for_each(|(k, cell)| *cell = (index >> k & 1) as u8);
            cells[free] = (index.count_ones() % 2) as u8;
        })?;
        table(self, self.bits, values, None)
    }

    fn entropy(&self) -> f64 {
        (self.bits - 1) as f64 * std::f64::consts::LN_2
    }
}
