//! Choices of deep models of bits: the deep Boltzmann machine and the deep belief net.

use std::path::PathBuf;

use gibbs_core::optimisers::Schedule;
use serde::Serialize;

use super::{DataFacts, LearningConfig, LogZMethod, ModelKind, ObjectiveKind, OptimiserKind};
use crate::error::Error;
use crate::options::FitOptions;

/// Hidden layers that this program handles.
const MOST_LAYERS: usize = 16;
/// Updates of fine-tuning at least, unless passes are given.
const FEWEST_UPDATES: u64 = 2_000;

/// Choices that only deep models of bits have.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "each field is documented once, where it is a flag: FitOptions")]
pub struct DeepConfig {
    pub layers: Vec<usize>,
    pub init_sd: f64,
    pub gibbs_steps: u64,
    pub l2: f64,
    pub l1: f64,
    pub centred: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean_field_steps: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pretrain_updates: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_layer: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fine_tune_epochs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fine_tune_rate: Option<f64>,
}

pub(super) fn resolve(
    o: &FitOptions,
    facts: DataFacts,
    kind: ModelKind,
) -> Result<(LearningConfig, DeepConfig), Error> {
    let machine = kind == ModelKind::Dbm;
    let deep = DeepConfig {
        layers: o.layers.clone().unwrap_or(match facts.n_train {
            0..2_000 => vec![16, 8],
            2_000..10_000 => vec![32, 16],
            _ => vec![128, 64],
        }),
        init_sd: o.init_sd.unwrap_or(0.01),
        gibbs_steps: o.gibbs_steps.unwrap_or(1),
        l2: o.l2.unwrap_or(1e-4),
        l1: o.l1.unwrap_or(0.0),
        centred: o.centred.unwrap_or(true),
        mean_field_steps: machine.then_some(o.mean_field_steps.unwrap_or(10)),
        pretrain_updates: machine.then_some(o.pretrain_updates.unwrap_or(0)),
        first_layer: o.first_layer.clone(),
        fine_tune_epochs: (!machine).then_some(o.fine_tune_epochs.unwrap_or_else(|| fine_tuning(facts.n_train))),
        fine_tune_rate: (!machine).then_some(o.fine_tune_rate.unwrap_or(0.003)),
    };
    let batch_size = o.batch_size.unwrap_or(facts.n_train.clamp(1, 100));
    let joint =
        super::updates(o, batch_size, facts.n_train, |per_epoch| u64::div_ceil(12_000, per_epoch).max(5) * per_epoch)?;
    let before = deep.pretraining();
    // --updates counts all of them; passes over the rows are those of the joint training.
    let updates = if o.updates.is_some() { joint } else { joint.saturating_add(before) };
    let learning = LearningConfig {
        objective: o.objective.unwrap_or(ObjectiveKind::Pcd),
        updates,
        batch_size,
        n_chains: o.n_chains.unwrap_or(100),
        optimiser: o.optimiser.unwrap_or(OptimiserKind::Sgd),
        learning_rate: o.learning_rate.unwrap_or(match o.optimiser {
            Some(OptimiserKind::Adam) => 0.001,
            _ => 0.05,
        }),
        schedule: o.schedule.unwrap_or(Schedule::Linear),
        warm_up: o.warm_up.unwrap_or(0),
        momentum: o.momentum.unwrap_or(0.0),
        average: o.average.unwrap_or(if machine { 0.999 } else { 0.0 }),
        monitor_every: o.monitor_every.unwrap_or(updates.div_ceil(20).max(1)),
        monitor: o.monitor.unwrap_or_default(),
        patience: o.patience.unwrap_or(0),
        animate: o.animate.unwrap_or(false),
        log_z: o.log_z.unwrap_or(LogZMethod::Auto),
        ais_chains: o.ais_chains.unwrap_or(100),
        ais_temperatures: o.ais_temperatures.unwrap_or(1_000),
    };
    if !machine && learning.average > 0.0 {
        return Err(Error::Usage("--average: a deep belief net is trained without one; leave it out".into()));
    }
    deep.check(&learning)?;
    Ok((learning, deep))
}

/// Passes of fine-tuning: ten, and more over few rows, so that the rate of Adam can carry weights from zero to where they
/// have to be.
fn fine_tuning(n_train: usize) -> u64 {
    let per_epoch = n_train.div_ceil(crate::classifier::BATCH).max(1) as u64;
    FEWEST_UPDATES.div_ceil(per_epoch).max(10)
}

impl DeepConfig {
    fn check(&self, l: &LearningConfig) -> Result<(), Error> {
        if self.layers.len() < 2 || self.layers.len() > MOST_LAYERS || self.layers.contains(&0) {
            return Err(Error::Usage(format!(
                "--layers of a deep machine are two to {MOST_LAYERS} widths of at least 1, found {:?}; with one hidden \
                 layer it is --model rbm",
                self.layers
            )));
        }
        self.layers.iter().try_for_each(|&n| super::not_too_large("--layers", n))?;
        super::at_least_of("--gibbs-steps", self.gibbs_steps, 1)?;
        super::at_least_of("--mean-field-steps", self.mean_field_steps.unwrap_or(1) as u64, 1)?;
        for (flag, value) in [("--l2", self.l2), ("--l1", self.l1), ("--init-sd", self.init_sd)] {
            super::non_negative(flag, value)?;
        }
        super::positive("--fine-tune-rate", self.fine_tune_rate.unwrap_or(1.0))?;
        if l.objective != ObjectiveKind::Pcd {
            return Err(Error::Usage(format!(
                "--objective {}: deep models of bits learn by pcd; the data phase of a deep Boltzmann machine is mean \
                 field",
                l.objective.name()
            )));
        }
        if l.log_z == LogZMethod::None {
            return Err(Error::Usage(
                "--log-z none: a deep model of bits is judged by its bound, which needs log Z".into(),
            ));
        }
        if self.first_layer.is_some() && self.pretraining() > 0 {
            return Err(Error::Usage(
                "--first-layer and --pretrain-updates are two ways to begin: leave one of them out".into(),
            ));
        }
        if self.pretraining() >= l.updates {
            return Err(Error::Usage(format!(
                "--pretrain-updates {} for each of {} layers leaves none of {} updates to joint training",
                self.pretrain_updates.unwrap_or(0),
                self.layers.len(),
                l.updates
            )));
        }
        Ok(())
    }

    /// Updates before the layers are trained together.
    pub fn pretraining(&self) -> u64 {
        self.pretrain_updates.unwrap_or(0).saturating_mul(self.layers.len() as u64)
    }

    pub(super) fn describe(&self, l: &LearningConfig, kind: ModelKind, facts: DataFacts) -> String {
        let widths: Vec<String> = self.layers.iter().map(usize::to_string).collect();
        let (what, by) = match kind {
            ModelKind::Dbm => ("deep Boltzmann machine", "mean field and"),
            _ => ("deep belief net", "layer by layer,"),
        };
        let how = format!("{by} PCD-{} with {} chains", self.gibbs_steps, l.n_chains);
        format!("{what} {}-{}, {how}", facts.n_columns, widths.join("-"))
    }
}
