//! Approximate inference on fields too large to be summed.
//!
//! | file | what it finds |
//! |---|---|
//! | [`icm`](mod@icm) | a state that no single change improves |
//! | [`mean_field`] | marginals of the nearest product, and a lower bound of `log Z` |
//! | [`belief_propagation`] | marginals exact on trees, and Bethe's estimate of `log Z` |
//! | [`annealing`] | a state of low energy, by sweeps that cool down |
pub mod annealing;
pub mod belief_propagation;
pub mod icm;
pub mod mean_field;

pub use annealing::Annealing;
pub use belief_propagation::{BeliefPropagation, Beliefs};
pub use icm::icm;
pub use mean_field::{MeanField, MeanFieldFit};

use super::FieldError;

/// How an iteration ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Convergence {
    /// Iterations made (sweeps over all sites).
    pub iterations: u64,
    /// The largest change of the last one: of a probability, or for ICM the share of sites.
    pub last_change: f64,
    /// Whether that is below the tolerance.
    pub converged: bool,
}

fn checked_damping(damping: f64) -> Result<f64, FieldError> {
    let wanted = "give the share of the old value that is kept, 0 or more and below 1";
    let ok = (0.0..1.0).contains(&damping);
    if ok { Ok(damping) } else { Err(FieldError::Setting { what: "damping", value: damping, wanted }) }
}

fn checked_tolerance(tolerance: f64) -> Result<f64, FieldError> {
    let wanted = "give a positive number, say 1e-6";
    let ok = tolerance > 0.0 && tolerance.is_finite();
    if ok { Ok(tolerance) } else { Err(FieldError::Setting { what: "the tolerance", value: tolerance, wanted }) }
}
