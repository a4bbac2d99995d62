//! Training of a machine on a path: an RBM of any units, a Boltzmann machine.

use gibbs_core::kernel::Kernel;
use gibbs_core::key::{Key, Purpose};
use gibbs_core::log_partition::ais::linear_ladder;
use gibbs_core::objective::{Objective, ObjectiveInfo};
use gibbs_core::objectives::contrastive_divergence::Chains;
use gibbs_core::objectives::{ContrastiveDivergence, ExactLikelihood};
use gibbs_core::optimisers::{Average, Decay, Optimiser};
use gibbs_core::params::ParamMap;
use gibbs_core::persist::{Persist, StateError, TensorMap};
use gibbs_core::rows::Rows;
use gibbs_core::samplers::Tempering;
use gibbs_core::scratch::Scratch;
use gibbs_spin::rbm::{Centring, HIDDEN_BIAS};

use super::batches::Batches;
use super::best::Best;
use super::{Trainer, Update};
use crate::config::{FitConfig, ObjectiveKind};
use crate::dataset::Prepared;
use crate::error::Error;
use crate::models::{Machine, Model};

/// A machine before its first update, and what its updates add to the gradient.
pub(super) struct Setup<P> {
    /// From the base to the machine.
    pub(super) path: P,
    /// Steps of the chains an update.
    pub(super) gibbs_steps: u64,
    /// Penalties.
    pub(super) decay: Vec<Decay>,
    /// Centred units, where they are.
    pub(super) centring: Option<Centring>,
}

/// `K` moves the chains: the machine's own kernel, or that at many temperatures.
pub(super) struct MachineTrainer<'a, P: Machine, K: Kernel<P>> {
    config: &'a FitConfig,
    rows: &'a P::X,
    key: Key,
    path: P,
    objective: ContrastiveDivergence<K>,
    decay: Vec<Decay>,
    grad: ParamMap,
    chains: Chains<K::Chain>,
    optimiser: Box<dyn Optimiser>,
    centring: Option<Centring>,
    average: Option<Average>,
    best: Best,
    step: u64,
    batches: Batches,
    last: Update,
    ws: Scratch,
}

/// The trainer of a machine, whose persistent chains are exchanged between `n_temperatures` if that is more than one.
pub(super) fn trainer<'a, P: Machine>(
    config: &'a FitConfig,
    data: &'a Prepared,
    setup: Setup<P>,
    n_temperatures: usize,
) -> Result<Box<dyn Trainer + 'a>, Error> {
    let kernel = P::Kernel::default();
    Ok(if n_temperatures > 1 {
        let tempering =
            Tempering::new(kernel, linear_ladder(n_temperatures - 1)).map_err(|e| Error::Usage(e.to_string()))?;
        Box::new(MachineTrainer::new(config, data, setup, tempering))
    } else {
        Box::new(MachineTrainer::new(config, data, setup, kernel))
    })
}

impl<'a, P: Machine, K: Kernel<P>> MachineTrainer<'a, P, K> {
    fn new(config: &'a FitConfig, data: &'a Prepared, setup: Setup<P>, kernel: K) -> Self {
        let key = Key::from_seed(config.seed);
        let rows = P::rows(&data.train.rows);
        let Setup { path, gibbs_steps, decay, centring } = setup;
        let objective = ContrastiveDivergence {
            kernel,
            n_steps: gibbs_steps,
            persistent: config.learning.objective == ObjectiveKind::Pcd,
            n_chains: config.learning.n_chains,
        };
        let params = path.params();
        let mut ws = Scratch::default();
        let chains = match config.learning.objective {
            ObjectiveKind::Pcd => objective.init(&path, rows, &key.purpose(Purpose::Init), &mut ws),
            _ => Chains(None),
        };
        let average = config.learning.average;
        Self {
            grad: params.zeros_like(),
            average: (average > 0.0).then(|| Average::new(average as f32, params)),
            best: Best::new(params),
            optimiser: super::optimiser(config, 0.0, params),
            batches: Batches::new(rows.n_rows(), config.learning.batch_size, data.train.weights.clone()),
            config,
            rows,
            key,
            objective,
            decay,
            chains,
            centring,
            path,
            step: 0,
            last: Update::default(),
            ws,
        }
    }

    fn with_params(&self, params: &ParamMap) -> Box<dyn Model> {
        let mut path = self.path.clone();
        path.params_mut().flat_mut().copy_from_slice(params.flat());
        path.into_model()
    }

