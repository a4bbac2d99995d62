//! The state of a training run and its update. Everything that decides the next update is here and is saved.

use gibbs_core::key::{Key, Purpose};
use gibbs_core::objective::{Objective, ObjectiveInfo};
use gibbs_core::objectives::contrastive_divergence::Chains;
use gibbs_core::objectives::{ContrastiveDivergence, ExactLikelihood};
use gibbs_core::optimisers::{Adam, Average, Decay, Optimiser, Sgd};
use gibbs_core::params::ParamMap;
use gibbs_core::path::Learnable;
use gibbs_core::persist::{Persist, StateError, Tensor, TensorMap};
use gibbs_core::rows::Rows;
use gibbs_core::scratch::Scratch;
use gibbs_spin::rbm::{Centring, VISIBLE_BIAS, WEIGHTS};
use gibbs_spin::{Bernoulli, BlockGibbs, Rbm, RbmPath};

use crate::config::{FitConfig, ObjectiveKind, OptimiserKind};
use crate::dataset::Prepared;
use crate::error::Error;

/// Rate of the moving average of the hidden offsets.
const CENTRING_RATE: f32 = 0.01;

type Chain = <BlockGibbs as gibbs_core::kernel::Kernel<RbmPath>>::Chain;

/// What the last update was like.
#[derive(Clone, Copy, Debug, Default)]
pub struct LastUpdate {
    /// Its learning rate.
    pub learning_rate: f64,
    /// Norm of its gradient.
    pub gradient_norm: f64,
    /// Mean energy of the batch minus that of the chains.
    pub energy_gap: Option<f64>,
}

/// The kept model.
struct Best {
    params: ParamMap,
    step: u64,
    log_likelihood: f64,
    looks_since: u64,
}

pub(crate) struct Trainer<'a> {
    config: &'a FitConfig,
    data: &'a Prepared,
    key: Key,
    path: RbmPath,
    grad: ParamMap,
    chains: Chains<Chain>,
    optimiser: Box<dyn Optimiser>,
    centring: Option<Centring>,
    average: Option<Average>,
    best: Best,
    step: u64,
    order: Vec<usize>,
    last: LastUpdate,
    ws: Scratch,
}

impl<'a> Trainer<'a> {
    pub(crate) fn new(config: &'a FitConfig, data: &'a Prepared) -> Self {
        let key = Key::from_seed(config.seed);
        let rows = &data.train.rows;
        let base = Bernoulli::from_data(rows, data.train.weights.as_deref());
        let mut rbm = Rbm::random(rows.n_cols(), config.hidden, config.init_sd as f32, &key);
        gibbs_core::energy::Parametric::params_mut(&mut rbm).get_mut(VISIBLE_BIAS).copy_from_slice(base.logits());
        let centring = config.centred.then(|| {
            let mu = rows.column_means(data.train.weights.as_deref());
            Centring::new(mu.into_iter().map(|m| m as f32).collect(), config.hidden, CENTRING_RATE)
        });
        let path = RbmPath::new(base, rbm);
        let params = path.params();
        let optimiser: Box<dyn Optimiser> = match config.optimiser {
            OptimiserKind::Sgd => Box::new(Sgd::new(config.momentum as f32, params)),
            OptimiserKind::Adam => Box::new(Adam::new(params)),
        };
        let mut ws = Scratch::default();
        let chains = match config.objective {
            ObjectiveKind::Pcd => contrastive(config).init(&path, rows, &key.purpose(Purpose::Init), &mut ws),
            _ => Chains(None),
        };
        Self {
            grad: params.zeros_like(),
            average: (config.average > 0.0).then(|| Average::new(config.average as f32, params)),
            best: Best { params: params.clone(), step: 0, log_likelihood: f64::NEG_INFINITY, looks_since: 0 },
            config,
            data,
            key,
            chains,
            optimiser,
            centring,
            path,
            step: 0,
            order: Vec::new(),
            last: LastUpdate::default(),
            ws,
        }
    }

    pub(crate) fn step(&self) -> u64 {
        self.step
    }

    pub(crate) fn best_step(&self) -> u64 {
        self.best.step
    }

    pub(crate) fn last_update(&self) -> LastUpdate {
        self.last
    }

    pub(crate) fn steps_per_epoch(&self) -> u64 {
        self.data.train.rows.n_rows().div_ceil(self.config.batch_size) as u64
    }

    pub(crate) fn total_steps(&self) -> u64 {
        self.config.epochs.saturating_mul(self.steps_per_epoch())
    }

    pub(crate) fn stopped_early(&self) -> bool {
        self.config.patience > 0 && self.best.looks_since >= self.config.patience
    }

    /// The model that a look judges: the average where one is kept, else the current parameters.
    pub(crate) fn candidate(&self) -> RbmPath {
        self.with_params(self.average.as_ref().map_or(self.path.params(), Average::params))
    }

    /// The kept model.
    pub(crate) fn best(&self) -> RbmPath {
        self.with_params(&self.best.params)
    }

    fn with_params(&self, params: &ParamMap) -> RbmPath {
        let mut path = self.path.clone();
        path.params_mut().flat_mut().copy_from_slice(params.flat());
        path
    }

    /// Takes in the log-likelihood of the candidate; returns whether it is the best so far and was kept.
    pub(crate) fn judge(&mut self, log_likelihood: f64) -> bool {
        let better = log_likelihood > self.best.log_likelihood;
        if better {
            let params = self.average.as_ref().map_or(self.path.params(), Average::params);
            self.best.params.flat_mut().copy_from_slice(params.flat());
            self.best.step = self.step;
            self.best.log_likelihood = log_likelihood;
            self.best.looks_since = 0;
        } else {
            self.best.looks_since += 1;
        }
        better
    }

