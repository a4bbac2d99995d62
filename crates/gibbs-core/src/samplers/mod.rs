//! Markov kernels, one file each.

pub mod annealed;
pub mod error;
pub mod heat_bath;
pub mod hmc;
pub mod informed;
pub mod langevin;
pub mod mala;
pub mod metropolis;
#[cfg(feature = "nuts")]
pub mod nuts;
pub mod paced;
pub mod perfect;
pub mod random_walk;
pub mod replay;
pub mod schedule;
pub mod sghmc;
pub mod short_run;
pub mod tempered_transitions;
pub mod tempering;
pub mod underdamped;

pub use annealed::AnnealedLangevin;
pub use error::SamplerError;
pub use heat_bath::HeatBath;
pub use hmc::Hmc;
pub use informed::{FlipEstimates, GibbsWithGradients, InformedChain, PathFlips};
pub use langevin::{Langevin, Noise};
pub use mala::Mala;
pub use metropolis::MetropolisChain;
pub use paced::Paced;
pub use perfect::{MonotoneMap, from_the_past, meeting_time};
pub use random_walk::RandomWalk;
pub use replay::Replay;
pub use schedule::StepSchedule;
pub use sghmc::Sghmc;
pub use short_run::{ShortRun, ShortRunSamples, Start};
pub use tempered_transitions::{Reversible, TemperedTransitions};
pub use tempering::{PerLevel, Replicas, SwapStatistics, Tempering, even_ladder, geometric_ladder};
pub use underdamped::Underdamped;
