//! The resolved configuration of a run: every choice that was made, complete, and the rules that made it.

mod boltzmann;
mod choices;
pub mod deep;
pub mod neural;
pub mod rbm;

use std::path::PathBuf;

use gibbs_core::optimisers::Schedule;
use serde::Serialize;

pub use boltzmann::BoltzmannConfig;
pub use choices::{
    ActivationKind, HeadKind, HiddenKind, LogZMethod, ModelKind, MonitorKind, NoiseKind, ObjectiveKind, OptimiserKind,
    SamplerKind, ScaleKind, VisibleKind,
};
pub use deep::DeepConfig;
pub use neural::NeuralConfig;
pub(crate) use rbm::EXACT_LOG_Z_WORK;
pub use rbm::{RbmConfig, enumeration_work};

use crate::error::Error;
use crate::options::FitOptions;

/// Version of the run directory and of `config.toml`.
pub const FORMAT: u32 = 1;

/// Every choice of a fit. Written to `config.toml` with the same flat keys as [`FitOptions`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FitConfig {
    /// Version of this layout.
    pub format: u32,
    /// Where rows come from and how they are divided.
    #[serde(flatten)]
    pub source: SourceConfig,
    /// How the parameters are moved, and how the likelihood is watched.
    #[serde(flatten)]
    pub learning: LearningConfig,
    /// What is learnt, with the choices that only it has.
    #[serde(flatten)]
    pub model: ModelConfig,
    /// Seed of every random choice.
    pub seed: u64,
}

/// The model and the choices that only it has.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "model", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ModelConfig {
    /// Binary restricted Boltzmann machine.
    Rbm(RbmConfig),
    /// Deep Boltzmann machine.
    Dbm(DeepConfig),
    /// Deep belief net.
    Dbn(DeepConfig),
    /// Fully connected network.
    Mlp(NeuralConfig),
    /// Convolutional network.
    Conv(NeuralConfig),
    /// Fully visible Boltzmann machine.
    Boltzmann(BoltzmannConfig),
}

/// Where rows come from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "each field is documented once, where it is a flag: FitOptions")]
pub struct SourceConfig {
    pub data: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    pub download: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    pub drop: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub array: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_column: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_column: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binarize: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<ScaleKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dequantise: Option<f64>,
    pub test_fraction: f64,
    pub validation_fraction: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split_file: Option<PathBuf>,
}

/// How parameters are moved and the likelihood is watched.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "each field is documented once, where it is a flag: FitOptions")]
pub struct LearningConfig {
    pub objective: ObjectiveKind,
    /// Updates.
    pub updates: u64,
    pub batch_size: usize,
    pub n_chains: usize,
    pub optimiser: OptimiserKind,
    pub learning_rate: f64,
    pub schedule: Schedule,
    pub warm_up: u64,
    pub momentum: f64,
    pub average: f64,
    pub monitor_every: u64,
    pub monitor: MonitorKind,
    pub patience: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub animate: bool,
    pub log_z: LogZMethod,
    pub ais_chains: usize,
    pub ais_temperatures: usize,
}

/// What the resolver must know of the data.
#[derive(Clone, Copy, Debug)]
pub struct DataFacts {
    /// Rows of the training part.
    pub n_train: usize,
    /// Columns.
    pub n_columns: usize,
    /// Height and width of a row that is a picture.
    pub shape: Option<(usize, usize)>,
}

