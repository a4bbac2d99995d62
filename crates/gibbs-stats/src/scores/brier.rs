//! Where Brier's score comes from.

use super::{ScoreError, at_least, probabilities, same_length};

/// Parts of the mean Brier score `mean (p - y)^2` of one event:
/// `score = reliability - resolution + uncertainty + within_variance - within_covariance`, exactly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decomposition {
    /// The score itself.
    pub score: f64,
    /// Mean squared distance between the forecast of a bin and what happened in it; 0 if calibrated.
    pub reliability: f64,
    /// Mean squared distance between what happened in a bin and what happens on average: the more the better.
    pub resolution: f64,
    /// `o (1 - o)` for the share `o` of events: what a constant forecast of `o` scores.
    pub uncertainty: f64,
    /// Mean variance of the forecasts inside bins; 0 where a bin holds one value.
    pub within_variance: f64,
    /// Twice the mean covariance of forecast and outcome inside bins.
    pub within_covariance: f64,
}

/// Decomposes over bins of equal width, or, without a number of bins, over the distinct forecasts.
///
/// # Source
/// Murphy 1973, DOI 10.1175/1520-0450(1973)012<0595:ANVPOT>2.0.CO;2; terms within bins: Stephenson, Coelho & Jolliffe
/// 2008, DOI 10.1175/2007WAF2006116.1.
///
/// # Example
/// ```
/// use gibbs_stats::scores::brier::decompose;
/// let d = decompose(&[0.5, 0.5, 1.0, 1.0], &[false, true, true, true], None)?;
/// assert_eq!((d.reliability, d.resolution, d.uncertainty), (0.0, 0.0625, 0.1875));
/// # Ok::<(), gibbs_stats::scores::ScoreError>(())
/// ```
pub fn decompose(p: &[f64], y: &[bool], bins: Option<usize>) -> Result<Decomposition, ScoreError> {
    at_least("rows", p.len(), 1)?;
    same_length("outcomes", y.len(), p.len())?;
    probabilities(p)?;
    if let Some(bins) = bins {
        at_least("bins", bins, 1)?;
    }
    let n = p.len() as f64;
    let outcome = |i: usize| f64::from(u8::from(y[i]));
    // A key that is equal for forecasts of one bin, and rises with them.
    let key = |i: usize| bins.map_or(p[i], |b| (p[i] * b as f64).floor().min(b as f64 - 1.0));
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&i, &j| key(i).total_cmp(&key(j)));
    let overall = (0..p.len()).map(outcome).sum::<f64>() / n;
    let mut out = Decomposition {
        score: (0..p.len()).map(|i| (p[i] - outcome(i)).powi(2)).sum::<f64>() / n,
        reliability: 0.0,
        resolution: 0.0,
        uncertainty: overall * (1.0 - overall),
        within_variance: 0.0,
        within_covariance: 0.0,
    };
    for bin in order.chunk_by(|&i, &j| key(i) == key(j)) {
        let size = bin.len() as f64;
        let forecast = bin.iter().map(|&i| p[i]).sum::<f64>() / size;
        let happened = bin.iter().map(|&i| outcome(i)).sum::<f64>() / size;
        out.reliability += size / n * (forecast - happened).powi(2);
        out.resolution += size / n * (happened - overall).powi(2);
        for &i in bin {
            out.within_variance += (p[i] - forecast).powi(2) / n;
            out.within_covariance += 2.0 * (p[i] - forecast) * (outcome(i) - happened) / n;
        }
    }
    Ok(out)
}
