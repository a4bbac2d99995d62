//! Coupling and noise from the noisy picture alone.

use gibbs_core::key::Key;
use gibbs_kernels::multispin::picture::Picture;

use super::{Flips, Prior, Restoration};
use crate::field::{FieldError, log_sum_exp, normalise};
use crate::graph::Connectivity;
use crate::newton::{Concave, maximise};

/// Stochastic EM with the pseudo-likelihood: the hidden picture is drawn by a few sweeps given the parameters, then the noise
/// is set to the share of pixels drawn other than seen, and the prior to the largest pseudo-likelihood of the picture
/// drawn. The mean over the second half of the iterations is the end.
///
/// It has more than one fixed point: a stiff prior with much noise, and a weak one that takes part of the noise for the picture. It is
/// therefore begun twice, at the [`usual`] prior with the noise of the specks, and at weak couplings with a noise of a tenth, and what is
/// returned is the end that foretells a pixel seen better from all the others ([`Restoration::leave_one_out`]).
///
/// The estimate is that of the model: a picture that no Ising model draws (lines, dithering) gets the noise that explains it
/// best. Below [`FEWEST`] pixels the two cannot be told apart, and a single line would be explained as noise on an empty
/// picture: there the prior is the [`usual`] one, and the noise is the share of pixels unlike all of their neighbours that share a
/// side, among those whose neighbours agree ([`Flips::of_specks`]).
///
/// # Source
/// Celeux & Diebolt 1985, "The SEM algorithm", *Computational Statistics Quarterly* 2 (no DOI); with the pseudo-likelihood in
/// place of the likelihood: Chalmond 1989, "An iterative Gibbsian technique for reconstruction of m-ary images",
/// DOI 10.1016/0031-3203(89)90011-7.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Pixels that are neighbours.
    pub connectivity: Connectivity,
    /// A noise that is known.
    pub flips: Option<Flips>,
    /// A prior that is known.
    pub prior: Option<Prior>,
    /// Iterations.
    pub iterations: u64,
    /// Sweeps in each.
    pub sweeps: u64,
}

impl Default for Estimate {
    fn default() -> Self {
        Self { connectivity: Connectivity::TwentyFour, flips: None, prior: None, iterations: 80, sweeps: 4 }
    }
}

/// Pixels from which prior and noise are estimated together.
pub const FEWEST: usize = 10_000;

/// What pages of binarised MNIST training digits are estimated to be with 10 % of their pixels flipped (`record/denoise.md`): the
/// prior of pictures too small for an estimate, and the start of an estimate with 24 neighbours.
pub const fn usual(connectivity: Connectivity) -> Prior {
    match connectivity {
        Connectivity::Four => Prior { coupling: 0.62, diagonal: 0.0, far: [0.0; 3], bias: 0.045 },
        Connectivity::Eight => Prior { coupling: 0.62, diagonal: 0.08, far: [0.0; 3], bias: 0.08 },
        Connectivity::TwentyFour => Prior { coupling: 0.88, diagonal: 0.5, far: [-0.19, -0.2, 0.0], bias: -0.12 },
    }
}

/// Sweeps by which the ends of two climbs are compared.
const TRIAL: u64 = 60;

/// The largest coupling that is believed: beyond it a picture of one colour would be estimated to be infinitely stiff.
const STIFFEST: f64 = 2.0;

impl Estimate {
    /// The posterior with all that is not known estimated.
    ///
    /// # Errors
    /// A picture without pixels.
    pub fn run(&self, seen: &Picture, key: &Key) -> Result<Restoration, FieldError> {
        let n = seen.height() * seen.width();
        if n == 0 {
            return Err(FieldError::Length { what: "pixels", found: 0, expected: 1 });
        }
        let usual = self.prior.unwrap_or(usual(self.connectivity));
        let specks = self.flips.unwrap_or_else(|| Flips::of_specks(seen));
        let start = Restoration::new(usual, specks)?;
        if n < FEWEST || self.prior.is_some() && self.flips.is_some() {
            return Ok(start);
        }
        let diagonal = if self.connectivity == Connectivity::Four { 0.0 } else { 0.2 };
        let weak = self.prior.unwrap_or(Prior { coupling: 0.4, diagonal, ..Prior::default() });
        let weak = Restoration::new(weak, self.flips.unwrap_or(Flips::new(0.1)?))?;
        let end = |start: Restoration, key: Key| {
            let end = self.climb(start, seen, &key)?;
            let marginals = end.marginals(seen, TRIAL / 4, TRIAL, &key.step(self.iterations));
            Ok::<_, FieldError>((end.leave_one_out(seen, &marginals), end))
        };
        let (stiff, weak) = (end(start, key.block(0))?, end(weak, key.block(1))?);
        Ok(if weak.0 > stiff.0 { weak.1 } else { stiff.1 })
    }