impl FitConfig {
    /// Fills in what the user left open and checks the whole.
    ///
    /// # Errors
    /// [`Error::Usage`] with the flag and the value that make no sense.
    pub fn resolve(o: &FitOptions, facts: DataFacts) -> Result<Self, Error> {
        let kind = o.model.unwrap_or(ModelKind::Rbm);
        let of_sequences = [
            ("--iterations", o.iterations.is_some()),
            ("--window", o.window.is_some()),
            ("--min-count", o.min_count.is_some()),
            ("--all-labels", o.all_labels.is_some()),
        ];
        if let Some((flag, _)) = of_sequences.iter().find(|(_, given)| *given && kind != ModelKind::Crf) {
            return Err(Error::Usage(format!("{flag} is an option of --model crf")));
        }
        if o.first_layer.is_some() && kind != ModelKind::Dbm {
            return Err(Error::Usage("--first-layer is an option of --model dbm".into()));
        }
        let of_regression = [
            ("--target", o.target.is_some()),
            ("--head", o.head.is_some()),
            ("--members", o.members.is_some()),
            ("--beta-nll", o.beta_nll.is_some()),
            ("--components", o.components.is_some()),
            ("--quantiles", o.quantiles.is_some()),
            ("--level", o.level.is_some()),
        ];
        if let Some((flag, _)) = of_regression.iter().find(|(_, given)| *given) {
            return Err(Error::Usage(format!("{flag} is an option of --model regression")));
        }
        let (learning, model) = match kind {
            ModelKind::Rbm => {
                let (learning, rbm) = rbm::resolve(o, facts)?;
                (learning, ModelConfig::Rbm(rbm))
            }
            ModelKind::Dbm => {
                let (learning, deep) = deep::resolve(o, facts, kind)?;
                (learning, ModelConfig::Dbm(deep))
            }
            ModelKind::Dbn => {
                let (learning, deep) = deep::resolve(o, facts, kind)?;
                (learning, ModelConfig::Dbn(deep))
            }
            ModelKind::Mlp => {
                let (learning, net) = neural::resolve(o, facts, kind)?;
                (learning, ModelConfig::Mlp(net))
            }
            ModelKind::Conv => {
                let (learning, net) = neural::resolve(o, facts, kind)?;
                (learning, ModelConfig::Conv(net))
            }
            ModelKind::Boltzmann => {
                let (learning, boltzmann) = boltzmann::resolve(o, facts)?;
                (learning, ModelConfig::Boltzmann(boltzmann))
            }
            ModelKind::Crf => {
                return Err(Error::Usage("--model crf is fitted to sentences, not to a table".into()));
            }
            ModelKind::Regression => {
                return Err(Error::Usage("--model regression predicts one column: name it with --target".into()));
            }
        };
        let config =
            Self { format: FORMAT, source: SourceConfig::resolve(o), learning, model, seed: o.seed.unwrap_or(0) };
        config.check()?;
        Ok(config)
    }

    /// Kind of the model.
    pub fn kind(&self) -> ModelKind {
        match self.model {
            ModelConfig::Rbm(_) => ModelKind::Rbm,
            ModelConfig::Dbm(_) => ModelKind::Dbm,
            ModelConfig::Dbn(_) => ModelKind::Dbn,
            ModelConfig::Mlp(_) => ModelKind::Mlp,
            ModelConfig::Conv(_) => ModelKind::Conv,
            ModelConfig::Boltzmann(_) => ModelKind::Boltzmann,
        }
    }

    fn check(&self) -> Result<(), Error> {
        let l = &self.learning;
        let at_least = [
            ("--batch-size", l.batch_size as u64, 1),
            ("--updates", l.updates, 1),
            ("--n-chains", l.n_chains as u64, 1),
            ("--monitor-every", l.monitor_every, 1),
            ("--ais-chains", l.ais_chains as u64, 2),
            ("--ais-temperatures", l.ais_temperatures as u64, 1),
        ];
        at_least.into_iter().try_for_each(|(flag, value, least)| at_least_of(flag, value, least))?;
        let below_one = [
            ("--test-fraction", self.source.test_fraction),
            ("--validation-fraction", self.source.validation_fraction),
            ("--momentum", l.momentum),
            ("--average", l.average),
        ];
        for (flag, value) in below_one {
            if !(0.0..1.0).contains(&value) {
                return Err(Error::Usage(format!("{flag} lies in [0, 1), found {value}")));
            }
        }
        positive("--learning-rate", l.learning_rate)?;
        // Memory is asked for in full before training starts: refuse sizes that cannot be meant.
        for (flag, count) in [("--n-chains", l.n_chains), ("--ais-chains", l.ais_chains)] {
            not_too_large(flag, count)?;
        }
        Ok(())
    }

