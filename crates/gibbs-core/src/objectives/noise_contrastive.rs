//! Noise-contrastive estimation: learning a density by telling data from noise.

use super::batch::{PerRow, dot, sigmoid, softplus, stack};
use super::error::{ObjectiveError, at_least_one};
use crate::energy::{Distribution, Parametric};
use crate::key::{Key, Purpose};
use crate::objective::{Objective, ObjectiveInfo};
use crate::params::ParamMap;
use crate::path::Target;
use crate::persist::Persist;
use crate::rows::{Continuous, Rows};
use crate::scratch::Scratch;

/// Logistic regression between data and `ratio` noise rows a data row, with the energies as logits:
///
/// ```text
/// J = -E_data[log h(x)] - ratio E_noise[log(1 - h(y))],   h(x) = 1 / (1 + exp(-G(x))),
/// G(x) = -E(x) - log p_noise(x) - log(ratio)
/// ```
///
/// **The energy is taken as normalised**: at the optimum `exp(-E)` *is* the density of the data and `log Z = 0`. So the
/// energy needs a free constant (the last bias of a network, a parameter added to `E`), which learns `log Z`; how far
/// the `log Z` of `exp(-E)` is from zero measures the error of the fit. Consistent for every noise density that is
/// positive wherever the data are; the closer it is to the data, and the larger `ratio`, the smaller the variance.
///
/// Noise that does not overlap with the data (data that were never scaled, a box far too wide) is told from them
/// perfectly and teaches nothing: [`ObjectiveInfo::noise_misses_data`] says so.
///
/// Shapes: rows of the noise are rows of the energy. Units: `loss` in nats a data row; `(1 + ratio) log(1 + ratio) -
/// ratio log(ratio)` where noise and data cannot be told apart, 0 where they never meet. `observe` adds the mean
/// energies of data and noise at no cost. There is no data phase: `after_data` is not called.
///
/// # Example
/// The variance of a normal density on the line, and its `log Z`, from noise of another width:
/// ```
/// use gibbs_core::dense::Dense;
/// use gibbs_core::energy::{Distribution, Energy, Parametric};
/// use gibbs_core::key::Key;
/// use gibbs_core::objective::Objective;
/// use gibbs_core::objectives::NoiseContrastive;
/// use gibbs_core::optimisers::{Adam, Optimiser};
/// use gibbs_core::params::ParamMap;
/// use gibbs_core::path::Target;
/// use gibbs_core::rows::Continuous;
/// use gibbs_core::scratch::Scratch;
///
/// /// `E(x) = a x^2 / 2 + c`.
/// struct Parabola(ParamMap);
///
/// impl Energy for Parabola {
///     type X = Dense<f64>;
///     fn energy(&self, x: &Dense<f64>, out: &mut [f64], _: &mut Scratch) {
///         let (a, c) = (f64::from(self.0.flat()[0]), f64::from(self.0.flat()[1]));
///         out.iter_mut().zip(x.values()).for_each(|(o, x)| *o = 0.5 * a * x * x + c);
///     }
/// }
///
/// impl Parametric for Parabola {
///     fn params(&self) -> &ParamMap { &self.0 }
///     fn params_mut(&mut self) -> &mut ParamMap { &mut self.0 }
///     fn add_grad(&self, x: &Dense<f64>, w: &[f64], out: &mut ParamMap, _: &mut Scratch) {
///         for (x, w) in x.values().iter().zip(w) {
///             out.flat_mut()[0] += (w * 0.5 * x * x) as f32;
///             out.flat_mut()[1] += *w as f32;
///         }
///     }
/// }
///
/// /// `N(0, sd^2)`.
/// struct Normal(f64);
///
/// impl Energy for Normal {
///     type X = Dense<f64>;
///     fn energy(&self, x: &Dense<f64>, out: &mut [f64], _: &mut Scratch) {
///         let log_z = self.0.ln() + 0.5 * std::f64::consts::TAU.ln();
///         out.iter_mut().zip(x.values()).for_each(|(o, x)| *o = 0.5 * (x / self.0).powi(2) + log_z);
///     }
/// }
///
/// impl Distribution for Normal {
///     fn sample(&self, n: usize, key: &Key) -> Dense<f64> {
///         let mut rng = key.rng();
///         Dense::from_rows(1, (0..n).map(|_| self.0 * rng.normal()).collect())
///     }
/// }
///
/// let data = Normal(0.5).sample(2_000, &Key::from_seed(0));
/// let weights = vec![1.0 / 2_000.0; 2_000];
/// let mut path = Target(Parabola(ParamMap::zeros(&[("a", &[1]), ("c", &[1])])));
/// let objective = NoiseContrastive::new(Normal(0.8), 2)?;
/// let (mut grad, mut ws) = (path.0.params().zeros_like(), Scratch::default());
/// let mut adam = Adam::new(&grad);
/// for t in 0..400 {
///     let key = Key::from_seed(1).step(t);
///     objective.gradient(&path, &data, &weights, &mut (), &mut grad, &mut |_| {}, false, &key, &mut ws);
///     adam.step(path.0.params_mut(), &grad, 0.05);
/// }
/// let (a, c) = (path.0.params().flat()[0], path.0.params().flat()[1]);
/// assert!((a - 4.0).abs() < 0.6, "precision {a}");
/// // exp(-E) is normalised: c = log(sd sqrt(2 pi)) = 0.226.
/// assert!((c - 0.226).abs() < 0.1, "constant {c}");
/// # Ok::<(), gibbs_core::objectives::ObjectiveError>(())
/// ```
///
/// # Source
/// Gutmann & Hyvarinen 2012, "Noise-contrastive estimation of unnormalized statistical models, with applications to
/// natural image statistics", JMLR 13:307-361, section 2, <https://jmlr.org/papers/v13/gutmann12a.html>.
#[derive(Clone, Debug)]
pub struct NoiseContrastive<N> {
    noise: N,
    ratio: usize,
}

