//! Black and white pictures with flipped pixels.

use gibbs_core::key::Key;
use gibbs_kernels::multispin::picture::{Picture, Table, sweep};
use gibbs_kernels::multispin::threshold;

use super::window::Window;
use crate::field::inference::Annealing;
use crate::field::{Field, FieldError, Pair, finite};
use crate::graph::{Connectivity, Graph};

/// What is believed of a picture before it is seen: `p(x) prop exp(sum_k J_k sum_<ij>_k x_i x_j + b sum_i x_i)` with `x_i = +-1` and
/// `<ij>_k` the pairs of pixels at the `k`-th smallest distance: 1, sqrt 2, 2, sqrt 5, sqrt 8.
///
/// One coupling draws patches; lines of some width need more: neighbours that agree near by and do not further away.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Prior {
    /// `J_0`, of pixels that share a side.
    pub coupling: f64,
    /// `J_1`, of pixels that share a corner; 0 for four neighbours.
    pub diagonal: f64,
    /// `J_2`, `J_3` and `J_4`; 0 for four and eight neighbours.
    pub far: [f64; 3],
    /// `b`.
    pub bias: f64,
}

impl Prior {
    /// `J_0` to `J_4`.
    pub fn couplings(&self) -> [f64; 5] {
        let [a, b, c] = self.far;
        [self.coupling, self.diagonal, a, b, c]
    }

    /// The neighbours that have a coupling.
    pub fn connectivity(&self) -> Connectivity {
        if self.far != [0.0; 3] {
            Connectivity::TwentyFour
        } else if self.diagonal != 0.0 {
            Connectivity::Eight
        } else {
            Connectivity::Four
        }
    }
}

/// Independent flips of pixels, each with the same probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flips(f64);

impl Flips {
    /// With probability `rate`.
    ///
    /// # Errors
    /// A rate outside of `(0, 0.5)`: at 0.5 nothing was seen.
    pub fn new(rate: f64) -> Result<Self, FieldError> {
        let wanted = "give a number above 0 and below 0.5";
        if rate > 0.0 && rate < 0.5 {
            Ok(Self(rate))
        } else {
            Err(FieldError::Setting { what: "the noise", value: rate, wanted })
        }
    }

    /// The rate by specks: where all neighbours that share a side agree, a pixel unlike them was most likely flipped, and so the
    /// share of such pixels is close to the rate wherever lines are thicker than dots. It needs no prior, hence does well on
    /// pictures of a few hundred pixels; ten more neighbourhoods with one speck are counted as seen, so that the smallest
    /// picture gets a tenth.
    pub fn of_specks(seen: &Picture) -> Self {
        let (height, width) = (seen.height(), seen.width());
        let (mut agreeing, mut specks) = (10u64, 1u64);
        for i in 0..height {
            for j in 0..width {
                let sides = [(i.wrapping_sub(1), j), (i + 1, j), (i, j.wrapping_sub(1)), (i, j + 1)];
                let mut around =
                    sides.into_iter().filter(|(i, j)| *i < height && *j < width).map(|(i, j)| seen.get(i, j));
                let Some(first) = around.next() else { continue };
                if around.all(|colour| colour == first) {
                    agreeing += 1;
                    specks += u64::from(seen.get(i, j) != first);
                }
            }
        }
        Self((specks as f64 / agreeing as f64).clamp(1e-4, 0.49))
    }

    /// The probability.
    pub fn rate(self) -> f64 {
        self.0
    }

    /// Half the log-odds that what was seen is so.
    pub(super) fn field(self) -> f64 {
        0.5 * ((1.0 - self.0) / self.0).ln()
    }
}

