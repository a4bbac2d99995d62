//! The sampler doctor: what chains did, judged, with causes and remedies.

mod finding;
mod modes;

pub use finding::{Finding, State};
pub use modes::{Occupancy, occupancy};

use std::ops::Range;

use super::temperature::Temperature;
use super::{Draws, Summary};
use crate::samplers::SwapStatistics;

/// R-hat from which chains count as disagreeing, and from which as mixing slowly (Vehtari et al. 2021, DOI 10.1214/20-BA1221;
/// the older 1.1 of Gelman & Rubin 1992, DOI 10.1214/ss/1177011136).
const RHAT: [f64; 2] = [1.1, 1.01];
/// Effective draws asked for, over all chains.
const WANTED: f64 = 400.0;
/// A chain that stays where it is at more than this share of its steps does not move.
const STUCK: f64 = 0.99;
/// Deviation of the temperature that is worth a word, beside its interval.
const DEVIATION: f64 = 0.03;
/// Excess of the temperature of an uncorrected sampler from which the step is called too large.
const OVERHEATED: f64 = 0.5;
/// Acceptance below which a step is too large.
const ACCEPTANCE: f64 = 0.15;
/// Betancourt's threshold: see [`e_bfmi`](super::e_bfmi::e_bfmi).
const E_BFMI: f64 = 0.3;
/// Swaps below this rate are a gap in the ladder.
const SWAPS: f64 = 0.1;
/// Student's t between starts: with 7 degrees of freedom or more, 5 is passed by chance in less than 0.2 % of healthy runs.
const STARTS: f64 = 5.0;
/// A valley is false if long runs end this many standard deviations of the rows' energies below them and below short runs, and
/// at least as many nats.
const VALLEY: f64 = 3.0;

/// How a sampler takes its steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steps {
    /// Step size.
    pub size: f64,
    /// Whether a Metropolis decision corrects it.
    pub corrected: bool,
    /// Mean acceptance probability.
    pub acceptance: f64,
}

/// What is known of chains. Energies are those of the model at temperature 1, in nats, after warm-up.
#[derive(Clone, Debug)]
pub struct Observations<'a> {
    /// Energies: chains x draws.
    pub energy: Draws<'a>,
    /// Chains by where they started, such as `data` and `over-dispersed`.
    pub starts: Vec<(String, Range<usize>)>,
    /// Other quantities, such as coordinates on the principal axes of the rows.
    pub projections: Vec<Draws<'a>>,
    /// Share of steps at which each chain stayed where it was.
    pub self_transitions: Vec<f64>,
    /// Chains whose state or energy became infinite or NaN, or that left the region of the data by orders of magnitude.
    pub exploded: usize,
    /// The steps, of gradient samplers.
    pub steps: Option<Steps>,
    /// The configurational temperature.
    pub temperature: Option<Temperature>,
    /// Mean energy of short runs from the base.
    pub short_run: Option<f64>,
    /// Mean energy of the data, and its standard deviation.
    pub data: Option<(f64, f64)>,
    /// Of Hamiltonian chains.
    pub e_bfmi: Option<f64>,
    /// Of tempered chains.
    pub swaps: Option<&'a SwapStatistics>,
}

impl<'a> Observations<'a> {
    /// Energies alone, of chains that all moved.
    pub fn of(energy: Draws<'a>, starts: Vec<(String, Range<usize>)>) -> Self {
        Self {
            self_transitions: vec![0.0; energy.n_chains()],
            energy,
            starts,
            projections: Vec::new(),
            exploded: 0,
            steps: None,
            temperature: None,
            short_run: None,
            data: None,
            e_bfmi: None,
            swaps: None,
        }
    }
}

/// The judgement.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Diagnosis {
    /// In a word.
    pub state: State,
    /// What was found, the worst first; empty for healthy chains.
    pub findings: Vec<Finding>,
    /// R-hat of the energy.
    pub rhat: f64,
    /// Effective draws of the energy: the smaller of bulk and tail.
    pub ess: f64,
    /// Mean energy, nats.
    pub energy: f64,
    /// Its Monte Carlo standard error.
    pub mcse: f64,
    /// Mean energy of the chains of each start.
    pub energy_by_start: Vec<(String, f64)>,
    /// Mean share of steps that leave a chain where it is.
    pub self_transition: f64,
}