    /// What was chosen, in one sentence.
    pub fn describe(&self, facts: DataFacts) -> String {
        let l = &self.learning;
        let optimiser = match l.optimiser {
            OptimiserKind::Sgd => "SGD",
            OptimiserKind::Adam => "Adam",
            OptimiserKind::Lbfgs => "L-BFGS",
        };
        let what = match &self.model {
            ModelConfig::Rbm(rbm) => rbm.describe(l, facts),
            ModelConfig::Dbm(deep) | ModelConfig::Dbn(deep) => deep.describe(l, self.kind(), facts),
            ModelConfig::Mlp(net) | ModelConfig::Conv(net) => net.describe(l, self.kind(), facts),
            ModelConfig::Boltzmann(machine) => machine.describe(l, facts),
        };
        if l.optimiser == OptimiserKind::Lbfgs {
            return format!("{what}, {optimiser}, all rows");
        }
        format!("{what}, {optimiser} rate {}, batch {}, {} updates", l.learning_rate, l.batch_size, l.updates)
    }

    /// As options: what a later fit with the same choices would be given.
    pub fn to_options(&self) -> FitOptions {
        serde_json::to_value(self).ok().and_then(|v| serde_json::from_value(v).ok()).unwrap_or_default()
    }
}

impl SourceConfig {
    fn resolve(o: &FitOptions) -> Self {
        Self {
            data: o.data.clone().unwrap_or_default(),
            data_dir: o.data_dir.clone(),
            download: o.download.unwrap_or(false),
            rows: o.rows,
            columns: o.columns.clone(),
            drop: o.drop.clone().unwrap_or_default(),
            header: o.header,
            delimiter: o.delimiter,
            array: o.array.clone(),
            weight_column: o.weight_column.clone(),
            label_column: o.label_column.clone(),
            classes: o.classes.clone(),
            binarize: o.binarize.clone(),
            scale: o.scale,
            dequantise: o.dequantise,
            test_fraction: o.test_fraction.unwrap_or(0.2),
            validation_fraction: o.validation_fraction.unwrap_or(0.15),
            split_file: o.split_file.clone(),
        }
    }
}

/// Refuses a count below the least that makes sense.
fn at_least_of(flag: &str, value: u64, least: u64) -> Result<(), Error> {
    if value >= least { Ok(()) } else { Err(Error::Usage(format!("{flag} must be at least {least}, found {value}"))) }
}

fn positive(flag: &str, value: f64) -> Result<(), Error> {
    if value > 0.0 && value.is_finite() {
        Ok(())
    } else {
        Err(Error::Usage(format!("{flag} is a finite number above 0, found {value}")))
    }
}

fn non_negative(flag: &str, value: f64) -> Result<(), Error> {
    if value >= 0.0 && value.is_finite() {
        Ok(())
    } else {
        Err(Error::Usage(format!("{flag} is a finite number of at least 0, found {value}")))
    }
}

fn not_too_large(flag: &str, count: usize) -> Result<(), Error> {
    if count <= 1 << 20 {
        Ok(())
    } else {
        Err(Error::Usage(format!("{flag} {count} is more than this program handles (1,048,576)")))
    }
}

