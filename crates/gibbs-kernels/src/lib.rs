//! Hot loops on plain slices: matrix products, dense or with a 0/1 operand, convolutions, activations with derivatives,
//! random numbers, exact sums, chains of labels.
//!
//! Every operation lives in its own folder: `mod.rs` is the safe interface, `scalar.rs` the plain twin that defines
//! the result, `avx2.rs` the same on 256-bit vectors and `avx512.rs` on 512-bit ones where they gain, chosen at run time
//! ([`level()`]). Sweeps over packed spins are written once for 512 bits, which are one register, two, or eight words (`vector/`).
//!
//! # Conventions
//! * Matrices are row-major slices, batch first; 0/1 matrices are packed, 64 columns a word ([`bits::BitRows`]).
//! * Randomness is an argument: a 128-bit key fixes every draw ([`rng`]).
//! * Results do not depend on the number of threads: each output element is a fixed sequence of operations.
//! * Products with a 0/1 operand and uniform numbers are bit-identical on every instruction set. Dense products, activations
//!   and normal numbers differ by their rounding, and so a Bernoulli draw can differ between instruction sets where a
//!   uniform number falls on the edge.
//! * Functions panic on slices of the wrong length, and on nothing else.
//!
//! This crate is not a general BLAS: dense products are here for the shapes of nets on blocks of a batch ([`gemm`]),
//! serial, because the blocks are what the threads share.
//! Measurements are in `record/kernels.md`.

#![allow(
    clippy::inline_always,
    reason = "generic code is inlined into functions that enable the instructions it needs"
)]

pub mod activation;
pub mod bernoulli;
pub mod bit_gemm;
pub mod bits;
pub mod chain;
pub mod conv;
pub mod derivatives;
pub mod elementwise;
pub mod enumerate;
pub mod gemm;
pub mod ising;
pub mod level;
pub mod multispin;
mod parallel;
pub mod philox;
pub mod rng;
pub mod sparse;
mod team;
#[cfg(test)]
mod testing;
mod vector;

pub use level::{Level, level};
