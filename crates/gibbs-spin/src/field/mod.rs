//! Pairwise Markov random fields: sites of `q` states on a graph.
//!
//! `p(x) prop exp(-E(x))`, `E(x) = -sum_<ij> J_ij f(x_i, x_j) - sum_i h_i(x_i)`.
//!
//! | file | what it holds |
//! |---|---|
//! | [`labels`] | states: a byte a site |
//! | [`model`] | the field: energy, conditionals, blocks |
//! | [`ising`] | two states as packed spins |
//! | [`replicas`] | 64 states of an Ising model of one coupling, a word a site |
//! | [`independent`] | sites without neighbours: the base of annealing |
//! | [`single_site`] | the kernel that moves one site at a time |
//! | [`sweep`](mod@sweep) | sweeps of one large field, colour by colour, over the cores |
//! | [`exact`] | enumeration and variable elimination: `log Z`, marginals, the most probable state |
//! | [`inference`] | ICM, mean field, belief propagation, annealing |
//! | [`tied`] | fields with a few shared parameters, and learning them |
pub mod exact;
pub mod independent;
pub mod inference;
pub mod ising;
pub mod labels;
pub mod model;
pub mod replicas;
pub mod single_site;
pub mod sweep;
pub mod tied;

pub use exact::{Elimination, Enumeration};
pub use independent::IndependentSites;
pub use ising::Ising;
pub use labels::Labels;
pub use model::{Field, Pair};
pub use replicas::IsingReplicas;
pub use single_site::SingleSite;
pub use tied::Tied;

use crate::graph::GraphError;

/// Why a field cannot be made or solved.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// A number of states that does not fit.
    #[error("{found} states a site: {wanted}")]
    States {
        /// The number asked for.
        found: usize,
        /// What would do.
        wanted: &'static str,
    },
    /// An array of the wrong length.
    #[error("{found} {what}, {expected} are needed")]
    Length {
        /// What the array holds.
        what: &'static str,
        /// Numbers found.
        found: usize,
        /// Numbers needed.
        expected: usize,
    },
    /// A number that is NaN or infinite.
    #[error("{what} {index} is {value}: give finite numbers")]
    NotFinite {
        /// What the number is.
        what: &'static str,
        /// Its place.
        index: usize,
        /// The number.
        value: f64,
    },
    /// A label outside of the states.
    #[error("row {row}, site {site}: label {label}, but there are {q} states, numbered from 0")]
    Label {
        /// Row.
        row: usize,
        /// Site.
        site: usize,
        /// The label.
        label: u8,
        /// Number of states.
        q: usize,
    },
    /// A pair function that depends on the order of its sites.
    #[error("the pair function gives f({a}, {b}) other than f({b}, {a}): it must be symmetric")]
    NotSymmetric {
        /// A state.
        a: usize,
        /// Another.
        b: usize,
    },
    /// An exact method on a field that is too large for it.
    #[error("{method} would need {needed:.3e} numbers, the limit is {limit:.1e}: {advice}")]
    TooLarge {
        /// The method.
        method: &'static str,
        /// Numbers it would keep or visit.
        needed: f64,
        /// The most it may.
        limit: f64,
        /// What to use instead.
        advice: &'static str,
    },
    /// A setting out of range.
    #[error("{what} is {value}: {wanted}")]
    Setting {
        /// Its name.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What would do.
        wanted: &'static str,
    },
    /// The graph itself.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

/// The first number of `values` that is not finite, as an error.
pub(crate) fn finite(what: &'static str, values: &[f64]) -> Result<(), FieldError> {
    match values.iter().position(|v| !v.is_finite()) {
        Some(index) => Err(FieldError::NotFinite { what, index, value: values[index] }),
        None => Ok(()),
    }
}

/// The length of an array, checked.
pub(crate) fn length(what: &'static str, found: usize, expected: usize) -> Result<(), FieldError> {
    if found == expected { Ok(()) } else { Err(FieldError::Length { what, found, expected }) }
}

/// `log sum_a exp(x_a)` without overflow.
pub(crate) fn log_sum_exp(x: &[f64]) -> f64 {
    let largest = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + x.iter().map(|v| (v - largest).exp()).sum::<f64>().ln()
}

/// Turns log weights into probabilities, in place.
pub(crate) fn normalise(x: &mut [f64]) {
    let largest = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    x.iter_mut().for_each(|v| *v = (*v - largest).exp());
    let sum: f64 = x.iter().sum();
    x.iter_mut().for_each(|v| *v /= sum);
}

/// The place of the largest number, the first where several are.
pub(crate) fn argmax(x: &[f64]) -> usize {
    x.iter().enumerate().fold(0, |best, (k, v)| if *v > x[best] { k } else { best })
}
