//! Where densities live, and what is said about a row that is elsewhere.

/// What keeps a row out of a family's support.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fault {
    /// Column, from 0.
    pub col: usize,
    /// The value there.
    pub value: f64,
    /// What the family asks for.
    pub wanted: &'static str,
}

fn first(x: &[f64], wanted: &'static str, good: impl Fn(f64) -> bool) -> Option<Fault> {
    x.iter().position(|&v| !good(v)).map(|col| Fault { col, value: x[col], wanted })
}

pub(super) fn real(x: &[f64]) -> Option<Fault> {
    first(x, "a finite number is wanted", f64::is_finite)
}

pub(super) fn positive(x: &[f64]) -> Option<Fault> {
    first(x, "a positive number is wanted", |v| v > 0.0 && v.is_finite())
}

pub(super) fn not_negative(x: &[f64]) -> Option<Fault> {
    first(x, "a number from 0 up is wanted", |v| v >= 0.0 && v.is_finite())
}

pub(super) fn unit(x: &[f64]) -> Option<Fault> {
    first(x, "a number strictly between 0 and 1 is wanted", |v| v > 0.0 && v < 1.0)
}

pub(super) fn count(x: &[f64]) -> Option<Fault> {
    first(x, "a whole number from 0 up is wanted", |v| v >= 0.0 && v.is_finite() && v.fract() == 0.0)
}

pub(super) fn count_to(x: &[f64], most: f64) -> Option<Fault> {
    first(x, "a whole number from 0 to the number of trials is wanted", |v| v >= 0.0 && v <= most && v.fract() == 0.0)
}

pub(super) fn class(x: &[f64], n_classes: usize) -> Option<Fault> {
    let most = n_classes as f64 - 1.0;
    first(x, "a class index from 0 up, below the number of classes, is wanted", |v| {
        v >= 0.0 && v <= most && v.fract() == 0.0
    })
}

/// Counts that add up to the number of trials.
pub(super) fn counts_of(x: &[f64], trials: f64) -> Option<Fault> {
    let sum: f64 = x.iter().sum();
    count_to(x, trials).or_else(|| {
        let wanted = "counts that add up to the number of trials are wanted (this is their sum)";
        (sum != trials).then_some(Fault { col: x.len() - 1, value: sum, wanted })
    })
}

/// How far the shares of a row may be from adding up to one: what survives being written with nine digits.
const SIMPLEX_TOLERANCE: f64 = 1e-8;

/// Positive shares that add up to one.
pub(super) fn simplex(x: &[f64]) -> Option<Fault> {
    let sum: f64 = x.iter().sum();
    first(x, "a share strictly between 0 and 1 is wanted", |v| v > 0.0 && v < 1.0).or_else(|| {
        let wanted = "shares that add up to 1 are wanted (this is their sum)";
        ((sum - 1.0).abs() > SIMPLEX_TOLERANCE).then_some(Fault { col: x.len() - 1, value: sum, wanted })
    })
}

/// `log p` of a row outside the support: `-inf`, but NaN for NaN.
pub(super) fn log_prob_outside(x: &[f64]) -> f64 {
    if x.iter().any(|v| v.is_nan()) { f64::NAN } else { f64::NEG_INFINITY }
}
