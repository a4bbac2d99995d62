//! A network as the energy of real rows, behind the common interface.

use gibbs_core::compose::Conditional;
use gibbs_core::dense::Dense;
use gibbs_core::energy::{Distribution, Energy, Gradient, Parametric};
use gibbs_core::ensemble::Ensemble;
use gibbs_core::kernel::{Kernel, MoveInfo, StepTuning};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::log_partition::ais::linear_ladder;
use gibbs_core::log_partition::ratio::Between;
use gibbs_core::log_partition::{Certificate, GridSampler, LogZ, Quadrature, RaiseEstimate, Starts};
use gibbs_core::path::{Annealable, Bridge, Target};
use gibbs_core::persist::{Persist, StateError, Tensor, TensorMap};
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::samplers::{Mala, Paced, SwapStatistics};
use gibbs_core::scratch::Scratch;
use gibbs_tensor::energies::Gaussian;
use gibbs_tensor::nets::Network;
use gibbs_tensor::trace::TapeEnergy;
use serde::{Deserialize, Serialize};

use super::machine::raise;
use super::tempered::temper;
use super::{LogZOptions, Model, ModelHeader, SampleObserver, Start, climb};
use crate::batch::Batch;
use crate::bracket::{Annealing, BracketOptions};
use crate::config::{LogZMethod, ModelKind};
use crate::conservative::RaiseOptions;
use crate::error::Error;
use crate::progress::Progress;

/// Columns up to which `log Z` is computed by quadrature.
pub const QUADRATURE_COLUMNS: usize = 3;
/// Points that quadrature may take.
const MOST_POINTS: usize = 20_000_000;
/// Half the side of the quadrature's box over the length of the confinement: beyond six of its standard deviations the
/// quadratic alone leaves 2e-9 of a Gaussian's mass a dimension.
const BOX_OVER_CONFINEMENT: f64 = 6.0;
/// The same over the spread of the data, where there is no confinement.
const BOX_OVER_SPREAD: f64 = 10.0;
/// Columns up to which the base has a full covariance.
const FULL_COVARIANCE: usize = 128;
/// Largest over smallest step of MALA: enough for chains to leave the sharpest folds of a landscape in training.
pub(crate) const MALA_SPREAD: f64 = 100.0;
/// The same in a bracket, whose steps follow the temperature.
const BRACKET_SPREAD: f64 = 10.0;
/// Acceptance that these steps aim at, the best for MALA in high dimension, and chains of the pilot that fits them.
const ACCEPTANCE: f64 = 0.574;
const PACING_CHAINS: usize = 128;
/// Steps in which the sampler finds its step size.
const ADAPTATION_STEPS: u64 = 200;

const MEAN: &str = "base.mean";
const COVARIANCE: &str = "base.covariance";
const PARAMS: &str = "params.";

/// What must be known of a network to build and sample it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NeuralSettings {
    /// The network.
    pub network: Network,
    /// Step size that sampling starts from before it adapts.
    pub step_size: f64,
}

/// A network as an energy, with the Gaussian base that annealing and chains start from.
#[derive(Clone, Debug)]
pub struct NeuralModel {
    kind: ModelKind,
    energy: TapeEnergy<f32>,
    base: Gaussian<f32>,
    settings: NeuralSettings,
}

/// A Gaussian fitted to rows, with a ridge that keeps constant columns (corners of pictures) proper.
pub(crate) fn fitted_base(rows: &Dense<f32>) -> Result<Gaussian<f32>, String> {
    let fit = if rows.n_cols() <= FULL_COVARIANCE && rows.n_rows() > 2 * rows.n_cols() {
        Gaussian::fit(rows, 1e-4)
    } else {
        Gaussian::fit_diagonal(rows, 1e-3)
    };
    fit.map_err(|e| e.to_string())
}

fn real(rows: &Batch) -> &Dense<f32> {
    rows.real().expect("a network is a model of real rows")
}

impl NeuralModel {
    pub(crate) fn new(kind: ModelKind, energy: TapeEnergy<f32>, base: Gaussian<f32>, settings: NeuralSettings) -> Self {
        Self { kind, energy, base, settings }
    }

    /// The energy.
    pub fn tape_energy(&self) -> &TapeEnergy<f32> {
        &self.energy
    }

    /// The layout of the file: `params.*` (F32), `base.mean` and `base.covariance` (F64; its diagonal alone where there
    /// are more than 128 columns).
    pub(crate) fn from_tensors(header: &ModelHeader, map: &TensorMap) -> Result<Self, StateError> {
        Self::restored(header.kind, header.settings.clone(), map)
    }

