//! Diagnostics of Markov chains: have they forgotten where they started, and how much do their averages know?
//!
//! | module | question |
//! |---|---|
//! | [`draws`] | the view all of them take: chains x draws of one quantity |
//! | [`rhat`] | do the chains agree with each other? |
//! | [`ess`] | how many independent draws are these worth? |
//! | [`mcse`] | how far is the average from the truth, if they agree? |
//! | [`autocorrelation`] | how long does a chain remember? |
//! | [`temperature`] | at which temperature are the chains really? |
//! | [`e_bfmi`] | do momenta carry a Hamiltonian chain between energies? |
//! | [`doctor`] | all of it judged, with causes and remedies |
//! | [`flip_rate`] | do the sites of a discrete chain move at all? |
//! | [`mmd`] | do two sets of points come from one distribution? |
//! | [`weights`] | how many importance weights carry an estimate? |
//! | [`summary`] | all of it in one row, and in words |
//!
//! The definitions are those of Vehtari, Gelman, Simpson, Carpenter & Bürkner 2021, *Bayesian Analysis* 16(2),
//! DOI 10.1214/20-BA1221, in the form `ArviZ` 0.23 computes them; `tests/diagnostics.rs` compares the two to 1e-10.
//! They differ in one place on purpose: **draws that never change** have no effective sample size here (NaN), where `ArviZ`
//! calls every one of them independent: a stuck chain must not look like a perfect one. (R's package `posterior` goes
//! further and gives no value as soon as one of the chains is constant. Here one stuck chain among moving ones shows in
//! R-hat and lowers the ESS; and for a rare bit it is no fault.)
pub mod autocorrelation;
pub mod doctor;
pub mod draws;
pub mod e_bfmi;
pub mod ess;
pub mod flip_rate;
pub mod mcse;
pub mod mmd;
mod rank;
pub mod rhat;
pub mod summary;
pub mod temperature;
pub mod weights;

pub use draws::{Draws, DrawsError};
pub use flip_rate::{FlipRate, FlipRateError};
pub use mmd::{MmdError, mmd_squared};
pub use summary::{Summary, Thresholds, Verdict};
