//! `log Z` from both sides, behind one call for every kind of model.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gibbs_core::kernel::Kernel;
use gibbs_core::key::Key;
use gibbs_core::log_partition::bracket::Progress as Round;
use gibbs_core::log_partition::ladder::stretch;
use gibbs_core::log_partition::{
    Balanced, Bias, Bracket, Certificate, Forgetful, Ledger, LogZ, LogZError, PilotLadder, Starts, Verdict, balance,
};
use gibbs_core::path::Annealable;
use gibbs_core::scratch::Scratch;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::progress::Progress;
use crate::rounds::{Pilot, Rounds};

/// Chains of the pilot that fits the ladder.
const PILOT_CHAINS: usize = 128;
/// Variance of the log weights that the first round aims at, at most: six chains in ten are effective.
const VARIANCE: f64 = 0.5;
/// Variance of the log weights below which more chains are taken, not more temperatures: nine chains in ten are effective, and
/// what is left of the variance may be that of modes between which chains do not move, which does not fall with temperatures
/// (two moons: three times the work for the same error, `record/logz.md`).
const EVEN: f64 = 0.1;
/// The most times the chains of the options that a first round takes: they are all in memory.
const MOST_TIMES: f64 = 64.0;
/// Standard errors of a side that fit into a width: two ends at 98.75 %, and a quarter for what the pilot did not see.
const ERRORS: f64 = 5.75;
/// Variance of a pilot's log weights from which its chains lag so far behind that a longer one would place rungs elsewhere.
const LAGGING: f64 = 4.0;
/// A longer pilot has this many times the rungs of the one before, and all that a pilot may cost is one part in as many.
const LONGER: usize = 8;
const PILOT_SHARE: f64 = 16.0;
/// Parts of the bar.
const PARTS: f64 = 100.0;

/// How narrow the interval is to be, and what may be spent on it.
#[derive(Clone, Debug)]
pub struct BracketOptions {
    /// Width wanted, nats.
    pub width: f64,
    /// Moves of chains at most: chains x temperatures x sides, over all rounds.
    pub moves: u64,
    /// Seconds at most; how many rounds fit then depends on the machine.
    pub seconds: Option<f64>,
    /// Chains a side of the first round.
    pub n_chains: usize,
    /// Temperatures of the first round at least.
    pub n_temperatures: usize,
    /// Steps (and temperatures, from the base) of the chains that make approximate samples of the model.
    pub start_steps: u64,
    /// Where finished rounds are kept, if anywhere: a run that was killed then goes on after the last of them.
    pub rounds: Option<Arc<Rounds>>,
}

impl Default for BracketOptions {
    /// 0.1 nats, within twenty million moves.
    fn default() -> Self {
        Self {
            width: 0.1,
            moves: 20_000_000,
            seconds: None,
            n_chains: 400,
            n_temperatures: 100,
            start_steps: 1_000,
            rounds: None,
        }
    }
}

impl BracketOptions {
    fn check(&self) -> Result<(), Error> {
        if !(self.width > 0.0 && self.width.is_finite()) {
            return Err(Error::Usage(format!("--width {}: give a positive number of nats", self.width)));
        }
        match self.seconds {
            Some(s) if !(s > 0.0 && s < 1e9) => Err(Error::Usage(format!("--seconds {s}: give a positive number"))),
            _ => Ok(()),
        }
    }
}

/// All that a kind of model has to say for its `log Z` to be enclosed.
pub struct Annealing<'a, P: Annealable, K> {
    /// From a base with known `log Z` to the model.
    pub path: &'a P,
    /// What moves chains along the path; it leaves every `p_beta` invariant.
    pub kernel: &'a K,
    /// Whether it satisfies detailed balance, so that both sides may be joined by Bennett's acceptance ratio.
    pub reversible: bool,
    /// Samples of the model, exact ones if there are any; if none are given, long chains from `rows`, or without rows chains
    /// annealed from the base.
    pub starts: Vec<Starts<'a, P::X>>,
    /// Rows of data.
    pub rows: Option<&'a P::X>,
}

