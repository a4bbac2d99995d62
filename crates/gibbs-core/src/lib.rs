//! The vocabulary of energy-based models.
pub mod diagnostics;
pub mod key;
