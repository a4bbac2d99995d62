//! Choices of deep models of bits: the deep Boltzmann machine.

use gibbs_core::optimisers::Schedule;
use serde::Serialize;

use super::{DataFacts, LearningConfig, LogZMethod, ObjectiveKind, OptimiserKind};
use crate::error::Error;
use crate::options::FitOptions;

/// Hidden layers that this program handles.
const MOST_LAYERS: usize = 16;

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
    pub mean_field_steps: usize,
    pub pretrain_updates: u64,
}

pub(super) fn resolve(o: &FitOptions, facts: DataFacts) -> Result<(LearningConfig, DeepConfig), Error> {
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
        mean_field_steps: o.mean_field_steps.unwrap_or(10),
        pretrain_updates: o.pretrain_updates.unwrap_or(0),
    };
    let batch_size = o.batch_size.unwrap_or(facts.n_train.clamp(1, 100));
    let joint =
        super::updates(o, batch_size, facts.n_train, |per_epoch| u64::div_ceil(12_000, per_epoch).max(5) * per_epoch)?;
    let before = deep.pretrain_updates.saturating_mul(deep.layers.len() as u64);
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
        average: o.average.unwrap_or(0.999),
        monitor_every: o.monitor_every.unwrap_or(updates.div_ceil(20).max(1)),
        monitor: o.monitor.unwrap_or_default(),
        patience: o.patience.unwrap_or(0),
        animate: o.animate.unwrap_or(false),
        log_z: o.log_z.unwrap_or(LogZMethod::Auto),
        ais_chains: o.ais_chains.unwrap_or(100),
        ais_temperatures: o.ais_temperatures.unwrap_or(1_000),
    };
    deep.check(&learning, before)?;
    Ok((learning, deep))
}

impl DeepConfig {
    fn check(&self, l: &LearningConfig, before: u64) -> Result<(), Error> {
        if self.layers.len() < 2 || self.layers.len() > MOST_LAYERS || self.layers.contains(&0) {
            return Err(Error::Usage(format!(
                "--layers of a deep machine are two to {MOST_LAYERS} widths of at least 1, found {:?}; with one hidden \
                 layer it is --model rbm",
                self.layers
            )));
        }
        self.layers.iter().try_for_each(|&n| super::not_too_large("--layers", n))?;
        super::at_least_of("--gibbs-steps", self.gibbs_steps, 1)?;
        super::at_least_of("--mean-field-steps", self.mean_field_steps as u64, 1)?;
        for (flag, value) in [("--l2", self.l2), ("--l1", self.l1), ("--init-sd", self.init_sd)] {
            super::non_negative(flag, value)?;
        }
        if l.objective != ObjectiveKind::Pcd {
            return Err(Error::Usage(format!(
                "--objective {}: a deep Boltzmann machine learns by pcd, its data phase by mean field",
                l.objective.name()
            )));
        }
        if l.log_z == LogZMethod::None {
            return Err(Error::Usage(
                "--log-z none: a deep Boltzmann machine is kept by its bound, which needs log Z".into(),
            ));
        }
        if before >= l.updates {
            return Err(Error::Usage(format!(
                "--pretrain-updates {} for each of {} layers leaves none of {} updates to joint training",
                self.pretrain_updates,
                self.layers.len(),
                l.updates
            )));
        }
        Ok(())
    }

    /// Updates before the layers are trained together.
    pub fn pretraining(&self) -> u64 {
        self.pretrain_updates * self.layers.len() as u64
    }

    pub(super) fn describe(&self, l: &LearningConfig, facts: DataFacts) -> String {
        let widths: Vec<String> = self.layers.iter().map(usize::to_string).collect();
        let how = format!("mean field and PCD-{} with {} chains", self.gibbs_steps, l.n_chains);
        format!("deep Boltzmann machine {}-{}, {how}", facts.n_columns, widths.join("-"))
    }
}
