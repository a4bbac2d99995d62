//! The state of a training run and its update, one file a kind of model. Everything that decides the next update is in
//! here and is saved.

pub(crate) mod batches;
mod best;
mod boltzmann;
mod dbm;
mod dbn;
mod greedy;
mod machine;
mod neural;
mod rbm;

use gibbs_core::optimisers::{Adam, AdamW, Optimiser, Sgd};
use gibbs_core::params::ParamMap;
use gibbs_core::persist::{StateError, TensorMap};
use serde::{Deserialize, Serialize};

pub(crate) use batches::Batches;

use crate::config::{FitConfig, ModelConfig, OptimiserKind};
use crate::dataset::Prepared;
use crate::error::Error;
use crate::models::Model;

/// Rate of the moving averages of a centred gradient's hidden offsets.
const CENTRING_RATE: f32 = 0.01;

/// What the last observed update was like. Quantities that an objective does not have are absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Update {
    /// Its learning rate.
    pub learning_rate: f64,
    /// Euclidean norm of its gradient.
    pub gradient_norm: f64,
    /// Value of the objective, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// Mean energy of the batch minus that of the chains, nats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy_gap: Option<f64>,
    /// Share of data and noise that energies tell apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// Mean acceptance probability of the chains' last steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acceptance: Option<f64>,
    /// Root mean square distance that the chains moved in this update, on the model's scale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distance: Option<f64>,
    /// Mean number of updates that the persistent chains have lived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buffer_age: Option<f64>,
    /// Root mean square of the chains' coordinates over that of the data: far from one means that they left the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain_scale: Option<f64>,
}

/// A training run of one kind of model.
pub(crate) trait Trainer {
    /// Before the first update of a run that has no saved state to take up: reads what the run begins from.
    fn start(&mut self, _data: &Prepared) -> Result<(), Error> {
        Ok(())
    }

    /// Updates done.
    fn step(&self) -> u64;

    /// Update after which the kept model was taken.
    fn best_step(&self) -> u64;

    /// Updates of a pass over the training rows.
    fn steps_per_epoch(&self) -> u64;

    /// What the last observed update was like.
    fn last_update(&self) -> Update;

    /// One update. `observe` also computes what the record wants.
    fn update(&mut self, observe: bool) -> Result<(), Error>;

    /// The model that a look judges: the average where one is kept, else the current parameters.
    fn candidate(&self) -> Box<dyn Model>;

    /// The kept model.
    fn best(&self) -> Box<dyn Model>;

    /// Takes in the log-likelihood of the candidate, or nothing where there is none: then the latest is kept. Returns
    /// whether the candidate was kept.
    fn judge(&mut self, log_likelihood: Option<f64>) -> bool;

    /// Whether enough looks went by without a better model.
    fn stopped_early(&self) -> bool;

    /// Everything that decides the next update.
    fn save(&self) -> TensorMap;

    /// Takes up a saved state.
    fn load(&mut self, map: &TensorMap) -> Result<(), StateError>;

    /// What the last updates showed that their user should know, in words.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// The error that says that `quantity` left the finite numbers.
    fn diverged(&self, quantity: String) -> Error {
        Error::Diverged { step: self.step(), quantity, learning_rate: self.last_update().learning_rate }
    }

    /// An estimate of log Z that fails on numbers is a divergence of the model.
    fn or_diverged(&self, error: Error) -> Error {
        use gibbs_core::log_partition::LogZError;
        match error {
            Error::LogZ(e @ (LogZError::Degenerate(_) | LogZError::Weight { .. })) => {
                self.diverged(format!("log Z ({e})"))
            }
            other => other,
        }
    }
}

/// The trainer that a configuration asks for, before its first update.
pub(crate) fn new<'a>(config: &'a FitConfig, data: &'a Prepared) -> Result<Box<dyn Trainer + 'a>, Error> {
    Ok(match &config.model {
        ModelConfig::Rbm(rbm) => rbm::trainer(config, rbm, data)?,
        ModelConfig::Boltzmann(machine) => boltzmann::trainer(config, machine, data)?,
        ModelConfig::Dbm(deep) => Box::new(dbm::DbmTrainer::new(config, deep, data)?),
        ModelConfig::Dbn(deep) => Box::new(dbn::DbnTrainer::new(config, deep, data)),
        ModelConfig::Mlp(net) | ModelConfig::Conv(net) => Box::new(neural::NeuralTrainer::new(config, net, data)?),
    })
}

fn optimiser(config: &FitConfig, weight_decay: f64, params: &ParamMap) -> Box<dyn Optimiser> {
    match config.learning.optimiser {
        OptimiserKind::Sgd => Box::new(Sgd::new(config.learning.momentum as f32, params)),
        OptimiserKind::Adam if weight_decay > 0.0 => Box::new(AdamW::new(weight_decay as f32, params)),
        // L-BFGS is no rule of single steps: the trainer that takes it does without this.
        OptimiserKind::Adam | OptimiserKind::Lbfgs => Box::new(Adam::new(params)),
    }
}
