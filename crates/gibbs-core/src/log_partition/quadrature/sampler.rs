//! Independent exact draws in one to three dimensions, by rejection from a grid.

use super::cells::Work;
use super::{QuadratureError, check_box};
use crate::dense::Dense;
use crate::energy::Energy;
use crate::key::Key;
use crate::real::Real;
use crate::rows::Continuous;
use crate::scratch::Scratch;

/// Cells of an axis, in one, two and three dimensions: first over the whole box, then over the part that has the mass.
const COARSE: [usize; 3] = [1 << 13, 256, 40];
const FINE: [usize; 3] = [1 << 16, 512, 80];
/// Cells this far below the peak, in nats, are left out: all of them together hold less than 1e-9 of the mass.
const NEGLIGIBLE: f64 = 36.0;
/// Points at which the envelope is tried before it is used.
const TRIALS: usize = 1 << 17;

/// Draws of `p(x) prop exp(-E(x))` on a box in one to three dimensions: a cell in proportion to its envelope, a point of it
/// uniformly, kept with probability `p(x) / envelope`.
///
/// The envelope of a cell is the density at its highest corner, times a margin that grows with the differences between its
/// corners and with what is found by trying 131,072 points. What is drawn is exact wherever the envelope is above the density,
/// which the trials and every later draw check: a draw that finds a point above it raises the margin and begins anew. Energies
/// with structure smaller than a cell (a 512th of the occupied part of an axis in two dimensions) could hide a peak from it, as
/// they could from [`Quadrature`](super::Quadrature).
///
/// # Source
/// Rejection: von Neumann 1951, "Various techniques used in connection with random digits", NBS Applied Mathematics Series 12.
///
/// # Example
/// ```
/// use gibbs_core::{dense::Dense, energy::Energy, key::Key, log_partition::GridSampler, rows::Continuous, scratch::Scratch};
/// struct Normal;
/// impl Energy for Normal {
///     type X = Dense<f64>;
///     fn energy(&self, x: &Dense<f64>, out: &mut [f64], _: &mut Scratch) {
///         out.iter_mut().zip(x.values()).for_each(|(o, x)| *o = 0.5 * x * x);
///     }
/// }
/// let sampler = GridSampler::new(&Normal, &[-9.0], &[9.0])?;
/// let x = sampler.sample(10_000, &Key::from_seed(0));
/// let variance = x.values().iter().map(|x| x * x).sum::<f64>() / 10_000.0;
/// assert!((variance - 1.0).abs() < 5.0 * (2.0f64 / 10_000.0).sqrt());
/// # Ok::<(), gibbs_core::log_partition::QuadratureError>(())
/// ```
#[derive(Clone, Debug)]
pub struct GridSampler<'a, E: ?Sized> {
    energy: &'a E,
    lower: Vec<f64>,
    side: Vec<f64>,
    parts: usize,
    /// Log density of each cell's envelope, without the common margin.
    envelope: Vec<f64>,
    /// Running sums of the envelopes relative to the highest.
    cumulative: Vec<f64>,
    margin: f64,
}

/// A grid over a box with the energy at its corners.
struct Corners {
    d: usize,
    parts: usize,
    energies: Vec<f64>,
}

impl Corners {
    /// Lowest and highest energy at the corners of cell `i`.
    fn range(&self, i: usize) -> (f64, f64) {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for corner in 0..1usize << self.d {
            let (mut at, mut rest, mut stride) = (0, i, 1);
            for k in 0..self.d {
                at += (rest % self.parts + (corner >> k & 1)) * stride;
                rest /= self.parts;
                stride *= self.parts + 1;
            }
            low = low.min(self.energies[at]);
            high = high.max(self.energies[at]);
        }
        (low, high)
    }
}

