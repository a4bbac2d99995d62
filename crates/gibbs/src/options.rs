//! What a user may ask of a fit: every field is a flag (`--learning-rate 0.1`) and a key of a configuration file
//! (`learning_rate = 0.1`). What is left out is chosen by [`crate::config`].

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::{
    ActivationKind, HeadKind, HiddenKind, LogZMethod, ModelKind, MonitorKind, NoiseKind, ObjectiveKind, OptimiserKind,
    SamplerKind, ScaleKind, VisibleKind,
};
use crate::error::Error;
use gibbs_core::optimisers::Schedule;

/// Options of a fit, all optional.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
pub struct FitOptions {
    /// Data: a file (CSV, TSV, Parquet, NPY, NPZ, IDX; .gz as well), a folder of PNGs, or a named set
    #[cfg_attr(feature = "clap", arg(value_name = "DATA"))]
    pub data: Option<String>,
    /// Kind of model
    #[cfg_attr(feature = "clap", arg(long, value_enum, help_heading = "Model"))]
    pub model: Option<ModelKind>,
    /// Visible units of an RBM [default: bits, or categories where columns are text; gaussian for real columns]
    #[cfg_attr(feature = "clap", arg(long, value_enum, help_heading = "Model"))]
    pub visible: Option<VisibleKind>,
    /// Hidden units of an RBM
    #[cfg_attr(feature = "clap", arg(long, value_enum, help_heading = "Model"))]
    pub hidden_units: Option<HiddenKind>,
    /// Column of classes that an RBM learns beside the others, to tell them apart (named sets: any name)
    #[cfg_attr(feature = "clap", arg(long, value_name = "COLUMN", help_heading = "Model"))]
    pub classes: Option<String>,
    /// Number of hidden units
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Model"))]
    pub hidden: Option<usize>,
    /// Standard deviation of the initial weights
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Model"))]
    pub init_sd: Option<f64>,
    /// Widths of the hidden layers of a network or a deep machine, or channels of convolutions, comma-separated
    #[cfg_attr(feature = "clap", arg(long, value_delimiter = ',', help_heading = "Model"))]
    pub layers: Option<Vec<usize>>,
    /// Function between a network's layers
    #[cfg_attr(feature = "clap", arg(long, value_enum, help_heading = "Model"))]
    pub activation: Option<ActivationKind>,
    /// Residual stages in a convolutional network
    #[cfg_attr(feature = "clap", arg(long, num_args = 0..=1, default_missing_value = "true", help_heading = "Model"))]
    pub residual: Option<bool>,
    /// Divide a network's weight matrices by their largest singular value
    #[cfg_attr(feature = "clap", arg(long, num_args = 0..=1, default_missing_value = "true", help_heading = "Model"))]
    pub spectral: Option<bool>,
    /// Add |x|^2 / (2 s^2) to a network's energy, so that Z exists; 0 adds nothing
    #[cfg_attr(feature = "clap", arg(long, value_name = "S", help_heading = "Model"))]
    pub confinement: Option<f64>,

    /// Iterations of L-BFGS at most (crf)
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Label sequences"))]
    pub iterations: Option<u64>,
    /// How many tokens to either side features look at (crf)
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Label sequences"))]
    pub window: Option<usize>,
    /// Leave out features that are met less often (crf)
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Label sequences"))]
    pub min_count: Option<u64>,
    /// Give every feature a weight for every label, not only for those it was met with (crf)
    #[cfg_attr(feature = "clap", arg(long, num_args = 0..=1, default_missing_value = "true", help_heading = "Label sequences"))]
    pub all_labels: Option<bool>,

    /// Column to predict (regression)
    #[cfg_attr(feature = "clap", arg(long, value_name = "COLUMN", help_heading = "Regression"))]
    pub target: Option<String>,
    /// What is predicted of it (regression) [default: gaussian]
    #[cfg_attr(feature = "clap", arg(long, value_enum, help_heading = "Regression"))]
    pub head: Option<HeadKind>,
    /// Networks whose forecasts are mixed (regression) [default: 5]
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Regression"))]
    pub members: Option<usize>,
    /// Weigh rows by this power of the predicted variance, 0 to 1; 0 is the likelihood (--head gaussian)
    #[cfg_attr(feature = "clap", arg(long, value_name = "BETA", help_heading = "Regression"))]
    pub beta_nll: Option<f64>,
    /// Gaussians of --head mixture [default: 5]
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Regression"))]
    pub components: Option<usize>,
    /// Levels of --head quantile, comma-separated [default: 0.05,0.1,0.25,0.5,0.75,0.9,0.95]
    #[cfg_attr(feature = "clap", arg(long, value_delimiter = ',', value_name = "LEVELS", help_heading = "Regression"))]
    pub quantiles: Option<Vec<f64>>,
    /// Coverage of conformal intervals and sets (regression) [default: 0.9]
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Regression"))]
    pub level: Option<f64>,

