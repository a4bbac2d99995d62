//! Restricted machines with other units than bits behind the common interface.

use gibbs_core::dense::Dense;
use gibbs_core::energy::{Energy, Parametric};
use gibbs_core::log_partition::{LogZ, LogZError, exact};
use gibbs_core::params::ParamMap;
use gibbs_core::persist::{Persist, StateError, TensorMap};
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::scratch::Scratch;
use gibbs_spin::harmonium::gaussian::LOG_VARIANCE;
use gibbs_spin::harmonium::{
    Binary, Clamp, Counts, Gaussian, Groups, Harmonium, HarmoniumPath, Hidden, Proper, Rectified, Visible,
};
use gibbs_spin::rbm::{HIDDEN_BIAS, VISIBLE_BIAS, WEIGHTS};
use gibbs_spin::{Bits, BlockGibbs};
use serde::{Deserialize, Serialize};

use super::counts::CountsModel;
use super::machine::{Described, Machine, MachineModel};
use super::{ClassLaw, Model};
use crate::batch::Batch;
use crate::config::{HiddenKind, ModelKind, VisibleKind};

/// What the base's parameters are called among the saved tensors.
const BASE: &str = "base.";

/// Most words of a document that a file may ask for: drawing one takes that many steps.
const MOST_WORDS: usize = 1 << 24;

/// The units of a restricted machine, as its file says them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Units {
    /// Visible units.
    pub visible: VisibleKind,
    /// Hidden units.
    pub hidden: HiddenKind,
    /// Widths of the groups of bits: 1 a bit of its own, more a choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub widths: Vec<usize>,
    /// The group that holds the classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<usize>,
    /// Words of a document about which nothing is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<usize>,
}

/// A kind of layer with the hidden units `H`, as the facade knows it.
pub trait Layer<H: Hidden>: Visible + Proper<H> {
    /// The rows of a batch of the right kind.
    ///
    /// # Panics
    /// If the batch is of another kind.
    fn rows(batch: &Batch) -> &Self::X;

    /// Rows as a batch.
    fn batch(x: Self::X) -> Batch;

    /// The layer as the file says it.
    fn units(&self, hidden: HiddenKind) -> Units;

    /// Variables of a row.
    fn n_variables(&self) -> usize {
        self.n_units()
    }

    /// Parameters of a base that leans less on the data than the fitted one, and its name.
    fn wide(&self, fitted: &ParamMap) -> (ParamMap, &'static str);

    /// See [`Model::pseudo_log_likelihood`].
    fn pseudo_log_likelihood(_model: &Harmonium<Self, H>, _x: &Self::X) -> Option<Vec<f64>> {
        None
    }

    /// See [`Model::gradient`].
    fn gradient(_model: &Harmonium<Self, H>, _x: &Self::X) -> Option<Vec<f32>> {
        None
    }

    /// See [`Model::class_law`].
    fn class_law(_model: &Harmonium<Self, H>, _x: &Self::X) -> Option<ClassLaw> {
        None
    }

    /// The machine behind the common interface.
    fn model(path: HarmoniumPath<Self, H>) -> Box<dyn Model> {
        Box::new(MachineModel { path })
    }

    /// See [`Machine::clamp`].
    fn hold(&self, _x: &mut Self::X, _from: &Self::X, _known: &[bool]) -> bool {
        false
    }
}

impl<H: Hidden> Layer<H> for Groups
where
    Groups: Proper<H>,
{
    fn rows(batch: &Batch) -> &Bits {
        batch.bits().expect("a machine of bits")
    }

    fn batch(x: Bits) -> Batch {
        Batch::Bits(x)
    }

    fn units(&self, hidden: HiddenKind) -> Units {
        let bits = self.widths().iter().all(|w| *w == 1);
        let visible = if bits { VisibleKind::Bernoulli } else { VisibleKind::Categorical };
        Units { visible, hidden, widths: self.widths().to_vec(), classes: self.classes(), length: None }
    }

    fn n_variables(&self) -> usize {
        self.widths().len()
    }

    fn wide(&self, _fitted: &ParamMap) -> (ParamMap, &'static str) {
        (self.flat(), "a flat base")
    }

    fn pseudo_log_likelihood(model: &Harmonium<Self, H>, x: &Bits) -> Option<Vec<f64>> {
        Some(model.pseudo_log_likelihood(x))
    }

    fn class_law(model: &Harmonium<Self, H>, x: &Bits) -> Option<ClassLaw> {
        let group = model.visible().classes()?;
        let log_prob = model.conditional(group, x);
        Some(ClassLaw { n_classes: log_prob.len() / x.n_rows().max(1), log_prob, truth: model.state_of(group, x) })
    }

    fn hold(&self, x: &mut Bits, from: &Bits, known: &[bool]) -> bool {
        self.clamp(x, from, known);
        true
    }
}

impl Layer<Binary> for Gaussian {
    fn rows(batch: &Batch) -> &Dense<f32> {
        batch.real().expect("a machine of real rows")
    }

