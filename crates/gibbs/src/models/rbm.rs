//! The binary RBM behind the common interface.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use gibbs_core::energy::{Energy, Flips, Parametric};
use gibbs_core::kernel::{Kernel, run};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::log_partition::exact::exact;
use gibbs_core::log_partition::ratio::Between;
use gibbs_core::log_partition::{Certificate, LogZ, RaiseEstimate, Starts, ais::linear_ladder};
use gibbs_core::path::{Annealable, Path};
use gibbs_core::persist::{Persist, StateError, Tensor, TensorMap};
use gibbs_core::rows::Rows;
use gibbs_core::samplers::SwapStatistics;
use gibbs_core::scratch::Scratch;
use gibbs_spin::perfect::MonotoneRbm;
use gibbs_spin::rbm::{ExactDraws, HIDDEN_BIAS, RbmBetween, VISIBLE_BIAS, WEIGHTS};
use gibbs_spin::{Bernoulli, Bits, BlockGibbs, Rbm, RbmPath, rbm};

use super::machine::{Machine, raise, sample_given};
use super::tempered::temper;
use super::{LogZOptions, Model, SampleObserver, Start, climb};
use crate::batch::Batch;
use crate::bracket::{Annealing, BracketOptions};
use crate::config::{LogZMethod, ModelKind, enumeration_work};
use crate::conservative::RaiseOptions;
use crate::error::Error;
use crate::perfect;
use crate::progress::Progress;

/// Name of the base's log-odds among the saved tensors.
const BASE: &str = "base_logits";

/// A binary RBM with the base that annealing starts from.
#[derive(Clone, Debug)]
pub struct RbmModel {
    /// From the base to the RBM.
    pub path: RbmPath,
}

impl RbmModel {
    /// The layout of the file: `weights` (visible x hidden), `visible_bias`, `hidden_bias`, `base_logits`, all F32.
    pub(crate) fn from_tensors(map: &TensorMap) -> Result<Self, StateError> {
        let read = |name: &str| map.expect(name, None)?.to_f32(name);
        let target = Rbm::from_arrays(&read(WEIGHTS)?, &read(VISIBLE_BIAS)?, &read(HIDDEN_BIAS)?)
            .map_err(|e| StateError::Invalid { name: WEIGHTS.into(), reason: e.to_string() })?;
        map.expect(WEIGHTS, Some(&[target.n_visible(), target.n_hidden()]))?;
        let base = map.expect(BASE, Some(&[target.n_visible()]))?.to_f32(BASE)?;
        if base.iter().any(|b| !b.is_finite()) {
            return Err(StateError::Invalid {
                name: BASE.into(),
                reason: "it holds a number that is not finite".into(),
            });
        }
        Ok(Self { path: RbmPath::new(Bernoulli::new(base), target) })
    }

    fn target(&self) -> &Rbm {
        &self.path.target
    }

    fn exact_log_z(&self, progress: &dyn Progress) -> Result<LogZ, Error> {
        let bits = self.target().enumeration_bits();
        let total = 1u64 << bits.min(63);
        progress.begin("exact log Z", total);
        // Reports arrive from several threads and out of order.
        let most = AtomicU64::new(0);
        let found = exact(self.target(), f64::INFINITY, &|done| {
            progress.advance(most.fetch_max(done, Ordering::Relaxed).max(done));
            !progress.stop()
        });
        progress.end();
        Ok(found?)
    }

    /// Samples of the model: exact where the smaller layer is enumerated, else long chains from rows or from the base.
    fn samples<'a>(&'a self, rows: Option<&'a Bits>, steps: u64) -> Result<Starts<'a, Bits>, Error> {
        if self.target().enumeration_bits() <= ExactDraws::LIMIT {
            let draws = ExactDraws::new(self.target())?;
            return Ok(Starts::exact("enumeration of the smaller layer", move |n, key: &Key| draws.sample(n, key)));
        }
        Ok(if let Some(rows) = rows {
            Starts::from_rows("long chains from data", &BlockGibbs, &self.path, rows, steps)
        } else {
            let climb = linear_ladder(steps.clamp(1, 1 << 20) as usize);
            Starts::annealed("chains annealed from the base", &BlockGibbs, &self.path, climb, steps)
        })
    }

