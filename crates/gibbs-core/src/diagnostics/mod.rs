//! Diagnostics of Markov chains and of importance weights, one file each.
//!
//! Definitions are those of Vehtari, Gelman, Simpson, Carpenter & Buerkner 2021, "Rank-normalization, folding, and
//! localization: an improved R-hat", DOI 10.1214/20-BA1221; agreement with ArviZ 0.23 is pinned by golden values
//! (`tests/golden/`).

pub mod autocorrelation;
mod draws;
pub mod ess;
pub mod flips;
pub mod rhat;
pub mod summary;
pub mod weights;

pub use draws::{Draws, DrawsError};
pub use flips::FlipRates;
pub use summary::Summary;
