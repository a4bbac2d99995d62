//! The binary RBM behind the common interface.

use gibbs_core::energy::{Energy, Flips, Parametric};
use gibbs_core::key::Key;
use gibbs_core::log_partition::exact::exact;
use gibbs_core::log_partition::ratio::Between;
use gibbs_core::log_partition::{Certificate, LogZ, LogZError, Starts, ais::linear_ladder};
use gibbs_core::persist::{Persist, StateError, Tensor, TensorMap};
use gibbs_core::rows::Rows;
use gibbs_core::scratch::Scratch;
use gibbs_spin::perfect::MonotoneRbm;
use gibbs_spin::rbm::{ExactDraws, HIDDEN_BIAS, RbmBetween, VISIBLE_BIAS, WEIGHTS};
use gibbs_spin::{Bernoulli, Bits, BlockGibbs, Rbm, RbmPath, rbm};

use super::Model;
use super::machine::{Described, Machine, MachineModel};
use crate::batch::Batch;
use crate::bracket::{Annealing, BracketOptions};
use crate::config::{ModelKind, enumeration_work};
use crate::error::Error;
use crate::perfect;
use crate::progress::Progress;

/// Name of the base's log-odds among the saved tensors.
const BASE: &str = "base_logits";

/// A binary RBM with the base that annealing starts from.
pub type RbmModel = MachineModel<RbmPath>;

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
}

impl Machine for RbmPath {
    type Kernel = BlockGibbs;

    fn rows(batch: &Batch) -> &Bits {
        batch.bits().expect("an RBM is a model of bits")
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

impl Described for RbmPath {
    const REVERSIBLE: bool = true;

    fn kind(&self) -> ModelKind {
        ModelKind::Rbm
    }

    fn describe(&self) -> String {
        format!("binary RBM, {} visible x {} hidden units", self.target.n_visible(), self.target.n_hidden())
    }

    fn n_columns(&self) -> usize {
        self.target.n_visible()
    }

    fn energy(&self, x: &Bits, out: &mut [f64]) {
        self.target.energy(x, out, &mut Scratch::default());
    }

    fn pseudo_log_likelihood(&self, x: &Bits) -> Option<Vec<f64>> {
        let mut out = vec![0.0; x.n_rows()];
        let mut ws = Scratch::default();
        // A buffer of rows x columns: in pieces, so that memory does not grow with the table.
        let at_once = 256;
        for start in (0..x.n_rows()).step_by(at_once) {
            let end = (start + at_once).min(x.n_rows());
            self.target.pseudo_log_likelihood(&x.slice(start, end), &mut out[start..end], &mut ws);
        }
        Some(out)
    }

    fn flip_deltas(&self, x: &Bits) -> Option<Vec<f64>> {
        let mut out = vec![0.0; x.n_rows() * x.n_cols()];
        self.target.flip_deltas(x, &mut out, &mut Scratch::default());
        Some(out)
    }

    fn exact_work(&self) -> Option<u64> {
        let possible = self.target.enumeration_bits() <= rbm::ENUMERATION_LIMIT;
        possible.then(|| enumeration_work(self.target.n_visible(), self.target.n_hidden()))
    }

    fn exact_log_z(&self, progress: &(dyn Fn(u64) -> bool + Sync)) -> Result<LogZ, LogZError> {
        // A state of the smaller layer is as much work as the larger has units.
        let larger = self.target.n_visible().max(self.target.n_hidden()) as u64;
        exact(&self.target, f64::INFINITY, &|done| progress(done.saturating_mul(larger)))
    }

    /// By enumeration of the smaller layer, or by coupling from the past where that is fast.
    fn exact_starts(&self, key: &Key) -> Option<Starts<'_, Bits>> {
        enumerated(&self.target)
            .or_else(|| MonotoneRbm::new(&self.target).and_then(|map| perfect::starts(map, perfect::MOST_STEPS, key)))
    }

    fn other_base(&self) -> (Self, &'static str) {
        (Self::new(Bernoulli::new(vec![0.0; self.n_columns()]), self.target.clone()), "a flat base")
    }

    /// At temperature `1 / beta` the joint energy is scaled: again an RBM, sampled at the end of its own path.
    fn at_temperature(&self, beta: f64) -> (Self, f64) {
        (Self::new(self.base.clone(), self.target.tempered(beta as f32)), 1.0)
    }

    fn ratio(
        &self,
        other: &dyn Model,
        how: &BracketOptions,
        rows: Option<&Bits>,
        key: &Key,
        progress: &dyn Progress,
    ) -> Option<Result<Certificate, Error>> {
        if other.kind() != ModelKind::Rbm || other.n_columns() != self.n_columns() {
            return None;
        }
        let other = RbmModel::from_tensors(&other.tensors()).map_err(|e| Error::Usage(e.to_string()));
        Some(other.and_then(|other| ratio(self, &other.path, how, rows, key, progress)))
    }

    fn tensors(&self) -> TensorMap {
        let mut map = TensorMap::default();
        self.target.params().save("", &mut map);
        let base = self.base.logits();
        map.insert(BASE, Tensor::from_f32(&[base.len()], base));
        map
    }

    fn filters(&self) -> Vec<Vec<f32>> {
        let (nv, nh) = (self.target.n_visible(), self.target.n_hidden());
        (0..nh).map(|j| (0..nv).map(|i| self.target.weights()[i * nh + j]).collect()).collect()
    }
}

/// Exact samples where the smaller layer can be enumerated.
fn enumerated(model: &Rbm) -> Option<Starts<'_, Bits>> {
    let draws = ExactDraws::new(model).ok()?;
    Some(Starts::exact("enumeration of the smaller layer", move |n, key: &Key| draws.sample(n, key)))
}

/// Samples of the model: exact where the smaller layer is enumerated, else long chains from rows or from the base.
fn samples<'a>(path: &'a RbmPath, rows: Option<&'a Bits>, steps: u64) -> Starts<'a, Bits> {
    enumerated(&path.target).unwrap_or_else(|| {
        if let Some(rows) = rows {
            Starts::from_rows("long chains from data", &BlockGibbs, path, rows, steps)
        } else {
            let climb = linear_ladder(steps.clamp(1, 1 << 20) as usize);
            Starts::annealed("chains annealed from the base", &BlockGibbs, path, climb, steps)
        }
    })
}

/// `log Z` of `other` less that of `this`, along a path between the two.
fn ratio(
    this: &RbmPath,
    other: &RbmPath,
    how: &BracketOptions,
    rows: Option<&Bits>,
    key: &Key,
    progress: &dyn Progress,
) -> Result<Certificate, Error> {
    let path = RbmBetween::new(this.target.clone(), other.target.clone()).map_err(|e| Error::Usage(e.to_string()))?;
    let offset = path.offset();
    let between = Between { offset, ..Between::new(path, samples(this, rows, how.start_steps)) };
    let starts = vec![samples(other, rows, how.start_steps)];
    let annealing = Annealing { path: &between, kernel: &BlockGibbs, reversible: true, starts, rows: None };
    Ok(between.admit(annealing.bracket(how, key, progress)?))
}
