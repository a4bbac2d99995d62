//! Energies made of energies, one file each: sums (products of experts), scaling (temperature), mixtures,
//! and clamping (conditioning).

pub mod clamped;
pub mod conditional;
pub mod mixture;
pub mod scaled;
pub mod sum;

pub use clamped::Clamped;
pub use conditional::Conditional;
pub use mixture::Mixture;
pub use scaled::Scaled;
pub use sum::Sum;