    fn gradient(&mut self, rows: &P::X, weights: &[f64], observe: bool, key: &Key) -> ObjectiveInfo {
        let centring = &mut self.centring;
        let mut after_data = |phase: &ParamMap| {
            if let Some(c) = centring {
                c.observe(phase);
            }
        };
        let (path, out, ws) = (&self.path, &mut self.grad, &mut self.ws);
        match self.config.learning.objective {
            ObjectiveKind::Exact => {
                ExactLikelihood.gradient(path, rows, weights, &mut (), out, &mut after_data, observe, key, ws)
            }
            // The configuration asks for it of machines only that have it.
            ObjectiveKind::PseudoLikelihood => path.pseudo_likelihood(rows, weights, out, ws).unwrap_or_default(),
            _ => {
                let chains = &mut self.chains;
                self.objective.gradient(path, rows, weights, chains, out, &mut after_data, observe, key, ws)
            }
        }
    }

    /// The gradient is looked at every update, since whatever is not finite shows there first.
    fn check_finite(&self, info: ObjectiveInfo) -> Result<(), Error> {
        if let Some((name, index)) = self.grad.first_non_finite() {
            return Err(self.diverged(format!("the gradient of {name}[{index}]")));
        }
        if let Some((name, index)) = self.path.params().first_non_finite() {
            return Err(self.diverged(format!("parameter {name}[{index}]")));
        }
        for (name, value) in
            [("the batch's energy", info.data_energy), ("the chains' energy", info.model_energy), ("log Z", info.log_z)]
        {
            if value.is_some_and(|v| !v.is_finite()) {
                return Err(self.diverged(name.to_string()));
            }
        }
        Ok(())
    }
}

impl<P: Machine, K: Kernel<P>> Trainer for MachineTrainer<'_, P, K> {
    fn step(&self) -> u64 {
        self.step
    }

    fn best_step(&self) -> u64 {
        self.best.step
    }

    fn steps_per_epoch(&self) -> u64 {
        self.batches.per_epoch()
    }

    fn last_update(&self) -> Update {
        self.last
    }

    fn update(&mut self, observe: bool) -> Result<(), Error> {
        let key = self.key.step(self.step);
        let (index, weights) = self.batches.at(self.step, &self.key);
        let rows = self.rows.select(&index);
        let info = self.gradient(&rows, &weights, observe, &key);
        for decay in &self.decay {
            decay.add_grad(self.path.params(), &mut self.grad);
        }
        if let Some(centring) = &self.centring {
            let n_hidden = self.grad.get(HIDDEN_BIAS).len();
            centring.apply_within(n_hidden, |_| 0..n_hidden, &mut self.grad);
        }
        let l = &self.config.learning;
        let rate = l.learning_rate * l.schedule.factor(self.step, l.updates, l.warm_up);
        self.last.learning_rate = rate;
        self.optimiser.step(self.path.params_mut(), &self.grad, rate as f32);
        if let Some(average) = &mut self.average {
            average.update(self.path.params());
        }
        self.step += 1;
        if observe {
            self.last.gradient_norm = self.grad.norm();
            self.last.loss = info.loss;
            self.last.energy_gap = info.data_energy.zip(info.model_energy).map(|(d, m)| d - m);
        }
        self.check_finite(info)
    }

    fn candidate(&self) -> Box<dyn Model> {
        self.with_params(self.average.as_ref().map_or(self.path.params(), Average::params))
    }

    fn best(&self) -> Box<dyn Model> {
        self.with_params(&self.best.params)
    }

    fn judge(&mut self, log_likelihood: Option<f64>) -> bool {
        let params = self.average.as_ref().map_or(self.path.params(), Average::params);
        self.best.judge(params, self.step, log_likelihood)
    }

    fn stopped_early(&self) -> bool {
        self.best.exhausted(self.config.learning.patience)
    }

    fn save(&self) -> TensorMap {
        let mut map = TensorMap::default();
        self.path.params().save("params.", &mut map);
        self.best.save(&mut map);
        self.chains.save("chains.", &mut map);
        self.optimiser.save("optimiser.", &mut map);
        if let Some(c) = &self.centring {
            c.save("centring.", &mut map);
        }
        if let Some(a) = &self.average {
            a.save("average.", &mut map);
        }
        map.insert_u64("step", self.step);
        map
    }

    fn load(&mut self, map: &TensorMap) -> Result<(), StateError> {
        self.path.params_mut().load("params.", map)?;
        self.best.load(map)?;
        self.chains.load("chains.", map)?;
        self.optimiser.load("optimiser.", map)?;
        if let Some(c) = &mut self.centring {
            c.load("centring.", map)?;
        }
        if let Some(a) = &mut self.average {
            a.load("average.", map)?;
        }
        self.step = map.expect_u64("step")?;
        Ok(())
    }
}
