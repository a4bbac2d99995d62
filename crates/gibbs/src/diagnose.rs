//! The sampler doctor on a model: its chains from data and from over-dispersed starts, judged.

use gibbs_core::dense::Dense;
use gibbs_core::diagnostics::doctor::{self, Diagnosis, Observations, Steps};
use gibbs_core::diagnostics::temperature::{Reading, Temperature, Thermometer, of_bits};
use gibbs_core::diagnostics::{Draws, DrawsError};
use gibbs_core::energy::{Energy, Gradient};
use gibbs_core::ensemble::Ensemble;
use gibbs_core::kernel::{Kernel, MoveInfo, StepTuning};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::path::Target;
use gibbs_core::rows::Continuous;
use gibbs_core::samplers::{Hmc, Langevin, Mala, SamplerError};
use gibbs_core::scratch::Scratch;
use gibbs_spin::Bits;
use serde::Serialize;

use crate::batch::Batch;
use crate::chains::SHORT_RUN;
use crate::config::SamplerKind;
use crate::error::Error;
use crate::models::{Model, SampleObserver, Start, Unobserved};
use crate::progress::Progress;

/// Chains of each kind of start.
const CHAINS: usize = 16;
/// Leapfrog steps of a Hamiltonian trajectory.
const LEAPFROG: u64 = 10;
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
    /// Steps that are kept.
    pub steps: u64,
    /// Steps before these.
    pub warm_up: u64,
    /// Seed.
    pub seed: u64,
}

impl Default for DiagnoseOptions {
    fn default() -> Self {
        Self { sampler: None, step_size: None, temperature: 1.0, steps: 2_000, warm_up: 1_000, seed: 0 }
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
    /// Mean energy of the data, nats.
    pub data_energy: f64,
    /// Mean energy of short runs from the base, nats.
    pub short_run_energy: f64,
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
    let info = run(model, &start, how, &key.step(2), &mut recorder)?;
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
    let acceptance = info.map(|i| i.acceptance_rate());
    if let (Some(size), Some(kind)) = (how.step_size, how.sampler) {
        let corrected = kind != SamplerKind::Langevin;
        observations.steps = Some(Steps { size, corrected, acceptance: acceptance.unwrap_or(1.0) });
    }
    // What left the region of the data has no temperature.
    let temperature = if exploded == 0 { recorder.temperature() } else { None };
    observations.temperature.clone_from(&temperature);
    let diagnosis = doctor::examine(&observations);
    let advice = diagnosis.findings.iter().map(ToString::to_string).collect();
    Ok(DiagnosisReport { diagnosis, advice, temperature, acceptance, data_energy, short_run_energy })
}

fn check(model: &dyn Model, data: &Batch, how: &DiagnoseOptions) -> Result<(), Error> {
    let usage = |text: String| Err(Error::Usage(text));
    if !(how.temperature > 0.0 && how.temperature.is_finite()) {
        return usage(format!("--temperature {}: give a positive number", how.temperature));
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

/// Runs the chains; returns what the steps of a named sampler did after warm-up.
fn run(
    model: &dyn Model,
    start: &Batch,
    how: &DiagnoseOptions,
    key: &Key,
    recorder: &mut Recorder<'_>,
) -> Result<Option<MoveInfo>, Error> {
    let total = how.warm_up + how.steps;
    let usage = |e: SamplerError| Error::Usage(format!("--sampler: {e}"));
    let (Some(kind), Some(step), Batch::Real(x)) = (how.sampler, how.step_size, start) else {
        model.sample(2 * CHAINS, Start::Rows(start), 1.0 / how.temperature, total, key, recorder);
        return Ok(None);
    };
    let path = Target(RealRows(model));
    let beta = 1.0 / how.temperature;
    Ok(Some(match kind {
        SamplerKind::Langevin => {
            let kernel = Langevin::new(step).and_then(|k| k.with_temperature(how.temperature)).map_err(usage)?;
            drive(&kernel, &path, 1.0, x, (how.warm_up, total), key, recorder)
        }
        SamplerKind::Hmc => {
            drive(&Hmc::new(step, LEAPFROG).map_err(usage)?, &path, beta, x, (how.warm_up, total), key, recorder)
        }
        SamplerKind::Mala => {
            drive(&Mala::new(step).map_err(usage)?, &path, beta, x, (how.warm_up, total), key, recorder)
        }
    }))
}

fn drive<'a, K>(
    kernel: &K,
    path: &Target<RealRows<'a>>,
    beta: f64,
    x: &Dense<f32>,
    (warm_up, total): (u64, u64),
    key: &Key,
    recorder: &mut Recorder<'_>,
) -> MoveInfo
where
    K: Kernel<Target<RealRows<'a>>, Tuning = StepTuning, Info = MoveInfo>,
{
    let mut chains = Ensemble::start(kernel, path, x);
    let mut joined = MoveInfo::default();
    for t in 0..total {
        let infos = chains.advance(kernel, path, beta, &StepTuning::default(), 1, &key.step(t));
        if t >= warm_up {
            joined = infos.into_iter().fold(joined, MoveInfo::join);
        }
        let values = chains.blocks().iter().flat_map(|c| kernel.position(c).values().iter().copied());
        let rows = Batch::Real(Dense::from_rows(x.n_cols(), values.collect()));
        let energies = path.0.0.energy(&rows);
        if !recorder.observe(t, &rows, &energies) {
            break;
        }
    }
    joined
}

/// A model of real rows as an energy for any kernel.
#[derive(Clone, Copy)]
struct RealRows<'a>(&'a dyn Model);

impl Energy for RealRows<'_> {
    type X = Dense<f32>;

