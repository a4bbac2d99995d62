//! Training of one member.

use gibbs_core::dense::Dense;
use gibbs_core::energy::Parametric;
use gibbs_core::key::Key;
use gibbs_core::optimisers::{AdamW, Clip, Optimiser, Schedule};
use gibbs_core::params::ParamMap;
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::scratch::Scratch;
use gibbs_tensor::nets::Mlp;
use gibbs_tensor::tape::Activation;
use serde::{Deserialize, Serialize};

use super::{Forecast, Network};
use crate::error::Error;
use crate::trainers::batches::Batches;

/// How members are built and trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Hidden layers.
    pub mlp: Mlp,
    /// Networks from different starting points and orders of rows.
    pub members: usize,
    /// Passes over the training rows, at most.
    pub epochs: u64,
    /// Rows an update.
    pub batch_size: usize,
    /// Learning rate of Adam.
    pub learning_rate: f64,
    /// How the rate moves.
    pub schedule: Schedule,
    /// Decoupled decay of the weights (`AdamW`).
    pub weight_decay: f64,
    /// Largest norm of a gradient; 0 does not clip.
    pub clip: f64,
    /// Epochs without improvement on watched rows before a member stops, its best parameters kept; 0 never stops.
    pub patience: u64,
}

impl Default for Settings {
    /// One hidden layer of 50 rectified units, five members, 40 epochs.
    fn default() -> Self {
        Self {
            mlp: Mlp { hidden: vec![50], activation: Activation::Relu },
            members: 5,
            epochs: 40,
            batch_size: 32,
            learning_rate: 0.01,
            schedule: Schedule::Constant,
            weight_decay: 0.0,
            clip: 0.0,
            patience: 0,
        }
    }
}

/// Rows as a member learns from them: inputs and outcome side by side, standardised; and rows that it is watched on, with
/// their outcomes as forecasts are held against them.
pub(super) struct Rowsets<'a> {
    pub(super) learn: &'a Dense<f32>,
    pub(super) watch: &'a Dense<f32>,
    pub(super) watch_outcome: &'a [f64],
}

/// A look at the end of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Member, from 0.
    pub member: usize,
    /// Epoch, from 1.
    pub epoch: u64,
    /// Mean loss on the watched rows, on the standardised scale.
    pub loss: f64,
}

/// A trained member.
pub(super) struct Member {
    pub(super) params: ParamMap,
    pub(super) looks: Vec<Look>,
}

/// Mean loss of a member's forecasts on the standardised scale.
fn watched(net: &Network, params: &ParamMap, rows: &Rowsets<'_>, key: &Key) -> Result<f64, Error> {
    let map = net.map::<f32>(key).map_err(|e| Error::Usage(e.to_string()))?;
    let out = map.apply(params, rows.watch);
    let n = map.n_outputs();
    let loss = |(p, y): (&[f32], &f64)| {
        let p: Vec<f64> = p.iter().map(|v| f64::from(*v)).collect();
        if p.iter().all(|v| v.is_finite()) { net.head.forecast(&p, 0.0, 1.0).loss(*y) } else { f64::NAN }
    };
    Ok(out.values().chunks_exact(n).zip(rows.watch_outcome).map(loss).sum::<f64>() / rows.watch_outcome.len() as f64)
}

/// Trains member `member`; `epoch` is told of every epoch and says whether to go on.
pub(super) fn train(
    net: &Network,
    settings: &Settings,
    rows: &Rowsets<'_>,
    member: usize,
    key: &Key,
    epoch: &(dyn Fn() -> bool + Sync),
) -> Result<Member, Error> {
    let mut energy = net.energy::<f32>(key).map_err(|e| Error::Usage(e.to_string()))?;
    let mut optimiser = AdamW::new(settings.weight_decay as f32, energy.params());
    let mut batches = Batches::new(rows.learn.n_rows(), settings.batch_size, None);
    let per_epoch = batches.per_epoch();
    let (total, watch) = (per_epoch * settings.epochs, !rows.watch_outcome.is_empty());
    let mut gradient = energy.params().zeros_like();
    let (mut scratch, mut looks) = (Scratch::default(), Vec::new());
    let mut best: Option<(f64, u64, ParamMap)> = None;
    let mut batch = Dense::zeros(0, rows.learn.n_cols());
    for step in 0..total {
        let (index, weights) = batches.at(step, key);
        batch.reset(index.len(), rows.learn.n_cols());
        for (to, &i) in batch.values_mut().chunks_exact_mut(rows.learn.n_cols()).zip(&index) {
            to.copy_from_slice(rows.learn.row(i));
        }
        gradient.clear();
        energy.add_grad(&batch, &weights, &mut gradient, &mut scratch);
        if settings.clip > 0.0 {
            Clip { norm: settings.clip }.apply(&mut gradient);
        }
        let rate = settings.learning_rate * settings.schedule.factor(step, total, 0);
        optimiser.step(energy.params_mut(), &gradient, rate as f32);
        if !(step + 1).is_multiple_of(per_epoch) {
            continue;
        }
        let passed = (step + 1) / per_epoch;
        if let Some((name, _)) = energy.params().first_non_finite() {
            return Err(Error::Diverged {
                step,
                quantity: format!("parameter {name} of member {}", member + 1),
                learning_rate: settings.learning_rate,
            });
        }
        if watch {
            let loss = watched(net, energy.params(), rows, key)?;
            looks.push(Look { member, epoch: passed, loss });
            if settings.patience > 0 && loss.is_finite() && best.as_ref().is_none_or(|b| loss < b.0) {
                best = Some((loss, passed, energy.params().clone()));
            }
            if settings.patience > 0 && best.as_ref().is_some_and(|b| passed - b.1 >= settings.patience) {
                break;
            }
        }
        if !epoch() {
            break;
        }
    }
    let params = best.map_or_else(|| energy.params().clone(), |b| b.2);
    Ok(Member { params, looks })
}

/// A forecast for every row of standardised inputs under one member's parameters.
pub(super) fn forecasts(
    net: &Network,
    params: &ParamMap,
    x: &Dense<f32>,
    shift: f64,
    scale: f64,
) -> Result<Vec<Forecast>, Error> {
    let map = net.map::<f32>(&Key::from_seed(0)).map_err(|e| Error::Usage(e.to_string()))?;
    let out = map.apply(params, x);
    let row = |(i, p): (usize, &[f32])| {
        let p: Vec<f64> = p.iter().map(|v| f64::from(*v)).collect();
        if let Some(bad) = p.iter().find(|v| !v.is_finite()) {
            return Err(Error::Table(format!(
                "row {} of the inputs: the network's forecast is {bad}: the inputs are too far from those it was fitted to",
                i + 1
            )));
        }
        Ok(net.head.forecast(&p, shift, scale))
    };
    out.values().chunks_exact(map.n_outputs()).enumerate().map(row).collect()
}
