//! The sampler doctor on a model: its chains from data and from over-dispersed starts, judged.

mod axes;
mod recorder;
mod sampling;

use gibbs_core::diagnostics::doctor::{self, Diagnosis, Observations, Steps};
use gibbs_core::diagnostics::temperature::Temperature;
use gibbs_core::diagnostics::{Draws, DrawsError};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::rows::Continuous;
use gibbs_core::samplers::SwapStatistics;
use gibbs_spin::Bits;
use serde::Serialize;

use crate::batch::Batch;
use crate::chains::SHORT_RUN;
use crate::config::SamplerKind;
use crate::error::Error;
use crate::models::{Model, Start, Unobserved};
use crate::progress::Progress;
use axes::Axes;
use recorder::Recorder;
use sampling::run;

/// Chains of each kind of start.
const CHAINS: usize = 16;
/// Rows that the data's energies and axes are taken from.
const ROWS: usize = 1_000;
/// Axes that modes are looked for along.
const AXES: usize = 2;
/// Readings of the thermometer in a run, of real rows and of bits.
const READINGS: [u64; 2] = [50, 20];
/// Columns up to which the temperature is taken along every coordinate; beyond, along as many random directions.
const COORDINATES: usize = 16;
/// Length of the central differences over the typical width of a column.
const DIFFERENCE: f64 = 0.01;
/// Over-dispersed starts: the base's draws stretched about their mean.
const STRETCH: f32 = 3.0;
/// A chain this many widths of the data away has left.
const FAR: f64 = 1e3;

/// Which sampler is looked at, and for how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DiagnoseOptions {
    /// The sampler of real rows; the model's own if none is named.
    pub sampler: Option<SamplerKind>,
    /// Its step size; needed where a sampler is named.
    pub step_size: Option<f64>,
    /// Temperature it is set to; the chains are judged as samples at temperature 1.
    pub temperature: f64,
    /// Levels of replica exchange between the base and the model, if the chains are tempered; the coldest are judged.
    pub tempering: Option<usize>,
    /// Steps that are kept.
    pub steps: u64,
    /// Steps before these.
    pub warm_up: u64,
    /// Seed.
    pub seed: u64,
}

impl Default for DiagnoseOptions {
    fn default() -> Self {
        Self {
            sampler: None,
            step_size: None,
            temperature: 1.0,
            tempering: None,
            steps: 2_000,
            warm_up: 1_000,
            seed: 0,
        }
    }
}

/// A diagnosis as it is reported: the doctor's own numbers, the findings in words, and the temperature.
#[derive(Clone, Debug, Serialize)]
pub struct DiagnosisReport {
    /// The judgement and its numbers.
    #[serde(flatten)]
    pub diagnosis: Diagnosis,
    /// The findings in words, with causes and remedies, in the same order.
    pub advice: Vec<String>,
    /// The configurational temperature of real rows, or that of the conditional probabilities of bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<Temperature>,
    /// Mean acceptance of proposals, where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acceptance: Option<f64>,
    /// Betancourt's fraction of missing information, of Hamiltonian chains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub e_bfmi: Option<f64>,
    /// Swaps and journeys of tempered chains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tempering: Option<TemperingReport>,
    /// Mean energy of the data, nats.
    pub data_energy: f64,
    /// Mean energy of short runs from the base, nats.
    pub short_run_energy: f64,
}

/// What tempered replicas did on their ladder.
#[derive(Clone, Debug, Serialize)]
pub struct TemperingReport {
    /// Acceptance of swaps between neighbouring levels, from the hottest.
    pub swap_rates: Vec<f64>,
    /// The communication barrier: the sum of the rejections; twice as many levels, and some, are best.
    pub barrier: f64,
    /// Journeys from the coldest level to the hottest and back.
    pub round_trips: u64,
    /// How many there would be if every level mixed at once between swaps.
    pub ideal_round_trips: f64,
}

impl TemperingReport {
    fn new(swaps: &SwapStatistics) -> Self {
        Self {
            swap_rates: swaps.rates(),
            barrier: swaps.barrier(),
            round_trips: swaps.round_trips,
            ideal_round_trips: swaps.ideal_round_trip_rate() * swaps.rounds as f64,
        }
    }
}

/// Name of the diagnosis in a run directory.
pub const REPORT: &str = "diagnosis.json";

