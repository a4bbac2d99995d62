//! Training: from prepared data to the best checkpoint by the true validation log-likelihood.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write;
use std::time::Instant;

use gibbs_core::key::{Key, Purpose};
use gibbs_core::log_partition::{LogZ, Verdict};
use serde::{Deserialize, Serialize};

use crate::classifier::{self, Accuracy, FineTuning};
use crate::config::{FORMAT, FitConfig, LogZMethod, ModelConfig, MonitorKind};
use crate::dataset::{Part, Prepared};
use crate::error::Error;
use crate::film;
use crate::likelihood::{Evaluation, evaluate, final_log_z, log_likelihoods, weighted_mean};
use crate::models::{self, LogZOptions, Model, ModelHeader};
use crate::monitor::Monitor;
use crate::progress::Progress;
use crate::run_dir::{Machine, Manifest, RunDir, Status, commit};
use crate::trainers::{self, Trainer, Update};

/// Largest number of terms of an exact `log Z` at every look.
const MONITOR_EXACT_WORK: u64 = 1 << 26;
/// Relative error of a quadrature at every look.
const MONITOR_TOLERANCE: f64 = 1e-4;
/// Rows of each part that a look uses for the pseudo-likelihood, which is there for comparison only.
const PSEUDO_ROWS: usize = 200;
/// Rows of the training part that a look uses for its log-likelihood.
const TRAIN_ROWS: usize = 5_000;
/// Seconds between checkpoints when no look at the likelihood comes first.
const CHECKPOINT_SECONDS: f64 = 30.0;

/// One look at the model: a line of `metrics.jsonl`. All likelihoods in nats a row, in the units of the table; absent
/// where `log Z` is not asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Updates done.
    pub step: u64,
    /// Passes over the training rows done.
    pub epoch: f64,
    /// Mean log-likelihood of training rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_log_likelihood: Option<f64>,
    /// Mean log-likelihood of the validation rows: what training is stopped by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_log_likelihood: Option<f64>,
    /// Ends of the interval that `log Z` leaves to what training is stopped by (validation rows, or training rows where there
    /// are none). The rows are the same at every look and add nothing to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// Mean pseudo-log-likelihood of validation (or training) rows, for comparison; of bits only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pseudo_log_likelihood: Option<f64>,
    /// `log Z`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_z: Option<f64>,
    /// Its standard error, 0 when exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_z_std_err: Option<f64>,
    /// Which side `log Z` errs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_z_bias: Option<gibbs_core::log_partition::Bias>,
    /// How far the ends of its interval are to be believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_z_verdict: Option<Verdict>,
    /// What the last update was like.
    #[serde(flatten)]
    pub update: Update,
    /// Whether the log-likelihoods are lower bounds.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bound: bool,
    /// Whether this model was kept.
    pub best: bool,
    /// What a user should know, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Seconds of training so far.
    pub seconds: f64,
}

/// What a fit came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitResult {
    /// How it ended.
    pub status: Status,
    /// Updates done.
    pub steps: u64,
    /// Update after which the kept model was taken.
    pub best_step: u64,
    /// Seconds of training, evaluations included.
    pub seconds: f64,
    /// The kept model on the training rows, if its `log Z` was asked for.
    #[serde(default)]
    pub train: Option<Evaluation>,
    /// The kept model on the validation rows, if there are any.
    #[serde(default)]
    pub validation: Option<Evaluation>,
    /// The kept model on the test rows, if there are any.
    #[serde(default)]
    pub test: Option<Evaluation>,
    /// How well a classifier that was fine-tuned from a deep belief net labels the rows that were held out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classifier: Option<Accuracy>,
}

/// Trains in `run`, from the start or from the saved state when `resume` is set.
///
/// # Errors
/// [`Error::Diverged`] when a parameter leaves the finite numbers (the best checkpoint is kept), [`Error::Interrupted`]
/// when `progress` asks to stop (the state is saved).
pub fn fit(
    run: &RunDir,
    config: &FitConfig,
    data: &Prepared,
    resume: bool,
    progress: &dyn Progress,
) -> Result<FitResult, Error> {
    let mut session = Session::open(run, config, data, resume)?;
    let outcome = session.train(progress);
    session.close(outcome, progress)
}

struct Session<'a> {
    run: &'a RunDir,
    config: &'a FitConfig,
    data: &'a Prepared,
    trainer: Box<dyn Trainer + 'a>,
    monitor: Monitor,
    manifest: Manifest,
    started: Instant,
    saved_at: Instant,
    seconds_before: f64,
    warned: BTreeSet<String>,
}

