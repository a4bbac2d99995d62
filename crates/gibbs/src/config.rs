//! The resolved configuration of a run: every choice that was made, complete, and the rules that made it.

use std::path::PathBuf;

use gibbs_core::optimisers::Schedule;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::options::FitOptions;

/// Kinds of models that can be fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[non_exhaustive]
pub enum ModelKind {
    /// Binary restricted Boltzmann machine.
    Rbm,
}

/// How the gradient of the log-likelihood is obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[non_exhaustive]
pub enum ObjectiveKind {
    /// Exactly, by summing over the smaller layer.
    Exact,
    /// Persistent contrastive divergence.
    Pcd,
    /// Contrastive divergence.
    Cd,
}

/// Optimisers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[non_exhaustive]
pub enum OptimiserKind {
    /// Stochastic gradient descent, with momentum if asked.
    Sgd,
    /// Adam.
    Adam,
}

/// How `log Z` is obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[non_exhaustive]
pub enum LogZMethod {
    /// Exactly where that is cheap, by annealed importance sampling otherwise.
    Auto,
    /// Exactly.
    Exact,
    /// By annealed importance sampling.
    Ais,
}

/// Every choice of a fit. Written to `config.toml`; the same keys as [`FitOptions`], none missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each field is documented once, where it is a flag: FitOptions")]
pub struct FitConfig {
    pub format: u32,
    pub data: String,
    pub model: ModelKind,
    pub hidden: usize,
    pub init_sd: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    pub download: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    #[serde(default)]
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
    pub binarize: Option<String>,
    pub test_fraction: f64,
    pub validation_fraction: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split_file: Option<PathBuf>,
    pub objective: ObjectiveKind,
    pub gibbs_steps: u64,
    pub n_chains: usize,
    pub epochs: u64,
    pub batch_size: usize,
    pub optimiser: OptimiserKind,
    pub learning_rate: f64,
    pub schedule: Schedule,
    pub warm_up: u64,
    pub momentum: f64,
    pub l2: f64,
    pub l1: f64,
    pub centred: bool,
    pub average: f64,
    pub monitor_every: u64,
    pub patience: u64,
    pub log_z: LogZMethod,
    pub ais_chains: usize,
    pub ais_temperatures: usize,
    pub seed: u64,
}

/// Version of the run directory and of `config.toml`.
pub const FORMAT: u32 = 1;

/// Largest work (states times units of the other layer) of an exact gradient that is taken without being asked for:
/// a millisecond or two an update on two cores.
const EXACT_GRADIENT_WORK: u64 = 1 << 23;
/// Largest work of an exact `log Z` that is taken without being asked for: a fraction of a second.
pub(crate) const EXACT_LOG_Z_WORK: u64 = 1 << 28;

/// What the resolver must know of the data.
#[derive(Clone, Copy, Debug)]
pub struct DataFacts {
    /// Rows of the training part.
    pub n_train: usize,
    /// Columns, which become visible units.
    pub n_columns: usize,
}

/// Work of enumerating the smaller layer: `2^smaller * larger`.
pub fn enumeration_work(n_visible: usize, n_hidden: usize) -> u64 {
    let (small, large) = (n_visible.min(n_hidden), n_visible.max(n_hidden));
    1u64.checked_shl(small as u32).and_then(|s| s.checked_mul(large as u64)).unwrap_or(u64::MAX)
}