    fn energy(&self, x: &Dense<f32>, out: &mut [f64], _: &mut Scratch) {
        out.copy_from_slice(&self.0.energy(&Batch::Real(x.clone())));
    }
}

impl Gradient for RealRows<'_> {
    fn energy_grad(&self, x: &Dense<f32>, e: &mut [f64], g: &mut Dense<f32>, ws: &mut Scratch) {
        self.energy(x, e, ws);
        self.grad(x, g, ws);
    }

    fn grad(&self, x: &Dense<f32>, g: &mut Dense<f32>, _: &mut Scratch) {
        let gradient = self.0.gradient(&Batch::Real(x.clone()));
        g.values_mut().copy_from_slice(&gradient.expect("models of real rows have a gradient"));
    }
}

/// The principal axes of some rows, and how wide these are.
struct Axes {
    mean: Vec<f64>,
    directions: Vec<Vec<f64>>,
    /// Root mean square distance from the mean.
    width: f64,
}

impl Axes {
    /// By power iteration, each axis orthogonal to those before.
    fn of(rows: &Batch) -> Self {
        let (n, d) = (rows.n_rows(), rows.n_cols());
        let mut x: Vec<Vec<f64>> = (0..n).map(|i| rows.row(i).into_iter().map(f64::from).collect()).collect();
        let mean: Vec<f64> = (0..d).map(|j| x.iter().map(|r| r[j]).sum::<f64>() / n as f64).collect();
        x.iter_mut().for_each(|r| r.iter_mut().zip(&mean).for_each(|(v, m)| *v -= m));
        let width = (x.iter().flatten().map(|v| v * v).sum::<f64>() / n as f64).sqrt().max(1e-12);
        let mut directions: Vec<Vec<f64>> = Vec::new();
        for k in 0..AXES.min(d) {
            let mut rng = Key::from_seed(k as u64).rng();
            let mut axis: Vec<f64> = (0..d).map(|_| rng.normal()).collect();
            for _ in 0..30 {
                let mut next = vec![0.0; d];
                for r in &x {
                    let along = dot(r, &axis);
                    next.iter_mut().zip(r).for_each(|(a, v)| *a += along * v);
                }
                for before in &directions {
                    let along = dot(&next, before);
                    next.iter_mut().zip(before).for_each(|(a, b)| *a -= along * b);
                }
                let length = dot(&next, &next).sqrt();
                if length < 1e-12 {
                    break;
                }
                axis = next.into_iter().map(|a| a / length).collect();
            }
            let length = dot(&axis, &axis).sqrt();
            axis.iter_mut().for_each(|a| *a /= length);
            directions.push(axis);
        }
        Self { mean, directions, width }
    }