    /// Folder that holds named public sets (also: environment variable `GIBBS_DATA`)
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Data"))]
    pub data_dir: Option<PathBuf>,
    /// Allow named public sets to be downloaded into the data folder
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Data", num_args = 0..=1, default_missing_value = "true"))]
    pub download: Option<bool>,
    /// Rows to generate, for generators such as bars-and-stripes
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Data"))]
    pub rows: Option<usize>,
    /// Use only these columns, comma-separated
    #[cfg_attr(feature = "clap", arg(long, value_delimiter = ',', help_heading = "Data"))]
    pub columns: Option<Vec<String>>,
    /// Leave these columns out, comma-separated
    #[cfg_attr(feature = "clap", arg(long, value_delimiter = ',', help_heading = "Data"))]
    pub drop: Option<Vec<String>>,
    /// Whether the first line holds column names (default: looked at)
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Data"))]
    pub header: Option<bool>,
    /// Column separator of a text table (default: looked at)
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Data"))]
    pub delimiter: Option<char>,
    /// Name of the array inside an NPZ file
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Data"))]
    pub array: Option<String>,
    /// Column of sample weights (not modelled)
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Data"))]
    pub weight_column: Option<String>,
    /// Column of labels (not modelled)
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Data"))]
    pub label_column: Option<String>,
    /// Turn values into bits: a threshold (value >= T is 1), or `bernoulli` for a draw with the value, scaled to
    /// [0, 1], as its probability
    #[cfg_attr(feature = "clap", arg(long, value_name = "T|bernoulli", help_heading = "Data"))]
    pub binarize: Option<String>,
    /// How real columns are scaled [default: as they are for synthetic sets, 0 to 1 for pictures, else standard]
    #[cfg_attr(feature = "clap", arg(long, value_enum, help_heading = "Data"))]
    pub scale: Option<ScaleKind>,
    /// Add uniform noise of this width to values that are steps (1 for integers), so that they have a density
    #[cfg_attr(feature = "clap", arg(long, value_name = "WIDTH", help_heading = "Data"))]
    pub dequantise: Option<f64>,
    /// Share of all rows held out as the test part
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Data"))]
    pub test_fraction: Option<f64>,
    /// Share of the training rows kept for early stopping
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Data"))]
    pub validation_fraction: Option<f64>,
    /// JSON file with row numbers: {"train": [...], "test": [...], "validation": [...]}
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Data"))]
    pub split_file: Option<PathBuf>,

