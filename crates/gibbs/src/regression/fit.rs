//! A run: a table in, a run directory out.

use std::path::Path;
use std::time::Instant;

use gibbs_core::key::{Key, Purpose};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ensemble::Frame;
use super::least_squares::LeastSquares;
use super::table::Outcomes;
use super::{Ensemble, Evaluation, Forecast, RegressionConfig, report, table};
use crate::config::FORMAT;
use crate::dataset::split_of;
use crate::error::Error;
use crate::files;
use crate::options::FitOptions;
use crate::progress::Progress;
use crate::run_dir::{Machine, Manifest, RunDir, Status, commit, hex};

/// How well the linear model does on the test part.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Linear {
    /// Mean negative log-likelihood with the variance of the training residuals, nats.
    pub log_score: f64,
    /// Root mean squared error.
    pub rmse: f64,
}

/// How a fit ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegressionResult {
    /// Training, validation and test rows.
    pub rows: [usize; 3],
    /// Inputs.
    pub n_inputs: usize,
    /// Weights of a member.
    pub n_weights: usize,
    /// Seconds of training.
    pub seconds: f64,
    /// On the rows that were learnt from.
    pub train: Evaluation,
    /// On the rows that nothing was decided by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<Evaluation>,
    /// What members reach by themselves on the test part: mean loss.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<f64>,
    /// Linear least squares on the same rows, for real outcomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linear: Option<Linear>,
}

/// Fits an ensemble to the table that the options name, in a new run directory: configuration, manifest, model, metrics,
/// evaluation and report.
///
/// Validation rows make the conformal intervals. With early stopping the first half of them decides when to stop and only the
/// second half is used for the intervals, which would be too narrow otherwise.
///
/// # Errors
/// Options without meaning, a table that cannot be learnt from (with row and column), a directory that is taken, training that
/// diverged, or a file that cannot be written.
pub fn fit(
    options: &FitOptions,
    out: &Path,
    force: bool,
    progress: &dyn Progress,
) -> Result<(RunDir, RegressionResult), Error> {
    let config = RegressionConfig::resolve(options)?;
    let path = Path::new(&config.data);
    let rows = table::read(path, &config.reading(), &config.target, config.head)?;
    let data = rows.data();
    let split = split_of(&rows.inputs, &config.division())?;
    let (watch, hold) = match split.validation.len() / 2 {
        half if config.patience > 0 && half > 0 => split.validation.split_at(half),
        _ => (&[][..], &split.validation[..]),
    };
    if config.patience > 0 && watch.is_empty() {
        return Err(Error::Usage(
            "--patience watches validation rows, and there are none: raise --validation-fraction".into(),
        ));
    }
    let head = config.head(rows.classes.len());
    // A table that cannot be learnt from leaves no directory behind.
    Frame::new(&data, head.clone(), &config.settings(), &split.train, watch)?;
    let run = RunDir::create(out, force)?;
    let toml = toml::to_string(&config).map_err(|e| Error::run(run.file("config.toml"), e.to_string()))?;
    files::write_atomic(&run.file("config.toml"), toml.as_bytes())?;
    let mut manifest = Manifest {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").into(),
        commit: commit().into(),
        config_sha256: hex(&Sha256::digest(toml.as_bytes())),
        data_sha256: rows.inputs.source_hash_hex(),
        seed: config.seed,
        machine: Machine::here(),
        wall_seconds: 0.0,
        status: Status::Running,
    };
    run.write_manifest(&manifest)?;
    run.write_json("split.json", &split)?;

    let (key, begin) = (Key::from_seed(config.seed), Instant::now());
    let trained = Ensemble::fit(&data, head, &config.settings(), &split.train, watch, &key, progress);
    let (mut model, looks) = match trained {
        Err(error @ Error::Diverged { .. }) => {
            manifest.status = Status::Diverged;
            run.write_manifest(&manifest)?;
            return Err(error);
        }
        other => other?,
    };
    if !hold.is_empty() {
        model.calibrate(&data, hold, config.level)?;
    }
    let seconds = begin.elapsed().as_secs_f64();
    model.write(&run.file("model.safetensors"))?;
    let lines = looks.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>();
    let lines = lines.map_err(|e| Error::run(run.file("metrics.jsonl"), e.to_string()))?;
    files::write_atomic(
        &run.file("metrics.jsonl"),
        lines.iter().flat_map(|l| [l, "\n"]).collect::<String>().as_bytes(),
    )?;
    manifest.wall_seconds = seconds;
    manifest.status = if progress.stop() { Status::Interrupted } else { Status::Complete };
    run.write_manifest(&manifest)?;

    let evaluate = |part: &[usize], step: u64| -> Result<(Vec<Forecast>, Evaluation), Error> {
        let forecasts = model.forecasts_of(&rows.inputs, part)?;
        let outcome: Vec<f64> = part.iter().map(|r| rows.outcome[*r]).collect();
        let key = key.purpose(Purpose::Other).step(step);
        let found = Evaluation::of(&forecasts, &outcome, &config.target, model.conformal(), config.level, &key)?;
        Ok((forecasts, found))
    };
    let train = evaluate(&split.train, 0)?.1;
    let test = if split.test.is_empty() { None } else { Some(evaluate(&split.test, 1)?) };
    let result = RegressionResult {
        rows: [split.train.len(), split.validation.len(), split.test.len()],
        n_inputs: model.frame.network.n_inputs,
        n_weights: model.members[0].flat().len(),
        seconds,
        train,
        members: alone(&model, &rows, &split.test)?,
        linear: linear(&model, &rows, &split.train, &split.test)?,
        test: test.as_ref().map(|t| t.1.clone()),
    };
    run.write_json("evaluation.json", &result)?;
    let seen: Vec<f64> = split.test.iter().map(|r| rows.outcome[*r]).collect();
    let shown = test.as_ref().map(|t| (&t.0[..], &seen[..]));
    report::write(&run, &config, &model, &looks, &result, shown, &toml)?;
    Ok((run, result))
}

/// Mean loss of every member by itself.
fn alone(model: &Ensemble, rows: &Outcomes, part: &[usize]) -> Result<Vec<f64>, Error> {
    if part.is_empty() || model.members.len() < 2 {
        return Ok(Vec::new());
    }
    let mean = |forecasts: Vec<Forecast>| {
        let loss = |(f, r): (&Forecast, &usize)| f.loss(rows.outcome[*r]);
        forecasts.iter().zip(part).map(loss).sum::<f64>() / part.len() as f64
    };
    Ok(model.member_forecasts(&rows.inputs, part)?.into_iter().map(mean).collect())
}

/// Linear least squares on the same rows.
fn linear(model: &Ensemble, rows: &Outcomes, train: &[usize], test: &[usize]) -> Result<Option<Linear>, Error> {
    if test.is_empty() || !model.frame.network.head.takes_reals() {
        return Ok(None);
    }
    let fitted = LeastSquares::fit(&rows.inputs, &rows.outcome, train)?;
    let predicted = fitted.predict(&rows.inputs, test)?;
    let square =
        test.iter().zip(&predicted).map(|(r, p)| (rows.outcome[*r] - p).powi(2)).sum::<f64>() / test.len() as f64;
    let log_score = 0.5 * ((std::f64::consts::TAU * fitted.variance()).ln() + square / fitted.variance());
    Ok(Some(Linear { log_score, rmse: square.sqrt() }))
}