impl FitConfig {
    /// Fills in what the user left open and checks the whole.
    ///
    /// # Errors
    /// [`Error::Usage`] with the flag and the value that make no sense.
    pub fn resolve(o: &FitOptions, facts: DataFacts) -> Result<Self, Error> {
        let hidden = o.hidden.unwrap_or(match facts.n_train {
            0..2_000 => 16,
            2_000..10_000 => 32,
            _ => 64,
        });
        let cheap = enumeration_work(facts.n_columns, hidden) <= EXACT_GRADIENT_WORK;
        let objective = o.objective.unwrap_or(if cheap { ObjectiveKind::Exact } else { ObjectiveKind::Pcd });
        let exact = objective == ObjectiveKind::Exact;
        let batch_size = o.batch_size.unwrap_or(facts.n_train.clamp(1, 100));
        let per_epoch = facts.n_train.div_ceil(batch_size.max(1)).max(1) as u64;
        let updates = if exact { 2_400 } else { 12_000 };
        let optimiser = o.optimiser.unwrap_or(if exact { OptimiserKind::Adam } else { OptimiserKind::Sgd });
        let epochs = o.epochs.unwrap_or(u64::div_ceil(updates, per_epoch).max(5));
        let monitor_every = epochs.saturating_mul(per_epoch).div_ceil(60);
        let config = Self {
            format: FORMAT,
            data: o.data.clone().unwrap_or_default(),
            model: o.model.unwrap_or(ModelKind::Rbm),
            hidden,
            init_sd: o.init_sd.unwrap_or(0.01),
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
            binarize: o.binarize.clone(),
            test_fraction: o.test_fraction.unwrap_or(0.2),
            validation_fraction: o.validation_fraction.unwrap_or(0.15),
            split_file: o.split_file.clone(),
            objective,
            gibbs_steps: o.gibbs_steps.unwrap_or(1),
            n_chains: o.n_chains.unwrap_or(if facts.n_columns * hidden <= 65_536 { 500 } else { 100 }),
            epochs,
            batch_size,
            optimiser,
            learning_rate: o.learning_rate.unwrap_or(match (optimiser, exact) {
                (OptimiserKind::Adam, true) => 0.05,
                (OptimiserKind::Adam, false) => 0.002,
                (OptimiserKind::Sgd, _) => 0.2,
            }),
            schedule: o.schedule.unwrap_or(Schedule::Linear),
            warm_up: o.warm_up.unwrap_or(0),
            momentum: o.momentum.unwrap_or(0.0),
            l2: o.l2.unwrap_or(1e-3),
            l1: o.l1.unwrap_or(0.0),
            centred: o.centred.unwrap_or(true),
            average: o.average.unwrap_or(0.0),
            monitor_every: o.monitor_every.unwrap_or(monitor_every.max(1)),
            patience: o.patience.unwrap_or(40),
            log_z: o.log_z.unwrap_or(LogZMethod::Auto),
            ais_chains: o.ais_chains.unwrap_or(100),
            ais_temperatures: o.ais_temperatures.unwrap_or(1_000),
            seed: o.seed.unwrap_or(0),
        };
        config.check(facts)?;
        Ok(config)
    }