    /// Stochastic EM from one start.
    fn climb(&self, mut now: Restoration, seen: &Picture, key: &Key) -> Result<Restoration, FieldError> {
        let n = seen.height() * seen.width();
        let (mut x, mut sums, mut kept) = (seen.clone(), [0.0; 7], 0.0);
        for t in 0..self.iterations {
            now.sweep(&mut x, seen, 1.0, self.sweeps, &key.step(t));
            if self.flips.is_none() {
                // As if one more pixel of each kind had been seen: no rate of 0.
                let changed: u64 = x.words().zip(seen.words()).map(|(a, b)| u64::from((a ^ b).count_ones())).sum();
                let rate = (changed as f64 + 1.0) / (n as f64 + 2.0);
                now.flips = Flips::new(rate.clamp(1e-4, 0.49))?;
            }
            if self.prior.is_none() {
                now.prior = likeliest(now.prior, &x, self.connectivity)?;
            }
            if 2 * t >= self.iterations {
                let numbers = now.prior.couplings().into_iter().chain([now.prior.bias, now.flips.rate()]);
                sums.iter_mut().zip(numbers).for_each(|(s, v)| *s += v);
                kept += 1.0;
            }
        }
        if kept > 0.0 {
            let [a, b, c, d, e, bias, rate] = sums.map(|s| s / kept);
            now.prior = self.prior.unwrap_or(Prior { coupling: a, diagonal: b, far: [c, d, e], bias });
            now.flips = self.flips.map_or_else(|| Flips::new(rate), Ok)?;
        }
        Ok(now)
    }
}

/// The prior of the largest pseudo-likelihood of a picture, no number larger than [`STIFFEST`]; begins to climb at `from`.
fn likeliest(from: Prior, x: &Picture, connectivity: Connectivity) -> Result<Prior, FieldError> {
    let counts = Counts::new(x, connectivity);
    let mut theta = from.couplings()[..connectivity.n_kinds()].to_vec();
    theta.push(from.bias);
    let mut theta = maximise(theta, |theta| Ok::<_, FieldError>(counts.pseudo_log_likelihood(theta)))?.theta;
    theta.iter_mut().for_each(|t| *t = t.clamp(-STIFFEST, STIFFEST));
    Ok(prior_of(&theta))
}

/// From the couplings of each kind and the bias.
fn prior_of(theta: &[f64]) -> Prior {
    let (couplings, bias) = theta.split_at(theta.len() - 1);
    let at = |k: usize| couplings.get(k).copied().unwrap_or(0.0);
    Prior { coupling: at(0), diagonal: at(1), far: [at(2), at(3), at(4)], bias: bias[0] }
}

/// How often each surrounding of a pixel occurs with each colour: all that the pseudo-likelihood knows of a picture.
struct Counts {
    /// Neighbours of each kind.
    sizes: Vec<usize>,
    /// By twice the number of neighbours of each kind that are up, a missing neighbour counting as half up (digits of a number,
    /// the last kind's lowest), and the colour; those that occur, in their order.
    of: Vec<(usize, [u64; 2])>,
}

impl Counts {
    fn new(x: &Picture, connectivity: Connectivity) -> Self {
        let (h, w, rim) = (x.height(), x.width(), 2);
        let mut sizes = vec![0; connectivity.n_kinds()];
        connectivity.steps().iter().for_each(|s| sizes[usize::from(s.2)] += 2);
        // A rim of 1 stands for what is missing, 0 and 2 for the colours.
        let stride = w + 2 * rim;
        let mut padded = vec![1u8; (h + 2 * rim) * stride];
        x.for_each(|i, j, bit| padded[(i + rim) * stride + j + rim] = 2 * u8::from(bit));
        // What a neighbour adds to the number whose digits are the sums.
        let value = |kind: u8| sizes[usize::from(kind) + 1..].iter().map(|n| 2 * n + 1).product::<usize>();
        let mut near = Vec::new();
        for &(down, right, kind) in connectivity.steps() {
            let by = (down * stride).wrapping_add_signed(right);
            near.extend([(by, value(kind)), (by.wrapping_neg(), value(kind))]);
        }
        let mut all = vec![[0; 2]; sizes.iter().map(|n| 2 * n + 1).product()];
        for i in 0..h {
            for at in (i + rim) * stride + rim..(i + rim) * stride + rim + w {
                let sums: usize =
                    near.iter().map(|(by, value)| usize::from(padded[at.wrapping_add(*by)]) * value).sum();
                all[sums][usize::from(padded[at]) / 2] += 1;
            }
        }
        let of = all.into_iter().enumerate().filter(|(_, c)| *c != [0; 2]).collect();
        Self { sizes, of }
    }

    /// Parameters are the couplings of each kind and the bias.
    fn pseudo_log_likelihood(&self, theta: &[f64]) -> Concave {
        let n = theta.len();
        let mut total = Concave::zero(n);
        let (mut features, mut s) = (vec![1.0; n], vec![0.0; 2 * n]);
        for (sums, counts) in &self.of {
            let mut rest = *sums;
            for (feature, size) in features[..n - 1].iter_mut().zip(&self.sizes).rev() {
                *feature = (rest % (2 * size + 1)) as f64 - *size as f64;
                rest /= 2 * size + 1;
            }
            // Row 0 is spin -1, row 1 is spin +1.
            for (k, f) in features.iter().enumerate() {
                (s[k], s[n + k]) = (-f, *f);
            }
            let dot = |s: &[f64]| theta.iter().zip(s).map(|(t, s)| t * s).sum::<f64>();
            let mut p = [dot(&s[..n]), dot(&s[n..])];
            let log_z = log_sum_exp(&p);
            let logs = p.map(|p| p - log_z);
            normalise(&mut p);
            for (own, count) in counts.iter().enumerate().filter(|(_, c)| **c > 0) {
                total.value += *count as f64 * logs[own];
                total.add_softmax(&p, &s, own, *count as f64);
            }
        }
        total
    }
}
