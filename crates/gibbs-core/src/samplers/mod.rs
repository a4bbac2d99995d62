//! Markov kernels, one file each.

pub mod error;
pub mod heat_bath;
pub mod langevin;
pub mod schedule;

pub use error::SamplerError;
pub use heat_bath::HeatBath;
pub use langevin::{Langevin, Noise};
pub use schedule::StepSchedule;