    fn restored(kind: ModelKind, settings: Option<NeuralSettings>, map: &TensorMap) -> Result<Self, StateError> {
        let invalid = |name: &str, reason: String| StateError::Invalid { name: name.into(), reason };
        let settings = settings.ok_or_else(|| invalid("model", "it has no network".into()))?;
        let mean = map.expect(MEAN, None)?.to_f64(MEAN)?;
        let d = mean.len();
        let tensor = map.expect(COVARIANCE, None)?;
        let covariance = tensor.to_f64(COVARIANCE)?;
        let base = if tensor.shape == [d, d] {
            Gaussian::from_covariance(&mean, &covariance)
        } else {
            Gaussian::diagonal(&mean, &covariance)
        };
        let base = base.map_err(|e| invalid(COVARIANCE, e.to_string()))?;
        let energy = settings.network.energy::<f32>(d, &Key::from_seed(0));
        let mut energy = energy.map_err(|e| invalid("model", e.to_string()))?;
        energy.params_mut().load(PARAMS, map)?;
        if let Some((name, i)) = energy.params().first_non_finite() {
            return Err(invalid(name, format!("entry {i} is not finite")));
        }
        Ok(Self::new(kind, energy, base, settings))
    }

    /// The box of quadrature and of the grid that exact samples come from: beyond it there is next to nothing.
    fn reach(&self) -> (Vec<f64>, Vec<f64>) {
        let d = self.n_columns();
        let variance = self.base.covariance();
        let reach = self.base.mean().iter().enumerate().map(|(i, mean)| {
            let sd = variance[i * d + i].sqrt();
            match self.settings.network.confinement {
                Some(s) => (BOX_OVER_CONFINEMENT * s).max(mean.abs() + BOX_OVER_SPREAD * sd),
                None => BOX_OVER_SPREAD * sd + mean.abs(),
            }
        });
        let upper: Vec<f64> = reach.collect();
        (upper.iter().map(|u| -u).collect(), upper)
    }

    fn quadrature(&self, how: &LogZOptions) -> Result<LogZ, Error> {
        let (lower, upper) = self.reach();
        let mut quadrature = Quadrature::new(how.tolerance, MOST_POINTS)?;
        if let Some(s) = self.settings.network.confinement {
            quadrature = quadrature.with_quadratic_tail(s)?;
        }
        Ok(quadrature.estimate(&self.energy, &lower, &upper)?.log_z())
    }

    /// The sampler of a path, its step sizes fitted by a pilot.
    fn paced<P>(&self, path: &P, key: &Key) -> Paced<Mala>
    where
        P: Annealable,
        Mala: Kernel<P, Tuning = StepTuning, Info = MoveInfo>,
    {
        let mala = Mala { step_size: self.settings.step_size, spread: BRACKET_SPREAD };
        Paced::fit(mala, path, PACING_CHAINS, ACCEPTANCE, key)
    }

    /// Exact samples, in as many columns as a grid can fill.
    fn exact_starts(&self) -> Result<Option<Starts<'_, Dense<f32>>>, Error> {
        if self.n_columns() > QUADRATURE_COLUMNS {
            return Ok(None);
        }
        let (lower, upper) = self.reach();
        let grid = GridSampler::new(&self.energy, &lower, &upper)?;
        Ok(Some(Starts::exact("rejection from a grid", move |n, key: &Key| grid.sample(n, key))))
    }

    fn ratio_to(
        &self,
        other: &Self,
        how: &BracketOptions,
        rows: Option<&Dense<f32>>,
        key: &Key,
        progress: &dyn Progress,
    ) -> Result<Certificate, Error> {
        let paths = [self, other].map(|m| Bridge { base: &m.base, target: &m.energy });
        let kernels = [0, 1].map(|i| [self, other][i].paced(&paths[i], &key.purpose(Purpose::Other).block(i as u64)));
        let samples = |i: usize| -> Result<Starts<'_, Dense<f32>>, Error> {
            if let Some(exact) = [self, other][i].exact_starts()? {
                return Ok(exact);
            }
            let (kernel, path, steps) = (&kernels[i], &paths[i], how.start_steps);
            Ok(if let Some(rows) = rows {
                Starts::from_rows("long chains from data", kernel, path, rows, steps)
            } else {
                let climb = linear_ladder(steps.clamp(1, 1 << 20) as usize);
                Starts::annealed("chains annealed from the base", kernel, path, climb, steps)
            })
        };
        let between = Between::new(Bridge { base: &self.energy, target: &other.energy }, samples(0)?);
        let kernel = self.paced(&between, &key.purpose(Purpose::Other).block(2));
        let starts = vec![samples(1)?];
        let annealing = Annealing { path: &between, kernel: &kernel, reversible: true, starts, rows: None };
        Ok(between.admit(annealing.bracket(how, key, progress)?))
    }

    fn kernel(&self) -> Mala {
        Mala { step_size: self.settings.step_size, spread: MALA_SPREAD }
    }
}

