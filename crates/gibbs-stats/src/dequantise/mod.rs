//! Dequantisation: densities for data that are whole numbers (pixels, counts), and what they say of these.
//!
//! A level `k` stands for the cell `[k D, (k+1) D)` of width `D` = `step`. A density `p_c` gives the level the probability
//! `p_d(k) = int_cell p_c(y) dy`; the other way round, probabilities of levels give the density `p_deq(y) = p_d(k) / D`,
//! flat within cells, and for data of any density `q_c` whose cells have the probabilities `q_d`
//!
//! `H(q_c, p_deq) = H(q_d, p_d) + ln D` exactly.
//!
//! | | noise `u` within the cell | what `E[ln p_c((k+u) D) - ln q(u)] + ln D` is |
//! |---|---|---|
//! | [`UniformNoise`] | uniform, `q = 1` | a lower bound of `ln p_d(k)` (Theis, van den Oord & Bethge 2016, arXiv:1511.01844, section 3.1) |
//! | [`LogitNormalNoise`] | logit-normal, fitted | a tighter one (Ho et al. 2019, arXiv:1902.00275, equation 12) |
//!
//! With several draws the mean of `p_c D^n / q` is unbiased for `p_d(k)`, and its logarithm a bound that rises to it (Hoogeboom,
//! Cohen & Tomczak 2020, arXiv:2001.11235); [`bounds`] gives both.
//!
//! # Example
//! ```
//! use gibbs_core::key::Key;
//! use gibbs_stats::dequantise::{UniformNoise, bits_per_dimension, bounds, dequantise, quantise};
//! let pixels = [0.0, 3.0, 7.0, 7.0, 1.0, 2.0];
//! let y = dequantise(&pixels, 0.125, &Key::from_seed(1))?;
//! assert_eq!(quantise(&y, 0.125)?, pixels);
//! // A density that is flat on the unit square: three bits a pixel of eight levels.
//! let flat = |y: &[f64]| if y.iter().all(|y| (0.0..1.0).contains(y)) { 0.0 } else { f64::NEG_INFINITY };
//! let found = bounds(&pixels, 2, 0.125, &UniformNoise, 4, &Key::from_seed(2), flat)?;
//! assert!((bits_per_dimension(found.single[0], 2) - 3.0).abs() < 1e-12);
//! # Ok::<(), gibbs_stats::dequantise::DequantiseError>(())
//! ```
mod variational;

pub use variational::{Bounds, LogitNormalNoise, Noise, UniformNoise, Variational, bounds};

use gibbs_core::key::Key;

/// Values of a block that draws from a key of its own.
const BLOCK: usize = 4096;

/// What cannot be dequantised.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DequantiseError {
    /// A number that is no level.
    #[error("row {row}, column {col} is {value}: {wanted}")]
    Level {
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        col: usize,
        /// The number.
        value: f64,
        /// What is asked for.
        wanted: &'static str,
    },
    /// A cell without width.
    #[error("the width of a cell is {0}: give a finite number above 0")]
    Step(f64),
    /// Numbers that do not fill rows.
    #[error("{found} numbers do not make rows of {n_cols}")]
    Rows {
        /// How many came.
        found: usize,
        /// Numbers in a row.
        n_cols: usize,
    },
    /// A setting out of range.
    #[error("{what} is {value}: {wanted}")]
    Setting {
        /// Which.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What is asked for.
        wanted: &'static str,
    },
    /// A density that is not finite where the data are.
    #[error("the log-density of row {row} with noise is {value}: it has to be finite inside the cells of the data")]
    Density {
        /// Row, from 0.
        row: usize,
        /// The log-density.
        value: f64,
    },
}

fn positive(step: f64) -> Result<f64, DequantiseError> {
    if step > 0.0 && step.is_finite() { Ok(step) } else { Err(DequantiseError::Step(step)) }
}

/// Adds uniform noise: `(k + u) step` for every level `k`, with `u` uniform on `[0, 1)`. Levels are whole numbers from 0 up, in any shape.
///
/// # Errors
/// A width that is not positive, a number that is no level.
pub fn dequantise(levels: &[f64], step: f64, key: &Key) -> Result<Vec<f64>, DequantiseError> {
    positive(step)?;
    check(levels, levels.len().max(1), f64::INFINITY)?;
    let mut out = levels.to_vec();
    for (b, block) in out.chunks_mut(BLOCK).enumerate() {
        let mut rng = key.block(b as u64).rng();
        for y in block {
            let k = *y;
            // Rounding of k + u may reach the next level, which is another cell.
            *y = (k + rng.uniform()).min((k + 1.0).next_down()) * step;
        }
    }
    Ok(out)
}

