//! What is wrong with the numbers of a target that has only a few.

/// A parameter outside its range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// A number that must be positive and finite.
    #[error("{name} is positive and finite, found {value}")]
    NotPositive {
        /// The parameter.
        name: &'static str,
        /// The number.
        value: f64,
    },
    /// A number that must be finite.
    #[error("{name} is finite, found {value}")]
    NotFinite {
        /// The parameter.
        name: &'static str,
        /// The number.
        value: f64,
    },
    /// A count that must not be zero.
    #[error("{name}: at least one")]
    Empty {
        /// What is counted.
        name: &'static str,
    },
    /// Two tables that do not fit each other.
    #[error("{found} {name}, expected {expected}")]
    Shape {
        /// What is counted.
        name: &'static str,
        /// How many were found.
        found: usize,
        /// How many were expected.
        expected: usize,
    },
}

pub(super) fn positive(name: &'static str, value: f64) -> Result<f64, TargetError> {
    if value > 0.0 && value.is_finite() { Ok(value) } else { Err(TargetError::NotPositive { name, value }) }
}

pub(super) fn finite(name: &'static str, value: f64) -> Result<f64, TargetError> {
    if value.is_finite() { Ok(value) } else { Err(TargetError::NotFinite { name, value }) }
}

pub(super) fn at_least_one(name: &'static str, count: usize) -> Result<usize, TargetError> {
    if count > 0 { Ok(count) } else { Err(TargetError::Empty { name }) }
}

pub(super) fn as_many(name: &'static str, found: usize, expected: usize) -> Result<(), TargetError> {
    if found == expected { Ok(()) } else { Err(TargetError::Shape { name, found, expected }) }
}