/// Judges chains.
///
/// # Panics
/// If there is not one share of self-transitions a chain, or a start names a chain that is not there.
pub fn examine(o: &Observations<'_>) -> Diagnosis {
    assert_eq!(o.self_transitions.len(), o.energy.n_chains(), "one share of self-transitions a chain");
    let summary = Summary::of(&o.energy);
    let mut found = Vec::new();
    found.extend(explosion(o));
    found.extend(stuck(o));
    found.extend(steps(o));
    found.extend(temperature(o));
    found.extend(mixing(o, &summary));
    found.extend(starts(o));
    found.extend(modes(o));
    found.extend(false_valley(o, summary.mean));
    found.extend(o.e_bfmi.filter(|b| *b < E_BFMI).map(|value| Finding::LowEBfmi { value }));
    found.extend(tempering(o));
    found.sort_by_key(|f| std::cmp::Reverse(f.state()));
    Diagnosis {
        state: found.first().map_or(State::Converged, Finding::state),
        findings: found,
        rhat: summary.rhat,
        ess: summary.ess_bulk.min(summary.ess_tail),
        energy: summary.mean,
        mcse: summary.mcse_mean,
        energy_by_start: o
            .starts
            .iter()
            .map(|(name, chains)| (name.clone(), mean(&chain_means(&o.energy, chains))))
            .collect(),
        self_transition: mean(&o.self_transitions),
    }
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

fn chain_means(draws: &Draws<'_>, chains: &Range<usize>) -> Vec<f64> {
    chains.clone().map(|c| mean(draws.chain(c))).collect()
}

fn explosion(o: &Observations<'_>) -> Option<Finding> {
    let step = o.steps.map(|s| s.size);
    (o.exploded > 0).then_some(Finding::Exploded { chains: o.exploded, of: o.energy.n_chains(), step })
}

fn stuck(o: &Observations<'_>) -> Option<Finding> {
    let chains = o.self_transitions.iter().filter(|s| **s > STUCK).count();
    (chains > 0).then_some(Finding::Stuck { chains, of: o.self_transitions.len(), step: o.steps.map(|s| s.size) })
}

fn steps(o: &Observations<'_>) -> Option<Finding> {
    let s = o.steps?;
    (s.corrected && s.acceptance < ACCEPTANCE)
        .then_some(Finding::StepRefused { size: s.size, acceptance: s.acceptance })
}

fn temperature(o: &Observations<'_>) -> Option<Finding> {
    let t = o.temperature.as_ref()?;
    let overall = t.overall;
    if overall.holds(1.0) || (overall.value - 1.0).abs() < DEVIATION {
        return None;
    }
    let uncorrected = o.steps.filter(|s| !s.corrected).map(|s| s.size);
    // The bias of an uncorrected step grows as the step: where it is the cause, this one brings it to a hundredth.
    let corrected_step = uncorrected.filter(|_| overall.value > 1.0).map(|s| s * 0.01 / (overall.value - 1.0));
    Some(match (uncorrected, overall.value > 1.0 + OVERHEATED) {
        (Some(size), true) => {
            Finding::StepTooLarge { size, reading: overall, corrected_step: corrected_step.unwrap_or(size) }
        }
        _ => Finding::WrongTemperature { reading: overall, range: t.range(), step: uncorrected, corrected_step },
    })
}

fn mixing(o: &Observations<'_>, energy: &Summary) -> Option<Finding> {
    let mut worst = (energy.rhat, energy.ess_bulk.min(energy.ess_tail));
    for draws in &o.projections {
        let s = Summary::of(draws);
        // A quantity that never changes says nothing.
        if s.rhat.is_finite() {
            worst = (worst.0.max(s.rhat), worst.1.min(s.ess_bulk));
        }
    }
    let (rhat, ess) = worst;
    let steps = o.energy.n_draws();
    if rhat.is_nan() || rhat >= RHAT[0] {
        Some(Finding::NotMixed { rhat })
    } else if rhat >= RHAT[1] || ess < WANTED {
        Some(Finding::SlowMixing { rhat, ess, times: (WANTED / ess).ceil().max(2.0), steps })
    } else {
        None
    }
}

/// Welch's t on the means of chains, for every pair of starts.
fn starts(o: &Observations<'_>) -> Option<Finding> {
    let sd = o.energy.sd();
    let groups: Vec<(&str, Vec<f64>)> =
        o.starts.iter().map(|(name, chains)| (name.as_str(), chain_means(&o.energy, chains))).collect();
    let mut worst: Option<(f64, Finding)> = None;
    for (i, (a, x)) in groups.iter().enumerate() {
        for (b, y) in &groups[i + 1..] {
            if x.len() < 2 || y.len() < 2 {
                continue;
            }
            let error = (variance(x) / x.len() as f64 + variance(y) / y.len() as f64).sqrt();
            let (low, high) = (mean(x), mean(y));
            let t = (low - high).abs() / error.max(1e-12 * (1.0 + low.abs()));
            if t > STARTS && (low - high).abs() > 0.1 * sd && worst.as_ref().is_none_or(|w| t > w.0) {
                let finding = Finding::StartsDisagree { starts: [(*a).into(), (*b).into()], energies: [low, high], t };
                worst = Some((t, finding));
            }
        }
    }
    worst.map(|w| w.1)
}

fn variance(x: &[f64]) -> f64 {
    let m = mean(x);
    x.iter().map(|v| (v - m).powi(2)).sum::<f64>() / (x.len() as f64 - 1.0)
}

fn modes(o: &Observations<'_>) -> Option<Finding> {
    o.projections
        .iter()
        .filter_map(|draws| occupancy(draws, &o.starts))
        .filter(modes::Occupancy::separates)
        .min_by(|a, b| a.crossings.total_cmp(&b.crossings))
        .map(Finding::Modes)
}

fn false_valley(o: &Observations<'_>, long: f64) -> Option<Finding> {
    let (short, (data, sd)) = (o.short_run?, o.data?);
    let far = VALLEY * sd.max(1.0);
    (short - long > far && data - long > far).then_some(Finding::FalseValley { long, short, data })
}

fn tempering(o: &Observations<'_>) -> Vec<Finding> {
    let Some(swaps) = o.swaps else { return Vec::new() };
    let rates = swaps.rates();
    let mut found = Vec::new();
    if let Some((pair, rate)) = rates.iter().copied().enumerate().min_by(|a, b| a.1.total_cmp(&b.1))
        && rate < SWAPS
    {
        let levels = rates.len() + 1;
        let advised = (2.0 * swaps.barrier()).ceil() as usize + 1;
        found.push(Finding::TooFewTemperatures { pair, rate, levels, advised: advised.max(2 * levels) });
    }
    let ideal = swaps.ideal_round_trip_rate();
    // Ten trips would have been made if every level mixed at once between swaps.
    if found.is_empty() && ideal * swaps.rounds as f64 > 10.0 && swaps.round_trip_rate() < 0.1 * ideal {
        found.push(Finding::NoRoundTrips { trips: swaps.round_trips, ideal: ideal * swaps.rounds as f64 });
    }
    found
}
