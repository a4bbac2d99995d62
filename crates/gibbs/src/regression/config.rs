//! From options to settings.

use std::path::PathBuf;

use gibbs_core::optimisers::Schedule;
use gibbs_data::{Header, ReadOptions};
use gibbs_tensor::nets::Mlp;
use serde::{Deserialize, Serialize};

pub use crate::config::HeadKind;
use crate::config::{ActivationKind, FORMAT, ModelKind};
use crate::error::Error;
use crate::options::FitOptions;

use super::{Head, Settings};

/// Every choice of a regression; the keys of its configuration file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each field is documented once, where it is a flag: FitOptions")]
pub struct RegressionConfig {
    pub format: u32,
    pub data: String,
    pub model: ModelKind,
    pub target: String,
    pub head: HeadKind,
    pub members: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beta_nll: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub components: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantiles: Option<Vec<f64>>,
    pub level: f64,
    pub layers: Vec<usize>,
    pub activation: ActivationKind,
    pub epochs: u64,
    pub batch_size: usize,
    pub learning_rate: f64,
    pub schedule: Schedule,
    pub weight_decay: f64,
    pub clip: f64,
    pub patience: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    pub drop: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    pub test_fraction: f64,
    pub validation_fraction: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_file: Option<PathBuf>,
    pub seed: u64,
}

impl RegressionConfig {
    /// Fills in what was left open.
    ///
    /// # Errors
    /// [`Error::Usage`] for an option that regressions have no use for, or a value without meaning.
    pub fn resolve(options: &FitOptions) -> Result<Self, Error> {
        let o = options.clone();
        let known = FitOptions {
            data: o.data.clone(),
            model: o.model,
            target: o.target.clone(),
            head: o.head,
            members: o.members,
            beta_nll: o.beta_nll,
            components: o.components,
            quantiles: o.quantiles.clone(),
            level: o.level,
            layers: o.layers.clone(),
            activation: o.activation,
            epochs: o.epochs,
            batch_size: o.batch_size,
            learning_rate: o.learning_rate,
            schedule: o.schedule,
            weight_decay: o.weight_decay,
            clip: o.clip,
            patience: o.patience,
            columns: o.columns.clone(),
            drop: o.drop.clone(),
            header: o.header,
            delimiter: o.delimiter,
            test_fraction: o.test_fraction,
            validation_fraction: o.validation_fraction,
            split_file: o.split_file.clone(),
            seed: o.seed,
            ..FitOptions::default()
        };
        if known != o {
            return Err(Error::Usage(
                "--model regression takes the options under Regression, --layers, --activation, --epochs, --batch-size, \
                 --learning-rate, --schedule, --weight-decay, --clip, --patience, --columns, --drop, --header, --delimiter, \
                 --test-fraction, --validation-fraction, --split-file and --seed; leave the other options out"
                    .into(),
            ));
        }
        let Some(data) = o.data else { return Err(Error::Usage("name a table to learn from".into())) };
        let Some(target) = o.target else {
            return Err(Error::Usage("--model regression predicts one column: name it with --target COLUMN".into()));
        };
        let head = o.head.unwrap_or(HeadKind::Gaussian);
        let of_head = [
            ("--beta-nll", o.beta_nll.is_some(), HeadKind::Gaussian),
            ("--components", o.components.is_some(), HeadKind::Mixture),
            ("--quantiles", o.quantiles.is_some(), HeadKind::Quantile),
        ];
        if let Some((flag, _, of)) = of_head.iter().find(|(_, given, of)| *given && *of != head) {
            return Err(Error::Usage(format!("{flag} is an option of --head {}", of.name())));
        }
        let settings = Settings::default();
        let config = Self {
            format: FORMAT,
            data,
            model: ModelKind::Regression,
            target,
            head,
            members: o.members.unwrap_or(settings.members),
            beta_nll: (head == HeadKind::Gaussian).then(|| o.beta_nll.unwrap_or(0.0)),
            components: (head == HeadKind::Mixture).then(|| o.components.unwrap_or(5)),
            quantiles: (head == HeadKind::Quantile)
                .then(|| o.quantiles.unwrap_or_else(|| vec![0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])),
            level: o.level.unwrap_or(0.9),
            layers: o.layers.unwrap_or(settings.mlp.hidden),
            activation: o.activation.unwrap_or(ActivationKind::Relu),
            epochs: o.epochs.unwrap_or(settings.epochs),
            batch_size: o.batch_size.unwrap_or(settings.batch_size),
            learning_rate: o.learning_rate.unwrap_or(settings.learning_rate),
            schedule: o.schedule.unwrap_or(settings.schedule),
            weight_decay: o.weight_decay.unwrap_or(settings.weight_decay),
            clip: o.clip.unwrap_or(settings.clip),
            patience: o.patience.unwrap_or(settings.patience),
            columns: o.columns,
            drop: o.drop.unwrap_or_default(),
            header: o.header,
            delimiter: o.delimiter,
            test_fraction: o.test_fraction.unwrap_or(0.2),
            validation_fraction: o.validation_fraction.unwrap_or(0.15),
            split_file: o.split_file,
            seed: o.seed.unwrap_or(0),
        };
        if !(config.level > 0.0 && config.level < 1.0) {
            return Err(Error::Usage(format!("--level lies strictly between 0 and 1, found {}", config.level)));
        }
        config.head(2).check().map_err(Error::Usage)?;
        Ok(config)
    }

    /// The head, for so many classes.
    pub fn head(&self, classes: usize) -> Head {
        match self.head {
            HeadKind::Gaussian => Head::Gaussian { beta: self.beta_nll.unwrap_or(0.0) },
            HeadKind::StudentT => Head::StudentT,
            HeadKind::Laplace => Head::Laplace,
            HeadKind::Mixture => Head::Mixture { components: self.components.unwrap_or(5) },
            HeadKind::Quantile => Head::Quantile { levels: self.quantiles.clone().unwrap_or_else(|| vec![0.5]) },
            HeadKind::Poisson => Head::Poisson,
            HeadKind::NegativeBinomial => Head::NegativeBinomial,
            HeadKind::Ordinal => Head::Ordinal { classes },
            HeadKind::Classes => Head::Classes { classes },
        }
    }

    /// How members are built and trained.
    pub fn settings(&self) -> Settings {
        Settings {
            mlp: Mlp { hidden: self.layers.clone(), activation: self.activation.into() },
            members: self.members,
            epochs: self.epochs,
            batch_size: self.batch_size,
            learning_rate: self.learning_rate,
            schedule: self.schedule,
            weight_decay: self.weight_decay,
            clip: self.clip,
            patience: self.patience,
        }
    }

    /// How the table is read.
    pub fn reading(&self) -> ReadOptions {
        ReadOptions {
            columns: self.columns.clone(),
            drop: self.drop.clone(),
            header: match self.header {
                None => Header::Auto,
                Some(true) => Header::Yes,
                Some(false) => Header::No,
            },
            delimiter: self.delimiter,
            ..ReadOptions::default()
        }
    }

    /// How rows are divided, as options.
    pub(super) fn division(&self) -> FitOptions {
        FitOptions {
            test_fraction: Some(self.test_fraction),
            validation_fraction: Some(self.validation_fraction),
            split_file: self.split_file.clone(),
            seed: Some(self.seed),
            ..FitOptions::default()
        }
    }
}