    /// One update. `observe` also computes energies and the norm of the gradient, and checks every parameter.
    pub(crate) fn update(&mut self, observe: bool) -> Result<(), Error> {
        let key = self.key.step(self.step);
        let index = self.batch_index();
        let rows = self.data.train.rows.select(&index);
        let weights = self.batch_weights(&index);
        let info = self.gradient(&rows, &weights, observe, &key);
        let decay = Decay { l2: self.config.l2 as f32, l1: self.config.l1 as f32, on: WEIGHTS };
        decay.add_grad(self.path.params(), &mut self.grad);
        if let Some(centring) = &self.centring {
            centring.apply(&self.path.target, &mut self.grad);
        }
        let factor = self.config.schedule.factor(self.step, self.total_steps(), self.config.warm_up);
        let rate = self.config.learning_rate * factor;
        self.last.learning_rate = rate;
        self.optimiser.step(self.path.params_mut(), &self.grad, rate as f32);
        if let Some(average) = &mut self.average {
            average.update(self.path.params());
        }
        self.step += 1;
        if observe {
            self.last.gradient_norm = self.grad.norm();
            self.last.energy_gap = info.data_energy.zip(info.model_energy).map(|(d, m)| d - m);
        }
        self.check_finite(info)
    }

    fn gradient(&mut self, rows: &gibbs_spin::Bits, weights: &[f64], observe: bool, key: &Key) -> ObjectiveInfo {
        let centring = &mut self.centring;
        let mut after_data = |phase: &ParamMap| {
            if let Some(c) = centring {
                c.observe(phase);
            }
        };
        let (path, out, ws) = (&self.path, &mut self.grad, &mut self.ws);
        match self.config.objective {
            ObjectiveKind::Exact => {
                ExactLikelihood.gradient(path, rows, weights, &mut (), out, &mut after_data, observe, key, ws)
            }
            ObjectiveKind::Pcd | ObjectiveKind::Cd => {
                let objective = contrastive(self.config);
                objective.gradient(path, rows, weights, &mut self.chains, out, &mut after_data, observe, key, ws)
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

    pub(crate) fn diverged(&self, quantity: String) -> Error {
        Error::Diverged { step: self.step, quantity, learning_rate: self.last.learning_rate }
    }

    /// An estimate of log Z that fails on numbers is a divergence of the model.
    pub(crate) fn or_diverged(&self, error: Error) -> Error {
        use gibbs_core::log_partition::LogZError;
        match error {
            Error::LogZ(e @ (LogZError::Degenerate(_) | LogZError::Weight { .. })) => {
                self.diverged(format!("log Z ({e})"))
            }
            other => other,
        }
    }

    /// The rows of this update: a fresh permutation every epoch, from a key of the epoch alone.
    fn batch_index(&mut self) -> Vec<usize> {
        let n = self.data.train.rows.n_rows();
        let per_epoch = self.steps_per_epoch();
        let (epoch, within) = (self.step / per_epoch, (self.step % per_epoch) as usize);
        if self.config.batch_size >= n {
            return (0..n).collect();
        }
        if within == 0 || self.order.is_empty() {
            self.order = (0..n).collect();
            self.key.purpose(Purpose::Shuffle).step(epoch).rng().shuffle(&mut self.order);
        }
        let start = within * self.config.batch_size;
        self.order[start..(start + self.config.batch_size).min(n)].to_vec()
    }

    fn batch_weights(&self, index: &[usize]) -> Vec<f64> {
        match &self.data.train.weights {
            None => vec![1.0 / index.len() as f64; index.len()],
            Some(w) => {
                let total: f64 = index.iter().map(|&i| w[i]).sum();
                // A batch may hold rows of weight zero only: then it says nothing.
                index.iter().map(|&i| if total > 0.0 { w[i] / total } else { 0.0 }).collect()
            }
        }
    }

    pub(crate) fn save(&self) -> TensorMap {
        let mut map = TensorMap::default();
        self.path.params().save("params.", &mut map);
        self.best.params.save("best.", &mut map);
        self.chains.save("chains.", &mut map);
        self.optimiser.save("optimiser.", &mut map);
        if let Some(c) = &self.centring {
            c.save("centring.", &mut map);
        }
        if let Some(a) = &self.average {
            a.save("average.", &mut map);
        }
        map.insert_u64("step", self.step);
        map.insert_u64("best_step", self.best.step);
        map.insert_u64("looks_since_best", self.best.looks_since);
        map.insert("best_log_likelihood", Tensor::from_f64(&[1], &[self.best.log_likelihood]));
        map
    }

    pub(crate) fn load(&mut self, map: &TensorMap) -> Result<(), StateError> {
        self.path.params_mut().load("params.", map)?;
        self.best.params.load("best.", map)?;
        self.chains.load("chains.", map)?;
        self.optimiser.load("optimiser.", map)?;
        if let Some(c) = &mut self.centring {
            c.load("centring.", map)?;
        }
        if let Some(a) = &mut self.average {
            a.load("average.", map)?;
        }
        self.step = map.expect_u64("step")?;
        self.best.step = map.expect_u64("best_step")?;
        self.best.looks_since = map.expect_u64("looks_since_best")?;
        let name = "best_log_likelihood";
        self.best.log_likelihood = map.expect(name, Some(&[1]))?.to_f64(name)?[0];
        Ok(())
    }
}

fn contrastive(config: &FitConfig) -> ContrastiveDivergence<BlockGibbs> {
    ContrastiveDivergence {
        kernel: BlockGibbs,
        n_steps: config.gibbs_steps,
        persistent: config.objective == ObjectiveKind::Pcd,
        n_chains: config.n_chains,
    }
}
