//! Every kind of model behind one interface, and the registry that finds them by name.

mod boltzmann;
mod climb;
mod counts;
mod dbm;
mod dbn;
mod harmonium;
mod machine;
mod neural;
mod rbm;
mod tempered;

pub use boltzmann::BoltzmannPath;
pub use counts::CountsModel;
pub use dbm::DbmModel;
pub use dbn::DbnModel;
pub use harmonium::{Layer, Units};
pub use machine::{ChainOf, Described, Machine, MachineModel};
pub(crate) use neural::{MALA_SPREAD, fitted_base};
pub use neural::{NeuralModel, NeuralSettings};
pub use rbm::RbmModel;

use std::collections::BTreeMap;
use std::path::Path;

use gibbs_core::key::Key;
use gibbs_core::log_partition::{Certificate, LogZ, RaiseEstimate};
use gibbs_core::persist::{StateError, TensorMap};
use gibbs_core::samplers::SwapStatistics;
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::bracket::BracketOptions;
use crate::config::{LogZMethod, ModelKind};
use crate::conservative::RaiseOptions;
use crate::dataset::Preparation;
use crate::error::Error;
use crate::progress::Progress;
use crate::tensors;

/// How `log Z` is to be obtained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogZOptions {
    /// Exactly, by AIS, or whichever is sensible.
    pub method: LogZMethod,
    /// Largest number of terms an exact sum may have when the choice is left open.
    pub exact_work: u64,
    /// Error that quadrature aims at, in nats.
    pub tolerance: f64,
    /// Chains of AIS.
    pub n_chains: usize,
    /// Temperatures of AIS.
    pub n_temperatures: usize,
    /// Whether AIS is run a second time from a flat base, to see whether the first missed anything.
    pub probe: bool,
}

/// Error of `log Z` by quadrature in what is stated of a model, in nats: what single precision carries.
pub const QUADRATURE_TOLERANCE: f64 = 1e-5;

/// Where chains start.
#[derive(Clone, Debug)]
pub enum Start<'a> {
    /// At the model's base: independent bits with the data's means, a Gaussian fitted to the data.
    Base,
    /// At rows of data, taken in turn.
    Rows(&'a Batch),
}

/// What `-energy - log Z` is of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likelihood {
    /// The log-likelihood.
    Value,
    /// An estimate, from draws, of a lower bound: a bound on average over the draws, of one row not for certain.
    LowerBound,
}

impl Likelihood {
    /// Whether it is a bound or the estimate of one.
    pub fn is_bound(self) -> bool {
        self != Self::Value
    }
}

/// What is recorded of chains as they run.
pub trait SampleObserver {
    /// The chains after a step, and their energies in nats; a model whose energies are much work may leave them out where
    /// they are not wanted. `false` ends the run.
    fn observe(&mut self, step: u64, rows: &Batch, energies: &[f64]) -> bool;

    /// Whether the energies after this step are looked at.
    fn wants_energies(&self, _step: u64) -> bool {
        true
    }
}

/// A fitted model.
///
/// # Panics
/// Every method that takes rows panics on rows of another kind (bits, real numbers) than the model's: preparation
/// makes the right ones.
pub trait Model: Send + Sync {
    /// Which kind it is.
    fn kind(&self) -> ModelKind;

    /// Columns of its rows.
    fn n_columns(&self) -> usize;

    /// One line about its size.
    fn describe(&self) -> String;

    /// What `-energy - log Z` is of a row.
    fn likelihood(&self) -> Likelihood {
        Likelihood::Value
    }

    /// Energy of each row, nats; `log p = -energy - log Z` on the model's scale, or at least that: [`Model::likelihood`].
    fn energy(&self, rows: &Batch) -> Vec<f64>;

    /// Pseudo-log-likelihood of each row, nats, of models of bits. Not a likelihood.
    fn pseudo_log_likelihood(&self, rows: &Batch) -> Option<Vec<f64>>;

    /// `log Z`, nats.
    fn log_z(&self, how: &LogZOptions, key: &Key, progress: &dyn Progress) -> Result<LogZ, Error>;

    /// Evaluations of energies or terms of a sum that the exact `log Z` takes, where there is one.
    fn exact_work(&self) -> Option<u64> {
        None
    }