impl<'a, T: Real, E: Energy<X = Dense<T>> + ?Sized> GridSampler<'a, E> {
    /// Looks at the energy on a grid over the box, then on a finer one where the mass is.
    ///
    /// # Errors
    /// [`QuadratureError`]: other than 1 to 3 dimensions, an empty box, an energy that is not finite.
    pub fn new(energy: &'a E, lower: &[f64], upper: &[f64]) -> Result<Self, QuadratureError> {
        let d = check_box(lower, upper)?;
        let coarse = Self::corners(energy, lower, upper, COARSE[d - 1])?;
        let least = coarse.energies.iter().copied().fold(f64::INFINITY, f64::min);
        let (mut first, mut last) = ([usize::MAX; 3], [0; 3]);
        for i in (0..coarse.parts.pow(d as u32)).filter(|&i| coarse.range(i).0 < least + NEGLIGIBLE) {
            for k in 0..d {
                let at = i / coarse.parts.pow(k as u32) % coarse.parts;
                (first[k], last[k]) = (first[k].min(at), last[k].max(at));
            }
        }
        // One cell more on each side, for what lies between the corners.
        let width = |k: usize| (upper[k] - lower[k]) / coarse.parts as f64;
        let edge = |k: usize, cells: usize| lower[k] + width(k) * cells as f64;
        let from: Vec<f64> = (0..d).map(|k| edge(k, first[k].saturating_sub(1))).collect();
        let to: Vec<f64> = (0..d).map(|k| edge(k, (last[k] + 2).min(coarse.parts))).collect();

        let fine = Self::corners(energy, &from, &to, FINE[d - 1])?;
        let envelope: Vec<f64> = (0..fine.parts.pow(d as u32))
            .map(|i| {
                let (low, high) = fine.range(i);
                0.25 * (high - low).min(4.0) - low
            })
            .collect();
        let top = envelope.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut sum = 0.0;
        let cumulative = envelope.iter().map(|e| {
            sum += (e - top).exp();
            sum
        });
        let cumulative = cumulative.collect();
        let side = (0..d).map(|k| (to[k] - from[k]) / fine.parts as f64).collect();
        let mut sampler = Self { energy, lower: from, side, parts: fine.parts, envelope, cumulative, margin: 0.0 };
        let excess = sampler.propose(TRIALS, &Key::from_seed(0), &mut Scratch::default()).1;
        sampler.margin = 2.0 * excess.iter().copied().fold(0.0, f64::max) + 0.01;
        Ok(sampler)
    }

    fn corners(energy: &E, lower: &[f64], upper: &[f64], parts: usize) -> Result<Corners, QuadratureError> {
        let d = lower.len();
        let place = |i: usize| {
            let at = |k: usize| {
                lower[k] + (upper[k] - lower[k]) * (i / (parts + 1).pow(k as u32) % (parts + 1)) as f64 / parts as f64
            };
            std::array::from_fn(|k| if k < d { at(k) } else { 0.0 })
        };
        let energies = Work::new(energy, d).energies((parts + 1).pow(d as u32), place)?;
        Ok(Corners { d, parts, energies })
    }

    /// Points of the envelope, and the log density of each over it (without the margin).
    fn propose(&self, n: usize, key: &Key, ws: &mut Scratch) -> (Dense<T>, Vec<f64>) {
        let (d, mut rng) = (self.lower.len(), key.rng());
        let total = self.cumulative.last().copied().unwrap_or(0.0);
        let (mut x, mut cells) = (Dense::zeros(n, d), Vec::with_capacity(n));
        for row in 0..n {
            let u = rng.uniform() * total;
            let cell = self.cumulative.partition_point(|c| *c <= u).min(self.cumulative.len() - 1);
            cells.push(cell);
            let mut rest = cell;
            for (k, v) in x.row_mut(row).iter_mut().enumerate() {
                *v = T::narrow(self.lower[k] + self.side[k] * ((rest % self.parts) as f64 + rng.uniform()));
                rest /= self.parts;
            }
        }
        let mut excess = vec![0.0; n];
        self.energy.energy(&x, &mut excess, ws);
        excess.iter_mut().zip(cells).for_each(|(e, cell)| *e = -*e - self.envelope[cell]);
        (x, excess)
    }

    /// `n` independent draws.
    pub fn sample(&self, n: usize, key: &Key) -> Dense<T> {
        let (mut ws, mut margin) = (Scratch::default(), self.margin);
        for attempt in 0.. {
            match self.attempt(n, margin, &key.step(attempt), &mut ws) {
                Ok(x) => return x,
                Err(excess) => margin = excess + 0.1,
            }
        }
        unreachable!("energies are finite in the box, and with them the margin")
    }

