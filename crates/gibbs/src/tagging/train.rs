//! Fitting a tagger: sentences in, run directory out.

use std::path::Path;
use std::time::Instant;

use gibbs_core::key::{Key, Purpose};
use gibbs_core::optimisers::lbfgs::{Ended, Stop};
use gibbs_data::conll::{self, Sentences};
use gibbs_spin::crf::{Crf, FitSettings, Labelled, Support};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Dictionary, Evaluation, Tagger, Templates, report, usage};
use crate::config::{FORMAT, ModelKind};
use crate::error::Error;
use crate::files;
use crate::options::FitOptions;
use crate::progress::Progress;
use crate::run_dir::{Machine, Manifest, RunDir, Status, commit, hex};

/// Iterations between two looks at the sentences that are held out.
const LOOK_EVERY: u64 = 10;

/// Every choice of a fit of label sequences; the keys of its configuration file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaggerConfig {
    /// Format of the file.
    pub format: u32,
    /// File of sentences.
    pub data: String,
    /// Always `crf`.
    pub model: ModelKind,
    /// Strength `lambda` of the penalty `lambda / 2 |w|^2`.
    pub l2: f64,
    /// Iterations of L-BFGS at most.
    pub iterations: u64,
    /// How far features look at neighbours.
    pub window: usize,
    /// Occurrences below which a feature is left out.
    pub min_count: u64,
    /// Whether every feature has a weight for every label, or only for those it was met with.
    pub all_labels: bool,
    /// Share of sentences held out.
    pub validation_fraction: f64,
    /// Seed of the division.
    pub seed: u64,
}

impl TaggerConfig {
    /// Fills in what was left open.
    ///
    /// # Errors
    /// [`Error::Usage`] for an option that label sequences have no use for, or a value without meaning.
    pub fn resolve(options: &FitOptions) -> Result<Self, Error> {
        let known = FitOptions {
            data: options.data.clone(),
            model: options.model,
            l2: options.l2,
            iterations: options.iterations,
            window: options.window,
            min_count: options.min_count,
            all_labels: options.all_labels,
            validation_fraction: options.validation_fraction,
            seed: options.seed,
            ..FitOptions::default()
        };
        if known != *options {
            return Err(Error::Usage(
                "--model crf takes --l2, --iterations, --window, --min-count, --all-labels, --validation-fraction and --seed; \
                 leave the other options out"
                    .into(),
            ));
        }
        let Some(data) = options.data.clone() else {
            return Err(Error::Usage(
                "name a file of sentences, a token a line, its label last (CoNLL columns)".into(),
            ));
        };
        let config = Self {
            format: FORMAT,
            data,
            model: ModelKind::Crf,
            l2: options.l2.unwrap_or(1.0),
            iterations: options.iterations.unwrap_or(300),
            window: options.window.unwrap_or(Templates::default().window),
            min_count: options.min_count.unwrap_or(1),
            all_labels: options.all_labels.unwrap_or(false),
            validation_fraction: options.validation_fraction.unwrap_or(0.1),
            seed: options.seed.unwrap_or(0),
        };
        let wrong = |flag: &str, wanted: &str| Err(Error::Usage(format!("{flag} {wanted}")));
        if !(config.l2 >= 0.0 && config.l2.is_finite()) {
            return wrong("--l2", "is 0 or more, and finite");
        }
        if !(0.0..1.0).contains(&config.validation_fraction) {
            return wrong("--validation-fraction", "lies in [0, 1)");
        }
        if config.window > 20 {
            return wrong("--window", "is 20 at most");
        }
        Ok(config)
    }
}

/// How a fit ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaggerResult {
    /// Iterations of L-BFGS.
    pub iterations: u64,
    /// Whether the optimum was reached.
    pub converged: bool,
    /// Negative log-likelihood of the training sentences and penalty, nats.
    pub objective: f64,
    /// Euclidean norm of its gradient.
    pub gradient_norm: f64,
    /// Features, labels and weights.
    pub n_features: usize,
    /// Labels.
    pub n_labels: usize,
    /// Weights.
    pub n_weights: usize,
    /// Seconds of training, reading and features left out.
    pub seconds: f64,
    /// On the training sentences.
    pub train: Evaluation,
    /// On those held out.
    pub validation: Option<Evaluation>,
}

/// A line of `metrics.jsonl`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Metric {
    pub iteration: u64,
    pub objective: f64,
    pub gradient_norm: f64,
    /// Of the sentences held out, nats a token.
    pub validation_log_likelihood: Option<f64>,
    pub seconds: f64,
}