/// The posterior of a picture given a noisy one: an Ising model whose field follows the pixels seen,
/// `p(x | y) prop p(x) exp(eta sum_i x_i y_i)` with `eta = log((1 - e) / e) / 2`.
///
/// As the field has two values only, a sweep with four or eight neighbours decides 512 pixels at once from a table
/// ([`gibbs_kernels::multispin::picture`]); with 24 it goes pixel by pixel. Measured in `record/denoise.md`.
///
/// # Source
/// Geman & Geman 1984, DOI 10.1109/TPAMI.1984.4767596; Besag 1986, DOI 10.1111/j.2517-6161.1986.tb01412.x.
///
/// # Example
/// ```
/// use gibbs_core::key::Key;
/// use gibbs_kernels::multispin::picture::Picture;
/// use gibbs_spin::restoration::{Flips, Prior, Restoration};
/// // A square with a hole that is likely noise.
/// let seen = Picture::from_fn(9, 9, |i, j| (2..7).contains(&i) && (2..7).contains(&j) && (i, j) != (4, 4));
/// let prior = Prior { coupling: 0.6, ..Prior::default() };
/// let p = Restoration::new(prior, Flips::new(0.1)?)?.marginals(&seen, 20, 400, &Key::from_seed(1));
/// assert!(p[4 * 9 + 4] > 0.5 && p[0] < 0.1);
/// # Ok::<(), gibbs_spin::field::FieldError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Restoration {
    /// What was believed before.
    pub prior: Prior,
    /// How pixels were flipped.
    pub flips: Flips,
}

impl Restoration {
    /// From its parts.
    ///
    /// # Errors
    /// A prior with numbers that are not finite.
    pub fn new(prior: Prior, flips: Flips) -> Result<Self, FieldError> {
        finite("the prior's number", &prior.couplings())?;
        finite("the prior's bias", &[prior.bias])?;
        Ok(Self { prior, flips })
    }

    /// Probabilities of a pixel with at most eight neighbours at inverse temperature `beta`.
    fn table(&self, beta: f64) -> Table {
        let Prior { coupling, diagonal, bias, .. } = self.prior;
        let up = |y: bool, side: usize, corner: usize| {
            let eta = if y { self.flips.field() } else { -self.flips.field() };
            let sum = |s: usize| s as f64 - 4.0;
            let local = coupling * sum(side) + diagonal * sum(corner) + bias + eta;
            threshold(1.0 / (1.0 + (-2.0 * beta * local).exp()))
        };
        if diagonal == 0.0 { Table::four(|y, s| up(y, s, 4)) } else { Table::eight(up) }
    }

    fn is_far(&self) -> bool {
        self.prior.connectivity() == Connectivity::TwentyFour
    }

    /// `n` heat-bath sweeps of `x` at inverse temperature `beta`.
    pub fn sweep(&self, x: &mut Picture, seen: &Picture, beta: f64, n: u64, key: &Key) {
        if self.is_far() {
            let mut window = Window::new(self, x, seen);
            (0..n).for_each(|t| window.sweep(beta, &key.step(t)));
            *x = window.picture();
        } else {
            let table = self.table(beta);
            (0..n).for_each(|t| sweep(x, seen, &table, key.step(t).bits()));
        }
    }

    /// `p(x_i = +1 | y)`, row by row, as shares of `n` sweeps after `burn_in` others (with 24 neighbours as means of the
    /// probabilities given the neighbours); starts at what was seen.
    pub fn marginals(&self, seen: &Picture, burn_in: u64, n: u64, key: &Key) -> Vec<f64> {
        let mut p = vec![0.0; seen.height() * seen.width()];
        if self.is_far() {
            let mut window = Window::new(self, seen, seen);
            for t in 0..burn_in + n {
                window.sweep(1.0, &key.step(t));
                if t >= burn_in {
                    window.add_probabilities(&mut p);
                }
            }
            p.iter_mut().for_each(|p| *p /= n as f64);
            return p;
        }
        let (mut x, table) = (seen.clone(), self.table(1.0));
        let mut digits: Vec<Vec<u64>> = Vec::new();
        for t in 0..burn_in + n {
            sweep(&mut x, seen, &table, key.step(t).bits());
            if t >= burn_in {
                count(&mut digits, &x);
            }
        }
        for k in 0..digits.first().map_or(0, Vec::len) {
            seen.pixels_of(k, |i, j, bit| {
                let sum: u64 = digits.iter().enumerate().map(|(z, d)| (d[k] >> bit & 1) << z).sum();
                p[i * seen.width() + j] = sum as f64 / n as f64;
            });
        }
        p
    }

