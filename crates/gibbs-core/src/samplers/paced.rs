//! A kernel whose step size follows the temperature.

use crate::kernel::{Kernel, MoveInfo, StepTuning};
use crate::key::{Key, Purpose};
use crate::path::{Annealable, Path};
use crate::scratch::Scratch;

/// Inverse temperatures at which step sizes are fitted, and updates of the step size at each.
const STATIONS: usize = 16;
const UPDATES: usize = 40;

/// A kernel with a step size of its own at every inverse temperature of a path: between stations the logarithm of the factor
/// on its step size is interpolated. A base is usually wider than the model, and the step that suits one is far too large or
/// far too small for the other.
///
/// The factors come from a pilot run and are fixed from then on, so that every `p_beta` that the kernel leaves invariant at
/// each step size is left invariant. **Use other chains (another key) than the pilot's**: steps fitted to the very chains that
/// are weighed would bias their weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Paced<K> {
    kernel: K,
    /// Natural logarithms of the factors at equally spaced inverse temperatures from 0 to 1.
    log_scales: Vec<f64>,
}

impl<K> Paced<K> {
    /// Walks `n_chains` chains from the base to the model and fits the step size at each of 16 stations, by stochastic
    /// approximation of the `acceptance` wanted (0.574 is best for [`Mala`](super::Mala), 0.65 for [`Hmc`](super::Hmc)).
    ///
    /// # Source
    /// Robbins & Monro 1951, DOI 10.1214/aoms/1177729586; acceptance: Roberts & Rosenthal 1998, DOI 10.1111/1467-9868.00123.
    pub fn fit<P>(kernel: K, path: &P, n_chains: usize, acceptance: f64, key: &Key) -> Self
    where
        P: Annealable,
        K: Kernel<P, Tuning = StepTuning, Info = MoveInfo>,
    {
        let mut ws = Scratch::default();
        let mut chain = kernel.init(path, path.sample_base(n_chains.max(1), &key.purpose(Purpose::Init)), &mut ws);
        let (moves, mut tuning) = (key.purpose(Purpose::Noise), StepTuning::default());
        let mut log_scales = Vec::with_capacity(STATIONS);
        for station in 0..STATIONS {
            let beta = station as f64 / (STATIONS - 1) as f64;
            let (mut log_scale, mut sum) = (tuning.scale.ln(), 0.0);
            for t in 0..UPDATES {
                tuning.scale = log_scale.exp();
                let key = moves.step(station as u64).step(t as u64);
                let info = kernel.step(path, beta, &tuning, &mut chain, &key, &mut ws);
                log_scale += 2.0 * (info.acceptance_rate() - acceptance) / (1.0 + t as f64 / 5.0);
                if t >= UPDATES / 2 {
                    sum += log_scale;
                }
            }
            log_scales.push(sum / (UPDATES - UPDATES / 2) as f64);
            tuning.scale = log_scales[station].exp();
        }
        Self { kernel, log_scales }
    }

    /// Factor on the step size at an inverse temperature.
    pub fn scale(&self, beta: f64) -> f64 {
        let last = self.log_scales.len() - 1;
        let place = beta.clamp(0.0, 1.0) * last as f64;
        let i = (place as usize).min(last.saturating_sub(1));
        let rest = place - i as f64;
        let next = self.log_scales[(i + 1).min(last)];
        (self.log_scales[i] + rest * (next - self.log_scales[i])).exp()
    }

    fn at(&self, beta: f64, tuning: &StepTuning) -> StepTuning {
        StepTuning { scale: tuning.scale * self.scale(beta), variance: tuning.variance.clone() }
    }
}

impl<P: Path + ?Sized, K: Kernel<P, Tuning = StepTuning>> Kernel<P> for Paced<K> {
    type Chain = K::Chain;
    type Tuning = StepTuning;
    type Info = K::Info;

