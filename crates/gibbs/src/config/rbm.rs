//! Choices of an RBM.

use gibbs_core::optimisers::Schedule;
use gibbs_spin::harmonium::exact;
use serde::Serialize;

use super::{DataFacts, HiddenKind, LearningConfig, LogZMethod, ObjectiveKind, OptimiserKind, VisibleKind};
use crate::error::Error;
use crate::options::FitOptions;

/// Largest work (states times units of the other layer) of an exact gradient that is taken without being asked for:
/// a millisecond or two an update on two cores.
const EXACT_GRADIENT_WORK: u64 = 1 << 23;
/// Largest work of an exact `log Z` that is taken without being asked for: a fraction of a second.
pub(crate) const EXACT_LOG_Z_WORK: u64 = 1 << 28;

/// Weights of a machine from which on it is large: fewer chains, smaller steps, and many more of them.
const LARGE: usize = 1 << 16;

/// Choices that only an RBM has.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "each field is documented once, where it is a flag: FitOptions")]
pub struct RbmConfig {
    pub visible: VisibleKind,
    pub hidden_units: HiddenKind,
    pub hidden: usize,
    pub init_sd: f64,
    pub gibbs_steps: u64,
    pub temperatures: usize,
    pub l2: f64,
    pub l1: f64,
    pub centred: bool,
}

/// Hidden units of a machine of counts, whose states are summed at every look.
const MOST_TOPICS: usize = 14;

/// Work of enumerating the hidden units.
fn hidden_work(n_visible: usize, n_hidden: usize) -> u64 {
    1u64.checked_shl(n_hidden as u32).and_then(|s| s.checked_mul(n_visible as u64)).unwrap_or(u64::MAX)
}

/// Work of enumerating the smaller layer: `2^smaller * larger`.
pub fn enumeration_work(n_visible: usize, n_hidden: usize) -> u64 {
    let (small, large) = (n_visible.min(n_hidden), n_visible.max(n_hidden));
    1u64.checked_shl(small as u32).and_then(|s| s.checked_mul(large as u64)).unwrap_or(u64::MAX)
}

pub(super) fn resolve(o: &FitOptions, facts: DataFacts) -> Result<(LearningConfig, RbmConfig), Error> {
    let (visible, hidden_units) =
        (o.visible.unwrap_or(VisibleKind::Bernoulli), o.hidden_units.unwrap_or(HiddenKind::Bernoulli));
    let bits = matches!(visible, VisibleKind::Bernoulli | VisibleKind::Categorical);
    let hidden = o.hidden.unwrap_or(match facts.n_train {
        _ if visible == VisibleKind::Counts => 10,
        _ if !bits => 12,
        0..2_000 => 16,
        2_000..10_000 => 32,
        _ => 64,
    });
    let two_valued = hidden_units == HiddenKind::Bernoulli;
    let cheap = two_valued
        && visible != VisibleKind::Counts
        && if bits { enumeration_work(facts.n_columns, hidden) } else { hidden_work(facts.n_columns, hidden) }
            <= EXACT_GRADIENT_WORK;
    let objective = o.objective.unwrap_or(if cheap { ObjectiveKind::Exact } else { ObjectiveKind::Pcd });
    let exact = objective == ObjectiveKind::Exact;
    let batch_size = o.batch_size.unwrap_or(facts.n_train.clamp(1, 100));
    let optimiser = o.optimiser.unwrap_or(if exact { OptimiserKind::Adam } else { OptimiserKind::Sgd });
    let weights = facts.n_columns.saturating_mul(hidden);
    let large = bits && !exact && weights > LARGE;
    // The recipe of `record/configs/mnist-500.toml`, where it is measured beside others.
    let recipe = large && two_valued && objective == ObjectiveKind::Pcd && optimiser == OptimiserKind::Sgd;
    let updates = super::updates(o, batch_size, facts.n_train, |per_epoch| {
        let wanted: u64 = match (exact, recipe) {
            (true, _) => 2_400,
            (false, false) => 12_000,
            (false, true) => 153_000,
        };
        wanted.div_ceil(per_epoch).max(5) * per_epoch
    })?;
    let learning = LearningConfig {
        objective,
        updates,
        batch_size,
        n_chains: o.n_chains.unwrap_or(if weights <= LARGE { 500 } else { 100 }),
        optimiser,
        learning_rate: o.learning_rate.unwrap_or(match (optimiser, exact) {
            (OptimiserKind::Adam, true) => 0.05,
            (OptimiserKind::Adam, false) => 0.002,
            // Inputs of documents add up over their words, and real units have no bound.
            _ if !bits => 0.01,
            _ if hidden_units == HiddenKind::Rectified => 0.05,
            _ if recipe => 0.03,
            _ => 0.2,
        }),
        schedule: o.schedule.unwrap_or(if recipe { Schedule::LinearFromHalf } else { Schedule::Linear }),
        warm_up: o.warm_up.unwrap_or(0),
        momentum: o.momentum.unwrap_or(0.0),
        average: o.average.unwrap_or(if recipe { 0.9995 } else { 0.0 }),
        monitor_every: o.monitor_every.unwrap_or(updates.div_ceil(60).max(1)),
        monitor: o.monitor.unwrap_or_default(),
        patience: o.patience.unwrap_or(40),
        animate: o.animate.unwrap_or(false),
        log_z: o.log_z.unwrap_or(LogZMethod::Auto),
        ais_chains: o.ais_chains.unwrap_or(100),
        ais_temperatures: o.ais_temperatures.unwrap_or(1_000),
    };
    let rbm = RbmConfig {
        visible,
        hidden_units,
        hidden,
        init_sd: o.init_sd.unwrap_or(0.01),
        gibbs_steps: o.gibbs_steps.unwrap_or(1),
        temperatures: o.temperatures.unwrap_or(1),
        l2: o.l2.unwrap_or(if recipe { 1e-5 } else { 1e-3 }),
        l1: o.l1.unwrap_or(0.0),
        // Where the statistics of a unit depend on its variance or a row's length, centred units are other units.
        centred: o.centred.unwrap_or(bits),
    };
    rbm.check(&learning, facts)?;
    Ok((learning, rbm))
}

