//! Distributions as a language: exponential families, proper scores, calibration and conformal prediction.
//!
//! Everything is in nats, sums over rows are plain averages with a standard error, and randomness is an argument
//! ([`gibbs_core::key::Key`]).
//!
//! | module | what it holds |
//! |---|---|
//! | [`family`] | exponential families behind one trait: parameters, densities, sampling, divergences, fitting, priors |
//! | [`softmax`] | softmax as a Gibbs law: temperature, cuts, Gumbel draws |
//! | [`scores`] | proper scores, their averages and comparisons |
//! | [`calibration`] | diagrams, errors, tests, scaling, conformal prediction |
//! | [`dequantise`] | densities for whole numbers: uniform and variational noise, bits per dimension |
//! | [`predictive`] | laws of a number and their mixtures, as forecasts |
//! | [`special`] | the special functions they need |
pub mod calibration;
pub mod dequantise;
pub mod family;
mod linalg;
pub mod predictive;
pub mod scores;
pub mod softmax;
pub mod special;