    fn init(&self, path: &P, x: P::X, ws: &mut Scratch) -> K::Chain {
        self.kernel.init(path, x, ws)
    }

    fn step(
        &self,
        path: &P,
        beta: f64,
        tuning: &StepTuning,
        chain: &mut K::Chain,
        key: &Key,
        ws: &mut Scratch,
    ) -> K::Info {
        self.kernel.step(path, beta, &self.at(beta, tuning), chain, key, ws)
    }

    fn anneal(
        &self,
        path: &P,
        rung: (f64, f64),
        tuning: &StepTuning,
        chain: &mut K::Chain,
        log_weights: &mut [f64],
        key: &Key,
        ws: &mut Scratch,
    ) {
        self.kernel.anneal(path, rung, &self.at(rung.1, tuning), chain, log_weights, key, ws);
    }

    fn refresh(&self, path: &P, chain: &mut K::Chain, ws: &mut Scratch) {
        self.kernel.refresh(path, chain, ws);
    }

    fn position<'a>(&self, chain: &'a K::Chain) -> &'a P::X {
        self.kernel.position(chain)
    }

    fn eval<'a>(&self, chain: &'a K::Chain) -> &'a P::Eval {
        self.kernel.eval(chain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dense::Dense;
    use crate::energy::{Distribution, Energy, Gradient};
    use crate::path::Bridge;
    use crate::rows::Continuous;
    use crate::samplers::Mala;

    /// `x^2 / (2 s^2)` on the line; its constant is left out, which the pilot does not need.
    struct Normal(f64);

    impl Energy for Normal {
        type X = Dense<f64>;

        fn energy(&self, x: &Dense<f64>, out: &mut [f64], _: &mut Scratch) {
            out.iter_mut().zip(x.values()).for_each(|(o, x)| *o = 0.5 * (x / self.0).powi(2));
        }
    }

    impl Gradient for Normal {
        fn energy_grad(&self, x: &Dense<f64>, e: &mut [f64], g: &mut Dense<f64>, ws: &mut Scratch) {
            self.energy(x, e, ws);
            g.values_mut().iter_mut().zip(x.values()).for_each(|(g, x)| *g = x / (self.0 * self.0));
        }
    }

    impl Distribution for Normal {
        fn sample(&self, n: usize, key: &Key) -> Dense<f64> {
            let mut rng = key.rng();
            Dense::from_rows(1, (0..n).map(|_| self.0 * rng.normal()).collect())
        }
    }

    /// On a normal of width `s` MALA's acceptance depends on `eta / s^2` alone: the steps at both ends of a path from width 3
    /// to width 0.1 differ by a factor of 900. The fitted ones have the acceptance asked for, to the noise of 4,000 moves
    /// (0.008 each, and as much of the fit).
    #[test]
    fn steps_follow_the_width() {
        let path = Bridge { base: Normal(3.0), target: Normal(0.1) };
        let kernel = Paced::fit(Mala::new(1.0).unwrap(), &path, 400, 0.574, &Key::from_seed(0));
        let ratio = kernel.scale(0.0) / kernel.scale(1.0);
        assert!((ratio / 900.0).ln().abs() < 0.3, "{ratio}");
        for (beta, s) in [(0.0, 3.0), (1.0, 0.1)] {
            let (mut ws, key) = (Scratch::default(), Key::from_seed(3));
            let mut chain = kernel.init(&path, Normal(s).sample(400, &key.step(0)), &mut ws);
            let rate = (1..11)
                .map(|t| kernel.step(&path, beta, &StepTuning::default(), &mut chain, &key.step(t), &mut ws))
                .fold(MoveInfo::default(), MoveInfo::join)
                .acceptance_rate();
            assert!((rate - 0.574).abs() < 0.05, "{rate} at {beta}");
        }
        assert!(kernel.scale(0.5) < kernel.scale(0.1) && kernel.scale(7.0) == kernel.scale(1.0));
    }
}
