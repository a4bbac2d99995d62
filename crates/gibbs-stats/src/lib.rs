//! Distributions as a language: exponential families, proper scores, calibration and conformal prediction.
//!
//! Everything is in nats, sums over rows are plain averages with a standard error, and randomness is an argument
//! ([`gibbs_core::key::Key`]).
//!
//! | module | what it holds |
//! |---|---|
//! | [`family`] | exponential families behind one trait: parameters, densities, sampling, divergences, fitting, priors |
//! | [`special`] | the special functions they need |
pub mod family;
mod linalg;
pub mod softmax;
pub mod special;