    fn batch(x: Dense<f32>) -> Batch {
        Batch::Real(x)
    }

    fn units(&self, hidden: HiddenKind) -> Units {
        Units { visible: VisibleKind::Gaussian, hidden, widths: Vec::new(), classes: None, length: None }
    }

    /// Three times the deviation in every column.
    fn wide(&self, fitted: &ParamMap) -> (ParamMap, &'static str) {
        let mut wide = fitted.clone();
        wide.get_mut(LOG_VARIANCE).iter_mut().for_each(|z| *z += 9f32.ln());
        (wide, "a base three times as wide")
    }

    fn hold(&self, x: &mut Dense<f32>, from: &Dense<f32>, known: &[bool]) -> bool {
        self.clamp(x, from, known);
        true
    }

    /// `(v - b - W m) / s^2` with the hidden means `m`.
    fn gradient(model: &Harmonium<Self, Binary>, x: &Dense<f32>) -> Option<Vec<f32>> {
        let (nv, nh) = (model.n_visible(), model.n_hidden());
        let mut means = vec![0.0; x.n_rows() * nh];
        model.hidden_mean(x, &mut means, &mut Scratch::default());
        let (bias, z) = (model.params().get(VISIBLE_BIAS), model.params().get(LOG_VARIANCE));
        let at = |row: usize, i: usize| {
            let weights = &model.weights()[i * nh..(i + 1) * nh];
            let wm: f32 = weights.iter().zip(&means[row * nh..]).map(|(w, m)| w * m).sum();
            (x.row(row)[i] - bias[i] - wm) * (-z[i]).exp()
        };
        Some((0..x.n_rows() * nv).map(|k| at(k / nv, k % nv)).collect())
    }
}

impl Layer<Binary> for Counts {
    fn rows(batch: &Batch) -> &Dense<f32> {
        batch.real().expect("a machine of counts")
    }

    fn batch(x: Dense<f32>) -> Batch {
        Batch::Real(x)
    }

    fn units(&self, hidden: HiddenKind) -> Units {
        let length = Some(self.length());
        Units { visible: VisibleKind::Counts, hidden, widths: Vec::new(), classes: None, length }
    }

    fn wide(&self, _fitted: &ParamMap) -> (ParamMap, &'static str) {
        (self.flat(), "a flat base")
    }

    fn model(path: HarmoniumPath<Self, Binary>) -> Box<dyn Model> {
        Box::new(CountsModel::new(path))
    }
}

impl<V: Layer<H>, H: Hidden> Machine for HarmoniumPath<V, H> {
    type Kernel = BlockGibbs;

    fn rows(batch: &Batch) -> &V::X {
        V::rows(batch)
    }

    fn batch(x: V::X) -> Batch {
        V::batch(x)
    }

    fn into_model(self) -> Box<dyn Model> {
        V::model(self)
    }

    fn clamp(&self, x: &mut V::X, from: &V::X, known: &[bool]) -> bool {
        V::hold(self.target.visible(), x, from, known)
    }
}

impl<V: Layer<H>, H: Hidden> Described for HarmoniumPath<V, H> {
    const REVERSIBLE: bool = true;

    fn kind(&self) -> ModelKind {
        ModelKind::Rbm
    }

    fn describe(&self) -> String {
        let units = V::units(self.target.visible(), kind_of::<H>());
        let hidden = if H::TWO_VALUED { "" } else { "rectified " };
        let visible = match units.visible {
            VisibleKind::Bernoulli => format!("{} bits", self.target.n_visible()),
            VisibleKind::Categorical => {
                format!("{} categorical columns ({} units)", units.widths.len(), self.target.n_visible())
            }
            VisibleKind::Gaussian => format!("{} Gaussian columns", self.target.n_visible()),
            VisibleKind::Counts => format!("counts of {} words", self.target.n_visible()),
        };
        format!("RBM, {visible} x {} {hidden}hidden units", self.target.n_hidden())
    }

    fn n_columns(&self) -> usize {
        self.target.n_visible()
    }

    fn n_variables(&self) -> usize {
        V::n_variables(self.target.visible())
    }

    fn energy(&self, x: &V::X, out: &mut [f64]) {
        self.target.energy(x, out, &mut Scratch::default());
    }

    fn pseudo_log_likelihood(&self, x: &V::X) -> Option<Vec<f64>> {
        V::pseudo_log_likelihood(&self.target, x)
    }