impl<P: Annealable, K: Kernel<P> + Clone> Annealing<'_, P, K> {
    /// Fits a ladder by a pilot, then runs both sides until the interval is narrow enough or the budget ends.
    ///
    /// # Errors
    /// Options without meaning; weights that are not finite; [`Error::Interrupted`] before the first round is complete.
    pub fn bracket(self, how: &BracketOptions, key: &Key, progress: &dyn Progress) -> Result<Certificate, Error> {
        how.check()?;
        let Self { path, kernel, reversible, mut starts, rows } = self;
        let pilot = if let Some(kept) = how.rounds.as_ref().and_then(|r| r.pilot()) {
            kept
        } else {
            let found = fitted(kernel, path, how, &key.step(0), progress)?;
            how.rounds.as_ref().map_or(Ok(()), |r| r.keep_pilot(&found))?;
            found
        };
        let Pilot { balanced, rate, seconds } = &pilot;
        let shape = &balanced.shape;
        if starts.is_empty() {
            starts.push(if let Some(rows) = rows {
                Starts::from_rows("long chains from data", kernel, path, rows, how.start_steps)
            } else {
                let climb = stretch(shape, how.start_steps.clamp(1, 1 << 20) as usize);
                Starts::annealed("chains annealed from the base", kernel, path, climb, how.start_steps)
            });
        }
        // What the pilot calls enough, if that leaves two thirds of the budget for what it did not see.
        let left = how.seconds.map_or(f64::INFINITY, |s| (s - seconds).max(0.0) * rate);
        let budget = left.min(how.moves as f64) / (3 * (1 + starts.len())) as f64;
        // Variance of the log weights at which so many chains are as precise as the width wants.
        let of_width = how.n_chains as f64 * (how.width / ERRORS).powi(2);
        let times = (EVEN / of_width).ceil().clamp(1.0, MOST_TIMES);
        let fewest = balanced.rungs_for(VARIANCE.min(of_width * times)).max(how.n_temperatures);
        let times = times.min(budget / (how.n_chains as f64 * fewest as f64)).max(1.0);
        let n_chains = how.n_chains * times as usize;
        let rungs = fewest.min((budget / n_chains as f64) as usize);
        let mut bracket = Bracket::new(kernel.clone())
            .with_shape(shape.clone())?
            .starting_with(n_chains, how.n_temperatures.max(rungs))?
            .until(how.width)?
            .within(how.moves);
        if reversible {
            bracket = bracket.reversible();
        }
        if let Some(limit) = how.seconds {
            bracket = bracket.within_time(Duration::from_secs_f64((limit - seconds).max(0.0)));
        }
        let mut round = usize::MAX;
        let ledger: &dyn Ledger = how.rounds.as_ref().map_or(&Forgetful, |r| r.as_ref());
        let found = bracket.resume(path, &starts, &key.step(1), ledger, &mut |now: Round<'_>| {
            if now.round != round {
                round = now.round;
                progress.begin("log Z from both sides", PARTS as u64);
            }
            progress.advance((PARTS * now.done) as u64);
            if let Some(last) = now.last {
                progress.note(&format!("[{:.4}, {:.4}] {}", last.lower, last.upper, last.verdict));
            }
            if progress.stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        progress.end();
        how.rounds.as_ref().map_or(Ok(()), |r| r.failure())?;
        Ok(found?)
    }
}