    fn ratio_to(
        &self,
        other: &Self,
        how: &BracketOptions,
        rows: Option<&Bits>,
        key: &Key,
        progress: &dyn Progress,
    ) -> Result<Certificate, Error> {
        let path = RbmBetween::new(self.target().clone(), other.target().clone());
        let path = path.map_err(|e| Error::Usage(e.to_string()))?;
        let offset = path.offset();
        let between = Between { offset, ..Between::new(path, self.samples(rows, how.start_steps)?) };
        let starts = vec![other.samples(rows, how.start_steps)?];
        let annealing = Annealing { path: &between, kernel: &BlockGibbs, reversible: true, starts, rows: None };
        Ok(between.admit(annealing.bracket(how, key, progress)?))
    }

    /// By a method that starts from the base alone.
    fn climb(&self, how: &LogZOptions, key: &Key, progress: &dyn Progress) -> Result<LogZ, Error> {
        let flat = RbmPath::new(Bernoulli::new(vec![0.0; self.n_columns()]), self.target().clone());
        climb::log_z(&self.path, &BlockGibbs, Some((&flat, "a flat base")), how, key, progress)
    }
}

impl Machine for RbmPath {
    type Kernel = BlockGibbs;

    fn rows(batch: &Batch) -> &Bits {
        bits(batch)
    }

    fn batch(x: Bits) -> Batch {
        Batch::Bits(x)
    }

    fn into_model(self) -> Box<dyn Model> {
        Box::new(RbmModel { path: self })
    }

    fn clamp(&self, x: &mut Bits, from: &Bits, known: &[bool]) -> bool {
        x.overwrite(from, known);
        true
    }
}

/// The bits of rows that this model was given.
fn bits(rows: &Batch) -> &Bits {
    rows.bits().expect("an RBM is a model of bits")
}

impl Model for RbmModel {
    fn kind(&self) -> ModelKind {
        ModelKind::Rbm
    }

    fn n_columns(&self) -> usize {
        self.target().n_visible()
    }

    fn describe(&self) -> String {
        format!("binary RBM, {} visible x {} hidden units", self.target().n_visible(), self.target().n_hidden())
    }

    fn energy(&self, rows: &Batch) -> Vec<f64> {
        let rows = bits(rows);
        let mut out = vec![0.0; rows.n_rows()];
        self.target().energy(rows, &mut out, &mut Scratch::default());
        out
    }

    fn pseudo_log_likelihood(&self, rows: &Batch) -> Option<Vec<f64>> {
        let rows = bits(rows);
        let mut out = vec![0.0; rows.n_rows()];
        let mut ws = Scratch::default();
        // A buffer of rows x columns: in pieces, so that memory does not grow with the table.
        let at_once = 256;
        for start in (0..rows.n_rows()).step_by(at_once) {
            let end = (start + at_once).min(rows.n_rows());
            self.target().pseudo_log_likelihood(&rows.slice(start, end), &mut out[start..end], &mut ws);
        }
        Some(out)
    }

    fn log_z(&self, how: &LogZOptions, key: &Key, progress: &dyn Progress) -> Result<LogZ, Error> {
        let cheap = self.exact_work().is_some_and(|work| work <= how.exact_work);
        match how.method {
            LogZMethod::Exact => self.exact_log_z(progress),
            LogZMethod::Bracket => {
                Ok(self.bracket(&BracketOptions::default(), None, &key.purpose(Purpose::LogZ), progress)?.log_z())
            }
            LogZMethod::Auto if cheap => self.exact_log_z(progress),
            _ => self.climb(how, key, progress),
        }
    }

    fn exact_work(&self) -> Option<u64> {
        let possible = self.target().enumeration_bits() <= rbm::ENUMERATION_LIMIT;
        possible.then(|| enumeration_work(self.target().n_visible(), self.target().n_hidden()))
    }

