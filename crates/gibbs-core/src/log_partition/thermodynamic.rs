//! Thermodynamic integration along a ladder.

use std::ops::ControlFlow;

use super::ais::check_ladder;
use super::{Bias, LogZ, LogZError};
use crate::diagnostics::draws::variance;
use crate::kernel::Kernel;
use crate::key::{Key, Purpose};
use crate::path::Annealable;
use crate::scratch::Scratch;

/// Thermodynamic integration: means of energy differences in place of means of weights, which no rare chain can dominate. It
/// shares no failure with annealed importance sampling but slow mixing, and serves as a cross-check.
///
/// For neighbours `b < b'` on the ladder and `w(x) = E_b(x) - E_b'(x)`, the log ratio of their partition functions lies
/// between `m = <w>_b` and `m' = <w>_b'` (Gibbs and Bogoliubov); with the variances `v`, `v'` of `w` it is
///
/// `(m + m') / 2 + (v - v') / 12 + O(fifth derivative)`,
///
/// the trapezoid corrected at its ends, for every path and without a derivative of the energy. Chains are dragged up the
/// ladder, with `n_steps` steps at each rung of which the first half is thrown away.
///
/// # Source
/// Kirkwood 1935, DOI 10.1063/1.1749657; Gelman & Meng 1998, DOI 10.1214/ss/1028905934; the correction: Hummer 1996,
/// DOI 10.1063/1.471887, and Friel, Hurn & Wyse 2014, DOI 10.1007/s11222-013-9397-1.
#[derive(Clone, Debug)]
pub struct Thermodynamic<K> {
    kernel: K,
    n_chains: usize,
    n_steps: u64,
    ladder: Vec<f64>,
}

/// The integral and what is known of its error.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ThermodynamicLogZ {
    /// The estimate, without weights; its error is that of the means over independent chains. [`Bias::Unknown`].
    pub log_z: LogZ,
    /// Sum of the lower bounds `<w>_b` of all rungs: below `log Z` if the chains are in equilibrium, up to noise.
    pub below: f64,
    /// Sum of the upper bounds `<w>_b'`.
    pub above: f64,
    /// What the correction at the ends added. What it leaves is smaller; if it is not small beside the standard error, use
    /// a finer ladder.
    pub correction: f64,
    /// Estimate from the later half of the steps kept less that from the earlier half: not 0 if the chains lag behind.
    pub drift: f64,
    /// Its standard error.
    pub drift_std_err: f64,
}

impl<K> Thermodynamic<K> {
    /// `n_chains` chains with `n_steps` (at least 4) steps at each rung of `ladder`, which rises strictly from 0 to 1.
    pub fn new(kernel: K, n_chains: usize, n_steps: u64, ladder: Vec<f64>) -> Result<Self, LogZError> {
        if n_chains < 2 {
            return Err(LogZError::Chains(n_chains));
        }
        if n_steps < 4 {
            return Err(LogZError::Setting { name: "number of steps (4 or more)", value: n_steps as f64 });
        }
        check_ladder(&ladder)?;
        Ok(Self { kernel, n_chains, n_steps, ladder })
    }