impl<N> NoiseContrastive<N> {
    /// Against `noise`, with `ratio >= 1` noise rows a data row.
    pub fn new(noise: N, ratio: usize) -> Result<Self, ObjectiveError> {
        Ok(Self { noise, ratio: at_least_one("ratio", ratio)? })
    }

    /// The noise.
    pub fn noise(&self) -> &N {
        &self.noise
    }
}

impl<E, N> Objective<Target<E>> for NoiseContrastive<N>
where
    E: Parametric<X: Continuous + Persist>,
    N: Distribution<X = E::X>,
{
    type State = ();

    fn init(&self, _path: &Target<E>, _data: &E::X, _key: &Key, _ws: &mut Scratch) {}

    fn gradient(
        &self,
        path: &Target<E>,
        data: &E::X,
        weights: &[f64],
        (): &mut (),
        out: &mut ParamMap,
        _after_data: &mut dyn FnMut(&ParamMap),
        observe: bool,
        key: &Key,
        ws: &mut Scratch,
    ) -> ObjectiveInfo {
        out.clear();
        let n = data.n_rows();
        let n_noise = n * self.ratio;
        let noise = self.noise.sample(n_noise, &key.purpose(Purpose::Noise));
        let rows = stack(&[data, &noise]);
        let mut noise_energy = ws.take_f64(n + n_noise);
        self.noise.energy(&rows, &mut noise_energy, ws);

        // A row's sign is +1 for data and -1 for noise; its loss is mass * softplus(-sign * G), and dG/dE = -1.
        let log_ratio = (self.ratio as f64).ln();
        let sign = |i: usize| if i < n { 1.0 } else { -1.0 };
        let mass = |i: usize| if i < n { weights[i] } else { 1.0 / n as f64 };
        let energies = PerRow::new(n + n_noise);
        path.0.add_grad_with(
            &rows,
            &|range, e, w| {
                for ((i, &e), w) in range.zip(e).zip(w) {
                    energies.set(i, e);
                    let logit = noise_energy[i] - e - log_ratio;
                    *w = sign(i) * mass(i) * sigmoid(-sign(i) * logit);
                }
            },
            out,
            ws,
        );

        let (mut loss, mut data_right, mut noise_right) = (0.0, 0.0, 0.0);
        for (i, noise_energy) in noise_energy.iter().enumerate() {
            let gap = noise_energy - energies.get(i);
            loss += mass(i) * softplus(-sign(i) * (gap - log_ratio));
            match (i < n, gap > 0.0) {
                (true, true) => data_right += weights[i],
                (false, false) => noise_right += 1.0 / n_noise as f64,
                _ => {}
            }
        }
        ws.give_f64(noise_energy);
        let e: Vec<f64> = (0..n + n_noise).map(|i| energies.get(i)).collect();
        ObjectiveInfo {
            data_energy: observe.then(|| dot(weights, &e[..n])),
            model_energy: observe.then(|| e[n..].iter().sum::<f64>() / n_noise as f64),
            loss: Some(loss),
            accuracy: Some(0.5 * (data_right + noise_right)),
            ..Default::default()
        }
    }
}