    fn coordinates(&self, row: &[f32]) -> (Vec<f64>, f64) {
        let centred: Vec<f64> = row.iter().zip(&self.mean).map(|(v, m)| f64::from(*v) - m).collect();
        (self.directions.iter().map(|a| dot(a, &centred)).collect(), dot(&centred, &centred).sqrt())
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// What is recorded of the chains after warm-up.
struct Recorder<'a> {
    model: &'a dyn Model,
    axes: &'a Axes,
    warm_up: u64,
    every: u64,
    energies: Vec<Vec<f64>>,
    /// `[axis][chain]`.
    projections: Vec<Vec<Vec<f64>>>,
    stayed: Vec<u64>,
    left: Vec<bool>,
    previous: Option<Batch>,
    meter: Option<Thermometer>,
    /// Log-odds and bits of each chain, where the model knows them.
    bits: Vec<(Vec<f64>, Vec<bool>)>,
    progress: &'a dyn Progress,
}

impl<'a> Recorder<'a> {
    fn new(model: &'a dyn Model, axes: &'a Axes, how: &DiagnoseOptions, progress: &'a dyn Progress) -> Self {
        let (n, d) = (2 * CHAINS, model.n_columns());
        let directions = if d <= COORDINATES {
            Thermometer::coordinates(n, d)
        } else {
            let mut rng = Key::from_seed(0).rng();
            let unit = |_| {
                let u: Vec<f64> = (0..d).map(|_| rng.normal()).collect();
                let length = dot(&u, &u).sqrt();
                u.into_iter().map(move |v| v / length)
            };
            Thermometer::new(n, d, (0..COORDINATES).flat_map(unit).collect())
        };
        let probe = model.sample(1, Start::Base, 1.0, 0, &Key::from_seed(0), &mut Unobserved);
        let real = matches!(probe, Batch::Real(_)) && model.gradient(&probe).is_some();
        Self {
            model,
            axes,
            warm_up: how.warm_up,
            every: (how.steps / READINGS[usize::from(!real)]).max(1),
            energies: vec![Vec::new(); n],
            projections: vec![vec![Vec::new(); n]; axes.directions.len()],
            stayed: vec![0; n],
            left: vec![false; n],
            previous: None,
            meter: real.then_some(directions),
            bits: vec![(Vec::new(), Vec::new()); n],
            progress,
        }
    }

    fn measure(&mut self, rows: &Batch) {
        match rows {
            Batch::Real(x) => {
                if let Some(meter) = &mut self.meter {
                    let step = DIFFERENCE * self.axes.width / (x.n_cols() as f64).sqrt();
                    meter.record(&RealRows(self.model), x, step, &mut Scratch::default());
                }
            }
            Batch::Bits(x) => {
                let Some(deltas) = self.model.flip_deltas(rows) else { return };
                let d = x.n_cols();
                for (c, (log_odds, on)) in self.bits.iter_mut().enumerate() {
                    for j in 0..d {
                        let (bit, delta) = (x.get(c, j), deltas[c * d + j]);
                        log_odds.push(if bit { delta } else { -delta });
                        on.push(bit);
                    }
                }
            }
        }
    }

    fn temperature(&self) -> Option<Temperature> {
        if let Some(meter) = &self.meter {
            return meter.read();
        }
        let log_odds: Vec<f64> = self.bits.iter().flat_map(|b| b.0.iter().copied()).collect();
        let on: Vec<bool> = self.bits.iter().flat_map(|b| b.1.iter().copied()).collect();
        let overall: Reading = of_bits(&log_odds, &on, self.bits.len())?;
        Some(Temperature { overall, directions: Vec::new() })
    }

    fn exploded(&self) -> usize {
        self.left.iter().filter(|l| **l).count()
    }

    /// Energies, and coordinates along each axis, chain after chain.
    fn traces(&self) -> (Vec<f64>, Vec<Vec<f64>>) {
        (self.energies.concat(), self.projections.iter().map(|p| p.concat()).collect())
    }
}

impl SampleObserver for Recorder<'_> {
    fn observe(&mut self, step: u64, rows: &Batch, energies: &[f64]) -> bool {
        self.progress.advance(step + 1);
        if step < self.warm_up {
            return !self.progress.stop();
        }
        for (c, e) in energies.iter().enumerate() {
            let row = rows.row(c);
            let (along, distance) = self.axes.coordinates(&row);
            let finite = e.is_finite() && distance.is_finite();
            self.left[c] |= !finite || distance > FAR * self.axes.width;
            // Chains that left are counted; what is judged of the others needs finite numbers.
            self.energies[c].push(if finite { *e } else { 0.0 });
            for (trace, value) in self.projections.iter_mut().zip(along) {
                trace[c].push(if finite { value } else { 0.0 });
            }
            let stayed = self.previous.as_ref().is_some_and(|p| p.row(c) == row);
            self.stayed[c] += u64::from(stayed);
        }
        if (step - self.warm_up).is_multiple_of(self.every) {
            self.measure(rows);
        }
        self.previous = Some(rows.clone());
        !self.progress.stop()
    }

    fn wants_energies(&self, step: u64) -> bool {
        step >= self.warm_up
    }
}