    fn bracket(
        &self,
        how: &BracketOptions,
        rows: Option<&Batch>,
        key: &Key,
        progress: &dyn Progress,
    ) -> Result<Certificate, Error> {
        let enumerable = self.target().enumeration_bits() <= ExactDraws::LIMIT;
        let starts = if enumerable {
            vec![self.samples(None, 0)?]
        } else {
            let map = MonotoneRbm::new(self.target());
            let key = key.purpose(Purpose::Other);
            map.and_then(|map| perfect::starts(map, perfect::MOST_STEPS, &key)).into_iter().collect()
        };
        let rows = rows.map(bits);
        Annealing { path: &self.path, kernel: &BlockGibbs, reversible: true, starts, rows }.bracket(how, key, progress)
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
        let mut ws = Scratch::default();
        let x = match start {
            Start::Base => self.path.sample_base(n_chains, &key.purpose(Purpose::Init)),
            Start::Rows(rows) => bits(rows).select(&(0..n_chains).map(|i| i % rows.n_rows()).collect::<Vec<_>>()),
        };
        // At temperature 1/beta the joint energy is scaled: again an RBM, sampled at the end of its own path.
        let tempered = (beta != 1.0).then(|| RbmPath::new(self.path.base.clone(), self.target().tempered(beta as f32)));
        let path = tempered.as_ref().unwrap_or(&self.path);
        let mut chain = BlockGibbs.init(path, x, &mut ws);
        let mut energies = vec![0.0; n_chains];
        let moves = key.purpose(Purpose::Noise);
        run(
            &BlockGibbs,
            path,
            1.0,
            &(),
            &mut chain,
            steps,
            &moves,
            &mut ws,
            &mut |t: u64, c: &<BlockGibbs as Kernel<RbmPath>>::Chain, (): &()| {
                path.target_energy(&c.x, &c.eval, &mut energies);
                let rows = Batch::Bits(c.x.clone());
                if observer.observe(t, &rows, &energies) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            },
        );
        Batch::Bits(chain.x)
    }

    fn temper(
        &self,
        levels: usize,
        from: &Batch,
        steps: u64,
        key: &Key,
        observer: &mut dyn SampleObserver,
    ) -> Result<SwapStatistics, Error> {
        temper(&self.path, &BlockGibbs, bits(from), levels, steps, key, |t, x, energies| {
            observer.observe(t, &Batch::Bits(x.clone()), energies)
        })
        .map_err(|e| Error::Usage(e.to_string()))
    }

    fn sample_given(
        &self,
        from: &Batch,
        known: &[bool],
        steps: u64,
        key: &Key,
        observer: &mut dyn SampleObserver,
    ) -> Result<Batch, Error> {
        sample_given(&self.path, bits(from), known, steps, key, observer).map(Batch::Bits)
    }

    fn ratio(
        &self,
        other: &dyn Model,
        how: &BracketOptions,
        rows: Option<&Batch>,
        key: &Key,
        progress: &dyn Progress,
    ) -> Option<Result<Certificate, Error>> {
        if other.kind() != ModelKind::Rbm || other.n_columns() != self.n_columns() {
            return None;
        }
        let other = Self::from_tensors(&other.tensors()).map_err(|e| Error::Usage(e.to_string()));
        Some(other.and_then(|other| self.ratio_to(&other, how, rows.map(bits), key, progress)))
    }

    fn raise(
        &self,
        rows: &Batch,
        how: &RaiseOptions,
        key: &Key,
        progress: &dyn Progress,
    ) -> Option<Result<RaiseEstimate, Error>> {
        Some(raise(&self.path, BlockGibbs, bits(rows), how, key, progress))
    }

    fn flip_deltas(&self, rows: &Batch) -> Option<Vec<f64>> {
        let rows = bits(rows);
        let mut out = vec![0.0; rows.n_rows() * rows.n_cols()];
        self.target().flip_deltas(rows, &mut out, &mut Scratch::default());
        Some(out)
    }

    fn tensors(&self) -> TensorMap {
        let mut map = TensorMap::default();
        self.target().params().save("", &mut map);
        let base = self.path.base.logits();
        map.insert(BASE, Tensor::from_f32(&[base.len()], base));
        map
    }

    fn filters(&self) -> Vec<Vec<f32>> {
        let (nv, nh) = (self.target().n_visible(), self.target().n_hidden());
        (0..nh).map(|j| (0..nv).map(|i| self.target().weights()[i * nh + j]).collect()).collect()
    }
}
