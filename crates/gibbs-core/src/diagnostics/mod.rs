//! Diagnostics of Markov chains.
pub mod weights;