    /// Runs the chains. `progress` is told how many rungs of how many are done and may end the run.
    pub fn estimate<P: Annealable>(
        &self,
        path: &P,
        key: &Key,
        ws: &mut Scratch,
        progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<ThermodynamicLogZ, LogZError>
    where
        K: Kernel<P>,
    {
        let n = self.n_chains;
        let mut chain = self.kernel.init(path, path.sample_base(n, &key.purpose(Purpose::Init)), ws);
        let (tuning, moves) = (K::Tuning::default(), key.purpose(Purpose::Noise));
        let mut sums = Totals { whole: vec![0.0; n], halves: [vec![0.0; n], vec![0.0; n]], ..Totals::default() };
        let rungs = self.ladder.len();
        let kept = self.n_steps - self.n_steps / 2;
        for (k, &beta) in self.ladder.iter().enumerate() {
            let key = moves.step(k as u64);
            let mut up = self.ladder.get(k + 1).map(|&b| Side::new((beta, b), n));
            let mut down = k.checked_sub(1).map(|below| Side::new((self.ladder[below], beta), n));
            for t in 0..self.n_steps {
                self.kernel.step(path, beta, &tuning, &mut chain, &key.step(t), ws);
                let Some(t) = t.checked_sub(self.n_steps / 2) else { continue };
                self.kernel.refresh(path, &mut chain, ws);
                for side in [&mut up, &mut down].into_iter().flatten() {
                    side.fill(path, self.kernel.position(&chain), self.kernel.eval(&chain), usize::from(2 * t >= kept));
                }
            }
            // The half with fewer steps has `kept / 2`, rounded up to be the first.
            let steps = [kept.div_ceil(2) as f64, (kept / 2) as f64];
            if let Some(up) = up {
                sums.below += sums.add(&up, steps, 1.0)?;
            }
            if let Some(down) = down {
                sums.above += sums.add(&down, steps, -1.0)?;
            }
            if progress(k + 1, rungs).is_break() {
                return Err(LogZError::Interrupted);
            }
        }
        Ok(self.conclude(path.base_log_z(), &sums))
    }

    fn conclude(&self, base: f64, sums: &Totals) -> ThermodynamicLogZ {
        let n = self.n_chains as f64;
        let mean = |v: &[f64]| v.iter().sum::<f64>() / n;
        let std_err = |v: &[f64]| (variance(v) / n).sqrt();
        let drifts: Vec<f64> = sums.halves[1].iter().zip(&sums.halves[0]).map(|(late, early)| late - early).collect();
        let (drift, drift_std_err) = (mean(&drifts), std_err(&drifts));
        let rungs = self.ladder.len() - 1;
        let error = std_err(&sums.whole);
        let mut warnings = Vec::new();
        if drift.abs() > 3.0 * drift_std_err {
            warnings.push(format!(
                "the chains lag behind the temperature: the later half of the steps gives {drift:+.3} nats ({:.1} standard errors) \
                 more; use more steps a rung",
                drift / drift_std_err
            ));
        }
        if sums.correction.abs() > error.max(0.01) {
            warnings.push(format!(
                "the ladder is coarse: its curvature is worth {:.3} nats, the standard error is {error:.3}; use more temperatures",
                sums.correction
            ));
        }
        let log_z = LogZ {
            value: base + mean(&sums.whole),
            std_err: error,
            bias: Bias::Unknown,
            method: format!(
                "thermodynamic integration, {} chains x {rungs} temperatures x {} steps",
                self.n_chains, self.n_steps
            ),
            log_weights: Vec::new(),
            effective_chains: None,
            warnings,
            ends: None,
        };
        let (below, above) = (base + sums.below, base + sums.above);
        ThermodynamicLogZ { log_z, below, above, correction: sums.correction, drift, drift_std_err }
    }
}

/// Sums of `w` and its square over the steps kept at one rung, chain by chain, for both halves of the steps.
struct Side {
    between: (f64, f64),
    w: Vec<f64>,
    first: [Vec<f64>; 2],
    second: [Vec<f64>; 2],
}

impl Side {
    fn new(between: (f64, f64), n: usize) -> Self {
        let zeros = || [vec![0.0; n], vec![0.0; n]];
        Self { between, w: vec![0.0; n], first: zeros(), second: zeros() }
    }

    fn fill<P: Annealable>(&mut self, path: &P, x: &P::X, eval: &P::Eval, half: usize) {
        self.w.fill(0.0);
        path.add_log_weight(x, eval, self.between.0, self.between.1, &mut self.w);
        self.first[half].iter_mut().zip(&self.w).for_each(|(s, w)| *s += w);
        self.second[half].iter_mut().zip(&self.w).for_each(|(s, w)| *s += w * w);
    }
}

/// Sums over the rungs.
#[derive(Default)]
struct Totals {
    /// Of each chain, what it adds to the corrected integral.
    whole: Vec<f64>,
    /// The same of the plain trapezoid, from either half of the steps.
    halves: [Vec<f64>; 2],
    below: f64,
    above: f64,
    correction: f64,
}

impl Totals {
    /// Adds one end of one rung and returns its mean `w`; `sign` is that of its variance in the correction.
    fn add(&mut self, side: &Side, steps: [f64; 2], sign: f64) -> Result<f64, LogZError> {
        let (n, kept) = (self.whole.len() as f64, steps[0] + steps[1]);
        if let Some(index) = side.first[0].iter().zip(&side.first[1]).position(|(a, b)| !(a + b).is_finite()) {
            return Err(LogZError::Weight { value: side.first[0][index] + side.first[1][index], index });
        }
        let mean = side.first.iter().flatten().sum::<f64>() / (n * kept);
        for i in 0..self.whole.len() {
            let first = (side.first[0][i] + side.first[1][i]) / kept;
            let second = (side.second[0][i] + side.second[1][i]) / kept;
            let spread = sign * (second - 2.0 * mean * first + mean * mean) / 12.0;
            self.whole[i] += 0.5 * first + spread;
            self.correction += spread / n;
            for ((half, first), steps) in self.halves.iter_mut().zip(&side.first).zip(steps) {
                half[i] += 0.5 * first[i] / steps;
            }
        }
        Ok(mean)
    }
}