    /// `log Z` from both sides, with a verdict; reverse chains start from exact samples where the model has them, else from
    /// long chains from `rows` (or, without rows, chains annealed from the base). See [`Annealing`](crate::bracket::Annealing), which does the work.
    ///
    /// # Errors
    /// Options without meaning; weights that are not finite; an interruption before the first round.
    fn bracket(
        &self,
        how: &BracketOptions,
        rows: Option<&Batch>,
        key: &Key,
        progress: &dyn Progress,
    ) -> Result<Certificate, Error>;

    /// Conservative log-likelihoods of rows on the model's scale, without `log Z`, by reverse annealing; `None` for models without a
    /// reversible kernel. See [`Raise`](gibbs_core::log_partition::Raise).
    fn raise(
        &self,
        _rows: &Batch,
        _how: &RaiseOptions,
        _key: &Key,
        _progress: &dyn Progress,
    ) -> Option<Result<RaiseEstimate, Error>> {
        None
    }

    /// `log Z` of `other` less that of this model, from both sides and without either, where both share a path: far cheaper than
    /// two brackets for models that are close. `None` where there is none. See [`Between`](gibbs_core::log_partition::ratio).
    fn ratio(
        &self,
        _other: &dyn Model,
        _how: &BracketOptions,
        _rows: Option<&Batch>,
        _key: &Key,
        _progress: &dyn Progress,
    ) -> Option<Result<Certificate, Error>> {
        None
    }

    /// `E(row with bit s flipped) - E(row)`, rows x columns, of models of bits that know it.
    fn flip_deltas(&self, _rows: &Batch) -> Option<Vec<f64>> {
        None
    }

    /// Runs chains at inverse temperature `beta` for `steps` steps; returns where they end.
    fn sample(
        &self,
        n_chains: usize,
        start: Start<'_>,
        beta: f64,
        steps: u64,
        key: &Key,
        observer: &mut dyn SampleObserver,
    ) -> Batch;

    /// Runs replica exchange over `levels` levels between the base and the model from every row of `from`, for `steps` rounds of
    /// a move and a swap; what is observed are the chains of the model itself. The levels are first placed where swaps are
    /// equally often refused.
    ///
    /// # Errors
    /// [`Error::Usage`] for fewer than two levels and for kinds of models without a path from a base.
    fn temper(
        &self,
        _levels: usize,
        _from: &Batch,
        _steps: u64,
        _key: &Key,
        _observer: &mut dyn SampleObserver,
    ) -> Result<SwapStatistics, Error> {
        Err(Error::Usage(format!("chains of a {} are not tempered by this command", self.describe())))
    }

    /// Parameters, as they are saved.
    fn tensors(&self) -> TensorMap;

    /// The net behind it, if it is a deep belief net: what a classifier can start from.
    fn belief_net(&self) -> Option<&gibbs_spin::Dbn> {
        None
    }

    /// Pictures of what its units look for: one filter a hidden unit over the columns.
    fn filters(&self) -> Vec<Vec<f32>> {
        Vec::new()
    }

    /// Variables of a row, fewer than columns where several columns are one choice.
    fn n_variables(&self) -> usize {
        self.n_columns()
    }

    /// The units of a restricted machine with other units than bits.
    fn units(&self) -> Option<Units> {
        None
    }

    /// The law of the classes of rows given the rest of them, exactly, of models that learnt a column of classes.
    fn class_law(&self, _rows: &Batch) -> Option<ClassLaw> {
        None
    }

    /// Runs a chain from every row of `from` for `steps` steps with the columns held that are `known` (a flag a column of the
    /// model): what is observed is the law of the others given them. All rows agree in the known columns. Returns where the
    /// chains end.
    ///
    /// # Errors
    /// [`Error::Usage`] for models that cannot hold columns.
    fn sample_given(
        &self,
        _from: &Batch,
        _known: &[bool],
        _steps: u64,
        _key: &Key,
        _observer: &mut dyn SampleObserver,
    ) -> Result<Batch, Error> {
        Err(Error::Usage(format!("columns of a {} cannot be held while others are drawn", self.describe())))
    }

