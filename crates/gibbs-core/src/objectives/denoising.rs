//! Denoising score matching: learning the score of noised data by guessing the noise.

use super::batch::{PerRow, normal_like, observed_energy};
use super::error::{ObjectiveError, at_least_one, positive};
use crate::energy::ScoreParametric;
use crate::key::{Key, Purpose};
use crate::objective::{Objective, ObjectiveInfo};
use crate::params::ParamMap;
use crate::path::Target;
use crate::persist::Persist;
use crate::real::Real;
use crate::rows::{Continuous, Rows};
use crate::scratch::Scratch;

/// Moves each row by noise, `y = x + sigma n` with `n ~ N(0, I)`, and asks the gradient of the energy for the noise:
///
/// ```text
/// J = E_x E_n[ |sigma grad E(x + sigma n) - n|^2 ] / 2
/// ```
///
/// (The score of `y` given `x` is `(x - y) / sigma^2 = -n / sigma`, the model's is `-grad E(y)`; the factor `sigma^2` on
/// their squared difference gives every level the same weight.) No curvature is needed, one pass an update.
///
/// **What is learnt is the density of the noised data**, wider than that of the data: covariance `Sigma + sigma^2 I`.
/// With several levels, one drawn for each row, and an energy that is not told the level, the minimiser is the mixture
/// of the noised densities `p_k` with weights `prop sigma_k^2`, since `sum_k sigma_k^2 p_k grad log p_k` is the
/// gradient of `sum_k sigma_k^2 p_k`: broad levels carry the score into empty regions, and they weigh most.
///
/// The variance of the gradient grows as `1 / sigma`: a tenth of the spread of the data is a start. Neither `log Z` nor
/// the constant of the energy is seen. Units: `loss` is a pure number, half the dimension where nothing is learnt yet
/// (flat energy). There is no data phase: `after_data` is not called.
///
/// # Example
/// ```
/// use gibbs_core::objectives::Denoising;
/// let objective = Denoising::levels(0.1, 0.4, 3)?;
/// assert!(objective.sigmas().iter().zip([0.1, 0.2, 0.4]).all(|(s, t)| (s - t).abs() < 1e-12));
/// assert!(Denoising::new(0.0).is_err());
/// # Ok::<(), gibbs_core::objectives::ObjectiveError>(())
/// ```
///
/// # Source
/// Vincent 2011, "A connection between score matching and denoising autoencoders", DOI `10.1162/NECO_a_00142`; one
/// energy for several levels: Li, Chen & Sommer 2019, arXiv:1910.07762; weighting and geometric spacing: Song & Ermon
/// 2019, arXiv:1907.05600, section 4.2.
#[derive(Clone, Debug)]
pub struct Denoising {
    sigmas: Vec<f64>,
}

impl Denoising {
    /// With one noise level of standard deviation `sigma > 0`.
    pub fn new(sigma: f64) -> Result<Self, ObjectiveError> {
        Ok(Self { sigmas: vec![positive("sigma", sigma)?] })
    }

    /// With `n_levels` standard deviations from `low` to `high`, in equal ratios.
    pub fn levels(low: f64, high: f64, n_levels: usize) -> Result<Self, ObjectiveError> {
        let (low, high) = (positive("low", low)?, positive("high", high)?);
        if at_least_one("n_levels", n_levels)? == 1 || low >= high {
            return Err(ObjectiveError::Levels { low, high, n_levels });
        }
        let step = (high / low).ln() / (n_levels - 1) as f64;
        Ok(Self { sigmas: (0..n_levels).map(|k| low * (step * k as f64).exp()).collect() })
    }

    /// The standard deviations, lowest first.
    pub fn sigmas(&self) -> &[f64] {
        &self.sigmas
    }
}

impl<E: ScoreParametric<X: Persist>> Objective<Target<E>> for Denoising {
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
        let d = data.n_cols();
        let noise = normal_like(data, &key.purpose(Purpose::Noise));
        let mut rng = key.purpose(Purpose::Other).rng();
        let sigma: Vec<f64> = weights.iter().map(|_| self.sigmas[rng.below(self.sigmas.len())]).collect();
        let mut noised = noise.clone();
        noised.scale_rows(&sigma);
        noised.add_scaled(1.0, data);

        // d/dtheta w |sigma g - n|^2 / 2 = w sigma (sigma g - n) . dg/dtheta.
        let terms = PerRow::new(data.n_rows());
        path.0.add_score_grad(
            &noised,
            &|rows, _, g, v| {
                for ((i, g), v) in rows.zip(g.chunks_exact(d)).zip(v.chunks_exact_mut(d)) {
                    let s: <E::X as Continuous>::T = Real::narrow(sigma[i]);
                    let scale: <E::X as Continuous>::T = Real::narrow(weights[i] * sigma[i]);
                    let mut square = 0.0;
                    for ((v, &g), &n) in v.iter_mut().zip(g).zip(noise.row(i)) {
                        let miss = s * g - n;
                        square += miss.widen() * miss.widen();
                        *v = scale * miss;
                    }
                    terms.set(i, 0.5 * weights[i] * square);
                }
            },
            out,
            ws,
        );
        let data_energy = observed_energy(&path.0, data, weights, observe, ws);
        ObjectiveInfo { data_energy, loss: Some(terms.sum()), ..Default::default() }
    }
}
