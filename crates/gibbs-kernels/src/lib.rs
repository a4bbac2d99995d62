//! Hot loops on plain slices.
pub mod philox;
