//! Proper scores of probabilistic forecasts, all as **losses**: lower is better.
//!
//! A score is proper if no forecast beats the truth on average, and strictly proper if only the truth reaches its own
//! average (Gneiting & Raftery 2007, DOI 10.1198/016214506000001437).
//!
//! | module | scores | strictly proper |
//! |---|---|---|
//! | [`classes`] | log, Brier, spherical, ranked probability score | all |
//! | [`brier`] | reliability, resolution and uncertainty of Brier's score | |
//! | [`crps`] | continuous ranked probability score, closed forms and from samples | where the mean is finite |
//! | [`multivariate`] | energy score; variogram score, Dawid-Sebastiani | energy; the others see moments only |
//! | [`quantiles`] | quantile and interval scores | for the quantiles they ask about |
//! | [`pit`] | probability integral transform | |
//! | [`summary`] | mean with standard error; comparison of two forecasters | |
pub mod brier;
pub mod classes;
pub mod crps;
pub mod multivariate;
pub mod pit;
pub mod quantiles;
pub mod summary;

pub use classes::ClassForecasts;
pub use summary::{Comparison, Summary, compare, summarise};

/// What is wrong with forecasts or outcomes.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScoreError {
    /// A number that cannot be what it stands for.
    #[error("row {row}, column {col}: {what} is {value}: {wanted}")]
    Value {
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        col: usize,
        /// What it stands for.
        what: &'static str,
        /// The number.
        value: f64,
        /// What is asked for.
        wanted: &'static str,
    },
    /// Probabilities that do not add up to one.
    #[error("row {row}: the probabilities add up to {sum}, further from 1 than {tolerance}: normalise them")]
    Sum {
        /// Row, from 0.
        row: usize,
        /// Their sum.
        sum: f64,
        /// What is allowed.
        tolerance: f64,
    },
    /// Lists that do not fit together.
    #[error("{found} {what} given, {wanted} wanted")]
    Length {
        /// Of what.
        what: &'static str,
        /// How many came.
        found: usize,
        /// How many are asked for.
        wanted: usize,
    },
    /// Too little to say anything.
    #[error("{found} {what} given: at least {wanted} are needed")]
    TooFew {
        /// Of what.
        what: &'static str,
        /// How many came.
        found: usize,
        /// How many are needed.
        wanted: usize,
    },
    /// A setting out of range.
    #[error("{what} is {value}: {wanted}")]
    Setting {
        /// Which.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What is asked for.
        wanted: &'static str,
    },
}

/// `Ok` for lists of one length.
pub(crate) fn same_length(what: &'static str, found: usize, wanted: usize) -> Result<(), ScoreError> {
    if found == wanted { Ok(()) } else { Err(ScoreError::Length { what, found, wanted }) }
}

/// `Ok` for enough of something.
pub(crate) fn at_least(what: &'static str, found: usize, wanted: usize) -> Result<(), ScoreError> {
    if found >= wanted { Ok(()) } else { Err(ScoreError::TooFew { what, found, wanted }) }
}

/// `value`, if it lies strictly between 0 and 1.
pub(crate) fn open_share(what: &'static str, value: f64) -> Result<f64, ScoreError> {
    if value > 0.0 && value < 1.0 {
        Ok(value)
    } else {
        Err(ScoreError::Setting { what, value, wanted: "give a number strictly between 0 and 1" })
    }
}

/// `Ok` for probabilities of one event, one a row.
pub(crate) fn probabilities(p: &[f64]) -> Result<(), ScoreError> {
    match p.iter().position(|p| !(0.0..=1.0).contains(p)) {
        None => Ok(()),
        Some(row) => {
            let wanted = "probabilities lie between 0 and 1";
            Err(ScoreError::Value { row, col: 0, what: "a probability", value: p[row], wanted })
        }
    }
}
