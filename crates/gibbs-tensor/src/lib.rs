//! Energies over real vectors: a tape with derivatives of any order, networks on it, and analytic targets whose
//! moments or `log Z` are known.
//!
//! | module | what it holds |
//! |---|---|
//! | [`energies`] | analytic energies |
pub mod energies;