impl<'a> Session<'a> {
    fn open(run: &'a RunDir, config: &'a FitConfig, data: &'a Prepared, resume: bool) -> Result<Self, Error> {
        let mut trainer = trainers::new(config, data)?;
        let config_sha256 = run.write_config(config)?;
        let mut manifest = Manifest {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_string(),
            commit: commit().to_string(),
            config_sha256,
            data_sha256: data.data_sha256.clone(),
            seed: config.seed,
            machine: Machine::here(),
            wall_seconds: 0.0,
            status: Status::Running,
        };
        if config.learning.animate {
            film::check(data)?;
        }
        let mut monitor = Monitor::default();
        // A run killed before its first checkpoint has nothing to load and starts over, which is the same run.
        let state = Some(run.file("state.safetensors")).filter(|path| resume && path.exists());
        if state.is_none() {
            trainer.start(data)?;
        }
        if resume {
            let old = run.manifest()?;
            if old.data_sha256 != manifest.data_sha256 {
                return Err(Error::run(
                    run.path(),
                    format!("the data changed since this run began: {} has other bytes now", config.source.data),
                ));
            }
            manifest.wall_seconds = old.wall_seconds;
            if let Some(path) = state {
                let (state, _) = crate::tensors::read(&path)?;
                let damaged = |e: gibbs_core::persist::StateError| Error::run(&path, e.to_string());
                trainer.load(&state).map_err(damaged)?;
                monitor = Monitor::load(&state).map_err(damaged)?;
            }
            truncate_metrics(run, trainer.step())?;
            film::forget_after(run, trainer.step())?;
        } else {
            run.write_json("split.json", &data.split)?;
        }
        run.write_manifest(&manifest)?;
        let seconds_before = manifest.wall_seconds;
        let now = Instant::now();
        Ok(Self {
            run,
            config,
            data,
            trainer,
            monitor,
            manifest,
            started: now,
            saved_at: now,
            seconds_before,
            warned: BTreeSet::new(),
        })
    }

    fn seconds(&self) -> f64 {
        self.seconds_before + self.started.elapsed().as_secs_f64()
    }

    fn train(&mut self, progress: &dyn Progress) -> Result<Status, Error> {
        let total = self.config.learning.updates;
        progress.begin("training", total);
        progress.advance(self.trainer.step());
        if self.trainer.stopped_early() {
            return Ok(Status::StoppedEarly);
        }
        while self.trainer.step() < total {
            if progress.stop() {
                self.checkpoint(Status::Interrupted)?;
                return Err(Error::Interrupted);
            }
            let look = (self.trainer.step() + 1).is_multiple_of(self.config.learning.monitor_every)
                || self.trainer.step() + 1 == total;
            self.trainer.update(look)?;
            progress.advance(self.trainer.step());
            if look {
                self.look(progress)?;
                self.checkpoint(Status::Running)?;
                if self.trainer.stopped_early() {
                    progress.end();
                    return Ok(Status::StoppedEarly);
                }
            } else if self.saved_at.elapsed().as_secs_f64() > CHECKPOINT_SECONDS {
                self.checkpoint(Status::Running)?;
            }
        }
        progress.end();
        Ok(Status::Complete)
    }

    /// `log Z` of the current model, as a look wants it.
    fn look_log_z(&mut self, model: &dyn Model, progress: &dyn Progress) -> Result<Option<LogZ>, Error> {
        let l = &self.config.learning;
        if l.log_z == LogZMethod::None {
            return Ok(None);
        }
        let how = LogZOptions {
            method: l.log_z,
            exact_work: MONITOR_EXACT_WORK,
            tolerance: MONITOR_TOLERANCE,
            n_chains: l.ais_chains,
            n_temperatures: l.ais_temperatures,
            probe: false,
        };
        let key = Key::from_seed(self.config.seed).purpose(Purpose::LogZ).step(self.trainer.step());
        let cheap = model.exact_work().is_some_and(|work| work <= MONITOR_EXACT_WORK);
        let exact = l.log_z == LogZMethod::Exact || (l.log_z == LogZMethod::Auto && cheap);
        let found = if l.monitor == MonitorKind::LogLikelihood && !exact {
            self.monitor.look(model, &self.header(), &self.data.train.rows, &key, &Quiet(progress))
        } else {
            model.log_z(&how, &key, &Quiet(progress))
        };
        Ok(Some(found.map_err(|e| self.trainer.or_diverged(e))?))
    }