/// Updates that the user asked for, directly or in passes over the rows.
fn updates(
    o: &FitOptions,
    batch_size: usize,
    n_train: usize,
    otherwise: impl FnOnce(u64) -> u64,
) -> Result<u64, Error> {
    let per_epoch = n_train.div_ceil(batch_size.max(1)).max(1) as u64;
    match (o.updates, o.epochs) {
        (Some(_), Some(_)) => Err(Error::Usage("give --updates or --epochs, not both".to_string())),
        (Some(n), None) => Ok(n),
        (None, Some(0)) => Err(Error::Usage("--epochs must be at least 1, found 0".to_string())),
        (None, Some(n)) => Ok(n.saturating_mul(per_epoch)),
        (None, None) => Ok(otherwise(per_epoch)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> DataFacts {
        DataFacts { n_train: 1_221, n_columns: 64, shape: Some((8, 8)) }
    }

    #[test]
    fn small_models_get_exact_gradients() {
        let o = FitOptions { hidden: Some(16), ..FitOptions::default() };
        assert_eq!(FitConfig::resolve(&o, facts()).unwrap().learning.objective, ObjectiveKind::Exact);
        let o = FitOptions { hidden: Some(500), ..FitOptions::default() };
        let facts = DataFacts { n_train: 60_000, n_columns: 784, shape: None };
        assert_eq!(FitConfig::resolve(&o, facts).unwrap().learning.objective, ObjectiveKind::Pcd);
    }

    #[test]
    fn the_recorded_recipe_of_large_machines_is_the_default() {
        let facts = DataFacts { n_train: 51_000, n_columns: 784, shape: Some((28, 28)) };
        let recorded = FitOptions::from_toml(include_str!("../../../../record/configs/mnist-500.toml")).unwrap();
        let o = FitOptions { data: Some("mnist".into()), hidden: Some(500), ..FitOptions::default() };
        assert_eq!(FitConfig::resolve(&o, facts).unwrap(), FitConfig::resolve(&recorded, facts).unwrap());
    }

    #[test]
    fn config_reads_back_as_options() {
        let kinds =
            [ModelKind::Rbm, ModelKind::Dbm, ModelKind::Dbn, ModelKind::Mlp, ModelKind::Conv, ModelKind::Boltzmann];
        for model in kinds {
            let o = FitOptions { model: Some(model), ..FitOptions::default() };
            let config = FitConfig::resolve(&o, facts()).unwrap();
            let text = toml::to_string(&config).unwrap();
            let options = FitOptions::from_toml(&text).unwrap();
            assert_eq!(FitConfig::resolve(&options, facts()).unwrap(), config);
            assert_eq!(config.to_options(), options);
        }
    }

    #[test]
    fn nonsense_is_refused_with_the_flag() {
        let mlp = || FitOptions { model: Some(ModelKind::Mlp), ..FitOptions::default() };
        let dbm = || FitOptions { model: Some(ModelKind::Dbm), ..FitOptions::default() };
        let cases: Vec<(FitOptions, &str)> = vec![
            (FitOptions { layers: Some(vec![8]), ..dbm() }, "--model rbm"),
            (FitOptions { objective: Some(ObjectiveKind::Cd), ..dbm() }, "--objective cd"),
            (FitOptions { pretrain_updates: Some(50), updates: Some(100), ..dbm() }, "--pretrain-updates"),
            (FitOptions { first_layer: Some("r".into()), pretrain_updates: Some(50), ..dbm() }, "--pretrain-updates"),
            (FitOptions { first_layer: Some("r".into()), ..mlp() }, "--model dbm"),
            (FitOptions { hidden: Some(0), ..Default::default() }, "--hidden"),
            (FitOptions { batch_size: Some(0), ..Default::default() }, "--batch-size"),
            (FitOptions { learning_rate: Some(f64::NAN), ..Default::default() }, "--learning-rate"),
            (FitOptions { momentum: Some(1.0), ..Default::default() }, "--momentum"),
            (FitOptions { l2: Some(-1.0), ..Default::default() }, "--l2"),
            (
                FitOptions { hidden: Some(40), objective: Some(ObjectiveKind::Exact), ..Default::default() },
                "--objective pcd",
            ),
            (FitOptions { layers: Some(vec![8, 0]), ..mlp() }, "--layers"),
            (FitOptions { confinement: Some(-1.0), ..mlp() }, "--confinement"),
            (FitOptions { objective: Some(ObjectiveKind::Exact), ..mlp() }, "--objective exact"),
            (FitOptions { updates: Some(5), epochs: Some(5), ..Default::default() }, "--epochs"),
        ];
        for (options, flag) in cases {
            let error = FitConfig::resolve(&options, facts()).unwrap_err();
            assert!(error.to_string().contains(flag), "{error}");
        }
    }
}