impl Model for NeuralModel {
    fn kind(&self) -> ModelKind {
        self.kind
    }

    fn n_columns(&self) -> usize {
        self.energy.n_cols()
    }

    fn describe(&self) -> String {
        let what = if self.kind == ModelKind::Conv { "convolutional energy" } else { "energy network" };
        let widths: Vec<String> = self.settings.network.widths().iter().map(usize::to_string).collect();
        let (columns, params) = (self.n_columns(), self.energy.params().flat().len());
        format!("{what} {columns}-{}-1, {params} parameters", widths.join("-"))
    }

    fn energy(&self, rows: &Batch) -> Vec<f64> {
        let mut out = vec![0.0; rows.n_rows()];
        self.energy.energy(real(rows), &mut out, &mut Scratch::default());
        out
    }

    fn pseudo_log_likelihood(&self, _rows: &Batch) -> Option<Vec<f64>> {
        None
    }

    fn log_z(&self, how: &LogZOptions, key: &Key, progress: &dyn Progress) -> Result<LogZ, Error> {
        let low = self.n_columns() <= QUADRATURE_COLUMNS;
        match how.method {
            LogZMethod::Exact if !low => Err(Error::Usage(format!(
                "quadrature goes up to {QUADRATURE_COLUMNS} columns, this model has {}: use --log-z ais",
                self.n_columns()
            ))),
            LogZMethod::Exact => self.quadrature(how),
            LogZMethod::Bracket => {
                Ok(self.bracket(&BracketOptions::default(), None, &key.purpose(Purpose::LogZ), progress)?.log_z())
            }
            LogZMethod::Auto if low => self.quadrature(how),
            _ => {
                let path = Bridge { base: &self.base, target: &self.energy };
                climb::log_z(&path, &self.kernel(), None, how, key, progress)
            }
        }
    }

    fn exact_work(&self) -> Option<u64> {
        (self.n_columns() <= QUADRATURE_COLUMNS).then_some(MOST_POINTS as u64)
    }

    fn bracket(
        &self,
        how: &BracketOptions,
        rows: Option<&Batch>,
        key: &Key,
        progress: &dyn Progress,
    ) -> Result<Certificate, Error> {
        let path = Bridge { base: &self.base, target: &self.energy };
        let kernel = self.paced(&path, &key.purpose(Purpose::Other));
        let starts = self.exact_starts()?.into_iter().collect();
        Annealing { path: &path, kernel: &kernel, reversible: true, starts, rows: rows.map(real) }
            .bracket(how, key, progress)
    }

    fn ratio(
        &self,
        other: &dyn Model,
        how: &BracketOptions,
        rows: Option<&Batch>,
        key: &Key,
        progress: &dyn Progress,
    ) -> Option<Result<Certificate, Error>> {
        let settings = other.settings()?;
        if other.n_columns() != self.n_columns() {
            return None;
        }
        let other = Self::restored(other.kind(), Some(settings), &other.tensors());
        let other = other.map_err(|e| Error::Usage(e.to_string()));
        Some(other.and_then(|other| self.ratio_to(&other, how, rows.map(real), key, progress)))
    }

    fn sample(
        &self,
        n_chains: usize,
        start: Start<'_>,
        beta: f64,
        steps: u64,
        key: &Key,
        observer: &mut dyn SampleObserver,
    ) -> Batch {
        let x = match start {
            Start::Base => self.base.sample(n_chains, &key.purpose(Purpose::Init)),
            Start::Rows(rows) => real(rows).select(&(0..n_chains).map(|i| i % rows.n_rows()).collect::<Vec<_>>()),
        };
        let watch = &mut |t: u64, rows: &Dense<f32>, energies: &[f64]| {
            observer.observe(t, &Batch::Real(rows.clone()), energies)
        };
        Batch::Real(walk(self.kernel(), &self.energy, x, beta, steps, key, watch))
    }

