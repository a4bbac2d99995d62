//! A scale and a shift for every class.

use super::FitError;
use super::newton::minimise;
use super::temperature::check;
use crate::scores::ScoreError;
use crate::softmax::{log_softmax, split};

/// Vector scaling: `p = softmax(a_k z_k + b_k)`. It may change the most probable class.
///
/// # Source
/// Guo et al. 2017, arXiv:1706.04599.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorScaling {
    scale: Vec<f64>,
    shift: Vec<f64>,
}

impl VectorScaling {
    /// The scales and shifts of largest likelihood, less `ridge / 2` times their squared distance from 1 and 0 (per row;
    /// 0 for none). The last shift is 0: only differences count.
    ///
    /// # Errors
    /// [`FitError::NoBest`] where some scales and shifts explain all labels: give a positive ridge.
    pub fn fit(n_classes: usize, logits: &[f64], labels: &[usize], ridge: f64) -> Result<Self, FitError> {
        check(n_classes, logits, labels)?;
        if !(ridge >= 0.0 && ridge.is_finite()) {
            let wanted = "give a finite number from 0 up";
            return Err(ScoreError::Setting { what: "the ridge", value: ridge, wanted }.into());
        }
        let (k, n) = (n_classes, labels.len() as f64);
        let d = 2 * k - 1;
        let start: Vec<f64> = (0..d).map(|i| f64::from(u8::from(i < k))).collect();
        let loss = |theta: &[f64], g: &mut [f64], h: &mut [f64]| {
            g.fill(0.0);
            h.fill(0.0);
            let mut value = 0.0;
            let mut p = vec![0.0; k];
            for (z, &y) in logits.chunks_exact(k).zip(labels) {
                let shift = |c: usize| theta.get(k + c).copied().unwrap_or(0.0);
                p.iter_mut().enumerate().for_each(|(c, p)| *p = theta[c] * z[c] + shift(c));
                let (top, rest) = split(&p);
                value -= (p[y] - top) - rest;
                p.iter_mut().for_each(|p| *p = ((*p - top) - rest).exp());
                // A parameter acts on one class only: z for its scale, 1 for its shift.
                let part = |i: usize| if i < k { (i, z[i]) } else { (i - k, 1.0) };
                for i in 0..d {
                    let (a, za) = part(i);
                    g[i] += za * (p[a] - f64::from(u8::from(a == y)));
                    for j in 0..=i {
                        let (b, zb) = part(j);
                        let same = if a == b { p[a] } else { 0.0 };
                        h[i * d + j] += za * zb * (same - p[a] * p[b]);
                    }
                }
            }
            value /= n;
            for i in 0..d {
                let off = theta[i] - start[i];
                value += 0.5 * ridge * off * off;
                g[i] = g[i] / n + ridge * off;
                for j in 0..=i {
                    h[i * d + j] = h[i * d + j] / n + if i == j { ridge } else { 0.0 };
                    h[j * d + i] = h[i * d + j];
                }
            }
            value
        };
        let why = "some scales and shifts explain all labels: use more rows, or a positive ridge";
        let none = FitError::NoBest { what: "vector scaling", why };
        let theta = minimise(&start, loss).ok_or(none.clone())?;
        let mut shift = theta[k..].to_vec();
        shift.push(0.0);
        let out = Self { scale: theta[..k].to_vec(), shift };
        // Where every label comes first, twice the parameters are better still: Newton's method only tired of it.
        let first = |(z, y): (&[f64], &usize)| {
            let moved = out.moved(z);
            (0..k).all(|c| c == *y || moved[c] < moved[*y])
        };
        if ridge == 0.0 && logits.chunks_exact(k).zip(labels).all(first) {
            return Err(none);
        }
        Ok(out)
    }

    /// Scales of the classes.
    pub fn scale(&self) -> &[f64] {
        &self.scale
    }

    /// Shifts of the classes.
    pub fn shift(&self) -> &[f64] {
        &self.shift
    }

    fn moved(&self, logits: &[f64]) -> Vec<f64> {
        logits.iter().zip(&self.scale).zip(&self.shift).map(|((z, a), b)| a * z + b).collect()
    }

    /// Calibrated log-probabilities of a row of logits.
    pub fn log_probs(&self, logits: &[f64]) -> Result<Vec<f64>, crate::softmax::SoftmaxError> {
        log_softmax(&self.moved(logits), 1.0)
    }
}
