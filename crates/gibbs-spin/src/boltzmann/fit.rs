//! The maximum of the likelihood, by exact gradients and L-BFGS.

use gibbs_core::energy::Parametric;
use gibbs_core::log_partition::LogZError;
use gibbs_core::optimisers::lbfgs::{Look, Minimum, Stop, minimise_watched};
use gibbs_core::rows::Rows;

use super::exact::{self, moments_at};
use super::{BIAS, Boltzmann, COUPLINGS};
use crate::Bits;

/// Minimises `-mean log p(x) + l2 / 2 |theta|^2` over all parameters from those of `model`, exactly and in f64; sets them
/// (rounded to f32) and returns the minimum.
///
/// The function is convex. Without a penalty it has no minimum where a pair of sites never takes one of its four
/// states in the data: couplings then grow until the gradient is as small as [`Stop`] asks.
///
/// # Errors
/// [`LogZError::TooLarge`] above [`exact::ENUMERATION_LIMIT`] sites.
///
/// # Example
/// ```
/// use gibbs_core::optimisers::lbfgs::Stop;
/// use gibbs_spin::{Bits, Boltzmann, boltzmann};
/// // Two sites: any four positive frequencies are fitted exactly. Frequencies 1/2, 1/8, 1/8, 1/4 of 00, 10, 01, 11.
/// let rows = [[false, false]; 4].into_iter().chain([[true, false], [false, true], [true, true], [true, true]]);
/// let x = Bits::from_rows(&rows.collect::<Vec<_>>());
/// let mut model = Boltzmann::dense(2);
/// let found = boltzmann::fit(&mut model, &x, None, 0.0, &Stop::default(), |_| true).unwrap();
/// assert!(found.converged() && (boltzmann::log_z(&model).unwrap() - 2f64.ln()).abs() < 1e-5);
/// ```
pub fn fit(
    model: &mut Boltzmann,
    x: &Bits,
    weights: Option<&[f64]>,
    l2: f64,
    stop: &Stop,
    watch: impl FnMut(&Look<'_>) -> bool,
) -> Result<Minimum, LogZError> {
    exact::check_size(model)?;
    let n_pairs = model.pairs().len();
    let data = data_moments(model, x, weights);
    let objective = |theta: &[f64], gradient: &mut [f64]| {
        let (couplings, bias) = theta.split_at(n_pairs);
        let m = moments_at(model, couplings, bias);
        let expected = m.joint.iter().chain(&m.means);
        let mut value = m.log_z;
        for (((g, t), e), d) in gradient.iter_mut().zip(theta).zip(expected).zip(&data) {
            *g = e - d + l2 * t;
            value += 0.5 * l2 * t * t - t * d;
        }
        value
    };
    let start: Vec<f64> =
        [COUPLINGS, BIAS].iter().flat_map(|name| model.params().get(name)).map(|&p| f64::from(p)).collect();
    let found = minimise_watched(objective, &start, stop, watch);
    let (couplings, bias) = found.at.split_at(n_pairs);
    for (name, values) in [(COUPLINGS, couplings), (BIAS, bias)] {
        model.params_mut().get_mut(name).iter_mut().zip(values).for_each(|(p, v)| *p = *v as f32);
    }
    Ok(found)
}

/// `E x_i x_j` of every pair, then `E x_i`, over the rows.
fn data_moments(model: &Boltzmann, x: &Bits, weights: Option<&[f64]>) -> Vec<f64> {
    let n = x.n_rows();
    let total: f64 = weights.map_or(n as f64, |w| w.iter().sum());
    let weight = |row: usize| weights.map_or(1.0, |w| w[row]) / total;
    let mean = |i: usize, j: usize| (0..n).filter(|&r| x.get(r, i) && x.get(r, j)).map(weight).sum();
    let singles = (0..model.n_sites()).map(|i| (i, i));
    model.pairs().iter().copied().chain(singles).map(|(i, j)| mean(i, j)).collect()
}
