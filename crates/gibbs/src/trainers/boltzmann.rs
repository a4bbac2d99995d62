//! Fully visible Boltzmann machines: by the generic trainer, or by L-BFGS on the exact likelihood.

use gibbs_core::energy::Parametric;
use gibbs_core::optimisers::Decay;
use gibbs_core::optimisers::lbfgs::Stop;
use gibbs_core::path::Geometric;
use gibbs_core::persist::{Persist, StateError, TensorMap};
use gibbs_spin::boltzmann::{self, BIAS, COUPLINGS};
use gibbs_spin::{Bernoulli, Bits, Boltzmann};

use super::machine::{self, Setup};
use super::{Trainer, Update};
use crate::config::{BoltzmannConfig, FitConfig, OptimiserKind};
use crate::dataset::Prepared;
use crate::error::Error;
use crate::models::{BoltzmannPath, Machine, Model};

/// Iterations of an update.
const ITERATIONS: u64 = 50;
/// Norm of the gradient, nats, at which the optimum counts as reached: parameters are kept in single precision.
const GRADIENT: f64 = 1e-5;

pub(super) fn trainer<'a>(
    config: &'a FitConfig,
    machine: &BoltzmannConfig,
    data: &'a Prepared,
) -> Result<Box<dyn Trainer + 'a>, Error> {
    let rows = BoltzmannPath::rows(&data.train.rows);
    let base = Bernoulli::from_data(rows, data.train.weights.as_deref());
    let mut target = Boltzmann::dense(rows.n_cols());
    target.params_mut().get_mut(BIAS).copy_from_slice(base.logits());
    let path = Geometric { base, target };
    if config.learning.optimiser == OptimiserKind::Lbfgs {
        let (weights, l2) = (data.train.weights.as_deref(), machine.l2);
        let last = Update::default();
        return Ok(Box::new(LbfgsTrainer { rows, weights, l2, path, step: 0, reached: false, last }));
    }
    let decay = [COUPLINGS, BIAS].map(|on| Decay { l2: machine.l2 as f32, l1: 0.0, on });
    let setup = Setup { path, gibbs_steps: machine.gibbs_steps, decay: decay.to_vec(), centring: None };
    machine::trainer(config, data, setup, 1)
}

/// The optimum is unique, so it is kept whatever the looks say.
struct LbfgsTrainer<'a> {
    rows: &'a Bits,
    weights: Option<&'a [f64]>,
    l2: f64,
    path: BoltzmannPath,
    step: u64,
    reached: bool,
    last: Update,
}

impl Trainer for LbfgsTrainer<'_> {
    fn step(&self) -> u64 {
        self.step
    }

    fn best_step(&self) -> u64 {
        self.step
    }

    fn steps_per_epoch(&self) -> u64 {
        1
    }

    fn last_update(&self) -> Update {
        self.last
    }

    fn update(&mut self, _observe: bool) -> Result<(), Error> {
        let stop = Stop { max_iterations: ITERATIONS, gradient_norm: GRADIENT, ..Stop::default() };
        let found = boltzmann::fit(&mut self.path.target, self.rows, self.weights, self.l2, &stop, |_| true)?;
        self.step += 1;
        self.reached = found.iterations < ITERATIONS;
        self.last = Update { gradient_norm: found.gradient_norm, loss: Some(found.value), ..Update::default() };
        match self.path.target.params().first_non_finite() {
            Some((name, index)) => Err(self.diverged(format!("parameter {name}[{index}]"))),
            None => Ok(()),
        }
    }

    fn candidate(&self) -> Box<dyn Model> {
        self.path.clone().into_model()
    }

    fn best(&self) -> Box<dyn Model> {
        self.candidate()
    }

    fn judge(&mut self, _log_likelihood: Option<f64>) -> bool {
        true
    }

    fn stopped_early(&self) -> bool {
        self.reached
    }

    fn save(&self) -> TensorMap {
        let mut map = TensorMap::default();
        self.path.target.params().save("params.", &mut map);
        map.insert_u64("step", self.step);
        map.insert_u64("reached", u64::from(self.reached));
        map
    }

    fn load(&mut self, map: &TensorMap) -> Result<(), StateError> {
        self.path.target.params_mut().load("params.", map)?;
        self.step = map.expect_u64("step")?;
        self.reached = map.expect_u64("reached")? != 0;
        Ok(())
    }
}
