//! Noise within cells, and the bounds that it gives.

use std::f64::consts::TAU;

use gibbs_core::key::{Key, Rng};
use gibbs_core::optimisers::{Adam, Optimiser, Schedule};
use gibbs_core::params::ParamMap;
use rayon::prelude::*;

use super::{DequantiseError, check, positive};
use crate::softmax::log_sum_exp;
use crate::special::sigmoid;

/// Rows of a block: one thread takes it, and it draws from a key of its own.
const BLOCK: usize = 256;
/// Rows of an update.
const BATCH: usize = 64;
/// The standard deviation on the scale of logits at which a logit-normal law is closest to the uniform one, nearly.
const NEARLY_UNIFORM: f64 = 1.6;
/// Table entries that are fitted at most.
const MOST_CELLS: usize = 1 << 26;

/// A law of noise `u` inside the cells of a row of levels.
pub trait Noise: Sync {
    /// One draw of `u`, each in `[0, 1)`, for the levels `k`; returns `ln q(u | k)`.
    fn draw(&self, k: &[f64], rng: &mut Rng, u: &mut [f64]) -> f64;

    /// What keeps a row of levels from having noise of this law.
    ///
    /// # Errors
    /// The first level that the law does not know, with `row` in the message.
    fn knows(&self, row: usize, k: &[f64]) -> Result<(), DequantiseError> {
        let _ = (row, k);
        Ok(())
    }
}

/// Uniform noise.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct UniformNoise;

impl Noise for UniformNoise {
    fn draw(&self, _k: &[f64], rng: &mut Rng, u: &mut [f64]) -> f64 {
        u.iter_mut().for_each(|u| *u = rng.uniform());
        0.0
    }
}

/// Lower bounds of `ln p_d(k)` of rows, nats; estimates from the same draws.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounds {
    /// Mean of `ln w` over the draws, `w = p_c((k+u) D) D^n / q(u)`: unbiased for the bound with one draw.
    pub single: Vec<f64>,
    /// `ln` of the mean of `w`: unbiased for a bound that is the tighter the more draws there are. The mean of `w` itself is
    /// unbiased for `p_d(k)`.
    pub importance: Vec<f64>,
}

/// Bounds of the log-probabilities of rows of `n_cols` levels under a density of rows, `log_density`, from `n_draws` draws of the
/// noise. Same key, same bits at any number of threads.
///
/// # Errors
/// Numbers that are no levels or do not fill rows, a width that is not positive, no draw, levels unknown to the noise.
pub fn bounds(
    levels: &[f64],
    n_cols: usize,
    step: f64,
    noise: &impl Noise,
    n_draws: usize,
    key: &Key,
    log_density: impl Fn(&[f64]) -> f64 + Sync,
) -> Result<Bounds, DequantiseError> {
    positive(step)?;
    check(levels, n_cols, f64::INFINITY)?;
    if n_draws == 0 {
        return Err(DequantiseError::Setting { what: "the number of draws", value: 0.0, wanted: "at least 1" });
    }
    levels.chunks_exact(n_cols).enumerate().try_for_each(|(row, k)| noise.knows(row, k))?;
    let volume = n_cols as f64 * step.ln();
    let block = |(b, rows): (usize, &[f64])| -> Vec<(f64, f64)> {
        let mut rng = key.block(b as u64).rng();
        let (mut u, mut log_w) = (vec![0.0; n_cols], vec![0.0; n_draws]);
        let one = |k: &[f64]| {
            for w in &mut log_w {
                let log_q = noise.draw(k, &mut rng, &mut u);
                u.iter_mut().zip(k).for_each(|(u, k)| *u = (k + *u) * step);
                *w = log_density(&u) + volume - log_q;
            }
            (log_w.iter().sum::<f64>() / n_draws as f64, log_sum_exp(&log_w) - (n_draws as f64).ln())
        };
        rows.chunks_exact(n_cols).map(one).collect()
    };
    let found: Vec<_> = levels.par_chunks(BLOCK * n_cols).enumerate().with_max_len(1).map(block).collect();
    let (single, importance) = found.into_iter().flatten().unzip();
    Ok(Bounds { single, importance })
}

/// Noise `u = sigmoid(a + s z)`, `z` standard normal, with an `a` and an `s` for every level of every column: independent
/// logit-normal laws, which lean to the side of a cell where the density is larger.
#[derive(Clone, Debug, PartialEq)]
pub struct LogitNormalNoise {
    n_cols: usize,
    n_levels: usize,
    /// `a` and `ln s`, each columns x levels.
    params: ParamMap,
}

/// How noise is fitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Variational {
    /// Updates of Adam, each from 64 rows.
    pub updates: u64,
    /// Its rate, falling linearly to zero.
    pub rate: f64,
}

impl Default for Variational {
    fn default() -> Self {
        Self { updates: 2_000, rate: 0.02 }
    }
}