/// Runs chains of a model from rows of `data` and from over-dispersed starts and judges them.
///
/// # Errors
/// [`Error::Usage`] for settings without meaning; [`Error::Interrupted`].
pub fn diagnose(
    model: &dyn Model,
    data: &Batch,
    how: &DiagnoseOptions,
    progress: &dyn Progress,
) -> Result<DiagnosisReport, Error> {
    check(model, data, how)?;
    let key = Key::from_seed(how.seed).purpose(Purpose::Other);
    let few = sample_rows(data, ROWS, &key.step(0));
    let energies = model.energy(&few);
    let (data_energy, data_sd) = mean_and_sd(&energies);
    let axes = Axes::of(&few);
    let start = starts(model, &few, &key.step(1));
    let mut recorder = Recorder::new(model, &axes, how, progress);
    progress.begin("sampling", how.warm_up + how.steps);
    let ran = run(model, &start, how, &key.step(2), &mut recorder)?;
    progress.end();
    if progress.stop() {
        return Err(Error::Interrupted);
    }
    let n_short = 2 * CHAINS;
    let short = model.sample(n_short, Start::Base, 1.0, SHORT_RUN, &key.step(3), &mut Unobserved);
    let short_run_energy = mean_and_sd(&model.energy(&short)).0;

    let n = 2 * CHAINS;
    let starts = vec![("data".to_string(), 0..CHAINS), ("over-dispersed starts".to_string(), CHAINS..n)];
    let too_short = |e: DrawsError| Error::Usage(format!("--steps {}: {e}", how.steps));
    let exploded = recorder.exploded();
    let (traces, projections) = recorder.traces();
    let mut observations = Observations::of(Draws::new(&traces, n).map_err(too_short)?, starts);
    observations.projections =
        projections.iter().map(|p| Draws::new(p, n)).collect::<Result<_, _>>().map_err(too_short)?;
    observations.self_transitions = recorder.stayed.iter().map(|s| *s as f64 / how.steps as f64).collect();
    observations.exploded = exploded;
    observations.short_run = Some(short_run_energy);
    observations.data = Some((data_energy, data_sd));
    let acceptance = ran.moves.map(|i| i.acceptance_rate());
    observations.e_bfmi = recorder.e_bfmi();
    observations.swaps = ran.swaps.as_ref();
    if let (Some(size), Some(kind)) = (how.step_size, how.sampler) {
        let corrected = kind != SamplerKind::Langevin;
        observations.steps = Some(Steps { size, corrected, acceptance: acceptance.unwrap_or(1.0) });
    }
    // What left the region of the data has no temperature.
    let temperature = if exploded == 0 { recorder.temperature() } else { None };
    observations.temperature.clone_from(&temperature);
    let diagnosis = doctor::examine(&observations);
    Ok(DiagnosisReport {
        advice: diagnosis.findings.iter().map(ToString::to_string).collect(),
        e_bfmi: observations.e_bfmi,
        tempering: ran.swaps.as_ref().map(TemperingReport::new),
        diagnosis,
        temperature,
        acceptance,
        data_energy,
        short_run_energy,
    })
}

fn check(model: &dyn Model, data: &Batch, how: &DiagnoseOptions) -> Result<(), Error> {
    let usage = |text: String| Err(Error::Usage(text));
    if !(how.temperature > 0.0 && how.temperature.is_finite()) {
        return usage(format!("--temperature {}: give a positive number", how.temperature));
    }
    match how.tempering {
        Some(levels) if !(2..=1_024).contains(&levels) => {
            return usage(format!("--tempering {levels}: give from 2 to 1,024 levels"));
        }
        Some(_) if how.sampler.is_some() || how.temperature != 1.0 => {
            return usage("--tempering goes with the model's own sampler at temperature 1".into());
        }
        _ => {}
    }
    if how.steps < 100 || how.steps > 1 << 24 || how.warm_up > 1 << 32 {
        return usage(format!("--steps {}: from 100 to 16,777,216 are kept", how.steps));
    }
    match (how.sampler, how.step_size, data) {
        (Some(kind), _, Batch::Bits(_)) => usage(format!(
            "--sampler {} is for models of real rows; a {} has a sampler of its own",
            kind.name(),
            model.kind().name()
        )),
        (Some(kind), None, _) => usage(format!("--sampler {} needs a --step-size", kind.name())),
        (None, Some(_), _) => usage("--step-size needs a --sampler: the model's own sampler adapts its steps".into()),
        _ => Ok(()),
    }
}

/// Some rows, without repetition where there are enough.
fn sample_rows(data: &Batch, n: usize, key: &Key) -> Batch {
    let mut order: Vec<usize> = (0..data.n_rows()).collect();
    key.rng().shuffle(&mut order);
    order.truncate(n);
    data.select(&order)
}

fn mean_and_sd(x: &[f64]) -> (f64, f64) {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    (mean, (x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0)).sqrt())
}

/// Rows of data, then over-dispersed ones: fair bits, or draws of the base stretched about their mean.
fn starts(model: &dyn Model, rows: &Batch, key: &Key) -> Batch {
    let from_data = rows.select(&(0..CHAINS).map(|i| i % rows.n_rows()).collect::<Vec<_>>());
    let over = match model.sample(CHAINS, Start::Base, 1.0, 0, &key.step(0), &mut Unobserved) {
        Batch::Bits(x) => {
            let mut rng = key.step(1).rng();
            let words = x.words().iter().map(|_| rng.next_u64()).collect();
            Batch::Bits(Bits::from_words(CHAINS, x.n_cols(), words))
        }
        Batch::Real(mut x) => {
            let d = x.n_cols();
            let mean: Vec<f32> =
                (0..d).map(|j| (0..CHAINS).map(|i| x.row(i)[j]).sum::<f32>() / CHAINS as f32).collect();
            x.values_mut().iter_mut().enumerate().for_each(|(i, v)| *v = mean[i % d] + STRETCH * (*v - mean[i % d]));
            Batch::Real(x)
        }
    };
    from_data.followed_by(&over)
}
