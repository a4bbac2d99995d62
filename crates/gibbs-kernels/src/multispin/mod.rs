//! Heat bath of two-valued sites whose law is a table of counts, 64 sites a word.
//!
//! Where all couplings are equal, a site's probability to be up depends on how many of its neighbours are up and on little
//! else: [`picture`] on the pixels of a picture with the observed bit of the pixel, [`graph`] on any graph for 64
//! replicas at once. Counts are added bit by bit for 256 sites in a register, each value of the count is a mask, and every
//! site compares a 32-bit random number of its own with the threshold of its mask, from the highest bit on and only as far
//! as any site of the 256 is undecided. That is exact: the event has probability `threshold / 2^32`.
//!
//! The code is written once over a vector type (`vector`); `scalar` and `avx2` are what it runs on.
//!
//! Source: multi-spin coding as in [`crate::ising`].

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod decide;
pub mod graph;
pub mod picture;
#[cfg(test)]
mod tests;
mod thinning;

pub use thinning::thin;

/// `p` in units of 2^-32, held below 1.
///
/// # Panics
/// If `p` is no probability.
pub fn threshold(p: f64) -> u32 {
    assert!((0.0..=1.0).contains(&p), "a probability, not {p}");
    (p * 2f64.powi(32)).round() as u32
}
