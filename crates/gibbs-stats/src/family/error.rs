//! What can be wrong with parameters or data.

/// Why a member cannot be made, or data cannot be taken in.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FamilyError {
    /// A parameter outside its range.
    #[error("{family}: {name} is {value}: {wanted}")]
    Parameter {
        /// Family.
        family: &'static str,
        /// Parameter.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What is asked for.
        wanted: &'static str,
    },
    /// A list of the wrong length.
    #[error("{family}: {found} {what} given, {wanted} wanted")]
    Length {
        /// Family.
        family: &'static str,
        /// Of what.
        what: &'static str,
        /// How many came.
        found: usize,
        /// How many are asked for.
        wanted: usize,
    },
    /// Parameters that are legal but whose natural or mean parameters are beyond double precision.
    #[error("{family}: {what} is {value} with these parameters, beyond double precision: change the unit of the data")]
    Range {
        /// Family.
        family: &'static str,
        /// What overflows.
        what: &'static str,
        /// Its value.
        value: f64,
    },
    /// A matrix that is not positive definite.
    #[error("{family}: the {what} is not positive definite (pivot {index} is {value}): {advice}")]
    NotPositiveDefinite {
        /// Family.
        family: &'static str,
        /// Which matrix.
        what: &'static str,
        /// Row of the bad pivot.
        index: usize,
        /// Its value.
        value: f64,
        /// What to do.
        advice: &'static str,
    },
    /// A row outside the support.
    #[error("{family}: row {row}, column {col} is {value}: {wanted}")]
    Support {
        /// Family.
        family: &'static str,
        /// Row, from 0, counted from the first row ever absorbed.
        row: u64,
        /// Column, from 0.
        col: usize,
        /// The value.
        value: f64,
        /// What the family asks for.
        wanted: &'static str,
    },
    /// A weight that is negative or not finite.
    #[error("weight {row} is {value}: weights are finite and not negative")]
    Weight {
        /// Row of the block, from 0.
        row: usize,
        /// The weight.
        value: f64,
    },
    /// No data.
    #[error("{family}: the data weigh nothing: give at least one row")]
    Empty {
        /// Family.
        family: &'static str,
    },
    /// Averages of the statistics that no member has: the likelihood has no maximum.
    #[error("{family}: no member has average statistic {index} = {value} ({reason}): {advice}")]
    Mean {
        /// Family.
        family: &'static str,
        /// Which statistic.
        index: usize,
        /// Its average.
        value: f64,
        /// Where it lies.
        reason: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// Two members with different constants.
    #[error("{family}: {what} is {left} in one member and {right} in the other: they must be the same")]
    Incompatible {
        /// Family.
        family: &'static str,
        /// Which constant.
        what: &'static str,
        /// Its value in the first.
        left: f64,
        /// Its value in the second.
        right: f64,
    },
    /// A product or power that is no member.
    #[error(
        "{family}: the base measure is neither constant nor part of the statistics, so products and powers leave the \
         family: add or scale the energies instead"
    )]
    LeavesFamily {
        /// Family.
        family: &'static str,
    },
}

/// What a boundary average asks of its owner.
pub(super) const USE_A_PRIOR: &str = "use more varied data, or a prior (maximum_a_posteriori)";

/// `value`, if it is positive and finite.
pub(super) fn positive(family: &'static str, name: &'static str, value: f64) -> Result<f64, FamilyError> {
    if value > 0.0 && value.is_finite() {
        Ok(value)
    } else {
        Err(FamilyError::Parameter { family, name, value, wanted: "give a positive, finite number" })
    }
}

/// `value`, if it is finite.
pub(super) fn finite(family: &'static str, name: &'static str, value: f64) -> Result<f64, FamilyError> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(FamilyError::Parameter { family, name, value, wanted: "give a finite number" })
    }
}

/// `Ok` for a list of the right length.
pub(super) fn length(family: &'static str, what: &'static str, found: usize, wanted: usize) -> Result<(), FamilyError> {
    if found == wanted { Ok(()) } else { Err(FamilyError::Length { family, what, found, wanted }) }
}

/// `Ok` for equal constants.
pub(super) fn same(family: &'static str, what: &'static str, left: f64, right: f64) -> Result<(), FamilyError> {
    if left == right { Ok(()) } else { Err(FamilyError::Incompatible { family, what, left, right }) }
}

/// `member`, if its natural and mean parameters, `A` and `A''` are finite.
pub(super) fn in_range<F: super::ExponentialFamily>(member: F) -> Result<F, FamilyError> {
    let first = |what, values: &[f64]| match values.iter().find(|v| !v.is_finite()) {
        Some(&value) => Err(FamilyError::Range { family: F::NAME, what, value }),
        None => Ok(()),
    };
    first("a natural parameter", &member.natural())?;
    first("the log-partition function", &[member.log_partition()])?;
    first("a mean statistic", &member.mean())?;
    first("the variance of a statistic", &member.variance())?;
    Ok(member)
}
