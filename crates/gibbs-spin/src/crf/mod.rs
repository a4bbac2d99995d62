//! Energies over label sequences: the linear-chain conditional random field.
//!
//! A sequence of feature rows `x_1 .. x_T` gives every labelling `y` the energy
//! `E(y | x) = -sum_t s_t(y_t) - sum_t w(y_{t-1}, y_t)`, and `p(y | x) = exp(-E(y | x)) / Z(x)`: node scores `s_t` are
//! linear in the features of position `t` ([`Crf`]) or come from hidden units ([`HiddenChain`]), transition weights `w` do
//! not depend on `x`. On a chain `Z`, every marginal, the best labelling and exact samples cost `O(T n^2)` for `n` labels,
//! so the likelihood and its gradient are exact.
//!
//! | file | what it holds |
//! |---|---|
//! | [`rows`] | sparse feature rows |
//! | [`sequences`] | rows divided into sequences, with their labels |
//! | [`chain`] | one chain of potentials: `log Z`, marginals, Viterbi, exact samples |
//! | [`support`] | which features may vote for which labels |
//! | [`model`] | the conditional random field |
//! | [`objective`] | negative log-likelihood with an L2 penalty and its gradient; the fit by L-BFGS |
//! | [`hidden`] | node scores by a layer of hidden units |
//!
//! # Source
//! Lafferty, `McCallum` & Pereira 2001, ICML; Sutton & `McCallum` 2012, DOI 10.1561/2200000013.
//!
//! # Example
//! ```
//! use gibbs_spin::crf::{FitSettings, Labelled, Sequences, SparseRows, Support, fit};
//! // Two words; the feature tells the label of every letter but the third, which its neighbours decide.
//! let rows = SparseRows::from_dense(&[1., 0., 0., 1., 1., 1., 0., 1., 1., 0., 0., 1.], 2)?;
//! let words = Sequences::new(rows, &[3, 3])?;
//! let data = Labelled::new(words, vec![0, 1, 0, 1, 0, 1], 2)?;
//! let (crf, minimum) = fit(&data, Support::full(2, 2)?, &FitSettings { l2: 0.1, ..FitSettings::default() }, |_| true)?;
//! assert!(minimum.converged());
//! assert_eq!(crf.decode(data.sequences())?, [0, 1, 0, 1, 0, 1]);
//! # Ok::<(), gibbs_spin::crf::CrfError>(())
//! ```
pub mod chain;
pub mod hidden;
pub mod model;
pub mod objective;
pub mod rows;
pub mod sequences;
pub mod support;

pub use chain::{Chain, Marginals};
pub use gibbs_kernels::chain::Transitions;
pub use hidden::{Activation, HiddenChain, HiddenSettings};
pub use model::Crf;
pub use objective::{FitSettings, Objective, fit};
pub use rows::SparseRows;
pub use sequences::{Labelled, Sequences};
pub use support::Support;

/// Why sequences, labels or weights cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CrfError {
    /// A feature that the rows do not have.
    #[error("row {row} has feature {column}, but there are only {n_columns} features")]
    Column {
        /// Row, from 0.
        row: usize,
        /// Feature.
        column: u32,
        /// Number of features.
        n_columns: usize,
    },
    /// A feature value, weight or score that is NaN or infinite.
    #[error("{what} {index} is {value}: only finite numbers can be used")]
    NotFinite {
        /// What it is.
        what: &'static str,
        /// Which one, from 0.
        index: usize,
        /// The number.
        value: f64,
    },
    /// Two sizes that do not fit.
    #[error("{what}: {found} where {wanted} are needed")]
    Size {
        /// What was counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there must be.
        wanted: usize,
    },
    /// A label that the model does not have.
    #[error("position {position} has label {label}, but there are only {n_labels} labels")]
    Label {
        /// Position, from 0.
        position: usize,
        /// The label.
        label: u32,
        /// Number of labels.
        n_labels: usize,
    },
    /// Nothing to learn from.
    #[error("there is no labelled position to learn from")]
    Empty,
    /// A setting without meaning.
    #[error("{name} is {value}: {wanted}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What it must be.
        wanted: &'static str,
    },
    /// The objective is not a number where training starts or goes.
    #[error("the objective became NaN or infinite; scale the features down, or raise the L2 penalty")]
    Diverged,
}

/// All numbers finite, or the first that is not.
fn finite(what: &'static str, values: &[f64]) -> Result<(), CrfError> {
    match values.iter().position(|v| !v.is_finite()) {
        Some(index) => Err(CrfError::NotFinite { what, index, value: values[index] }),
        None => Ok(()),
    }
}

/// `found` must be `wanted`.
fn sized(what: &'static str, found: usize, wanted: usize) -> Result<(), CrfError> {
    if found == wanted { Ok(()) } else { Err(CrfError::Size { what, found, wanted }) }
}