    /// How the gradient of the likelihood is obtained
    #[cfg_attr(feature = "clap", arg(long, value_enum, help_heading = "Learning"))]
    pub objective: Option<ObjectiveKind>,
    /// Gibbs steps an update (the k of CD-k)
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Learning"))]
    pub gibbs_steps: Option<u64>,
    /// Number of persistent chains
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Learning"))]
    pub n_chains: Option<usize>,
    /// Inverse temperatures, evenly from the base to the model, between which the persistent chains of an RBM are exchanged;
    /// 1 is the model alone
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Learning"))]
    pub temperatures: Option<usize>,
    /// Mean-field iterations an update of a deep Boltzmann machine, at most
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Learning"))]
    pub mean_field_steps: Option<usize>,
    /// Updates of each layer of a deep machine on its own, before all are trained together; --updates counts them too
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Learning"))]
    pub pretrain_updates: Option<u64>,
    /// Run of an RBM of bits, on the same rows, that becomes the first layer of a deep Boltzmann machine; the layers above start
    /// near zero, so that the machine starts as that RBM
    #[cfg_attr(feature = "clap", arg(long, value_name = "RUN", help_heading = "Learning"))]
    pub first_layer: Option<PathBuf>,
    /// Passes over the labelled rows that fine-tune a deep belief net as a classifier; 0 for none
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Learning"))]
    pub fine_tune_epochs: Option<u64>,
    /// Rate of Adam in fine-tuning, falling linearly to zero
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Learning"))]
    pub fine_tune_rate: Option<f64>,
    /// Passes over the training rows
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Learning"))]
    pub epochs: Option<u64>,
    /// Updates of the parameters (instead of --epochs)
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Learning"))]
    pub updates: Option<u64>,
    /// Rows an update
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Learning"))]
    pub batch_size: Option<usize>,
    /// Rule that moves the parameters
    #[cfg_attr(feature = "clap", arg(long, value_enum, help_heading = "Learning"))]
    pub optimiser: Option<OptimiserKind>,
    /// Learning rate
    #[cfg_attr(feature = "clap", arg(long, visible_alias = "lr", help_heading = "Learning"))]
    pub learning_rate: Option<f64>,
    /// How the learning rate moves over the run: constant, linear, linear-from-half, cosine
    #[cfg_attr(feature = "clap", arg(long, value_parser = parse_schedule, help_heading = "Learning"))]
    pub schedule: Option<Schedule>,
    /// Updates over which the learning rate rises to its full value
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Learning"))]
    pub warm_up: Option<u64>,
    /// Momentum of SGD
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Learning"))]
    pub momentum: Option<f64>,
    /// Strength of the quadratic penalty on the weights
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Learning"))]
    pub l2: Option<f64>,
    /// Strength of the absolute penalty on the weights
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Learning"))]
    pub l1: Option<f64>,
    /// Use the centred gradient
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Learning", num_args = 0..=1, default_missing_value = "true"))]
    pub centred: Option<bool>,
    /// Decay of the moving average of the parameters that is kept as the model; 0 keeps the last parameters
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Learning"))]
    pub average: Option<f64>,
    /// Decoupled weight decay of a network, times the learning rate
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Learning"))]
    pub weight_decay: Option<f64>,
    /// Largest norm of a gradient; 0 does not clip
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Learning"))]
    pub clip: Option<f64>,
    /// Strength of the penalty on a network's gradients at the data, lambda/2 |grad E|^2
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Learning"))]
    pub gradient_penalty: Option<f64>,
    /// Strength of the penalty on squared energies of data and chains
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Learning"))]
    pub energy_penalty: Option<f64>,
    /// Standard deviation of noise added to training rows at each update
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Learning"))]
    pub input_noise: Option<f64>,

    /// Sampler of a network's negatives
    #[cfg_attr(feature = "clap", arg(long, value_enum, help_heading = "Negatives"))]
    pub sampler: Option<SamplerKind>,
    /// Step size of the sampler (for Langevin: x - step grad E + sqrt(2 step) noise)
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Negatives"))]
    pub step_size: Option<f64>,
    /// Steps of the sampler an update
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Negatives"))]
    pub mcmc_steps: Option<u64>,
    /// Standard deviation of Langevin noise, decoupled from the step size (does not sample the model); 0 is matched
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Negatives"))]
    pub langevin_noise: Option<f64>,
    /// Share of persistent chains started afresh at each update
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Negatives"))]
    pub reinitialise: Option<f64>,
    /// Noise of noise-contrastive estimation
    #[cfg_attr(feature = "clap", arg(long, value_enum, help_heading = "Negatives"))]
    pub noise: Option<NoiseKind>,
    /// Noise rows for each data row
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Negatives"))]
    pub noise_ratio: Option<usize>,
    /// Standard deviation of the noise of dsm and conditional-nce, the smallest if there are several
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Negatives"))]
    pub noise_sd: Option<f64>,
    /// Number of noise levels of dsm, from --noise-sd to --noise-sd-max
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Negatives"))]
    pub noise_levels: Option<usize>,
    /// Largest noise level of dsm
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Negatives"))]
    pub noise_sd_max: Option<f64>,
    /// Random directions a row of sliced score matching
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Negatives"))]
    pub probes: Option<usize>,

    /// Updates between two looks at the true log-likelihood
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Monitoring"))]
    pub monitor_every: Option<u64>,
    /// What a look rests on
    #[cfg_attr(feature = "clap", arg(long, value_enum, help_heading = "Monitoring"))]
    pub monitor: Option<MonitorKind>,
    /// Looks without improvement of the validation log-likelihood before training stops; 0 never stops
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Monitoring"))]
    pub patience: Option<u64>,
    /// Keep the landscape at every look and write it as a film, landscape.gif (tables of two real columns)
    #[cfg_attr(feature = "clap", arg(long, num_args = 0..=1, default_missing_value = "true", help_heading = "Monitoring"))]
    pub animate: Option<bool>,
    /// How log Z is obtained while training and at its end
    #[cfg_attr(feature = "clap", arg(long, value_enum, help_heading = "Monitoring"))]
    pub log_z: Option<LogZMethod>,
    /// Chains of annealed importance sampling
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Monitoring"))]
    pub ais_chains: Option<usize>,
    /// Temperatures of annealed importance sampling
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Monitoring"))]
    pub ais_temperatures: Option<usize>,

