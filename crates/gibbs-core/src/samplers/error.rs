//! What can be wrong with a sampler's settings.

/// A setting that no sampler can run with.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SamplerError {
    /// A step size that is not a positive number.
    #[error("the step size is {0}: give a positive, finite number (try 0.01 times the square of the narrowest width)")]
    StepSize(f64),
    /// A spread of step sizes below 1, or not a number.
    #[error("the spread of step sizes is {0}: give a finite ratio of the largest to the smallest, 1 for a fixed step")]
    Spread(f64),
    /// A temperature that is not a positive number.
    #[error("the temperature is {0}: give a positive, finite number (1 samples the density itself)")]
    Temperature(f64),
    /// A noise level that is not a number from 0 up.
    #[error("the standard deviation of the noise is {0}: give a finite number, 0 or more")]
    Noise(f64),
    /// A friction that is not a positive number.
    #[error(
        "the friction is {0}: give a positive, finite number (1 over the time in which momenta are to be forgotten)"
    )]
    Friction(f64),
    /// A count that must be one or more.
    #[error("{what} is {value}: give 1 or more")]
    Count {
        /// Which count.
        what: &'static str,
        /// Its value.
        value: u64,
    },
    /// A ladder of inverse temperatures or noise levels that is too short, or out of order.
    #[error("entry {index} of the ladder is {value}: {advice}")]
    Ladder {
        /// Where.
        index: usize,
        /// The offending value (NaN where there is none).
        value: f64,
        /// What is asked for.
        advice: &'static str,
    },
}

/// `value`, if it is positive and finite.
pub(crate) fn positive(value: f64, error: fn(f64) -> SamplerError) -> Result<f64, SamplerError> {
    if value > 0.0 && value.is_finite() { Ok(value) } else { Err(error(value)) }
}

/// `value`, if it is at least one.
pub(crate) fn at_least_one(value: u64, what: &'static str) -> Result<u64, SamplerError> {
    if value > 0 { Ok(value) } else { Err(SamplerError::Count { what, value }) }
}
