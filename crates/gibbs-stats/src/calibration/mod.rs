//! Calibration: do events forecast with probability `p` happen in a share `p` of the cases, and what to do if not?
//!
//! | module | what it holds |
//! |---|---|
//! | [`reliability`] | diagrams with intervals, expected and maximum calibration error, debiased, classwise |
//! | [`hypothesis`] | is the error more than chance? |
//! | [`temperature`] | one inverse temperature for all logits: never changes the most probable class |
//! | [`vector`] | a scale and a shift for every class |
//! | [`logistic`] | Platt's and beta scaling of one event |
//! | [`isotonic`] | any rising curve |
//! | [`conformal`] | sets and intervals that hold the outcome as often as promised, whatever the model |
//!
//! Fit on rows that the model was not trained on.
pub mod conformal;
pub mod hypothesis;
pub mod isotonic;
pub mod logistic;
mod newton;
pub mod reliability;
pub mod temperature;
pub mod vector;

pub use conformal::{AdaptiveSets, ConformalInterval, LeastAmbiguousSets};
pub use isotonic::Isotonic;
pub use logistic::{BetaScaling, Platt};
pub use reliability::{Binning, CalibrationError, ReliabilityBin, calibration_error, diagram};
pub use temperature::Temperature;
pub use vector::VectorScaling;

use crate::scores::ScoreError;

/// Why a calibrator cannot be fitted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// The rows are not what they should be.
    #[error(transparent)]
    Rows(#[from] ScoreError),
    /// The likelihood has no maximum.
    #[error("{what} has no best value: {why}")]
    NoBest {
        /// Which calibrator.
        what: &'static str,
        /// What the rows look like, and what to do.
        why: &'static str,
    },
}
