//! Optimisers, one file each, with learning-rate schedules, decay and parameter averaging; [`lbfgs`] for functions whose
//! gradient is exact.
//!
//! All of them descend: they take the gradient of a loss.

pub mod adam;
pub mod adamw;
pub mod average;
pub mod clip;
pub mod decay;
pub mod lbfgs;
pub mod schedule;
pub mod sgd;

pub use adam::Adam;
pub use adamw::AdamW;
pub use average::Average;
pub use clip::Clip;
pub use decay::Decay;
pub use schedule::Schedule;
pub use sgd::Sgd;

use crate::params::ParamMap;
use crate::persist::Persist;

/// A rule that moves parameters down a gradient.
pub trait Optimiser: Persist + Send {
    /// `params -= rate * direction(grad)`.
    fn step(&mut self, params: &mut ParamMap, grad: &ParamMap, rate: f32);
}
