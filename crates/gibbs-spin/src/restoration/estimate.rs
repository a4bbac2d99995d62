//! Coupling and noise from the noisy picture alone.

use gibbs_core::key::Key;
use gibbs_kernels::multispin::picture::{Picture, SUMS};

use super::{Flips, Prior, Restoration};
use crate::field::{FieldError, log_sum_exp, normalise};
use crate::graph::Connectivity;
use crate::newton::{Concave, maximise};

/// Stochastic EM with the pseudo-likelihood: the hidden picture is drawn by a few sweeps given the parameters, then the noise
/// is set to the share of pixels drawn other than seen, and the prior to the largest pseudo-likelihood of the picture
/// drawn. What is returned is the mean over the second half of the iterations.
///
/// The estimate is that of the model: a picture that no Ising model draws (lines, dithering) gets the noise that explains it
/// best. Below [`FEWEST`] pixels the two cannot be told apart, and a single line would be explained as noise on an empty
/// picture: there the prior is [`USUAL`], and the noise is the share of pixels unlike all of their neighbours that share a
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
        Self { connectivity: Connectivity::Four, flips: None, prior: None, iterations: 80, sweeps: 4 }
    }
}

/// Pixels from which prior and noise are estimated together.
pub const FEWEST: usize = 10_000;

/// What pages of binarised MNIST training digits are estimated to be with 10 % of their pixels flipped and four neighbours
/// (`record/denoise.md`): the prior of pictures too small for an estimate.
pub const USUAL: Prior = Prior { coupling: 0.62, diagonal: 0.0, bias: 0.045 };

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
        if n < FEWEST {
            return Restoration::new(self.prior.unwrap_or(USUAL), self.flips.unwrap_or_else(|| Flips::of_specks(seen)));
        }
        let eight = self.connectivity == Connectivity::Eight;
        let start = Prior { coupling: 0.4, diagonal: if eight { 0.2 } else { 0.0 }, bias: 0.0 };
        let mut now = Restoration::new(self.prior.unwrap_or(start), self.flips.unwrap_or(Flips::new(0.1)?))?;
        if self.prior.is_some() && self.flips.is_some() {
            return Ok(now);
        }
        let (mut x, mut theta) = (seen.clone(), vec![now.prior.coupling, now.prior.bias, now.prior.diagonal]);
        theta.truncate(if eight { 3 } else { 2 });
        let (mut mean, mut kept) = ([0.0; 4], 0.0);
        for t in 0..self.iterations {
            now.sweep(&mut x, seen, 1.0, self.sweeps, &key.step(t));
            let counts = Counts::new(&x, seen);
            if self.flips.is_none() {
                // As if one more pixel of each kind had been seen: no rate of 0.
                let rate = (counts.changed as f64 + 1.0) / (n as f64 + 2.0);
                now.flips = Flips::new(rate.clamp(1e-4, 0.49))?;
            }
            if self.prior.is_none() {
                theta = maximise(theta, |theta| Ok::<_, FieldError>(counts.pseudo_log_likelihood(theta)))?.theta;
                theta.iter_mut().for_each(|t| *t = t.clamp(-STIFFEST, STIFFEST));
                let diagonal = theta.get(2).copied().unwrap_or(0.0);
                now.prior = Prior { coupling: theta[0], bias: theta[1], diagonal };
            }
            if 2 * t >= self.iterations {
                let Prior { coupling, diagonal, bias } = now.prior;
                mean.iter_mut().zip([coupling, diagonal, bias, now.flips.rate()]).for_each(|(m, v)| *m += v);
                kept += 1.0;
            }
        }
        if kept == 0.0 {
            return Ok(now);
        }
        let [coupling, diagonal, bias, rate] = mean.map(|m| m / kept);
        let prior = self.prior.unwrap_or(Prior { coupling, diagonal, bias });
        Restoration::new(prior, self.flips.map_or_else(|| Flips::new(rate), Ok)?)
    }
}

/// How often each surrounding of a pixel occurs with each colour: all that the pseudo-likelihood knows of a picture.
struct Counts {
    /// By the sums over sides and corners as in [`gibbs_kernels::multispin::picture::Table`], and the colour.
    of: Vec<[u64; 2]>,
    changed: u64,
}

impl Counts {
    fn new(x: &Picture, seen: &Picture) -> Self {
        let (h, w) = (x.height(), x.width());
        // A rim of 1 stands for what is missing, 0 and 2 for the colours.
        let stride = w + 2;
        let mut padded = vec![1u8; (h + 2) * stride];
        x.for_each(|i, j, bit| padded[(i + 1) * stride + j + 1] = 2 * u8::from(bit));
        let mut of = vec![[0; 2]; SUMS * SUMS];
        for i in 1..=h {
            for j in 1..=w {
                let at = |di: usize, dj: usize| usize::from(padded[(i + di - 1) * stride + j + dj - 1]);
                let sides = at(0, 1) + at(2, 1) + at(1, 0) + at(1, 2);
                let corners = at(0, 0) + at(0, 2) + at(2, 0) + at(2, 2);
                of[sides * SUMS + corners][at(1, 1) / 2] += 1;
            }
        }
        let changed = x.words().zip(seen.words()).map(|(a, b)| u64::from((a ^ b).count_ones())).sum();
        Self { of, changed }
    }

    /// Parameters are the coupling, the bias, and the diagonal coupling if there is one.
    fn pseudo_log_likelihood(&self, theta: &[f64]) -> Concave {
        let n = theta.len();
        let mut total = Concave::zero(n);
        for (k, counts) in self.of.iter().enumerate().filter(|(_, c)| c[0] + c[1] > 0) {
            let features = [(k / SUMS) as f64 - 4.0, 1.0, (k % SUMS) as f64 - 4.0];
            // Row 0 is spin -1, row 1 is spin +1.
            let s: Vec<f64> = features[..n].iter().map(|f| -f).chain(features[..n].iter().copied()).collect();
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
