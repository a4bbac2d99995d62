//! The shifter ensemble.

use gibbs_core::key::Key;

use super::{Generator, parameter, table, uniform};
use crate::{DataError, Table};

pub(super) const NAME: &str = "shifter";

/// A ring of fair bits, the same ring turned by -1, 0 or +1 place, and three bits of which one names the turn.
///
/// No pair of bits tells the turn; triples do. Columns: the ring, the turned ring (`turned[i + turn] = ring[i]`), the
/// turn as one of three. Uniform over `3 * 2^bits` patterns; entropy `ln 3 + bits ln 2`.
///
/// Source: Hinton & Sejnowski, in Parallel Distributed Processing 1, 1986, chapter 7; the learning rule and its trials:
/// Ackley, Hinton & Sejnowski, Cognitive Science 9, 1985, DOI `10.1207/s15516709cog0901_7`.
#[derive(Clone, Copy, Debug)]
pub struct Shifter {
    bits: usize,
}

impl Shifter {
    /// Rings of this many bits, rows of `2 * bits + 3`.
    ///
    /// # Errors
    /// [`DataError::Parameter`] outside 3 to 56.
    pub fn new(bits: usize) -> Result<Self, DataError> {
        if (3..=56).contains(&bits) {
            return Ok(Shifter { bits });
        }
        Err(parameter(NAME, format!("bits is {bits}, it must be 3 to 56")))
    }
}

impl Generator for Shifter {
    fn name(&self) -> &'static str {
        NAME
    }

    fn generate(&self, n: Option<usize>, key: &Key) -> Result<Table, DataError> {
        let bits = self.bits;
        let values = uniform(n, 3 << bits, 2 * bits + 3, key, |index, cells| {
            let (ring, class) = (index & ((1 << bits) - 1), (index >> bits) as usize);
            cells.fill(0);
            for i in 0..bits {
                let bit = (ring >> i & 1) as u8;
                cells[i] = bit;
                cells[bits + (i + bits + class - 1) % bits] = bit;
            }
            cells[2 * bits + class] = 1;
        })?;
        table(self, 2 * bits + 3, values, None)
    }

    fn entropy(&self) -> f64 {
        3f64.ln() + self.bits as f64 * std::f64::consts::LN_2
    }
}
