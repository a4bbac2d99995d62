//! Laws that forecasts of a number consist of, and their mixtures: what regressions predict and ensembles add up to.
//!
//! | file | what it holds |
//! |---|---|
//! | [`law`] | one law: density, distribution function, moments |
//! | [`mixture`] | weighted laws: the same, quantiles, CRPS |
pub mod law;
pub mod mixture;
mod quadrature;

pub use law::Law;
pub use mixture::Mixture;
