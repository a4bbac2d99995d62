//! Choices of a fully visible Boltzmann machine.

use gibbs_core::optimisers::Schedule;
use gibbs_spin::boltzmann::ENUMERATION_LIMIT;
use serde::Serialize;

use super::{DataFacts, LearningConfig, LogZMethod, ObjectiveKind, OptimiserKind};
use crate::error::Error;
use crate::options::FitOptions;

/// Columns up to which sums over all states are taken without being asked for: some 20 ms a gradient.
const EXACT_COLUMNS: usize = 20;
/// Most columns: a coupling a pair.
const MOST_COLUMNS: usize = 2_000;

/// Choices that only a Boltzmann machine has.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "each field is documented once, where it is a flag: FitOptions")]
pub struct BoltzmannConfig {
    pub gibbs_steps: u64,
    /// On all parameters.
    pub l2: f64,
}

pub(super) fn resolve(o: &FitOptions, facts: DataFacts) -> Result<(LearningConfig, BoltzmannConfig), Error> {
    let small = facts.n_columns <= EXACT_COLUMNS;
    let objective = o.objective.unwrap_or(if small { ObjectiveKind::Exact } else { ObjectiveKind::Pcd });
    let exact = objective == ObjectiveKind::Exact;
    let optimiser = o.optimiser.unwrap_or(if exact { OptimiserKind::Lbfgs } else { OptimiserKind::Adam });
    let whole = optimiser == OptimiserKind::Lbfgs;
    let batch_size = o.batch_size.unwrap_or(facts.n_train.clamp(1, if whole { usize::MAX } else { 100 }));
    let updates = super::updates(o, batch_size, facts.n_train, |per_epoch| {
        if whole { 40 } else { u64::div_ceil(6_000, per_epoch).max(5) * per_epoch }
    })?;
    let learning = LearningConfig {
        objective,
        updates,
        batch_size,
        n_chains: o.n_chains.unwrap_or(500),
        optimiser,
        learning_rate: o.learning_rate.unwrap_or(if exact { 0.05 } else { 0.005 }),
        schedule: o.schedule.unwrap_or(Schedule::Linear),
        warm_up: o.warm_up.unwrap_or(0),
        momentum: o.momentum.unwrap_or(0.0),
        average: o.average.unwrap_or(0.0),
        monitor_every: o.monitor_every.unwrap_or(if whole { 1 } else { updates.div_ceil(40).max(1) }),
        monitor: o.monitor.unwrap_or_default(),
        patience: o.patience.unwrap_or(40),
        animate: o.animate.unwrap_or(false),
        log_z: o.log_z.unwrap_or(LogZMethod::Auto),
        ais_chains: o.ais_chains.unwrap_or(100),
        ais_temperatures: o.ais_temperatures.unwrap_or(500),
    };
    let config = BoltzmannConfig {
        gibbs_steps: o.gibbs_steps.unwrap_or(1),
        // A standard normal prior of every parameter: without any, a pair never seen together has no optimum.
        l2: o.l2.unwrap_or(1.0 / facts.n_train.max(1) as f64),
    };
    config.check(&learning, facts)?;
    Ok((learning, config))
}

impl BoltzmannConfig {
    fn check(&self, l: &LearningConfig, facts: DataFacts) -> Result<(), Error> {
        use ObjectiveKind as O;
        super::at_least_of("--gibbs-steps", self.gibbs_steps, 1)?;
        super::non_negative("--l2", self.l2)?;
        if !matches!(l.objective, O::Exact | O::Pcd | O::Cd | O::PseudoLikelihood) {
            return Err(Error::Usage(format!(
                "--objective {} is not for a Boltzmann machine; it learns by exact, pcd, cd or pseudo-likelihood",
                l.objective.name()
            )));
        }
        if l.optimiser == OptimiserKind::Lbfgs && l.objective != O::Exact {
            return Err(Error::Usage("--optimiser lbfgs takes exact gradients: --objective exact".into()));
        }
        if l.log_z == LogZMethod::None {
            return Err(Error::Usage("--log-z none: training a Boltzmann machine is stopped by its likelihood".into()));
        }
        if facts.n_columns > MOST_COLUMNS {
            return Err(Error::Usage(format!(
                "--model boltzmann couples every pair of columns: at most {MOST_COLUMNS}, found {}; use --model rbm",
                facts.n_columns
            )));
        }
        let sums = l.objective == O::Exact || l.log_z == LogZMethod::Exact;
        if sums && facts.n_columns > ENUMERATION_LIMIT {
            return Err(Error::Usage(format!(
                "exact sums go over 2^{} states here, the limit is 2^{ENUMERATION_LIMIT}: use --objective pcd and --log-z ais",
                facts.n_columns
            )));
        }
        Ok(())
    }

    pub(super) fn describe(&self, l: &LearningConfig, facts: DataFacts) -> String {
        let how = match l.objective {
            ObjectiveKind::Exact => "exact gradients".to_string(),
            ObjectiveKind::Pcd => format!("PCD-{} with {} chains", self.gibbs_steps, l.n_chains),
            ObjectiveKind::PseudoLikelihood => "pseudo-likelihood".to_string(),
            _ => format!("CD-{}", self.gibbs_steps),
        };
        format!("Boltzmann machine of {} sites, {how}", facts.n_columns)
    }
}