    /// `n` draws under an envelope with this margin, or by how much the density rises above it.
    fn attempt(&self, n: usize, margin: f64, key: &Key, ws: &mut Scratch) -> Result<Dense<T>, f64> {
        let d = self.lower.len();
        let mut values = Vec::with_capacity(n * d);
        for round in 0.. {
            let missing = n - values.len() / d;
            if missing == 0 {
                break;
            }
            let key = key.step(round);
            let (x, excess) = self.propose((2 * missing).clamp(256, 1 << 16), &key.block(0), ws);
            let mut rng = key.block(1).rng();
            for (row, &e) in excess.iter().enumerate() {
                if e > margin {
                    return Err(e);
                }
                if rng.uniform().ln() < e - margin && values.len() < n * d {
                    values.extend_from_slice(x.row(row));
                }
            }
        }
        Ok(Dense::from_rows(d, values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_partition::Quadrature;

    /// Two narrow bumps of different weight far apart, and a ridge: places where a wrong envelope would show.
    struct Bumps;

    impl Energy for Bumps {
        type X = Dense<f64>;

        fn energy(&self, x: &Dense<f64>, out: &mut [f64], _: &mut Scratch) {
            for (o, x) in out.iter_mut().zip(x.values().chunks_exact(2)) {
                let bump = |cx: f64, s: f64, w: f64| {
                    w * (-((x[0] - cx).powi(2) + x[1] * x[1]) / (2.0 * s * s)).exp() / (s * s)
                };
                *o = -(bump(-3.0, 0.1, 0.3) + bump(2.0, 0.5, 0.7) + 1e-300).ln();
            }
        }
    }

    /// Share of the small bump and the squared width of each, over 40,000 draws: four standard errors of a share (0.0023) and
    /// of a variance (`sqrt(2 / n)`), alpha = 6e-5 each.
    #[test]
    fn draws_have_the_weights_and_widths() {
        let sampler = GridSampler::new(&Bumps, &[-12.0; 2], &[12.0; 2]).unwrap();
        let n = 40_000;
        let x = sampler.sample(n, &Key::from_seed(1));
        let (left, right): (Vec<&[f64]>, Vec<&[f64]>) = (0..n).map(|i| x.row(i)).partition(|x| x[0] < -1.0);
        let share = left.len() as f64 / n as f64;
        assert!((share - 0.3).abs() < 4.0 * (0.21 / n as f64).sqrt(), "{share}");
        for (rows, s) in [(&left, 0.1f64), (&right, 0.5)] {
            let ratio = rows.iter().map(|x| x[1] * x[1]).sum::<f64>() / rows.len() as f64 / (s * s);
            assert!((ratio - 1.0).abs() < 4.0 * (2.0 / rows.len() as f64).sqrt(), "{ratio}");
        }
        // Threads and calls do not matter: the key decides.
        assert_eq!(sampler.sample(50, &Key::from_seed(1)), sampler.sample(50, &Key::from_seed(1)));
        assert!(Quadrature::default().estimate(&Bumps, &[-12.0; 2], &[12.0; 2]).is_ok());
    }

    /// An envelope that is too low is noticed.
    #[test]
    fn a_low_envelope_is_raised() {
        let mut sampler = GridSampler::new(&Bumps, &[-12.0; 2], &[12.0; 2]).unwrap();
        sampler.margin = -3.0;
        assert!(sampler.attempt(1_000, -3.0, &Key::from_seed(2), &mut Scratch::default()).is_err());
        let x = sampler.sample(10_000, &Key::from_seed(2));
        let share = (0..10_000).filter(|&i| x.row(i)[0] < -1.0).count() as f64 / 10_000.0;
        assert!((share - 0.3).abs() < 4.0 * (0.21f64 / 10_000.0).sqrt(), "{share}");
        assert!(GridSampler::new(&Bumps, &[0.0; 2], &[0.0; 2]).is_err());
    }
}