/// A ladder from pilots: rungs of equal loss in equilibrium, moved to where chains lag behind, by longer pilots as long as they
/// lag far; and the moves a second of the last pilot.
fn fitted<P: Annealable, K: Kernel<P> + Clone>(
    kernel: &K,
    path: &P,
    how: &BracketOptions,
    key: &Key,
    progress: &dyn Progress,
) -> Result<Pilot, Error> {
    let mut watch = |done: f64| {
        progress.advance((PARTS * done) as u64);
        if progress.stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let begin = Instant::now();
    progress.begin("ladder", PARTS as u64);
    let pilot = PilotLadder::new(kernel.clone(), PILOT_CHAINS)?;
    let shape = pilot.find(path, &key.step(0), &mut Scratch::default(), &mut watch)?;
    progress.end();
    let rungs = 2 * (shape.len() - 1);
    let mut now = Pilot { balanced: Balanced { shape, rungs, variance: 0.0 }, rate: 0.0, seconds: 0.0 };
    for trial in 1.. {
        progress.begin("rungs", PARTS as u64);
        let trial_began = Instant::now();
        let size = (PILOT_CHAINS, now.balanced.rungs);
        let found = balance(kernel, path, &now.balanced.shape, size, &key.step(trial), &mut watch);
        progress.end();
        match found {
            // Nothing to balance where nothing varies.
            Err(LogZError::Degenerate(_)) => {}
            found => now.balanced = found?,
        }
        let moves = (PILOT_CHAINS * now.balanced.rungs) as f64;
        now.rate = moves / trial_began.elapsed().as_secs_f64().max(1e-9);
        now.seconds = begin.elapsed().as_secs_f64();
        let left = how.seconds.map_or(f64::INFINITY, |s| (s - now.seconds).max(0.0) * now.rate);
        let longer = LONGER.min((left.min(how.moves as f64) / PILOT_SHARE / moves) as usize);
        if now.balanced.variance < LAGGING || longer < 2 {
            break;
        }
        now.balanced.rungs *= longer;
    }
    Ok(now)
}

/// One side as it is reported, nats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SideReport {
    /// Where its chains started.
    pub starts: String,
    /// Whether these were exact samples.
    pub exact: bool,
    /// The estimate.
    pub value: f64,
    /// Its standard error.
    pub std_err: f64,
    /// The end of the interval that it gives by itself.
    pub bound: f64,
    /// Which side it errs on.
    pub bias: Bias,
    /// Effective number of chains.
    pub effective_chains: Option<f64>,
    /// Pareto shape of the tail of its weights; above 0.7 their error is not to be believed.
    pub pareto_k: Option<f64>,
}

impl SideReport {
    fn new(starts: &str, exact: bool, z: &LogZ, bound: f64) -> Self {
        Self {
            starts: starts.to_string(),
            exact,
            value: z.value,
            std_err: z.std_err,
            bound,
            bias: z.bias,
            effective_chains: z.effective_chains,
            pareto_k: z.pareto_k().filter(|k| k.is_finite()),
        }
    }
}

/// The interval as it is reported, nats. **Ends are in the order in which they were obtained, never sorted.**
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Best single value.
    pub value: f64,
    /// Lower end, from the forward side.
    pub lower: f64,
    /// Upper end, from the reverse side.
    pub upper: f64,
    /// Standard error of the value.
    pub std_err: f64,
    /// How it was made.
    pub method: String,
    /// How far it is to be believed.
    pub verdict: Verdict,
}

/// A [`Certificate`] as it is reported and kept in the run directory, beside its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BracketReport {
    /// The interval.
    pub log_z: Interval,
    /// What speaks against it, in words, with what to try.
    pub concerns: Vec<String>,
    /// The side from the base.
    pub forward: SideReport,
    /// The sides from samples of the model, in the order of the starting points.
    pub reverse: Vec<SideReport>,
    /// The exact value, where it is cheap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact: Option<f64>,
    /// Chains of each side.
    pub n_chains: usize,
    /// Temperatures.
    pub n_temperatures: usize,
    /// Rounds of escalation.
    pub rounds: usize,
    /// Moves of chains in all rounds and sides.
    pub moves: u64,
    /// Seconds it took.
    pub seconds: f64,
}

impl BracketReport {
    /// From a certificate that took `seconds`.
    pub fn new(c: &Certificate, exact: Option<f64>, seconds: f64) -> Self {
        Self {
            log_z: Interval {
                value: c.value,
                lower: c.lower,
                upper: c.upper,
                std_err: c.std_err,
                method: c.log_z().method,
                verdict: c.verdict,
            },
            concerns: c.concerns.iter().map(ToString::to_string).collect(),
            forward: SideReport::new("the base", true, &c.forward, c.lower),
            reverse: c.reverse.iter().map(|u| SideReport::new(&u.starts, u.exact, &u.estimate, u.bound)).collect(),
            exact,
            n_chains: c.n_chains,
            n_temperatures: c.ladder.len() - 1,
            rounds: c.rounds,
            moves: c.moves,
            seconds,
        }
    }
}

/// Name of the report in a run directory.
pub const REPORT: &str = "logz.json";
