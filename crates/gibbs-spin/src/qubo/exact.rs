//! Ground states by enumeration.

use super::flips::flip;
use super::{Qubo, QuboError};
use crate::Bits;

/// Variables beyond this would take minutes.
pub const MAX_ENUMERATED: usize = 28;

/// The lowest energy of a problem and the states that have it.
#[derive(Clone, Debug, PartialEq)]
pub struct GroundStates {
    /// The lowest energy.
    pub energy: f64,
    /// How many states have it, within rounding.
    pub count: u64,
    /// One of them, one row.
    pub state: Bits,
}

impl Qubo {
    /// Visits all `2^n` states in Gray-code order, one flip each.
    ///
    /// Energies are equal here if they differ by less than `1e-9` of the sum of the magnitudes of all coefficients.
    pub fn ground_states(&self) -> Result<GroundStates, QuboError> {
        let n = self.n_variables();
        if n > MAX_ENUMERATED {
            return Err(QuboError::TooManyStates { found: n });
        }
        let scale = self.linear.iter().chain(&self.couplings).map(|c| c.abs()).sum::<f64>();
        let tolerance = 1e-9 * scale;
        let (mut x, mut g) = (Bits::zeros(1, n), vec![0.0; n]);
        let mut energy = self.fields(&x, 0, &mut g);
        let (mut least, mut count, mut best) = (energy, 1, 0u64);
        for k in 1..1u64 << n {
            energy += flip(self, x.words_mut(), &mut g, k.trailing_zeros() as usize);
            if k % (1 << 16) == 0 {
                // Rounding does not pile up.
                energy = self.fields(&x, 0, &mut g);
            }
            if energy < least - tolerance {
                (least, count, best) = (energy, 1, x.words()[0]);
            } else if energy <= least + tolerance {
                count += 1;
            }
        }
        let state = Bits::from_words(1, n, vec![best]);
        Ok(GroundStates { energy: self.fields(&state, 0, &mut g), count, state })
    }
}
