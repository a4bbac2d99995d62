//! The fully visible Boltzmann machine behind the common interface.

use gibbs_core::compose::Clamped;
use gibbs_core::energy::{Energy, Flips, Parametric};
use gibbs_core::kernel::Kernel;
use gibbs_core::key::Key;
use gibbs_core::log_partition::{LogZ, LogZError, Starts, exact};
use gibbs_core::objective::{Objective, ObjectiveInfo};
use gibbs_core::objectives::PseudoLikelihood;
use gibbs_core::params::ParamMap;
use gibbs_core::path::Geometric;
use gibbs_core::persist::{Persist, StateError, Tensor, TensorMap};
use gibbs_core::rows::Rows;
use gibbs_core::samplers::HeatBath;
use gibbs_core::scratch::Scratch;
use gibbs_spin::boltzmann::{BIAS, COUPLINGS};
use gibbs_spin::perfect::MonotoneHeatBath;
use gibbs_spin::{Bernoulli, Bits, Boltzmann};

use super::Model;
use super::machine::{ChainOf, Described, Machine, MachineModel};
use crate::batch::Batch;
use crate::config::ModelKind;
use crate::perfect;

/// Name of the base's log-odds among the saved tensors.
const BASE: &str = "base_logits";

/// From independent bits to the machine.
pub type BoltzmannPath = Geometric<Bernoulli, Boltzmann>;

impl Machine for BoltzmannPath {
    type Kernel = HeatBath;

    fn rows(batch: &Batch) -> &Bits {
        batch.bits().expect("a Boltzmann machine is a model of bits")
    }

    fn batch(x: Bits) -> Batch {
        Batch::Bits(x)
    }

    fn into_model(self) -> Box<dyn Model> {
        Box::new(MachineModel { path: self })
    }

    /// A sweep visits the free sites only: a site redrawn and put back would have moved its neighbours.
    fn step_given(&self, _from: &Bits, known: &[bool], chain: &mut ChainOf<Self>, key: &Key, ws: &mut Scratch) -> bool {
        let target = Clamped::new(self.target.clone(), known.to_vec());
        HeatBath.step(&Geometric { base: self.base.clone(), target }, 1.0, &(), chain, key, ws);
        true
    }

    fn pseudo_likelihood(
        &self,
        rows: &Bits,
        weights: &[f64],
        out: &mut ParamMap,
        ws: &mut Scratch,
    ) -> Option<ObjectiveInfo> {
        let key = Key::from_seed(0);
        Some(PseudoLikelihood.gradient(self, rows, weights, &mut (), out, &mut |_| {}, true, &key, ws))
    }
}

impl Described for BoltzmannPath {
    // A sweep in a fixed order is not its own reverse.
    const REVERSIBLE: bool = false;

    fn kind(&self) -> ModelKind {
        ModelKind::Boltzmann
    }

    fn describe(&self) -> String {
        format!("Boltzmann machine, {} sites, {} couplings", self.target.n_sites(), self.target.pairs().len())
    }

    fn n_columns(&self) -> usize {
        self.target.n_sites()
    }

    fn energy(&self, x: &Bits, out: &mut [f64]) {
        self.target.energy(x, out, &mut Scratch::default());
    }

    fn pseudo_log_likelihood(&self, x: &Bits) -> Option<Vec<f64>> {
        let mut out = vec![0.0; x.n_rows()];
        self.target.pseudo_log_likelihood(x, &mut out, &mut Scratch::default());
        Some(out)
    }

    fn exact_work(&self) -> Option<u64> {
        exact::least_cost(&self.target).map(|cost| cost as u64)
    }

    fn exact_log_z(&self, progress: &(dyn Fn(u64) -> bool + Sync)) -> Result<LogZ, LogZError> {
        exact::exact(&self.target, f64::INFINITY, progress)
    }

    fn exact_starts(&self, key: &Key) -> Option<Starts<'_, Bits>> {
        perfect::starts(MonotoneHeatBath::of_boltzmann(&self.target)?, perfect::MOST_STEPS, key)
    }

    fn other_base(&self) -> (Self, &'static str) {
        (self.at_temperature(1.0).0, "a flat base")
    }

    fn at_temperature(&self, beta: f64) -> (Self, f64) {
        (Geometric { base: Bernoulli::new(vec![0.0; self.target.n_sites()]), target: self.target.clone() }, beta)
    }

    fn tensors(&self) -> TensorMap {
        let mut map = TensorMap::default();
        self.target.params().save("", &mut map);
        let base = self.base.logits();
        map.insert(BASE, Tensor::from_f32(&[base.len()], base));
        map
    }
}

/// The layout of the file: `couplings` (pairs `(0, 1), (0, 2), ..., (1, 2), ...`), `bias`, `base_logits`, all F32.
pub(super) fn from_tensors(map: &TensorMap) -> Result<BoltzmannPath, StateError> {
    let n: usize = map.expect(BIAS, None)?.shape.iter().product();
    let invalid = |name: &str, reason: &str| StateError::Invalid { name: name.into(), reason: reason.into() };
    if n == 0 {
        return Err(invalid(BIAS, "it is empty"));
    }
    map.expect(COUPLINGS, Some(&[n * (n - 1) / 2]))?;
    let mut target = Boltzmann::dense(n);
    target.params_mut().load("", map)?;
    let base = map.expect(BASE, Some(&[n]))?.to_f32(BASE)?;
    if target.params().first_non_finite().is_some() || base.iter().any(|b| !b.is_finite()) {
        return Err(invalid("model", "it holds a number that is not finite"));
    }
    Ok(Geometric { base: Bernoulli::new(base), target })
}