    fn check(&self, facts: DataFacts) -> Result<(), Error> {
        let at_least = [
            ("--hidden", self.hidden as u64, 1),
            ("--batch-size", self.batch_size as u64, 1),
            ("--epochs", self.epochs, 1),
            ("--n-chains", self.n_chains as u64, 1),
            ("--gibbs-steps", self.gibbs_steps, 1),
            ("--monitor-every", self.monitor_every, 1),
            ("--ais-chains", self.ais_chains as u64, 2),
            ("--ais-temperatures", self.ais_temperatures as u64, 1),
        ];
        for (flag, value, least) in at_least {
            if value < least {
                return Err(Error::Usage(format!("{flag} must be at least {least}, found {value}")));
            }
        }
        let shares = [("--test-fraction", self.test_fraction), ("--validation-fraction", self.validation_fraction)];
        let below_one = [("--momentum", self.momentum), ("--average", self.average)];
        for (flag, value) in shares.into_iter().chain(below_one) {
            if !(0.0..1.0).contains(&value) {
                return Err(Error::Usage(format!("{flag} lies in [0, 1), found {value}")));
            }
        }
        let non_negative = [("--l2", self.l2), ("--l1", self.l1), ("--init-sd", self.init_sd)];
        for (flag, value) in non_negative {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(Error::Usage(format!("{flag} is a finite number of at least 0, found {value}")));
            }
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return Err(Error::Usage(format!(
                "--learning-rate is a finite number above 0, found {}",
                self.learning_rate
            )));
        }
        // Memory is asked for in full before training starts: refuse sizes that cannot be meant.
        for (flag, count) in
            [("--hidden", self.hidden), ("--n-chains", self.n_chains), ("--ais-chains", self.ais_chains)]
        {
            if count > 1 << 20 {
                return Err(Error::Usage(format!("{flag} {count} is more than this program handles (1,048,576)")));
            }
        }
        let bits = self.hidden.min(facts.n_columns);
        let limit = gibbs_spin::rbm::ENUMERATION_LIMIT;
        if bits > limit && (self.objective == ObjectiveKind::Exact || self.log_z == LogZMethod::Exact) {
            return Err(Error::Usage(format!(
                "exact sums go over 2^{bits} states here ({} columns, {} hidden units), the limit is 2^{limit}: \
                 use --objective pcd and --log-z ais, or fewer hidden units",
                facts.n_columns, self.hidden
            )));
        }
        Ok(())
    }

    /// What was chosen, in one sentence.
    pub fn describe(&self, facts: DataFacts) -> String {
        let how = match self.objective {
            ObjectiveKind::Exact => "exact gradients".to_string(),
            ObjectiveKind::Pcd => format!("PCD-{} with {} chains", self.gibbs_steps, self.n_chains),
            ObjectiveKind::Cd => format!("CD-{}", self.gibbs_steps),
        };
        let optimiser = match self.optimiser {
            OptimiserKind::Sgd => "SGD",
            OptimiserKind::Adam => "Adam",
        };
        format!(
            "RBM {} x {}, {how}, {optimiser} rate {}, batch {}, {} epochs",
            facts.n_columns, self.hidden, self.learning_rate, self.batch_size, self.epochs
        )
    }

    /// As options: what a later fit with the same choices would be given.
    pub fn to_options(&self) -> FitOptions {
        serde_json::to_value(self).ok().and_then(|v| serde_json::from_value(v).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> DataFacts {
        DataFacts { n_train: 1_221, n_columns: 64 }
    }

    #[test]
    fn small_models_get_exact_gradients() {
        let o = FitOptions { hidden: Some(16), ..FitOptions::default() };
        assert_eq!(FitConfig::resolve(&o, facts()).unwrap().objective, ObjectiveKind::Exact);
        let o = FitOptions { hidden: Some(500), ..FitOptions::default() };
        let facts = DataFacts { n_train: 60_000, n_columns: 784 };
        assert_eq!(FitConfig::resolve(&o, facts).unwrap().objective, ObjectiveKind::Pcd);
    }

    #[test]
    fn config_reads_back_as_options() {
        let config = FitConfig::resolve(&FitOptions::default(), facts()).unwrap();
        let text = toml::to_string(&config).unwrap();
        let options = FitOptions::from_toml(&text).unwrap();
        assert_eq!(FitConfig::resolve(&options, facts()).unwrap(), config);
        assert_eq!(config.to_options(), options);
    }

    #[test]
    fn nonsense_is_refused_with_the_flag() {
        let cases: [(FitOptions, &str); 6] = [
            (FitOptions { hidden: Some(0), ..Default::default() }, "--hidden"),
            (FitOptions { batch_size: Some(0), ..Default::default() }, "--batch-size"),
            (FitOptions { learning_rate: Some(f64::NAN), ..Default::default() }, "--learning-rate"),
            (FitOptions { momentum: Some(1.0), ..Default::default() }, "--momentum"),
            (FitOptions { l2: Some(-1.0), ..Default::default() }, "--l2"),
            (
                FitOptions { hidden: Some(40), objective: Some(ObjectiveKind::Exact), ..Default::default() },
                "--objective pcd",
            ),
        ];
        for (options, flag) in cases {
            let error = FitConfig::resolve(&options, facts()).unwrap_err();
            assert!(error.to_string().contains(flag), "{error}");
        }
    }
}