/// The level `floor(y / step)` of every number: the inverse of [`dequantise`] wherever `step` is a power of two, and else but
/// for numbers within rounding of a cell's end.
///
/// # Errors
/// A width that is not positive, a number that is negative or not finite.
pub fn quantise(values: &[f64], step: f64) -> Result<Vec<f64>, DequantiseError> {
    positive(step)?;
    if let Some(i) = values.iter().position(|y| !(*y >= 0.0 && y.is_finite())) {
        let wanted = "a finite number from 0 up is wanted";
        return Err(DequantiseError::Level { row: 0, col: i, value: values[i], wanted });
    }
    Ok(values.iter().map(|y| (y / step).floor()).collect())
}

/// `Ok` for whole numbers from 0 up, below `n_levels`, in rows of `n_cols`.
fn check(levels: &[f64], n_cols: usize, n_levels: f64) -> Result<(), DequantiseError> {
    if n_cols == 0 || !levels.len().is_multiple_of(n_cols) {
        return Err(DequantiseError::Rows { found: levels.len(), n_cols });
    }
    // Above 2^52 a level has no room for noise.
    let most = n_levels.min(2f64.powi(52));
    match levels.iter().position(|k| !(*k >= 0.0 && *k < most && k.fract() == 0.0)) {
        None => Ok(()),
        Some(i) => {
            let wanted = "levels are whole numbers from 0 up, below the number of levels";
            Err(DequantiseError::Level { row: i / n_cols, col: i % n_cols, value: levels[i], wanted })
        }
    }
}

/// Probabilities of levels as a density: `p_deq(y) = p_d(k) / step` for `y` in the cell of level `k`, 0 outside all cells.
///
/// # Example
/// ```
/// use gibbs_stats::dequantise::Dequantised;
/// let p = Dequantised::new(&[0.25, 0.75], 0.5)?;
/// assert_eq!(p.log_prob(0.9), 1.5f64.ln());
/// assert_eq!(p.log_prob(1.0), f64::NEG_INFINITY);
/// # Ok::<(), gibbs_stats::dequantise::DequantiseError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Dequantised {
    log_p: Vec<f64>,
    step: f64,
}

impl Dequantised {
    /// From the probabilities of levels 0, 1, ..., which are divided by their sum, and the width of a cell.
    ///
    /// # Errors
    /// A width that is not positive; probabilities that are negative, not finite or all 0.
    pub fn new(probs: &[f64], step: f64) -> Result<Self, DequantiseError> {
        positive(step)?;
        if let Some(i) = probs.iter().position(|p| !(*p >= 0.0 && p.is_finite())) {
            let wanted = "probabilities are finite and not negative";
            return Err(DequantiseError::Level { row: 0, col: i, value: probs[i], wanted });
        }
        let sum: f64 = probs.iter().sum();
        if !(sum > 0.0 && sum.is_finite()) {
            let wanted = "one of them at least is positive";
            return Err(DequantiseError::Setting { what: "the sum of the probabilities", value: sum, wanted });
        }
        Ok(Self { log_p: probs.iter().map(|p| (p / sum).ln()).collect(), step })
    }

    /// `ln p_deq(y)`, nats; NaN for NaN.
    pub fn log_prob(&self, y: f64) -> f64 {
        if y.is_nan() {
            return y;
        }
        let level = (y / self.step).floor();
        let log_p = if level >= 0.0 { self.log_p.get(level as usize).copied() } else { None };
        log_p.map_or(f64::NEG_INFINITY, |l| l - self.step.ln())
    }

    /// `ln p_d(k)`, nats.
    pub fn log_prob_of_level(&self, level: usize) -> f64 {
        self.log_p.get(level).copied().unwrap_or(f64::NEG_INFINITY)
    }

    /// Cross-entropy `H(q_d, p_d) = -sum_k q_d(k) ln p_d(k)` with probabilities of levels, nats; that of densities,
    /// `H(q_c, p_deq)`, is larger by `ln step` whatever `q_c` is within the cells.
    pub fn cross_entropy(&self, q: &[f64]) -> f64 {
        let term = |(k, q): (usize, &f64)| if *q == 0.0 { 0.0 } else { -q * self.log_prob_of_level(k) };
        q.iter().enumerate().map(term).sum()
    }
}

/// Log-probability of whole numbers, nats, from the log-density of the dequantised row: `ln p_c + n_dims ln step`.
pub fn discrete_log_prob(log_density: f64, n_dims: usize, step: f64) -> f64 {
    log_density + n_dims as f64 * step.ln()
}

/// Bits per dimension of a log-probability in nats, `-log_prob / (n_dims ln 2)`: the lower the better, and `log2` of the
/// number of levels for fair ones.
pub fn bits_per_dimension(log_prob: f64, n_dims: usize) -> f64 {
    -log_prob / (n_dims as f64 * std::f64::consts::LN_2)
}