    /// Seed of every random choice
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Run"))]
    pub seed: Option<u64>,
}

#[cfg(feature = "clap")]
fn parse_schedule(text: &str) -> Result<Schedule, String> {
    match text {
        "constant" => Ok(Schedule::Constant),
        "linear" => Ok(Schedule::Linear),
        "linear-from-half" => Ok(Schedule::LinearFromHalf),
        "cosine" => Ok(Schedule::Cosine),
        other => Err(format!("`{other}` is none of constant, linear, linear-from-half, cosine")),
    }
}

impl FitOptions {
    /// Reads a configuration file's text.
    ///
    /// # Errors
    /// [`Error::Usage`] with the line for a syntax error or a wrong type, and with the nearest known key for an
    /// unknown one.
    ///
    /// # Example
    /// ```
    /// use gibbs::options::FitOptions;
    /// let options = FitOptions::from_toml("data = \"digits\"\nhidden = 16").unwrap();
    /// assert_eq!(options.hidden, Some(16));
    /// assert!(FitOptions::from_toml("hiden = 16").unwrap_err().to_string().contains("hidden"));
    /// ```
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        let table: toml::Table =
            text.parse().map_err(|e: toml::de::Error| Error::Usage(format!("configuration: {e}")))?;
        let known = Self::keys();
        if let Some(key) = table.keys().find(|k| *k != "format" && !known.contains(k)) {
            let nearest =
                known.iter().max_by(|a, b| strsim::jaro_winkler(a, key).total_cmp(&strsim::jaro_winkler(b, key)));
            let nearest = nearest.map_or("", String::as_str);
            return Err(Error::Usage(format!("configuration: unknown key `{key}`; did you mean `{nearest}`?")));
        }
        table.try_into().map_err(|e: toml::de::Error| Error::Usage(format!("configuration: {e}")))
    }

    /// The options of `self`, and where `self` is silent those of `other`: flags win over a file.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        let mine = to_map(&self);
        let mut merged = to_map(other);
        merged.extend(mine.into_iter().filter(|(_, v)| !v.is_null()));
        serde_json::from_value(merged.into()).unwrap_or(self)
    }

    fn keys() -> Vec<String> {
        to_map(&Self::default()).into_iter().map(|(k, _)| k).collect()
    }
}

fn to_map(options: &FitOptions) -> serde_json::Map<String, serde_json::Value> {
    match serde_json::to_value(options) {
        Ok(serde_json::Value::Object(map)) => map,
        _ => serde_json::Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn arbitrary_configurations_never_panic(
            key in "(hidden|epochs|batch_size|learning_rate|n_chains|schedule|columns|[a-z_]{1,8})",
            value in "(-?[0-9]{1,25}|[0-9.e+-]{1,6}|\"[a-z]*\"|\\[\\]|nan|inf|true|.{0,8})",
        ) {
            use crate::config::{DataFacts, FitConfig};
            if let Ok(options) = FitOptions::from_toml(&format!("{key} = {value}")) {
                let _ = FitConfig::resolve(&options, DataFacts { n_train: 100, n_columns: 20, shape: None });
            }
        }
    }

    #[test]
    fn flags_win_and_unknown_keys_are_named() {
        let file = FitOptions::from_toml("hidden = 3\nseed = 7\nschedule = \"linear\"").unwrap();
        let flags = FitOptions { hidden: Some(9), ..FitOptions::default() };
        let merged = flags.or(&file);
        assert_eq!((merged.hidden, merged.seed, merged.schedule), (Some(9), Some(7), Some(Schedule::Linear)));
        let error = FitOptions::from_toml("learning_rat = 0.1").unwrap_err();
        assert!(error.to_string().contains("`learning_rate`"), "{error}");
        assert_eq!(error.exit_code(), 2);
        assert!(FitOptions::from_toml("hidden = \"many\"").is_err());
        assert!(FitOptions::from_toml("hidden = ").is_err());
    }
}