impl RbmConfig {
    fn check(&self, l: &LearningConfig, facts: DataFacts) -> Result<(), Error> {
        super::at_least_of("--hidden", self.hidden as u64, 1)?;
        super::at_least_of("--gibbs-steps", self.gibbs_steps, 1)?;
        for (flag, value) in [("--l2", self.l2), ("--l1", self.l1), ("--init-sd", self.init_sd)] {
            super::non_negative(flag, value)?;
        }
        super::not_too_large("--hidden", self.hidden)?;
        super::at_least_of("--temperatures", self.temperatures as u64, 1)?;
        super::not_too_large("--temperatures", self.temperatures)?;
        if self.temperatures > 1 && l.objective != ObjectiveKind::Pcd {
            return Err(Error::Usage(format!(
                "--temperatures {} is for persistent chains: use --objective pcd, not {}",
                self.temperatures,
                l.objective.name()
            )));
        }
        self.check_units(l)?;
        if !matches!(l.objective, ObjectiveKind::Exact | ObjectiveKind::Pcd | ObjectiveKind::Cd) {
            return Err(Error::Usage(format!(
                "--objective {} is for energies of real rows; an RBM learns by exact, pcd or cd",
                l.objective.name()
            )));
        }
        if l.optimiser == OptimiserKind::Lbfgs {
            return Err(Error::Usage("--optimiser lbfgs is for --model boltzmann; an RBM takes sgd or adam".into()));
        }
        if l.log_z == LogZMethod::None {
            return Err(Error::Usage("--log-z none: training an RBM is stopped by its likelihood".into()));
        }
        let (bits, limit) = match (self.visible, self.hidden_units) {
            (VisibleKind::Gaussian | VisibleKind::Counts, _) => (self.hidden, exact::ENUMERATION_LIMIT),
            (_, HiddenKind::Rectified) => (facts.n_columns, exact::ENUMERATION_LIMIT),
            _ => (self.hidden.min(facts.n_columns), gibbs_spin::rbm::ENUMERATION_LIMIT),
        };
        if bits > limit && (l.objective == ObjectiveKind::Exact || l.log_z == LogZMethod::Exact) {
            return Err(Error::Usage(format!(
                "exact sums go over 2^{bits} states here ({} columns, {} hidden units), the limit is 2^{limit}: \
                 use --objective pcd and --log-z ais, or fewer hidden units",
                facts.n_columns, self.hidden
            )));
        }
        Ok(())
    }

    /// Pairs of units that have no model, or none that this program sums.
    fn check_units(&self, l: &LearningConfig) -> Result<(), Error> {
        let visible = self.visible.name();
        if self.hidden_units == HiddenKind::Rectified && !self.bits() {
            return Err(Error::Usage(format!(
                "--hidden-units rectified goes with bits and categories; with --visible {visible} Z is infinite or cannot be summed"
            )));
        }
        if self.centred && !self.bits() {
            return Err(Error::Usage(format!("--centred is for bits and categories, not for --visible {visible}")));
        }
        if self.visible != VisibleKind::Counts {
            return Ok(());
        }
        if self.hidden > MOST_TOPICS {
            return Err(Error::Usage(format!(
                "--visible counts sums over all states of the hidden units for every length of a document: --hidden is at most {MOST_TOPICS}, found {}",
                self.hidden
            )));
        }
        if l.objective == ObjectiveKind::Exact || !matches!(l.log_z, LogZMethod::Auto | LogZMethod::Exact) {
            return Err(Error::Usage(
                "--visible counts learns by pcd or cd, and its log Z, one for every length of a document, is exact"
                    .into(),
            ));
        }
        Ok(())
    }

    /// Whether rows are bits, in groups or not.
    pub fn bits(&self) -> bool {
        matches!(self.visible, VisibleKind::Bernoulli | VisibleKind::Categorical)
    }

    pub(super) fn describe(&self, l: &LearningConfig, facts: DataFacts) -> String {
        let how = match l.objective {
            ObjectiveKind::Exact => "exact gradients".to_string(),
            ObjectiveKind::Pcd if self.temperatures > 1 => format!(
                "PCD-{} with {} chains exchanged between {} temperatures",
                self.gibbs_steps, l.n_chains, self.temperatures
            ),
            ObjectiveKind::Pcd => format!("PCD-{} with {} chains", self.gibbs_steps, l.n_chains),
            _ => format!("CD-{}", self.gibbs_steps),
        };
        let units = match (self.visible, self.hidden_units) {
            (VisibleKind::Bernoulli, HiddenKind::Bernoulli) => String::new(),
            (visible, HiddenKind::Bernoulli) => format!("{} ", visible.name()),
            (visible, hidden) => format!("{}-{} ", visible.name(), hidden.name()),
        };
        format!("{units}RBM {} x {}, {how}", facts.n_columns, self.hidden)
    }
}