    /// Looks at the true log-likelihood of the current model and keeps it if it is the best.
    ///
    /// A landscape that quadrature cannot integrate is not kept, and no reason to stop: it may pass.
    fn look(&mut self, progress: &dyn Progress) -> Result<(), Error> {
        let model = self.trainer.candidate();
        let model = model.as_ref();
        let (log_z, unknown) = match self.look_log_z(model, progress) {
            Err(Error::Quadrature(e)) => (None, Some(format!("no log Z at a look: {e}"))),
            other => (other?, None),
        };
        let jacobian = self.data.preparation.log_jacobian();
        let mean = |part: &Part, most: usize| {
            let (part, log_z) = (part.first(most), log_z.as_ref()?);
            let log_prob = log_likelihoods(model, &part.rows, log_z.value, jacobian);
            Some(weighted_mean(&log_prob, &part.normalised_weights()).0)
        };
        let has_validation = self.data.validation.rows.n_rows() > 0;
        let train = mean(&self.data.train, TRAIN_ROWS);
        let validation = if has_validation { mean(&self.data.validation, usize::MAX) } else { None };
        let judged = validation.or(train);
        let interval = judged.zip(log_z.as_ref()).and_then(|(mean, z)| {
            let ends = z.ends?;
            Some([mean + z.value - ends.upper, mean + z.value - ends.lower])
        });
        if judged.is_some_and(|j| !j.is_finite()) {
            return Err(self.trainer.diverged(format!("the log-likelihood ({})", judged.unwrap_or(f64::NAN))));
        }
        let watched = if has_validation { &self.data.validation.rows } else { &self.data.train.rows };
        let pseudo = model.pseudo_log_likelihood(&watched.slice(0, watched.n_rows().min(PSEUDO_ROWS)));
        let best = self.trainer.judge(judged.or(unknown.as_ref().map(|_| f64::NEG_INFINITY)));
        let metrics = Metrics {
            step: self.trainer.step(),
            epoch: self.trainer.step() as f64 / self.trainer.steps_per_epoch() as f64,
            train_log_likelihood: train,
            validation_log_likelihood: validation,
            interval,
            pseudo_log_likelihood: pseudo.map(|p| p.iter().sum::<f64>() / p.len() as f64),
            log_z: log_z.as_ref().map(|z| z.value),
            log_z_std_err: log_z.as_ref().map(|z| z.std_err),
            log_z_bias: log_z.as_ref().map(|z| z.bias),
            log_z_verdict: log_z.as_ref().and_then(|z| Some(z.ends?.verdict)),
            update: self.trainer.last_update(),
            bound: model.likelihood().is_bound(),
            best,
            warnings: self.trainer.warnings().into_iter().chain(unknown).collect(),
            seconds: self.seconds(),
        };
        append_metrics(self.run, &metrics)?;
        if self.config.learning.animate {
            film::keep(self.run, model, self.data, self.trainer.step())?;
        }
        for warning in &metrics.warnings {
            if !self.warned.contains(warning.split(':').next().unwrap_or_default()) {
                self.warned.insert(warning.split(':').next().unwrap_or_default().to_string());
                progress.line(&format!("warning: {warning}"));
            }
        }
        progress.note(&match (judged, metrics.update.loss, metrics.update.energy_gap) {
            (Some(j), ..) => {
                let part = if has_validation { "validation" } else { "train" };
                let ends = metrics.interval.map_or(String::new(), |[low, high]| format!(" [{low:.3}, {high:.3}]"));
                format!("{part} {}{j:.3}{ends} nats", if metrics.bound { "bound " } else { "" })
            }
            (None, Some(loss), _) => format!("loss {loss:.4}"),
            (None, None, Some(gap)) => format!("energy gap {gap:.3}"),
            (None, None, None) => String::new(),
        });
        progress.line(&describe_look(&metrics));
        Ok(())
    }

    fn checkpoint(&mut self, status: Status) -> Result<(), Error> {
        let mut state = self.trainer.save();
        self.monitor.save(&mut state);
        crate::tensors::write(&self.run.file("state.safetensors"), &state, &BTreeMap::new())?;
        self.write_model()?;
        self.manifest.status = status;
        self.manifest.wall_seconds = self.seconds();
        self.run.write_manifest(&self.manifest)?;
        self.saved_at = Instant::now();
        Ok(())
    }

    fn header(&self) -> ModelHeader {
        ModelHeader {
            kind: self.config.kind(),
            preprocess: self.data.preparation.clone(),
            shape: self.data.shape,
            settings: self.trainer.best().settings(),
            units: self.trainer.best().units(),
        }
    }

    fn write_model(&self) -> Result<(), Error> {
        models::write(&self.run.file("model.safetensors"), self.trainer.best().as_ref(), &self.header())
    }

