//! What is wrong with the configuration of an objective.

/// Why an objective cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectiveError {
    /// A scale that has to be a positive, finite number is not.
    #[error("`{name}` is {value}: it has to be positive and finite")]
    NotPositive {
        /// The setting.
        name: &'static str,
        /// What was given.
        value: f64,
    },
    /// A count is zero.
    #[error("`{name}` is 0: at least one is needed")]
    Zero {
        /// The setting.
        name: &'static str,
    },
    /// A probability outside `[0, 1]`.
    #[error("`{name}` is {value}: it lies between 0 and 1")]
    NotAShare {
        /// The setting.
        name: &'static str,
        /// What was given.
        value: f64,
    },
    /// Noise levels that do not span a range.
    #[error(
        "{n_levels} noise levels from {low} to {high}: at least two are needed, the lowest below the highest (for one level use `new`)"
    )]
    Levels {
        /// Lowest standard deviation.
        low: f64,
        /// Highest standard deviation.
        high: f64,
        /// Number of levels.
        n_levels: usize,
    },
}

/// `value`, if it is positive and finite.
pub(crate) fn positive(name: &'static str, value: f64) -> Result<f64, ObjectiveError> {
    if value.is_finite() && value > 0.0 { Ok(value) } else { Err(ObjectiveError::NotPositive { name, value }) }
}

/// `count`, if it is not zero.
pub(crate) fn at_least_one(name: &'static str, count: usize) -> Result<usize, ObjectiveError> {
    if count > 0 { Ok(count) } else { Err(ObjectiveError::Zero { name }) }
}

/// `value`, if it is a probability.
pub(crate) fn share(name: &'static str, value: f64) -> Result<f64, ObjectiveError> {
    if (0.0..=1.0).contains(&value) { Ok(value) } else { Err(ObjectiveError::NotAShare { name, value }) }
}
