//! The vocabulary of energy-based models, and the methods that need nothing else.
//!
//! Everything is an **energy** `E(x)` with `p(x) prop exp(-E(x))`, in nats at temperature 1; a **path** leads from a
//! base that can be sampled to it; a **kernel** moves batches of `x` along the path; an **objective** turns data and
//! chains into a gradient; a **log-partition estimator** turns an energy into a likelihood. States and models live in
//! other crates: this one names none.
//!
//! | module | what it holds |
//! |---|---|
//! | [`key`] | random keys: randomness as an argument |
//! | [`rows`] | what is asked of a batch of states |
//! | [`dense`], [`real`] | rows of real numbers |
//! | [`energy`] | energies and their capabilities |
//! | [`compose`] | sums, temperature, mixtures, conditioning |
//! | [`path`], [`kernel`] | the one mechanism behind sampling, annealing, tempering and AIS |
//! | [`ensemble`] | many chains over the cores |
//! | [`samplers`], [`adapt`] | kernels, and what tunes them |
//! | [`objective`], [`objectives`] | gradients for learning |
//! | [`optimisers`] | SGD, Adam, schedules, decay, averaging; L-BFGS |
//! | [`log_partition`] | estimators of `log Z` |
//! | [`diagnostics`] | R-hat, ESS, autocorrelation, flip rates, weights |
//! | [`params`], [`persist`], [`scratch`] | parameters, saved state, reusable buffers |
pub mod adapt;
pub mod compose;
pub mod dense;
pub mod diagnostics;
pub mod energy;
pub mod ensemble;
pub mod kernel;
pub mod key;
pub mod log_partition;
pub mod objective;
pub mod objectives;
pub mod optimisers;
pub mod params;
pub mod path;
pub mod persist;
pub mod real;
pub mod rows;
pub mod samplers;
pub mod scratch;
