//! Samples of a model beside data: do they come from one distribution?

use gibbs_core::dense::Dense;
use gibbs_core::diagnostics::mmd::mmd_squared;
use gibbs_core::key::Key;
use gibbs_core::rows::{Continuous, Rows};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::Error;
use crate::models::{Model, SampleObserver, Start};
use crate::progress::Progress;

/// Rows that the default bandwidth is taken from.
const BANDWIDTH_ROWS: usize = 400;

/// Samples of a model against rows of data, by the maximum mean discrepancy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TwoSample {
    /// Unbiased squared maximum mean discrepancy between samples and rows; 0 on average if the model is right.
    pub mmd_squared: f64,
    /// The same between these rows and as many others of the data, if there are: what a perfect model might show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub between_data: Option<f64>,
    /// Length of the Gaussian kernel, on the model's scale.
    pub bandwidth: f64,
    /// Samples, and rows of data.
    pub n: usize,
}

/// Compares `n` samples, each the end of a chain of `n_steps` steps from the model's base, with the first `n` rows.
///
/// The kernel is a Gaussian of length `bandwidth`, the median distance of rows where none is given, on the model's scale
/// (bits are 0 and 1). Formula and source: [`mmd_squared`].
///
/// # Errors
/// [`Error::Usage`] for fewer than two rows or a bandwidth that is not positive, [`Error::Interrupted`] if stopped.
pub fn compare(
    model: &dyn Model,
    rows: &Batch,
    n: usize,
    bandwidth: Option<f64>,
    n_steps: u64,
    key: &Key,
    progress: &dyn Progress,
) -> Result<TwoSample, Error> {
    let n = n.min(rows.n_rows());
    let (data, others) = (numbers(&rows.slice(0, n)), rows.n_rows() / 2 >= n);
    let bandwidth = bandwidth.unwrap_or_else(|| median_distance(&data));
    progress.begin("sampling", n_steps);
    let samples = model.sample(n, Start::Base, 1.0, n_steps, key, &mut Watch(progress));
    if progress.stop() {
        return Err(Error::Interrupted);
    }
    progress.end();
    let distance = |x: &Dense<f32>| mmd_squared(&data, x, bandwidth).map_err(|e| Error::Usage(e.to_string()));
    Ok(TwoSample {
        mmd_squared: distance(&numbers(&samples))?,
        between_data: if others { Some(distance(&numbers(&rows.slice(n, 2 * n)))?) } else { None },
        bandwidth,
        n,
    })
}

struct Watch<'a>(&'a dyn Progress);

impl SampleObserver for Watch<'_> {
    fn observe(&mut self, step: u64, _rows: &Batch, _energies: &[f64]) -> bool {
        self.0.advance(step + 1);
        !self.0.stop()
    }

    fn wants_energies(&self, _step: u64) -> bool {
        false
    }
}

fn numbers(rows: &Batch) -> Dense<f32> {
    match rows {
        Batch::Real(x) => x.clone(),
        Batch::Bits(x) => Dense::from_rows(x.n_cols(), x.to_bytes().into_iter().map(f32::from).collect()),
    }
}

fn median_distance(x: &Dense<f32>) -> f64 {
    let n = x.n_rows().min(BANDWIDTH_ROWS);
    let between = |(i, j): (usize, usize)| {
        x.row(i).iter().zip(x.row(j)).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt()
    };
    let mut distances: Vec<f64> = (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(between).collect();
    distances.sort_by(f64::total_cmp);
    distances.get(distances.len() / 2).copied().unwrap_or(1.0).max(f64::MIN_POSITIVE)
}
