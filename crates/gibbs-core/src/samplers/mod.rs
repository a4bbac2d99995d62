//! Markov kernels, one file each.

pub mod heat_bath;

pub use heat_bath::HeatBath;
