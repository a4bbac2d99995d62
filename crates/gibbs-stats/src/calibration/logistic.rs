//! Logistic curves for one event.

use super::FitError;
use super::newton::minimise;
use crate::scores::{ScoreError, at_least, probabilities, same_length};
use crate::special::{sigmoid, softplus};

/// Coefficients of largest likelihood of `P = sigmoid(c . x)` for targets between 0 and 1.
fn fit_logistic(x: &[f64], targets: &[f64], d: usize) -> Option<Vec<f64>> {
    let n = targets.len() as f64;
    minimise(&vec![0.0; d], |c, g, h| {
        g.fill(0.0);
        h.fill(0.0);
        let mut value = 0.0;
        for (x, t) in x.chunks_exact(d).zip(targets) {
            let z: f64 = c.iter().zip(x).map(|(c, x)| c * x).sum();
            let (p, q) = (sigmoid(z), sigmoid(-z));
            value += (softplus(z) - t * z) / n;
            for i in 0..d {
                // p - t without cancellation near t = 1.
                g[i] += x[i] * (p * (1.0 - t) - q * t) / n;
                for j in 0..d {
                    h[i * d + j] += x[i] * x[j] * p * q / n;
                }
            }
        }
        value
    })
}

/// `Ok` if both outcomes occur; the number of events.
fn both(what: &'static str, y: &[bool]) -> Result<usize, FitError> {
    let events = y.iter().filter(|y| **y).count();
    if events == 0 || events == y.len() {
        let why = "only one of the two outcomes occurs: use more rows";
        return Err(FitError::NoBest { what, why });
    }
    Ok(events)
}

/// Platt scaling of a score: `P(event) = sigmoid(slope s + offset)`.
///
/// Targets are drawn in from 0 and 1 to `1/(n0 + 2)` and `(n1 + 1)/(n1 + 2)`, so that separable rows have a best fit too.
///
/// # Source
/// Platt 1999, *Probabilistic outputs for support vector machines*; Lin, Lin & Weng 2007,
/// DOI 10.1007/s10994-007-5018-6.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Platt {
    slope: f64,
    offset: f64,
}

impl Platt {
    /// Fits scores (any finite numbers, larger for the event) to outcomes.
    pub fn fit(scores: &[f64], y: &[bool]) -> Result<Self, FitError> {
        same_length("outcomes", y.len(), scores.len())?;
        at_least("rows", y.len(), 2)?;
        if let Some(row) = scores.iter().position(|s| !s.is_finite()) {
            let wanted = "scores to calibrate are finite";
            return Err(ScoreError::Value { row, col: 0, what: "a score", value: scores[row], wanted }.into());
        }
        let what = "Platt scaling";
        let n1 = both(what, y)? as f64;
        let n0 = y.len() as f64 - n1;
        let targets: Vec<f64> =
            y.iter().map(|y| if *y { (n1 + 1.0) / (n1 + 2.0) } else { (n0 + 2.0).recip() }).collect();
        // Scores in units of their own spread, so that the Hessian is well scaled whatever their unit.
        let unit = scores.iter().fold(f64::MIN_POSITIVE, |u, s| u.max(s.abs()));
        let x: Vec<f64> = scores.iter().flat_map(|s| [s / unit, 1.0]).collect();
        let why = "the fit did not settle: are the scores constant?";
        let c = fit_logistic(&x, &targets, 2).ok_or(FitError::NoBest { what, why })?;
        Ok(Self { slope: c[0] / unit, offset: c[1] })
    }

    /// Change of the log-odds with the score.
    pub fn slope(&self) -> f64 {
        self.slope
    }

    /// Log-odds at score 0.
    pub fn offset(&self) -> f64 {
        self.offset
    }

    /// Calibrated probability.
    pub fn probability(&self, score: f64) -> f64 {
        sigmoid(self.slope * score + self.offset)
    }
}

/// Beta scaling of a probability: `logit P = a ln p - b ln(1 - p) + c` with `a, b >= 0`. The identity is among its
/// curves (`a = b = 1`, `c = 0`), unlike among Platt's over probabilities.
///
/// # Source
/// Kull, Silva Filho & Flach 2017, DOI 10.1214/17-EJS1338SI.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BetaScaling {
    a: f64,
    b: f64,
    c: f64,
}

/// Probabilities are kept this far from 0 and 1, whose logarithms are infinite.
const EDGE: f64 = 1e-12;

impl BetaScaling {
    /// Fits probabilities of an event to outcomes.
    ///
    /// A coefficient that would be negative is 0 and the others are fitted again: of the convex likelihood's faces the
    /// best one is taken.
    pub fn fit(p: &[f64], y: &[bool]) -> Result<Self, FitError> {
        same_length("outcomes", y.len(), p.len())?;
        at_least("rows", y.len(), 2)?;
        probabilities(p)?;
        let what = "beta scaling";
        both(what, y)?;
        let targets: Vec<f64> = y.iter().map(|y| f64::from(u8::from(*y))).collect();
        let features = |p: f64| {
            let p = p.clamp(EDGE, 1.0 - EDGE);
            [p.ln(), -(-p).ln_1p()]
        };
        let why = "the probabilities separate the outcomes: use more rows, or Platt scaling";
        let fit = |which: &[usize]| -> Option<([f64; 3], f64)> {
            let x: Vec<f64> = p.iter().flat_map(|&p| which.iter().map(move |&k| features(p)[k]).chain([1.0])).collect();
            let found = fit_logistic(&x, &targets, which.len() + 1)?;
            let mut abc = [0.0, 0.0, found[which.len()]];
            which.iter().zip(&found).for_each(|(&k, &v)| abc[k] = v);
            let z = |p: f64| abc[0] * features(p)[0] + abc[1] * features(p)[1] + abc[2];
            // Where the curve has all outcomes on their side of a half, a steeper one is better still.
            if p.iter().zip(y).all(|(&p, y)| (z(p) > 0.0) == *y) {
                return None;
            }
            Some((abc, p.iter().zip(&targets).map(|(&p, t)| softplus(z(p)) - t * z(p)).sum()))
        };
        let both = fit(&[0, 1]).ok_or(FitError::NoBest { what, why })?;
        let legal = |abc: &[f64; 3]| abc[0] >= 0.0 && abc[1] >= 0.0;
        let faces: [&[usize]; 3] = [&[0], &[1], &[]];
        let best = if legal(&both.0) {
            Some(both)
        } else {
            faces.iter().filter_map(|w| fit(w)).filter(|f| legal(&f.0)).min_by(|f, g| f.1.total_cmp(&g.1))
        };
        let ([a, b, c], _) = best.ok_or(FitError::NoBest { what, why })?;
        Ok(Self { a, b, c })
    }

    /// `(a, b, c)`.
    pub fn coefficients(&self) -> (f64, f64, f64) {
        (self.a, self.b, self.c)
    }

    /// Calibrated probability.
    pub fn probability(&self, p: f64) -> f64 {
        let p = p.clamp(EDGE, 1.0 - EDGE);
        sigmoid(self.a * p.ln() - self.b * (-p).ln_1p() + self.c)
    }
}
