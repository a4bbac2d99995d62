//! Maximum likelihood with Markov-chain negatives: contrastive divergence and its persistent form.

use crate::kernel::Kernel;
use crate::key::{Key, Purpose};
use crate::objective::{Objective, ObjectiveInfo, mean_energy};
use crate::params::ParamMap;
use crate::path::Learnable;
use crate::persist::{Persist, StateError, TensorMap};
use crate::rows::Rows;
use crate::scratch::Scratch;

/// `grad = E_data[dE/dtheta] - E_chains[dE/dtheta]`.
///
/// * `persistent: false` is CD-k: each update's chains start at its data rows and take `n_steps` steps. Biased: the
///   chains are short, so only the neighbourhood of the data is pushed up.
/// * `persistent: true` is PCD: `n_chains` chains survive from update to update. Biased only by the chains lagging
///   behind the moving parameters; lower the learning rate and the bias goes.
///
/// The persistent chains keep the evaluation made *before* the parameters moved: for an RBM that is the law of the
/// hidden units, which are the chain's state, and it saves one matrix product an update.
///
/// # Source
/// Hinton 2002, DOI 10.1162/089976602760128018 (CD); Tieleman 2008, DOI 10.1145/1390156.1390290 (PCD).
#[derive(Clone, Debug)]
pub struct ContrastiveDivergence<K> {
    /// Moves the chains.
    pub kernel: K,
    /// Steps an update.
    pub n_steps: u64,
    /// Whether chains survive the update.
    pub persistent: bool,
    /// Number of persistent chains.
    pub n_chains: usize,
}

/// Persistent chains, if any.
#[derive(Clone, Debug)]
pub struct Chains<C>(pub Option<C>);

impl<C: Persist> Persist for Chains<C> {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        if let Some(chain) = &self.0 {
            chain.save(prefix, to);
        }
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        self.0.as_mut().map_or(Ok(()), |chain| chain.load(prefix, from))
    }
}

impl<P: Learnable, K: Kernel<P>> Objective<P> for ContrastiveDivergence<K> {
    type State = Chains<K::Chain>;

    fn init(&self, path: &P, data: &P::X, key: &Key, ws: &mut Scratch) -> Self::State {
        if !self.persistent {
            return Chains(None);
        }
        let mut rng = key.purpose(Purpose::Init).rng();
        let start: Vec<usize> = (0..self.n_chains).map(|_| rng.below(data.n_rows())).collect();
        Chains(Some(self.kernel.init(path, data.select(&start), ws)))
    }

    fn gradient(
        &self,
        path: &P,
        data: &P::X,
        weights: &[f64],
        state: &mut Self::State,
        out: &mut ParamMap,
        after_data: &mut dyn FnMut(&ParamMap),
        observe: bool,
        key: &Key,
        ws: &mut Scratch,
    ) -> ObjectiveInfo {
        out.clear();
        // Persistent chains may be more than positions (replicas at many temperatures), so data are evaluated without them.
        let mut fresh = state.0.is_none().then(|| self.kernel.init(path, data.clone(), ws));
        let mut evaluated = path.empty_eval();
        let at_data = if let Some(chain) = &fresh {
            self.kernel.eval(chain)
        } else {
            path.evaluate(data, &mut evaluated, ws);
            &evaluated
        };
        path.add_grad(data, at_data, weights, out, ws);
        after_data(out);
        let data_energy = observe.then(|| mean_energy(path, data, at_data, weights, ws));

        let Some(chain) = state.0.as_mut().or(fresh.as_mut()) else { return ObjectiveInfo::default() };
        let tuning = K::Tuning::default();
        for t in 0..self.n_steps {
            self.kernel.step(path, 1.0, &tuning, chain, &key.step(t), ws);
        }
        let x = self.kernel.position(chain);
        // Without persistence chain i started at row i and keeps its weight.
        let uniform = vec![1.0 / x.n_rows() as f64; x.n_rows()];
        let mass = if self.persistent { &uniform[..] } else { weights };
        let negative: Vec<f64> = mass.iter().map(|w| -w).collect();
        path.add_grad(x, self.kernel.eval(chain), &negative, out, ws);
        let model_energy = observe.then(|| mean_energy(path, x, self.kernel.eval(chain), mass, ws));
        ObjectiveInfo { data_energy, model_energy, ..Default::default() }
    }
}
