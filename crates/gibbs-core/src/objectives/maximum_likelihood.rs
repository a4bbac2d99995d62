//! Maximum likelihood with Markov-chain negatives, for energies of real rows.

use std::sync::Arc;

use super::error::{ObjectiveError, at_least_one, share};
use crate::energy::{Distribution, Parametric};
use crate::ensemble::Ensemble;
use crate::kernel::{Kernel, MoveInfo, StepTuning};
use crate::key::{Key, Purpose};
use crate::objective::{Objective, ObjectiveInfo};
use crate::params::ParamMap;
use crate::path::{PathGradient, Target};
use crate::persist::{Persist, StateError, Tensor, TensorMap};
use crate::real::Real;
use crate::rows::{Continuous, Rows};
use crate::samplers::Replay;
use crate::scratch::Scratch;

/// Where the chains of an update start.
#[derive(Clone)]
pub enum Negatives<X> {
    /// At the rows of the batch: contrastive divergence. Only the neighbourhood of the data is pushed up.
    Data,
    /// Where they stopped last time: persistent contrastive divergence. Biased only by chains lagging behind the moving
    /// parameters.
    Persistent {
        /// Number of chains; an update moves as many as the batch has rows, or all if there are fewer.
        n_chains: usize,
        /// Probability that a chain is started afresh before an update.
        reinitialise: f64,
        /// Where chains start.
        fresh: Arc<dyn Distribution<X = X>>,
    },
    /// At fresh draws: short runs. What is learnt is the short run as a generator; its energy is not that of a density
    /// unless the runs are long (Nijkamp et al. 2019, arXiv:1904.09770).
    Noise(Arc<dyn Distribution<X = X>>),
}

/// `grad = E_data[dE/dtheta] - E_chains[dE/dtheta]`, the chains moved by any kernel.
///
/// With `adapt_to` the step size follows the acceptance rate (Robbins & Monro 1951, DOI 10.1214/aoms/1177729586) while
/// the energy changes under the chains; the factor is part of the state. Kernels without rejection do not adapt.
///
/// # Source
/// Hinton 2002, DOI 10.1162/089976602760128018 (CD); Tieleman 2008, DOI 10.1145/1390156.1390290 (PCD).
#[derive(Clone)]
pub struct MaximumLikelihood<K, X> {
    kernel: K,
    n_steps: u64,
    negatives: Negatives<X>,
    adapt_to: Option<f64>,
}

/// Rate of the adaptation: the logarithm of the step moves by this times the excess of acceptance, every update.
const ADAPTATION: f64 = 0.05;

impl<K, X> MaximumLikelihood<K, X> {
    /// With `n_steps` steps an update.
    ///
    /// # Errors
    /// No steps, no chains, or a probability outside `[0, 1]`.
    pub fn new(
        kernel: K,
        n_steps: u64,
        negatives: Negatives<X>,
        adapt_to: Option<f64>,
    ) -> Result<Self, ObjectiveError> {
        at_least_one("Markov chain steps an update", n_steps as usize)?;
        if let Negatives::Persistent { n_chains, reinitialise, .. } = negatives {
            at_least_one("persistent chains", n_chains)?;
            share("share of chains started afresh", reinitialise)?;
        }
        if let Some(target) = adapt_to {
            share("acceptance rate aimed at", target)?;
        }
        Ok(Self { kernel, n_steps, negatives, adapt_to })
    }
}

/// Persistent chains, if any, and the adapted step.
#[derive(Clone, Debug)]
pub struct MaximumLikelihoodState<X> {
    /// Persistent chains.
    pub buffer: Option<Replay<X>>,
    /// Adapted step.
    pub tuning: StepTuning,
    /// Root mean square of the coordinates of the training rows.
    data_scale: f64,
}

impl<X: Persist> Persist for MaximumLikelihoodState<X> {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        self.tuning.save(&format!("{prefix}tuning."), to);
        to.insert(format!("{prefix}data_scale"), Tensor::from_f64(&[1], &[self.data_scale]));
        if let Some(buffer) = &self.buffer {
            buffer.save(&format!("{prefix}buffer."), to);
        }
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        self.tuning.load(&format!("{prefix}tuning."), from)?;
        let name = format!("{prefix}data_scale");
        self.data_scale = from.expect(&name, Some(&[1]))?.to_f64(&name)?[0];
        self.buffer.as_mut().map_or(Ok(()), |b| b.load(&format!("{prefix}buffer."), from))
    }
}

