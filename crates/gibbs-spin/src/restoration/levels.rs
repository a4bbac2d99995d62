//! Grey pictures with Gaussian noise, on a few levels.

use gibbs_core::key::Key;

use crate::field::{Field, FieldError, Pair, log_sum_exp, normalise};
use crate::graph::{Connectivity, Graph};
use crate::newton::{Concave, maximise};

/// The posterior of a grey picture on `q` evenly spaced levels between the darkest and the brightest value seen, given one
/// with Gaussian noise: `p(x | y) prop exp(J sum_<ij> f(x_i, x_j) - sum_i (y_i - v(x_i))^2 / (2 sigma^2))` over pixels that share a
/// side; `f` is [`Pair::TruncatedQuadratic`] (smooth but for edges) or [`Pair::Potts`] (patches).
#[derive(Clone, Debug)]
pub struct Levels {
    /// Standard deviation of the noise, in grey values.
    pub noise: f64,
    /// `J`.
    pub coupling: f64,
    values: Vec<f64>,
    field: Field,
}

/// What is known of the noise and the coupling; `None` is estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Known {
    /// Standard deviation of the noise, in grey values.
    pub noise: Option<f64>,
    /// `J`.
    pub coupling: Option<f64>,
}

impl Levels {
    /// For a picture of `height` x `width` grey values, row by row.
    ///
    /// The noise is estimated from second differences ([`noise_of`]); the coupling by stochastic EM: the picture is drawn by
    /// a few sweeps and the coupling set to the largest likelihood of every second pixel given the others (Besag's coding
    /// method, 1974), and again; the mean of the second half is kept.
    ///
    /// # Errors
    /// `q` not 2 to 256, a picture of one value or of the wrong size, settings out of range.
    pub fn new(
        (height, width): (usize, usize),
        grey: &[u8],
        q: usize,
        pair: &Pair,
        known: Known,
        key: &Key,
    ) -> Result<Self, FieldError> {
        let (graph, _) = Graph::picture(height, width, Connectivity::Four)?;
        crate::field::length("pixels", grey.len(), graph.n_sites())?;
        let noise = known.noise.unwrap_or_else(|| noise_of((height, width), grey)).max(1e-3);
        if !noise.is_finite() || known.noise.is_some_and(|n| n <= 0.0) {
            let wanted = "give a positive standard deviation, in grey values from 0 to 255";
            return Err(FieldError::Setting { what: "the noise", value: noise, wanted });
        }
        let (darkest, brightest) = (*grey.iter().min().unwrap_or(&0), *grey.iter().max().unwrap_or(&0));
        let span = f64::from(brightest) - f64::from(darkest);
        let values: Vec<f64> = (0..q).map(|a| f64::from(darkest) + span * a as f64 / (q.max(2) - 1) as f64).collect();
        let unary = grey
            .iter()
            .flat_map(|y| values.iter().map(move |v| -(f64::from(*y) - v).powi(2) / (2.0 * noise * noise)))
            .collect();
        let n_edges = graph.n_edges();
        let field = Field::new(graph, q, pair, vec![known.coupling.unwrap_or(0.5); n_edges], unary)?;
        let mut levels = Self { noise, coupling: known.coupling.unwrap_or(0.5), values, field };
        if known.coupling.is_none() {
            levels.estimate_coupling(key)?;
        }
        Ok(levels)
    }

    /// The posterior.
    pub fn field(&self) -> &Field {
        &self.field
    }

    /// Grey values of the levels.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Mean grey value of every pixel under marginals: the estimate of least squared error.
    pub fn means(&self, marginals: &[f64]) -> Vec<f64> {
        let mean = |m: &[f64]| m.iter().zip(&self.values).map(|(p, v)| p * v).sum();
        marginals.chunks_exact(self.values.len()).map(mean).collect()
    }

    /// Marginals by `n` sweeps after `burn_in`, each pixel's as the mean of its laws given its neighbours, which scatter less
    /// than its states.
    pub fn marginals(&self, burn_in: u64, n: u64, key: &Key) -> Vec<f64> {
        let (q, mut x) = (self.values.len(), self.start());
        let (mut sum, mut p) = (vec![0.0; self.field.unary().len()], vec![0.0; q]);
        for t in 0..burn_in + n {
            self.field.sweep(1.0, &mut x, &key.step(t));
            if t >= burn_in {
                for (site, sum) in sum.chunks_exact_mut(q).enumerate() {
                    self.field.log_weights(&x, site, 1.0, &mut p);
                    normalise(&mut p);
                    sum.iter_mut().zip(&p).for_each(|(s, p)| *s += p / n as f64);
                }
            }
        }
        sum
    }

