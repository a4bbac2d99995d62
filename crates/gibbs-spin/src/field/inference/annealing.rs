//! Simulated annealing towards the most probable state.

use gibbs_core::key::Key;

use super::super::{Field, FieldError};
use super::icm;

/// Heat-bath sweeps whose temperature falls by equal ratios, then a descent ([`icm()`]) to the bottom of the valley.
///
/// # Source
/// Kirkpatrick, Gelatt & Vecchi 1983, DOI 10.1126/science.220.4598.671; on pictures Geman & Geman 1984,
/// DOI 10.1109/TPAMI.1984.4767596.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Annealing {
    /// Sweeps.
    pub sweeps: u64,
    /// First temperature; 1 is that of the field itself.
    pub hottest: f64,
    /// Last temperature.
    pub coldest: f64,
}

impl Default for Annealing {
    fn default() -> Self {
        Self { sweeps: 500, hottest: 2.0, coldest: 0.05 }
    }
}

impl Annealing {
    /// The state at the end and its energy. Starts where every site follows its own field.
    ///
    /// # Errors
    /// Temperatures that are not positive, finite and falling.
    pub fn run(&self, field: &Field, key: &Key) -> Result<(Vec<u8>, f64), FieldError> {
        let wanted = "temperatures are positive and finite, and the last is not above the first";
        for (what, value) in [("the first temperature", self.hottest), ("the last temperature", self.coldest)] {
            if !(value > 0.0 && value.is_finite() && self.coldest <= self.hottest) {
                return Err(FieldError::Setting { what, value, wanted });
            }
        }
        let (mut x, _) = icm(field, None, 0)?;
        for t in 0..self.sweeps {
            field.sweep(1.0 / self.temperature(t), &mut x, &key.step(t));
        }
        let (x, _) = icm(field, Some(&x), 1000)?;
        let energy = field.energy_of(&x);
        Ok((x, energy))
    }

    /// Temperature of a sweep.
    pub fn temperature(&self, sweep: u64) -> f64 {
        let at = sweep as f64 / self.sweeps.saturating_sub(1).max(1) as f64;
        self.hottest * (self.coldest / self.hottest).powf(at)
    }
}
