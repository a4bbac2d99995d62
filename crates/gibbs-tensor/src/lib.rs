//! Energies over real vectors: a tape with derivatives of any order, networks on it, and analytic targets whose
//! moments or `log Z` are known.
//!
//! | module | what it holds |
//! |---|---|
//! | [`tape`] | expressions, their derivatives of any order, plans |
//! | [`device`], [`cpu`], [`element`] | what runs plans |
//! | [`trace`], [`map`] | energies, and functions of rows, written as code |
//! | [`nets`] | networks as energies, by configuration |
//! | [`energies`] | analytic energies |
pub mod cpu;
pub mod device;
pub mod element;
pub mod energies;
pub mod map;
pub mod nets;
pub mod tape;
pub mod trace;
