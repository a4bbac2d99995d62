//! Markov kernels, one file each.

pub mod error;
pub mod heat_bath;
pub mod hmc;
pub mod langevin;
pub mod mala;
pub mod metropolis;
pub mod random_walk;
pub mod schedule;
pub mod sghmc;
pub mod underdamped;

pub use error::SamplerError;
pub use heat_bath::HeatBath;
pub use hmc::Hmc;
pub use langevin::{Langevin, Noise};
pub use mala::Mala;
pub use metropolis::MetropolisChain;
pub use random_walk::RandomWalk;
pub use schedule::StepSchedule;
pub use sghmc::Sghmc;
pub use underdamped::Underdamped;