fn root_mean_square<X: Continuous>(x: &X) -> f64 {
    let squares: f64 = x.values().iter().map(|v| v.widen().powi(2)).sum();
    (squares / x.values().len().max(1) as f64).sqrt()
}

impl<E, K> Objective<Target<E>> for MaximumLikelihood<K, E::X>
where
    E: Parametric<X: Continuous + Persist>,
    Target<E>: PathGradient<X = E::X>,
    K: Kernel<Target<E>, Info = MoveInfo, Tuning = StepTuning>,
{
    type State = MaximumLikelihoodState<E::X>;

    fn init(&self, _path: &Target<E>, data: &E::X, key: &Key, _ws: &mut Scratch) -> Self::State {
        let buffer = match &self.negatives {
            Negatives::Persistent { n_chains, fresh, .. } => {
                Some(Replay::new(fresh.sample(*n_chains, &key.purpose(Purpose::Init))))
            }
            Negatives::Data | Negatives::Noise(_) => None,
        };
        MaximumLikelihoodState { buffer, tuning: StepTuning::default(), data_scale: root_mean_square(data) }
    }

    fn gradient(
        &self,
        path: &Target<E>,
        data: &E::X,
        weights: &[f64],
        state: &mut Self::State,
        out: &mut ParamMap,
        after_data: &mut dyn FnMut(&ParamMap),
        observe: bool,
        key: &Key,
        ws: &mut Scratch,
    ) -> ObjectiveInfo {
        out.clear();
        path.0.add_grad(data, weights, out, ws);
        after_data(out);

        let n = data.n_rows();
        let mut taken = Vec::new();
        let start = match (&self.negatives, &mut state.buffer) {
            (Negatives::Persistent { reinitialise, fresh, .. }, Some(buffer)) => {
                let anew = |n| fresh.sample(n, &key.purpose(Purpose::Init));
                taken = buffer.draw(n, *reinitialise, anew, key);
                buffer.rows(&taken)
            }
            (Negatives::Noise(noise), _) => noise.sample(n, &key.purpose(Purpose::Init)),
            _ => data.clone(),
        };
        let mut chains = Ensemble::start(&self.kernel, path, &start);
        let infos = chains.advance(&self.kernel, path, 1.0, &state.tuning, self.n_steps, &key.purpose(Purpose::Noise));
        let info = infos.into_iter().fold(MoveInfo::default(), MoveInfo::join);
        let mut x = E::X::default();
        x.reset(start.n_rows(), start.n_cols());
        let mut at = 0;
        for block in chains.blocks() {
            let values = self.kernel.position(block).values();
            x.values_mut()[at..at + values.len()].copy_from_slice(values);
            at += values.len();
        }
        if let Some(buffer) = &mut state.buffer {
            buffer.put(&taken, &x);
        }
        if let Some(target) = self.adapt_to {
            state.tuning.scale *= (ADAPTATION * (info.acceptance_rate() - target)).exp();
        }
        // Chains that started at the rows of the batch keep their weights.
        let uniform = vec![1.0 / x.n_rows() as f64; x.n_rows()];
        let mass = if matches!(self.negatives, Negatives::Data) { weights } else { &uniform[..] };
        let negative: Vec<f64> = mass.iter().map(|w| -w).collect();
        path.0.add_grad(&x, &negative, out, ws);
        if !observe {
            return ObjectiveInfo::default();
        }
        let mean = |x: &E::X, mass: &[f64], ws: &mut Scratch| {
            let mut e = ws.take_f64(mass.len());
            path.0.energy(x, &mut e, ws);
            let mean = e.iter().zip(mass).map(|(e, w)| e * w).sum::<f64>();
            ws.give_f64(e);
            mean
        };
        let moved: f64 = x.values().iter().zip(start.values()).map(|(a, b)| (*a - *b).widen().powi(2)).sum();
        ObjectiveInfo {
            data_energy: Some(mean(data, weights, ws)),
            model_energy: Some(mean(&x, mass, ws)),
            acceptance: Some(info.acceptance_rate()),
            distance: Some((moved / x.n_rows() as f64).sqrt()),
            buffer_age: state.buffer.as_ref().map(Replay::mean_age),
            chain_scale: Some(root_mean_square(&x) / state.data_scale.max(f64::MIN_POSITIVE)),
            ..ObjectiveInfo::default()
        }
    }
}
