//! Two models on the same rows: whose likelihood is higher, and by how much more than chance.

use gibbs_core::key::{Key, Purpose};
use gibbs_core::log_partition::{Ends, LogZ, Verdict};
use serde::Serialize;

use crate::batch::Batch;
use crate::bracket::BracketOptions;
use crate::config::LogZMethod;
use crate::dataset::Part;
use crate::error::Error;
use crate::likelihood::{MeanLogLikelihood, log_likelihoods, reach, weighted_mean};
use crate::models::{LogZOptions, Model, QUADRATURE_TOLERANCE, Saved};
use crate::progress::Progress;

/// Terms of an exact sum up to which `log Z` is taken exactly.
const CHEAP: u64 = 1 << 32;

/// `log Z` of the first model less that of the second, nats.
#[derive(Clone, Debug, Serialize)]
pub struct LogZDifference {
    /// The estimate.
    pub value: f64,
    /// Lower end; never sorted.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
    /// How it was made.
    pub method: String,
    /// How far the ends are to be believed; absent where it is exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// What must be known before believing it.
    pub warnings: Vec<String>,
}

/// A paired comparison.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// Rows.
    pub n: usize,
    /// Mean of `log p_1 - log p_2` over the rows, nats, with the 95 % interval that joins their draw with both `log Z`.
    pub difference: MeanLogLikelihood,
    /// Share of the rows that the first model finds more likely.
    pub first_is_better: f64,
    /// The difference of both `log Z`.
    pub log_z_difference: LogZDifference,
}

/// Which models are compared, and on which rows: the same rows, prepared for each.
pub struct Sides<'a> {
    /// The models.
    pub models: [&'a Saved; 2],
    /// The rows.
    pub parts: [&'a Part; 2],
    /// Rows of the first model's data, to start chains at.
    pub rows: Option<&'a Batch>,
}

/// Compares two models on the same rows. What both find hard cancels row by row, so that the difference is known far better
/// than either mean.
///
/// The difference of `log Z` is exact where both sums are cheap; else, where the models share a path, their ratio is enclosed
/// without either `log Z`; else each is enclosed by itself, and the ends are subtracted.
///
/// # Errors
/// [`Error::Usage`] if the tables differ in their rows or a model only bounds its likelihood; errors of `log Z`.
pub fn compare(
    sides: &Sides<'_>,
    how: &BracketOptions,
    key: &Key,
    progress: &dyn Progress,
) -> Result<Comparison, Error> {
    let Sides { models: [first, second], parts: [a, b], rows } = *sides;
    let (n, m) = (a.rows.n_rows(), b.rows.n_rows());
    if n != m {
        return Err(Error::Usage(format!("the models read {n} and {m} rows of the same table: they cannot be paired")));
    }
    for saved in [first, second] {
        if saved.model.likelihood().is_bound() {
            return Err(Error::Usage(format!(
                "a {} only bounds its likelihood from below: a difference of bounds says nothing",
                saved.model.describe()
            )));
        }
    }
    let z = difference(sides, rows, how, key, progress)?;
    let log_prob = |saved: &Saved, part: &Part| {
        log_likelihoods(saved.model.as_ref(), &part.rows, 0.0, saved.header.preprocess.log_jacobian())
    };
    let paired: Vec<f64> = log_prob(first, a).iter().zip(log_prob(second, b)).map(|(p, q)| p - q - z.value).collect();
    let (mean, std_err) = weighted_mean(&paired, &a.normalised_weights());
    // A larger log Z of the first lowers the difference: its upper end is what the interval reaches below by.
    let (below, above) = reach(std_err, &z);
    let better = paired.iter().filter(|d| **d > 0.0).count() as f64 / n as f64;
    let (lower, upper) = z.ends.map_or((z.value, z.value), |e| (e.lower, e.upper));
    Ok(Comparison {
        n,
        difference: MeanLogLikelihood { mean, std_err, lower: mean - below, upper: mean + above },
        first_is_better: better,
        log_z_difference: LogZDifference {
            value: z.value,
            lower,
            upper,
            method: z.method,
            verdict: z.ends.map(|e| e.verdict),
            warnings: z.warnings,
        },
    })
}

/// `log Z_1 - log Z_2`.
fn difference(
    sides: &Sides<'_>,
    rows: Option<&Batch>,
    how: &BracketOptions,
    key: &Key,
    progress: &dyn Progress,
) -> Result<LogZ, Error> {
    let [first, second] = sides.models.map(|s| s.model.as_ref());
    let cheap = |m: &dyn Model| m.exact_work().is_some_and(|work| work <= CHEAP);
    let key = key.purpose(Purpose::LogZ);
    if cheap(first) && cheap(second) {
        let [a, b] = [exact(first, &key, progress)?, exact(second, &key, progress)?];
        return Ok(LogZ::exact(a.value - b.value, format!("{}; {}", a.method, b.method)));
    }
    // From the second to the first: log Z_1 - log Z_2.
    if let Some(found) = second.ratio(first, how, rows, &key, progress) {
        return Ok(found?.log_z());
    }
    let one = |m: &dyn Model, key: &Key| -> Result<LogZ, Error> {
        if cheap(m) { exact(m, key, progress) } else { Ok(m.bracket(how, rows, key, progress)?.log_z()) }
    };
    let [a, b] = [one(first, &key.step(0))?, one(second, &key.step(1))?];
    let ends = |z: &LogZ| z.ends.unwrap_or(Ends { lower: z.value, upper: z.value, verdict: Verdict::Certified });
    let (e, f) = (ends(&a), ends(&b));
    let mut both = LogZ::exact(a.value - b.value, format!("{}; {}", a.method, b.method));
    both.std_err = a.std_err.hypot(b.std_err);
    both.ends = Some(Ends { lower: e.lower - f.upper, upper: e.upper - f.lower, verdict: e.verdict.min(f.verdict) });
    both.warnings = [a.warnings, b.warnings].concat();
    Ok(both)
}

fn exact(model: &dyn Model, key: &Key, progress: &dyn Progress) -> Result<LogZ, Error> {
    let how = LogZOptions {
        method: LogZMethod::Exact,
        exact_work: CHEAP,
        tolerance: QUADRATURE_TOLERANCE,
        n_chains: 2,
        n_temperatures: 1,
        probe: false,
    };
    model.log_z(&how, key, progress)
}