    /// A deep belief net as a classifier, where rows have labels: writes it, and says how often it is right.
    fn fine_tuned(&self, model: &dyn Model, progress: &dyn Progress) -> Result<Option<Accuracy>, Error> {
        let (Some(net), ModelConfig::Dbn(deep)) = (model.belief_net(), &self.config.model) else { return Ok(None) };
        match deep.fine_tune_epochs.unwrap_or(0) {
            0 => Ok(None),
            epochs => {
                let tuning = FineTuning { epochs, rate: deep.fine_tune_rate.unwrap_or(0.0) };
                let found = classifier::fine_tuned(net, self.data, tuning, self.config.seed, progress)?;
                found.map(|(classifier, accuracy)| classifier.write(self.run).map(|()| accuracy)).transpose()
            }
        }
    }

    /// Records how training ended and evaluates the kept model.
    fn close(mut self, outcome: Result<Status, Error>, progress: &dyn Progress) -> Result<FitResult, Error> {
        let status = match outcome {
            Ok(status) => status,
            Err(error) => {
                if let Error::Diverged { .. } = &error {
                    // The state holds what diverged: only the model, which does not, is written.
                    self.write_model()?;
                    self.manifest.status = Status::Diverged;
                    self.manifest.wall_seconds = self.seconds();
                    self.run.write_manifest(&self.manifest)?;
                }
                return Err(error);
            }
        };
        self.checkpoint(status)?;
        film::write(self.run, self.data)?;
        let model = self.trainer.best();
        let model = model.as_ref();
        let log_z = final_log_z(model, self.config, progress)?;
        let jacobian = self.data.preparation.log_jacobian();
        let part = |p: &Part| Some(evaluate(model, p, log_z.as_ref()?, jacobian)).filter(|_| p.rows.n_rows() > 0);
        let result = FitResult {
            status,
            steps: self.trainer.step(),
            best_step: self.trainer.best_step(),
            seconds: self.seconds(),
            train: part(&self.data.train),
            validation: part(&self.data.validation),
            test: part(&self.data.test),
            classifier: self.fine_tuned(model, progress)?,
        };
        self.run.write_json("evaluation.json", &result)?;
        self.manifest.wall_seconds = self.seconds();
        self.run.write_manifest(&self.manifest)?;
        Ok(result)
    }
}

/// A look in one line.
fn describe_look(m: &Metrics) -> String {
    let mut line = format!("step {:>7}  epoch {:>6.1}", m.step, m.epoch);
    let add = |line: &mut String, name: &str, value: Option<f64>| {
        if let Some(v) = value {
            _ = write!(line, "  {name} {v:>10.4}");
        }
    };
    let [train, validation] = if m.bound { ["train bound", "validation bound"] } else { ["train", "validation"] };
    add(&mut line, train, m.train_log_likelihood);
    add(&mut line, validation, m.validation_log_likelihood);
    if let Some([low, high]) = m.interval {
        _ = write!(line, " [{low:.3}, {high:.3}]");
    }
    add(&mut line, "pseudo", m.pseudo_log_likelihood);
    add(&mut line, "loss", m.update.loss);
    add(&mut line, "gap", m.update.energy_gap);
    add(&mut line, "log Z", m.log_z);
    if let Some(error) = m.log_z_std_err.filter(|e| *e > 0.0) {
        _ = write!(line, " +- {error:.3}");
    }
    line + if m.best { " *" } else { "" }
}

/// Passes the wish to stop on, and nothing else: a look must not disturb the bar of the training.
struct Quiet<'a>(&'a dyn Progress);

impl Progress for Quiet<'_> {
    fn stop(&self) -> bool {
        self.0.stop()
    }
}

/// Reads `metrics.jsonl`; a line cut off by a kill is left out.
pub fn read_metrics(run: &RunDir) -> Result<Vec<Metrics>, Error> {
    let path = run.file("metrics.jsonl");
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text.lines().filter_map(|l| serde_json::from_str(l).ok()).collect()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(Error::io(path)(e)),
    }
}

fn append_metrics(run: &RunDir, metrics: &Metrics) -> Result<(), Error> {
    let path = run.file("metrics.jsonl");
    let line = serde_json::to_string(metrics).map_err(|e| Error::run(&path, e.to_string()))? + "\n";
    let append = || -> std::io::Result<()> {
        std::fs::OpenOptions::new().create(true).append(true).open(&path)?.write_all(line.as_bytes())
    };
    append().map_err(Error::io(&path))
}

/// Drops lines written after the checkpoint that a resumed run goes on from: they will be written again.
fn truncate_metrics(run: &RunDir, step: u64) -> Result<(), Error> {
    let kept: Vec<String> = read_metrics(run)?
        .into_iter()
        .filter(|m| m.step <= step)
        .filter_map(|m| serde_json::to_string(&m).ok().map(|l| l + "\n"))
        .collect();
    crate::files::write_atomic(&run.file("metrics.jsonl"), kept.concat().as_bytes())
}
