//! Associative memories: patterns are stored, and found again from a part or a noisy copy.
//!
//! | file | what it holds |
//! |---|---|
//! | [`hopfield`] | pairwise memories `E = -s'Ws/2 - b's`: energy, flips, conditionals |
//! | [`storage`] | Hebb's rule, the projection rule, Storkey's rule |
//! | [`recall`] | many queries to their fixed points: one matrix product, then updates for flips only |
//! | [`dense`] | dense memories with polynomial and exponential interaction |
//! | [`modern`] | the continuous memory whose update is softmax attention |
//! | [`capacity`] | retrieval of random patterns against load |
//!
//! Spins are `s = 2x - 1` of bits `x`. Capacities, in patterns of `N` random spins: about `0.138 N` for Hebb's rule with a
//! few per cent of wrong spins (Amit, Gutfreund & Sompolinsky 1985, DOI 10.1103/PhysRevLett.55.1530), up to `N` for the
//! projection rule, `N^(n-1)` for polynomials of degree `n`, exponential in `N` for the exponential interaction.
pub mod capacity;
pub mod dense;
pub mod hopfield;
pub mod modern;
pub mod recall;
pub mod storage;

pub use capacity::{Measured, Retrieval, Trials, retrieval};
pub use dense::{DenseMemory, Interaction};
pub use hopfield::Hopfield;
pub use modern::Modern;
pub use recall::{Recall, Recaller, Update};
pub use storage::Rule;

use gibbs_core::rows::Rows;

use crate::Bits;

/// Spins of a pairwise memory at most: its weights take 4 bytes times the square of that.
pub const MAX_SPINS: usize = 20_000;

/// Why patterns or couplings make no memory.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// No pattern, or patterns of no spins.
    #[error("a memory needs at least one pattern of at least one spin, found {n_patterns} of {n_spins}")]
    Empty {
        /// Patterns.
        n_patterns: usize,
        /// Spins of each.
        n_spins: usize,
    },
    /// More spins than a matrix of couplings can be kept for.
    #[error("{found} spins are more than the {MAX_SPINS} that pairwise memories take; dense memories keep no matrix")]
    TooLarge {
        /// Spins.
        found: usize,
    },
    /// A pattern that the others make already.
    #[error(
        "pattern {pattern} is a linear combination of the patterns before it (a copy, say), which the projection rule cannot \
         store beside them; leave it out, or use --rule hebbian"
    )]
    Dependent {
        /// Its number, from 0.
        pattern: usize,
    },
    /// A number of couplings or biases that does not fit the spins.
    #[error("{what} has {found} numbers where {wanted} were expected")]
    Length {
        /// Which array.
        what: &'static str,
        /// Numbers given.
        found: usize,
        /// Numbers needed.
        wanted: usize,
    },
    /// A number that is not finite.
    #[error("{what}[{index}] is {value}: it must be finite")]
    NotFinite {
        /// Which array.
        what: &'static str,
        /// Flat index.
        index: usize,
        /// The value.
        value: f64,
    },
    /// Couplings that depend on the order of the pair.
    #[error("couplings must be symmetric, but ({i}, {j}) is {upper} and ({j}, {i}) is {lower}")]
    NotSymmetric {
        /// Row.
        i: usize,
        /// Column.
        j: usize,
        /// Value above the diagonal.
        upper: f64,
        /// Value below it.
        lower: f64,
    },
    /// A spin coupled with itself.
    #[error("spin {0} is coupled with itself: s * s = 1 is a constant; set the diagonal to 0")]
    SelfLoop(usize),
    /// A degree that no interaction has.
    #[error("degree {0}: a polynomial interaction has degree 2 to 60")]
    Degree(u32),
    /// An inverse temperature that is not a positive number.
    #[error("beta is {0}: give a positive, finite number")]
    Beta(f64),
}

/// The stored pattern that agrees with a state best (the first of equals), and the overlap `xi . s / N` in [-1, 1].
///
/// # Panics
/// If there are no patterns, or rows differ in length.
pub fn nearest(patterns: &Bits, x: &Bits, row: usize) -> (usize, f64) {
    assert!(patterns.n_cols() == x.n_cols() && patterns.n_rows() > 0, "patterns and states of one length");
    let state = x.view();
    let differ = |mu: usize| -> u32 {
        patterns.view().row(mu).iter().zip(state.row(row)).map(|(a, b)| (a ^ b).count_ones()).sum()
    };
    let best = (0..patterns.n_rows()).map(|mu| (differ(mu), mu)).min().unwrap_or_default();
    (best.1, 1.0 - 2.0 * f64::from(best.0) / x.n_cols() as f64)
}

/// Spins of the rows as `+1` and `-1`, row-major.
pub(crate) fn spins(x: &Bits) -> Vec<f32> {
    let mut out = Vec::with_capacity(x.n_rows() * x.n_cols());
    for i in 0..x.n_rows() {
        let row = x.view().row(i);
        out.extend((0..x.n_cols()).map(|k| if row[k / 64] >> (k % 64) & 1 == 1 { 1.0 } else { -1.0 }));
    }
    out
}

fn check_patterns(patterns: &Bits) -> Result<(), MemoryError> {
    let (n_patterns, n_spins) = (patterns.n_rows(), patterns.n_cols());
    if n_patterns == 0 || n_spins == 0 { Err(MemoryError::Empty { n_patterns, n_spins }) } else { Ok(()) }
}
