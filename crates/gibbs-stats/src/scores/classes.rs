//! Scores of probabilities of classes.

use rayon::prelude::*;

use super::{ScoreError, at_least, same_length};

/// Rows that a thread takes at least.
const BLOCK: usize = 4096;

/// How far a row of probabilities may be from adding up to one, unless it is said otherwise: what survives six digits.
pub const SUM_TOLERANCE: f64 = 1e-5;

/// `-ln p_y`, infinite where the outcome was called impossible.
pub fn log_score(p: &[f64], y: usize) -> f64 {
    -p[y].ln()
}

/// `sum_k (p_k - [y = k])^2`, between 0 and 2 (Brier 1950). For two classes this is twice `(p - y)^2`.
pub fn brier(p: &[f64], y: usize) -> f64 {
    p.iter().enumerate().map(|(k, p)| (p - f64::from(u8::from(k == y))).powi(2)).sum()
}

/// `-p_y / |p|`, between -1 and 0.
pub fn spherical(p: &[f64], y: usize) -> f64 {
    -p[y] / p.iter().map(|p| p * p).sum::<f64>().sqrt()
}

/// Ranked probability score of ordered classes, `sum_k (P(Y <= k) - [y <= k])^2` (Epstein 1969): a miss by two classes
/// costs more than one by one.
pub fn ranked(p: &[f64], y: usize) -> f64 {
    let mut below = 0.0;
    let term = |(k, p): (usize, &f64)| {
        below += p;
        (below - f64::from(u8::from(y <= k))).powi(2)
    };
    p[..p.len() - 1].iter().enumerate().map(term).sum()
}

/// A table of class probabilities with the outcomes, checked.
///
/// # Example
/// ```
/// use gibbs_stats::scores::{ClassForecasts, classes, summarise};
/// let table = ClassForecasts::new(3, &[0.7, 0.2, 0.1, 0.1, 0.1, 0.8], &[0, 1])?;
/// let log = summarise(&table.scores(classes::log_score))?;
/// assert!((log.mean + (0.7f64.ln() + 0.1f64.ln()) / 2.0).abs() < 1e-15);
/// # Ok::<(), gibbs_stats::scores::ScoreError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ClassForecasts {
    n_classes: usize,
    probs: Vec<f64>,
    outcomes: Vec<usize>,
}

impl ClassForecasts {
    /// From rows of `n_classes` probabilities and one class index a row. Rows that add up to one within
    /// [`SUM_TOLERANCE`] are divided by their sum.
    pub fn new(n_classes: usize, probs: &[f64], outcomes: &[usize]) -> Result<Self, ScoreError> {
        Self::with_tolerance(n_classes, probs, outcomes, SUM_TOLERANCE)
    }

    /// As [`ClassForecasts::new`] with a tolerance; infinity normalises any row with a positive sum.
    pub fn with_tolerance(
        n_classes: usize,
        probs: &[f64],
        outcomes: &[usize],
        tolerance: f64,
    ) -> Result<Self, ScoreError> {
        at_least("classes", n_classes, 2)?;
        at_least("rows", outcomes.len(), 1)?;
        same_length("probabilities", probs.len(), n_classes * outcomes.len())?;
        let mut probs = probs.to_vec();
        let check = |(b, (probs, outcomes)): (usize, (&mut [f64], &[usize]))| {
            let mut rows = probs.chunks_exact_mut(n_classes).zip(outcomes).enumerate();
            rows.try_for_each(|(i, (p, y))| normalise(b * BLOCK + i, p, *y, tolerance))
        };
        let blocks = probs.par_chunks_mut(BLOCK * n_classes).zip(outcomes.par_chunks(BLOCK)).enumerate();
        let found: Vec<Result<(), ScoreError>> = blocks.map(check).collect();
        // The first row that is wrong, whichever thread saw one first.
        found.into_iter().collect::<Result<(), _>>()?;
        Ok(Self { n_classes, probs, outcomes: outcomes.to_vec() })
    }

    /// Number of classes.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.outcomes.len()
    }

    /// Rows of probabilities with their outcomes.
    pub fn rows(&self) -> impl Iterator<Item = (&[f64], usize)> {
        self.probs.chunks_exact(self.n_classes).zip(self.outcomes.iter().copied())
    }

    /// The score of every row.
    pub fn scores(&self, score: impl Fn(&[f64], usize) -> f64 + Sync) -> Vec<f64> {
        self.par_rows().map(|(p, y)| score(p, y)).collect()
    }

    fn par_rows(&self) -> impl IndexedParallelIterator<Item = (&[f64], usize)> {
        self.probs.par_chunks_exact(self.n_classes).zip(self.outcomes.par_iter().copied()).with_min_len(BLOCK)
    }

    /// Probability of one class, and whether it came, row by row.
    pub fn one_class(&self, class: usize) -> (Vec<f64>, Vec<bool>) {
        self.par_rows().map(|(p, y)| (p[class], y == class)).unzip()
    }

    /// Probability of the most probable class (the first of equals), and whether it came, row by row.
    pub fn top_label(&self) -> (Vec<f64>, Vec<bool>) {
        let top = |(p, y): (&[f64], usize)| {
            let top = most_probable(p);
            (p[top], y == top)
        };
        self.par_rows().map(top).unzip()
    }

    /// The most probable class of every row, the first of equals.
    pub fn predictions(&self) -> Vec<usize> {
        self.par_rows().map(|(p, _)| most_probable(p)).collect()
    }
}

/// The first of the largest.
fn most_probable(p: &[f64]) -> usize {
    (0..p.len()).fold(0, |top, k| if p[k] > p[top] { k } else { top })
}

/// Checks a row and divides it by its sum.
fn normalise(row: usize, p: &mut [f64], y: usize, tolerance: f64) -> Result<(), ScoreError> {
    if let Some(col) = p.iter().position(|p| !(*p >= 0.0 && p.is_finite())) {
        let wanted = "probabilities are finite and not negative";
        return Err(ScoreError::Value { row, col, what: "a probability", value: p[col], wanted });
    }
    if y >= p.len() {
        let wanted = "outcomes are class indices from 0 up, below the number of classes";
        return Err(ScoreError::Value { row, col: 0, what: "the outcome", value: y as f64, wanted });
    }
    let sum: f64 = p.iter().sum();
    if !(sum > 0.0 && sum.is_finite() && (sum - 1.0).abs() <= tolerance) {
        return Err(ScoreError::Sum { row, sum, tolerance });
    }
    p.iter_mut().for_each(|p| *p /= sum);
    Ok(())
}
