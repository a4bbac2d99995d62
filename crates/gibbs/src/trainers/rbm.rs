//! RBMs of all units before their first update.

use gibbs_core::energy::Parametric;
use gibbs_core::key::Key;
use gibbs_core::optimisers::Decay;
use gibbs_spin::harmonium::{Binary, Counts, Gaussian, Groups, Harmonium, HarmoniumPath, Hidden, Rectified};
use gibbs_spin::rbm::{Centring, VISIBLE_BIAS, WEIGHTS};
use gibbs_spin::{Bernoulli, Bits, Rbm, RbmPath};

use super::CENTRING_RATE;
use super::Trainer;
use super::machine::{self, Setup};
use crate::config::{FitConfig, HiddenKind, RbmConfig, VisibleKind};
use crate::dataset::{Preparation, Prepared};
use crate::error::Error;
use crate::models::{Layer, Machine};

/// The trainer of an RBM with the units that the configuration asks for.
pub(super) fn trainer<'a>(
    config: &'a FitConfig,
    rbm: &'a RbmConfig,
    data: &'a Prepared,
) -> Result<Box<dyn Trainer + 'a>, Error> {
    let groups = || -> Result<Groups, Error> {
        let (widths, classes) = data.preparation.groups(config.source.classes.as_deref())?;
        let layer = Groups::new(widths).map_err(|e| Error::Usage(e.to_string()))?;
        Ok(match classes {
            Some(group) => layer.with_classes(group),
            None => layer,
        })
    };
    let columns = data.train.rows.n_cols();
    match (rbm.visible, rbm.hidden_units, &data.preparation) {
        (VisibleKind::Bernoulli, HiddenKind::Bernoulli, Preparation::Bits(_)) => {
            machine::trainer(config, data, binary(config, rbm, data), rbm.temperatures)
        }
        (VisibleKind::Bernoulli | VisibleKind::Categorical, HiddenKind::Bernoulli, _) => {
            boxed::<_, Binary>(config, rbm, data, groups()?)
        }
        (VisibleKind::Bernoulli | VisibleKind::Categorical, HiddenKind::Rectified, _) => {
            boxed::<_, Rectified>(config, rbm, data, groups()?)
        }
        (VisibleKind::Gaussian, ..) => boxed::<_, Binary>(config, rbm, data, Gaussian::new(columns)),
        (VisibleKind::Counts, ..) => {
            boxed::<_, Binary>(config, rbm, data, Counts::new(columns, data.preparation.mean_length()))
        }
    }
}

fn decay(rbm: &RbmConfig) -> Vec<Decay> {
    vec![Decay { l2: rbm.l2 as f32, l1: rbm.l1 as f32, on: WEIGHTS }]
}

/// Centred units with the data's means.
fn centring(rbm: &RbmConfig, rows: &Bits, weights: Option<&[f64]>) -> Option<Centring> {
    rbm.centred.then(|| {
        let mu = rows.column_means(weights);
        Centring::new(mu.into_iter().map(|m| m as f32).collect(), rbm.hidden, CENTRING_RATE)
    })
}

/// The machine of bits alone, by the kernels of packed rows.
fn binary(config: &FitConfig, rbm: &RbmConfig, data: &Prepared) -> Setup<RbmPath> {
    let weights = data.train.weights.as_deref();
    let rows = RbmPath::rows(&data.train.rows);
    let base = Bernoulli::from_data(rows, weights);
    let mut target = Rbm::random(rows.n_cols(), rbm.hidden, rbm.init_sd as f32, &Key::from_seed(config.seed));
    target.params_mut().get_mut(VISIBLE_BIAS).copy_from_slice(base.logits());
    Setup {
        path: RbmPath::new(base, target),
        gibbs_steps: rbm.gibbs_steps,
        decay: decay(rbm),
        centring: centring(rbm, rows, weights),
    }
}

/// A machine of other units, its visible layer that of the base.
fn boxed<'a, V: Layer<H>, H: Hidden>(
    config: &'a FitConfig,
    rbm: &RbmConfig,
    data: &'a Prepared,
    layer: V,
) -> Result<Box<dyn Trainer + 'a>, Error> {
    let weights = data.train.weights.as_deref();
    let base = layer.fit(V::rows(&data.train.rows), weights);
    let mut target: Harmonium<V, H> =
        Harmonium::random(layer, rbm.hidden, rbm.init_sd as f32, &Key::from_seed(config.seed));
    target.set_visible_parameters(&base);
    let setup = Setup {
        path: HarmoniumPath::new(base, target),
        gibbs_steps: rbm.gibbs_steps,
        decay: decay(rbm),
        centring: data.train.rows.bits().and_then(|rows| centring(rbm, rows, weights)),
    };
    machine::trainer(config, data, setup, rbm.temperatures)
}