    /// Mean of `ln p(y_i | all other pixels seen)` over the pixels, nats: how well the posterior, with its prior and its noise,
    /// foretells what it has not seen. From the marginals `p(x_i = +1 | y)`, by `1 / p(y_i | others) = sum_x p(x_i | y) / p(y_i | x_i)`.
    ///
    /// # Panics
    /// If there is not one marginal a pixel.
    ///
    /// # Source
    /// The conditional predictive ordinate: Gelfand, Dey & Chang 1992, "Model determination using predictive distributions with
    /// implementation via sampling-based methods", *Bayesian Statistics* 4 (no DOI).
    pub fn leave_one_out(&self, seen: &Picture, marginals: &[f64]) -> f64 {
        assert_eq!(marginals.len(), seen.height() * seen.width(), "one marginal a pixel");
        let (rate, mut sum) = (self.flips.rate(), 0.0);
        seen.for_each(|i, j, bit| {
            let up = marginals[i * seen.width() + j];
            let same = if bit { up } else { 1.0 - up };
            sum -= (same / (1.0 - rate) + (1.0 - same) / rate).ln();
        });
        sum / marginals.len() as f64
    }

    /// A picture of low energy: sweeps that cool down. Finish it with [`icm`](fn@crate::field::inference::icm) on [`Restoration::field`].
    pub fn anneal(&self, seen: &Picture, annealing: &Annealing, key: &Key) -> Picture {
        let beta = |t: u64| 1.0 / annealing.temperature(t);
        if self.is_far() {
            let mut window = Window::new(self, seen, seen);
            (0..annealing.sweeps).for_each(|t| window.sweep(beta(t), &key.step(t)));
            return window.picture();
        }
        let mut x = seen.clone();
        (0..annealing.sweeps).for_each(|t| sweep(&mut x, seen, &self.table(beta(t)), key.step(t).bits()));
        x
    }

    /// Energy of a picture under the posterior, nats: that of [`Restoration::field`] without building it.
    ///
    /// # Panics
    /// If the pictures differ in shape.
    pub fn energy(&self, x: &Picture, seen: &Picture) -> f64 {
        assert_eq!((x.height(), x.width()), (seen.height(), seen.width()), "pictures of one shape");
        let (mut spins, mut local) = (Vec::with_capacity(x.height() * x.width()), 0.0);
        x.for_each(|i, j, bit| {
            let spin = if bit { 1.0 } else { -1.0 };
            spins.push(spin);
            local += spin * (self.prior.bias + if seen.get(i, j) { self.flips.field() } else { -self.flips.field() });
        });
        let (height, width) = (x.height(), x.width());
        let mut sums = [0.0; 5];
        for &(down, right, kind) in self.prior.connectivity().steps() {
            // Columns that have a neighbour so far to the right.
            let columns = right.min(0).unsigned_abs()..width.saturating_sub(right.max(0).unsigned_abs());
            for i in down..height {
                let (above, below) = (&spins[(i - down) * width..][..width], &spins[i * width..][..width]);
                let products = columns.clone().map(|j| above[j] * below[j.wrapping_add_signed(right)]);
                sums[usize::from(kind)] += products.sum::<f64>();
            }
        }
        -local - sums.iter().zip(self.prior.couplings()).map(|(s, j)| s * j).sum::<f64>()
    }

    /// The same posterior as a general field: what the other methods of inference take.
    ///
    /// # Errors
    /// A picture without pixels.
    pub fn field(&self, seen: &Picture) -> Result<Field, FieldError> {
        let (graph, kinds) = Graph::picture(seen.height(), seen.width(), self.prior.connectivity())?;
        let all = self.prior.couplings();
        let couplings = kinds.iter().map(|k| all[usize::from(*k)]).collect();
        let mut unary = Vec::with_capacity(2 * graph.n_sites());
        seen.for_each(|_, _, y| {
            let h = self.prior.bias + if y { self.flips.field() } else { -self.flips.field() };
            unary.extend([-h, h]);
        });
        Field::new(graph, 2, &Pair::Ising, couplings, unary)
    }
}

/// Adds the bits of `x` to counters that are kept digit by digit.
fn count(digits: &mut Vec<Vec<u64>>, x: &Picture) {
    let mut carry: Vec<u64> = x.words().collect();
    for digit in &mut *digits {
        let mut any = 0;
        for (d, c) in digit.iter_mut().zip(&mut carry) {
            (*d, *c) = (*d ^ *c, *d & *c);
            any |= *c;
        }
        if any == 0 {
            return;
        }
    }
    digits.push(carry);
}