    fn raise(
        &self,
        rows: &Batch,
        how: &RaiseOptions,
        key: &Key,
        progress: &dyn Progress,
    ) -> Option<Result<RaiseEstimate, Error>> {
        let path = Bridge { base: &self.base, target: &self.energy };
        let kernel = self.paced(&path, &key.purpose(Purpose::Other));
        Some(raise(&path, kernel, real(rows), how, key, progress))
    }

    fn temper(
        &self,
        levels: usize,
        from: &Batch,
        steps: u64,
        key: &Key,
        observer: &mut dyn SampleObserver,
    ) -> Result<SwapStatistics, Error> {
        let path = Bridge { base: &self.base, target: &self.energy };
        let kernel = self.paced(&path, &key.purpose(Purpose::Other));
        temper(&path, &kernel, real(from), levels, steps, key, |t, x, energies| {
            observer.observe(t, &Batch::Real(x.clone()), energies)
        })
        .map_err(|e| Error::Usage(e.to_string()))
    }

    /// By MALA on the free coordinates.
    fn sample_given(
        &self,
        from: &Batch,
        known: &[bool],
        steps: u64,
        key: &Key,
        observer: &mut dyn SampleObserver,
    ) -> Result<Batch, Error> {
        let rows = real(from);
        let given = Conditional::new(&self.energy, rows.row(0).to_vec(), known);
        let free = given.free();
        let start = (0..rows.n_rows()).flat_map(|i| free.iter().map(move |&c| rows.row(i)[c])).collect();
        let watch = &mut |t: u64, x: &Dense<f32>, energies: &[f64]| {
            observer.observe(t, &Batch::Real(given.joined(x)), energies)
        };
        let end = walk(self.kernel(), &given, Dense::from_rows(free.len(), start), 1.0, steps, key, watch);
        Ok(Batch::Real(given.joined(&end)))
    }

    fn tensors(&self) -> TensorMap {
        let mut map = TensorMap::default();
        self.energy.params().save(PARAMS, &mut map);
        let mean = self.base.mean();
        let d = mean.len();
        map.insert(MEAN, Tensor::from_f64(&[d], mean));
        let covariance = self.base.covariance();
        if d <= FULL_COVARIANCE {
            map.insert(COVARIANCE, Tensor::from_f64(&[d, d], &covariance));
        } else {
            let diagonal: Vec<f64> = (0..d).map(|i| covariance[i * d + i]).collect();
            map.insert(COVARIANCE, Tensor::from_f64(&[d], &diagonal));
        }
        map
    }

    fn settings(&self) -> Option<NeuralSettings> {
        Some(self.settings.clone())
    }

    fn gradient(&self, rows: &Batch) -> Option<Vec<f32>> {
        let x = real(rows);
        let mut g = Dense::zeros(x.n_rows(), x.n_cols());
        self.energy.grad(x, &mut g, &mut Scratch::default());
        Some(g.values().to_vec())
    }
}

/// Sees the number of a step, positions and energies, and may end the run.
type Watch<'a> = dyn FnMut(u64, &Dense<f32>, &[f64]) -> bool + 'a;

/// Chains of MALA from `x`, which adapt their step over the first steps; `watch` sees positions and energies after each
/// step and may end the run. Returns where they end.
fn walk<E: Gradient<X = Dense<f32>>>(
    kernel: Mala,
    energy: &E,
    x: Dense<f32>,
    beta: f64,
    steps: u64,
    key: &Key,
    watch: &mut Watch<'_>,
) -> Dense<f32> {
    let path = Target(energy);
    let mut chains = Ensemble::start(&kernel, &path, &x);
    let mut tuning = StepTuning::default();
    let moves = key.purpose(Purpose::Noise);
    let (mut rows, mut energies) = (x, Vec::new());
    for t in 0..steps {
        let infos = chains.advance(&kernel, &path, beta, &tuning, 1, &moves.step(t));
        if t < ADAPTATION_STEPS {
            // Robbins-Monro with a falling rate, then fixed: what comes after leaves the density invariant.
            let acceptance = infos.into_iter().fold(MoveInfo::default(), MoveInfo::join).acceptance_rate();
            tuning.scale *= ((acceptance - 0.6) * 0.5 / (1.0 + t as f64 / 40.0)).exp();
        }
        energies.clear();
        let mut at = 0;
        for block in chains.blocks() {
            let values = Kernel::<Target<&E>>::position(&kernel, block).values();
            rows.values_mut()[at..at + values.len()].copy_from_slice(values);
            at += values.len();
            energies.extend_from_slice(Kernel::<Target<&E>>::eval(&kernel, block).energy());
        }
        if !watch(t, &rows, &energies) {
            break;
        }
    }
    rows
}