    /// Every pixel at the level nearest to what was seen.
    fn start(&self) -> Vec<u8> {
        (0..self.field.n_sites()).map(|i| crate::field::argmax(self.field.unary_of(i)) as u8).collect()
    }

    fn estimate_coupling(&mut self, key: &Key) -> Result<(), FieldError> {
        const ITERATIONS: u64 = 24;
        let (mut x, mut mean) = (self.start(), 0.0);
        let class: Vec<usize> = self.field.colouring().classes[0].clone();
        // Some thousand pixels determine one number to a percent.
        let sites: Vec<usize> = class.iter().copied().step_by(class.len().div_ceil(4096).max(1)).collect();
        for t in 0..ITERATIONS {
            let of = key.step(t);
            (0..2).for_each(|k| self.field.sweep(1.0, &mut x, &of.step(k)));
            let best = maximise(vec![self.coupling], |theta| Ok::<_, FieldError>(self.coding(theta, &x, &sites)))?;
            self.set_coupling(best.theta[0].clamp(0.0, 50.0))?;
            if 2 * t >= ITERATIONS {
                mean += self.coupling / (ITERATIONS / 2) as f64;
            }
        }
        self.set_coupling(mean)
    }

    fn set_coupling(&mut self, coupling: f64) -> Result<(), FieldError> {
        self.coupling = coupling;
        self.field = self.field.with(vec![coupling; self.field.graph().n_edges()], self.field.unary().to_vec())?;
        Ok(())
    }

    /// `sum_i log p(x_i | neighbours)` under the prior, over sites that are no neighbours.
    fn coding(&self, theta: &[f64], x: &[u8], sites: &[usize]) -> Concave {
        let q = self.values.len();
        let (mut total, mut s, mut p) = (Concave::zero(1), vec![0.0; q], vec![0.0; q]);
        for &site in sites {
            s.fill(0.0);
            for near in self.field.graph().near(site) {
                let pair = self.field.pair(usize::from(x[near.site as usize]));
                s.iter_mut().zip(pair).for_each(|(s, f)| *s += f);
            }
            p.iter_mut().zip(&s).for_each(|(p, s)| *p = theta[0] * s);
            let own = usize::from(x[site]);
            total.value += p[own] - log_sum_exp(&p);
            normalise(&mut p);
            total.add_softmax(&p, &s, own, 1.0);
        }
        total
    }
}

/// Standard deviation of Gaussian noise, from the median absolute value of second differences across and down,
/// `y(i-1, j-1) - 2 y(i-1, j) + .. ` (the 3 x 3 difference of two Laplacians), which smooth pictures hardly excite and whose median
/// edges do not move.
///
/// # Source
/// The mask: Immerkaer 1996, "Fast noise variance estimation", DOI 10.1006/cviu.1996.0060; the median as in Donoho & Johnstone
/// 1994, DOI 10.1093/biomet/81.3.425.
pub fn noise_of((height, width): (usize, usize), grey: &[u8]) -> f64 {
    const MASK: [[f64; 3]; 3] = [[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]];
    let mut sizes: Vec<f64> = Vec::new();
    for i in 1..height.saturating_sub(1) {
        for j in 1..width.saturating_sub(1) {
            let at = |di: usize, dj: usize| f64::from(grey[(i + di - 1) * width + j + dj - 1]);
            sizes.push((0..9).map(|k| MASK[k / 3][k % 3] * at(k / 3, k % 3)).sum::<f64>().abs());
        }
    }
    if sizes.is_empty() {
        return 1.0;
    }
    let middle = sizes.len() / 2;
    let (_, median, _) = sizes.select_nth_unstable_by(middle, f64::total_cmp);
    // The mask turns variance 1 into 36; the median of |N(0, 1)| is 0.6745.
    *median / 6.0 / 0.674_489_750_196_081_7
}