    /// What must be known to build it again, beside the tensors.
    fn settings(&self) -> Option<NeuralSettings> {
        None
    }

    /// `grad E` at rows of real numbers, row-major, of models that have one.
    fn gradient(&self, _rows: &Batch) -> Option<Vec<f32>> {
        None
    }
}

/// Log-probabilities of the classes of rows.
#[derive(Clone, Debug)]
pub struct ClassLaw {
    /// Number of classes.
    pub n_classes: usize,
    /// `log p(class | rest)`, rows x classes, nats.
    pub log_prob: Vec<f64>,
    /// The class that each row has.
    pub truth: Vec<usize>,
}

/// Observes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl SampleObserver for Unobserved {
    fn observe(&mut self, _step: u64, _rows: &Batch, _energies: &[f64]) -> bool {
        true
    }

    fn wants_energies(&self, _step: u64) -> bool {
        false
    }
}

/// What a model file says of itself, beside its tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelHeader {
    /// Kind of model.
    pub kind: ModelKind,
    /// How rows are fed to it.
    pub preprocess: Preparation,
    /// Height and width of a row that is a picture.
    pub shape: Option<(usize, usize)>,
    /// The network and how it is sampled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<NeuralSettings>,
    /// The units of a restricted machine with other units than bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<Units>,
}

/// A model and how to feed it.
pub struct Saved {
    /// The model.
    pub model: Box<dyn Model>,
    /// How to feed it.
    pub header: ModelHeader,
}

impl Saved {
    /// Reads `model.safetensors`.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let (map, metadata) = tensors::read(path)?;
        if metadata.contains_key("tagger") {
            return Err(Error::run(path, "is a model of label sequences: use it with `gibbs tag`"));
        }
        let block = metadata.get("model").ok_or_else(|| Error::run(path, "is not a model of this program"))?;
        let header: ModelHeader =
            serde_json::from_str(block).map_err(|e| Error::run(path, format!("its model block is damaged ({e})")))?;
        let model = from_tensors(&header, &map).map_err(|e| Error::run(path, e.to_string()))?;
        header.preprocess.check().map_err(|reason| Error::run(path, reason))?;
        let widths = header.units.as_ref().map_or(&[][..], |u| &u.widths);
        if !widths.is_empty() && widths != header.preprocess.widths() {
            return Err(Error::run(path, "has other groups of units than its table has columns"));
        }
        let columns = header.preprocess.n_units();
        if model.n_columns() != columns {
            return Err(Error::run(
                path,
                format!("is a model of {} columns with {columns} names of columns", model.n_columns()),
            ));
        }
        Ok(Self { model, header })
    }
}

/// Writes `model.safetensors`: parameters, and in the metadata how to feed them. Holds nothing that differs between
/// two runs of one configuration.
pub fn write(path: &Path, model: &dyn Model, header: &ModelHeader) -> Result<(), Error> {
    let block = serde_json::to_string(header).map_err(|e| Error::run(path, e.to_string()))?;
    tensors::write(path, &model.tensors(), &BTreeMap::from([("model".to_string(), block)]))
}

/// The registry: kind to constructor.
pub(crate) fn from_tensors(header: &ModelHeader, map: &TensorMap) -> Result<Box<dyn Model>, StateError> {
    match header.kind {
        ModelKind::Rbm => match &header.units {
            Some(units) => harmonium::from_tensors(units, map),
            None => Ok(Box::new(RbmModel::from_tensors(map)?)),
        },
        ModelKind::Boltzmann => Ok(Box::new(MachineModel { path: boltzmann::from_tensors(map)? })),
        ModelKind::Dbm => Ok(Box::new(DbmModel::from_tensors(map)?)),
        ModelKind::Dbn => Ok(Box::new(DbnModel::from_tensors(map)?)),
        ModelKind::Mlp | ModelKind::Conv => Ok(Box::new(NeuralModel::from_tensors(header, map)?)),
        ModelKind::Crf => Err(StateError::Invalid { name: "model".into(), reason: "it labels sequences".into() }),
        ModelKind::Regression => {
            Err(StateError::Invalid { name: "model".into(), reason: "it predicts a column: use gibbs predict".into() })
        }
    }
}