    fn exact_work(&self) -> Option<u64> {
        exact::least_cost(&self.target).map(|cost| cost as u64)
    }

    fn exact_log_z(&self, progress: &(dyn Fn(u64) -> bool + Sync)) -> Result<LogZ, LogZError> {
        exact::exact(&self.target, f64::INFINITY, progress)
    }

    fn other_base(&self) -> (Self, &'static str) {
        let (base, name) = V::wide(self.target.visible(), &self.base);
        (self.with_base(base), name)
    }

    fn at_temperature(&self, beta: f64) -> (Self, f64) {
        (self.with_base(self.target.visible().flat()), beta)
    }

    fn tensors(&self) -> TensorMap {
        let mut map = TensorMap::default();
        self.target.params().save("", &mut map);
        self.base.save(BASE, &mut map);
        map
    }

    fn filters(&self) -> Vec<Vec<f32>> {
        let (nv, nh) = (self.target.n_visible(), self.target.n_hidden());
        (0..nh).map(|j| (0..nv).map(|i| self.target.weights()[i * nh + j]).collect()).collect()
    }

    fn units(&self) -> Option<Units> {
        Some(V::units(self.target.visible(), kind_of::<H>()))
    }

    fn gradient(&self, x: &V::X) -> Option<Vec<f32>> {
        V::gradient(&self.target, x)
    }

    fn class_law(&self, x: &V::X) -> Option<ClassLaw> {
        V::class_law(&self.target, x)
    }
}

fn kind_of<H: Hidden>() -> HiddenKind {
    if H::TWO_VALUED { HiddenKind::Bernoulli } else { HiddenKind::Rectified }
}

/// The layout of the file: `weights` (visible x hidden), `visible_bias`, `hidden_bias` and what else the layer has
/// (`log_variance`), and the layer's own under `base.`; all F32.
pub(super) fn from_tensors(units: &Units, map: &TensorMap) -> Result<Box<dyn Model>, StateError> {
    let n_visible: usize = map.expect(VISIBLE_BIAS, None)?.shape.iter().product();
    let invalid = |reason: String| StateError::Invalid { name: "model".into(), reason };
    if units.length.is_some_and(|n| n > MOST_WORDS) {
        return Err(invalid(format!("documents have at most {MOST_WORDS} words")));
    }
    let groups = || {
        if units.widths.iter().try_fold(0usize, |n, &w| n.checked_add(w)) != Some(n_visible) {
            return Err(invalid(format!("its groups are not those of {n_visible} visible units")));
        }
        let layer = Groups::new(units.widths.clone()).map_err(|e| invalid(e.to_string()))?;
        match units.classes {
            Some(group) if group >= layer.widths().len() => Err(invalid(format!("it has no group {group} of classes"))),
            Some(group) => Ok(layer.with_classes(group)),
            None => Ok(layer),
        }
    };
    Ok(match (units.visible, units.hidden) {
        (VisibleKind::Bernoulli | VisibleKind::Categorical, HiddenKind::Bernoulli) => {
            Box::new(MachineModel { path: path::<_, Binary>(groups()?, map)? })
        }
        (VisibleKind::Bernoulli | VisibleKind::Categorical, HiddenKind::Rectified) => {
            Box::new(MachineModel { path: path::<_, Rectified>(groups()?, map)? })
        }
        (VisibleKind::Gaussian, _) => {
            Box::new(MachineModel { path: path::<_, Binary>(Gaussian::new(n_visible), map)? })
        }
        (VisibleKind::Counts, _) => {
            let layer = Counts::new(n_visible, units.length.unwrap_or(1));
            Box::new(CountsModel::new(path::<_, Binary>(layer, map)?))
        }
    })
}

fn path<V: Visible + Proper<H>, H: Hidden>(layer: V, map: &TensorMap) -> Result<HarmoniumPath<V, H>, StateError> {
    let invalid = |name: &str, reason: String| StateError::Invalid { name: name.into(), reason };
    let n_hidden: usize = map.expect(HIDDEN_BIAS, None)?.shape.iter().product();
    if layer.n_units() == 0 || n_hidden == 0 {
        return Err(invalid(WEIGHTS, "a layer is empty".into()));
    }
    // The shape is looked at before memory is asked for.
    map.expect(WEIGHTS, Some(&[layer.n_units(), n_hidden]))?;
    let mut target = Harmonium::zeros(layer, n_hidden);
    target.params_mut().load("", map)?;
    let mut base = target.visible_parameters();
    base.load(BASE, map)?;
    for params in [target.params(), &base] {
        if let Some((name, i)) = params.first_non_finite() {
            return Err(invalid(name, format!("entry {i} is not finite")));
        }
    }
    Ok(HarmoniumPath::new(base, target))
}