/// Fits a conditional random field to the sentences that the options name, in a new run directory: configuration, manifest,
/// model, metrics, evaluation and report. An interruption keeps the weights of the last iteration.
///
/// # Errors
/// Options without meaning, sentences that cannot be read, a directory that is taken, or a file that cannot be written.
pub fn fit(
    options: &FitOptions,
    out: &Path,
    force: bool,
    progress: &dyn Progress,
) -> Result<(RunDir, TaggerResult), Error> {
    let config = TaggerConfig::resolve(options)?;
    let path = Path::new(&config.data);
    let text = conll::read(path)?;
    if text.n_columns < 2 {
        return Err(Error::Usage(format!(
            "{} has one column: a token needs a column of text and a label behind it",
            path.display()
        )));
    }
    let (train, held_out) = divide(&text, config.validation_fraction, config.seed);
    let run = RunDir::create(out, force)?;
    let toml = toml::to_string(&config).map_err(|e| Error::run(run.file("config.toml"), e.to_string()))?;
    files::write_atomic(&run.file("config.toml"), toml.as_bytes())?;
    let mut manifest = Manifest {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").into(),
        commit: commit().into(),
        config_sha256: hex(&Sha256::digest(toml.as_bytes())),
        data_sha256: hex(&Sha256::digest(std::fs::read(path).map_err(Error::io(path))?)),
        seed: config.seed,
        machine: Machine::here(),
        wall_seconds: 0.0,
        status: Status::Running,
    };
    run.write_manifest(&manifest)?;

    let dictionary = Dictionary::learn(&train, &text, Templates { window: config.window }, config.min_count);
    let labelled = |text: &Sentences| -> Result<Labelled, Error> {
        let labels = dictionary.label_numbers(text).unwrap_or_default();
        let rows = dictionary.rows(text).map_err(usage)?;
        Labelled::new(rows, labels, dictionary.labels().len()).map_err(usage)
    };
    let data = labelled(&train)?;
    let watched = held_out.as_ref().map(&labelled).transpose()?;
    let support = if config.all_labels {
        Support::full(dictionary.features().len(), dictionary.labels().len()).map_err(usage)?
    } else {
        Support::observed(&data)
    };
    progress.line(&format!(
        "{} sentences, {} tokens, {} features, {} labels, {} weights",
        train.lengths.len(),
        train.n_tokens(),
        support.n_features(),
        support.n_labels(),
        support.n_weights() + support.n_labels().pow(2)
    ));

    let begin = Instant::now();
    let mut metrics = Vec::new();
    let settings =
        FitSettings { l2: config.l2, stop: Stop { max_iterations: config.iterations, ..FitSettings::default().stop } };
    progress.begin("training", config.iterations);
    let shape = support.clone();
    let (crf, found) = gibbs_spin::crf::fit(&data, support, &settings, |look| {
        let mut metric = Metric {
            iteration: look.iteration,
            objective: look.value,
            gradient_norm: look.gradient_norm,
            validation_log_likelihood: None,
            seconds: begin.elapsed().as_secs_f64(),
        };
        if let Some(watched) = watched.as_ref().filter(|_| look.iteration % LOOK_EVERY == 0) {
            let likelihood = Crf::new(shape.clone(), look.at.to_vec()).and_then(|crf| crf.log_likelihood(watched));
            metric.validation_log_likelihood =
                likelihood.ok().map(|l| l.iter().sum::<f64>() / watched.labels().len() as f64);
        }
        if look.iteration % LOOK_EVERY == 0 {
            let held =
                metric.validation_log_likelihood.map_or(String::new(), |l| format!(", held out {l:.4} nats a token"));
            progress.line(&format!(
                "iteration {}: objective {:.3}, gradient {:.2e}{held}",
                look.iteration, look.value, look.gradient_norm
            ));
        }
        metrics.push(metric);
        progress.advance(look.iteration);
        !progress.stop()
    })
    .map_err(usage)?;
    progress.end();

    let seconds = begin.elapsed().as_secs_f64();
    let tagger = Tagger::new(dictionary, crf);
    tagger.write(&run.file("model.safetensors"))?;
    let lines = metrics.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>();
    let lines = lines.map_err(|e| Error::run(run.file("metrics.jsonl"), e.to_string()))?.join("\n") + "\n";
    files::write_atomic(&run.file("metrics.jsonl"), lines.as_bytes())?;
    manifest.wall_seconds = seconds;
    manifest.status = if found.ended == Ended::Stopped { Status::Interrupted } else { Status::Complete };
    run.write_manifest(&manifest)?;
    let result = TaggerResult {
        iterations: found.iterations,
        converged: found.converged(),
        objective: found.value,
        gradient_norm: found.gradient_norm,
        n_features: tagger.crf().support().n_features(),
        n_labels: tagger.crf().support().n_labels(),
        n_weights: tagger.crf().weights().len(),
        seconds,
        train: Evaluation::of(&tagger, &train)?,
        validation: held_out.as_ref().map(|t| Evaluation::of(&tagger, t)).transpose()?,
    };
    run.write_json("evaluation.json", &result)?;
    report::write(&run, &config, &metrics, &result, &toml)?;
    Ok((run, result))
}

/// Sentences to learn from, and those held out.
fn divide(text: &Sentences, fraction: f64, seed: u64) -> (Sentences, Option<Sentences>) {
    let n = text.lengths.len();
    let n_out = ((n as f64 * fraction).round() as usize).min(n - 1);
    if n_out == 0 {
        return (text.clone(), None);
    }
    let mut order: Vec<usize> = (0..n).collect();
    Key::from_seed(seed).purpose(Purpose::Split).rng().shuffle(&mut order);
    let (out, train) = order.split_at_mut(n_out);
    out.sort_unstable();
    train.sort_unstable();
    (text.select(train), Some(text.select(out)))
}