impl LogitNormalNoise {
    /// The law before fitting, close to uniform.
    ///
    /// # Errors
    /// No column, no level, or too many cells.
    pub fn new(n_cols: usize, n_levels: usize) -> Result<Self, DequantiseError> {
        let cells = n_cols.saturating_mul(n_levels);
        if cells == 0 || cells > MOST_CELLS {
            let what = "columns times levels";
            return Err(DequantiseError::Setting { what, value: cells as f64, wanted: "give 1 to 2^26 of them" });
        }
        let mut params = ParamMap::zeros(&[("centre", &[n_cols, n_levels]), ("log_sd", &[n_cols, n_levels])]);
        params.get_mut("log_sd").fill(NEARLY_UNIFORM.ln() as f32);
        Ok(Self { n_cols, n_levels, params })
    }

    /// Fits the laws to rows of levels: stochastic ascent of the bound through `u(z)`. `value_and_gradient` writes the gradient of the
    /// log-density of a row and returns the log-density.
    ///
    /// # Errors
    /// Rows that this law does not fit, settings out of range, a log-density that is not finite inside the cells of the data.
    pub fn fit(
        &mut self,
        levels: &[f64],
        step: f64,
        how: Variational,
        key: &Key,
        value_and_gradient: impl Fn(&[f64], &mut [f64]) -> f64,
    ) -> Result<(), DequantiseError> {
        positive(step)?;
        check(levels, self.n_cols, self.n_levels as f64)?;
        if !(how.rate > 0.0 && how.rate.is_finite()) {
            let wanted = "a finite number above 0";
            return Err(DequantiseError::Setting { what: "the rate", value: how.rate, wanted });
        }
        let n = levels.len() / self.n_cols;
        let (mut optimiser, mut grad) = (Adam::new(&self.params), self.params.zeros_like());
        let (mut y, mut slope) = (vec![0.0; self.n_cols], vec![0.0; self.n_cols]);
        let (mut u, mut z) = (y.clone(), y.clone());
        for update in 0..how.updates {
            let mut rng = key.step(update).rng();
            grad.clear();
            for _ in 0..BATCH.min(n) {
                let row = rng.below(n);
                let k = &levels[row * self.n_cols..][..self.n_cols];
                for (c, (u, z)) in u.iter_mut().zip(&mut z).enumerate() {
                    let (a, s) = self.cell(c, k[c]);
                    *z = rng.normal();
                    *u = sigmoid(a + s * *z);
                    y[c] = (k[c] + *u) * step;
                }
                let value = value_and_gradient(&y, &mut slope);
                if !(value.is_finite() && slope.iter().all(|s| s.is_finite())) {
                    return Err(DequantiseError::Density { row, value });
                }
                let share = 1.0 / BATCH.min(n) as f64;
                let [centre, log_sd] = grad.get_many_mut(["centre", "log_sd"]);
                for c in 0..self.n_cols {
                    let at = c * self.n_levels + k[c] as usize;
                    let (_, s) = self.cell(c, k[c]);
                    // d ln w / d(a + s z): through the density, and through the Jacobian u (1 - u) in q.
                    let along = step * slope[c] * u[c] * (1.0 - u[c]) + 1.0 - 2.0 * u[c];
                    // Adam goes down.
                    centre[at] -= (share * along) as f32;
                    log_sd[at] -= (share * (s * z[c] * along + 1.0)) as f32;
                }
            }
            let rate = how.rate * Schedule::Linear.factor(update, how.updates, 0);
            optimiser.step(&mut self.params, &grad, rate as f32);
        }
        Ok(())
    }

    /// `a` and `s` of a level of a column.
    fn cell(&self, column: usize, level: f64) -> (f64, f64) {
        let at = column * self.n_levels + level as usize;
        (f64::from(self.params.get("centre")[at]), f64::from(self.params.get("log_sd")[at]).exp())
    }
}

impl Noise for LogitNormalNoise {
    fn draw(&self, k: &[f64], rng: &mut Rng, u: &mut [f64]) -> f64 {
        let mut log_q = 0.0;
        for (c, (u, k)) in u.iter_mut().zip(k).enumerate() {
            let (a, s) = self.cell(c, *k);
            let z = rng.normal();
            let logit = a + s * z;
            *u = sigmoid(logit);
            // ln u (1 - u) = -|logit| - 2 ln(1 + exp(-|logit|)).
            let log_jacobian = -logit.abs() - 2.0 * (-logit.abs()).exp().ln_1p();
            log_q += -0.5 * (z * z + TAU.ln()) - s.ln() - log_jacobian;
        }
        log_q
    }

    fn knows(&self, row: usize, k: &[f64]) -> Result<(), DequantiseError> {
        if k.len() != self.n_cols {
            return Err(DequantiseError::Rows { found: k.len(), n_cols: self.n_cols });
        }
        match k.iter().position(|k| *k >= self.n_levels as f64) {
            None => Ok(()),
            Some(col) => {
                let wanted = "the noise was made for fewer levels";
                Err(DequantiseError::Level { row, col, value: k[col], wanted })
            }
        }
    }
}
