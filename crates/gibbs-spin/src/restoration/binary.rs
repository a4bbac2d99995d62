//! Black and white pictures with flipped pixels.

use gibbs_core::key::Key;
use gibbs_kernels::multispin::picture::{Picture, Table, sweep};
use gibbs_kernels::multispin::threshold;

use crate::field::inference::Annealing;
use crate::field::{Field, FieldError, Pair, finite};
use crate::graph::{Connectivity, Graph};

/// What is believed of a picture before it is seen: `p(x) prop exp(J sum_<ij> x_i x_j + D sum_<<ij>> x_i x_j + b sum_i x_i)` with
/// `x_i = +-1`, `<ij>` pixels that share a side and `<<ij>>` pixels that share a corner.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Prior {
    /// `J`.
    pub coupling: f64,
    /// `D`; 0 for four neighbours.
    pub diagonal: f64,
    /// `b`.
    pub bias: f64,
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
    fn field(self) -> f64 {
        0.5 * ((1.0 - self.0) / self.0).ln()
    }
}

/// The posterior of a picture given a noisy one: an Ising model whose field follows the pixels seen,
/// `p(x | y) prop p(x) exp(eta sum_i x_i y_i)` with `eta = log((1 - e) / e) / 2`.
///
/// As the field has two values only, a sweep decides 256 pixels at once from a table
/// ([`gibbs_kernels::multispin::picture`]); measured in `record/denoise.md`.
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
        finite("the prior's number", &[prior.coupling, prior.diagonal, prior.bias])?;
        Ok(Self { prior, flips })
    }

    /// Probabilities of a pixel at inverse temperature `beta`.
    fn table(&self, beta: f64) -> Table {
        let Prior { coupling, diagonal, bias } = self.prior;
        let up = |y: bool, side: usize, corner: usize| {
            let eta = if y { self.flips.field() } else { -self.flips.field() };
            let sum = |s: usize| s as f64 - 4.0;
            let local = coupling * sum(side) + diagonal * sum(corner) + bias + eta;
            threshold(1.0 / (1.0 + (-2.0 * beta * local).exp()))
        };
        if diagonal == 0.0 { Table::four(|y, s| up(y, s, 4)) } else { Table::eight(up) }
    }

    /// `n` heat-bath sweeps of `x` at inverse temperature `beta`.
    pub fn sweep(&self, x: &mut Picture, seen: &Picture, beta: f64, n: u64, key: &Key) {
        let table = self.table(beta);
        (0..n).for_each(|t| sweep(x, seen, &table, key.step(t).bits()));
    }

    /// `p(x_i = +1 | y)`, row by row, as shares of `n` sweeps after `burn_in` others; starts at what was seen.
    pub fn marginals(&self, seen: &Picture, burn_in: u64, n: u64, key: &Key) -> Vec<f64> {
        let (mut x, table) = (seen.clone(), self.table(1.0));
        let mut digits: Vec<Vec<u64>> = Vec::new();
        for t in 0..burn_in + n {
            sweep(&mut x, seen, &table, key.step(t).bits());
            if t >= burn_in {
                count(&mut digits, &x);
            }
        }
        let mut p = vec![0.0; seen.height() * seen.width()];
        for k in 0..digits.first().map_or(0, Vec::len) {
            seen.pixels_of(k, |i, j, bit| {
                let sum: u64 = digits.iter().enumerate().map(|(z, d)| (d[k] >> bit & 1) << z).sum();
                p[i * seen.width() + j] = sum as f64 / n as f64;
            });
        }
        p
    }

    /// A picture of low energy: sweeps that cool down. Finish it with [`icm`](fn@crate::field::inference::icm) on [`Restoration::field`].
    pub fn anneal(&self, seen: &Picture, annealing: &Annealing, key: &Key) -> Picture {
        let mut x = seen.clone();
        for t in 0..annealing.sweeps {
            sweep(&mut x, seen, &self.table(1.0 / annealing.temperature(t)), key.step(t).bits());
        }
        x
    }

    /// The same posterior as a general field: what the other methods of inference take.
    ///
    /// # Errors
    /// A picture without pixels.
    pub fn field(&self, seen: &Picture) -> Result<Field, FieldError> {
        let Prior { coupling, diagonal, bias } = self.prior;
        let connectivity = if diagonal == 0.0 { Connectivity::Four } else { Connectivity::Eight };
        let (graph, kinds) = Graph::picture(seen.height(), seen.width(), connectivity)?;
        let couplings = kinds.iter().map(|k| if *k == 0 { coupling } else { diagonal }).collect();
        let mut unary = Vec::with_capacity(2 * graph.n_sites());
        seen.for_each(|_, _, y| {
            let h = bias + if y { self.flips.field() } else { -self.flips.field() };
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
