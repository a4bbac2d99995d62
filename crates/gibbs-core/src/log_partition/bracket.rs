//! Forward and reverse annealed importance sampling joined: a two-sided interval of `log Z` with a verdict.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::ais::{Told, anneal_blocks};
use super::ladder::stretch;
use super::ledger::{Finished, Forgetful, Ledger};
use super::starts::Starts;
use super::verdict::{Concern, Verdict, concerns, judge, rounding};
use super::{Bennett, Bias, Ends, LogZ, LogZError};
use crate::kernel::Kernel;
use crate::key::{Key, Purpose};
use crate::path::Annealable;
use crate::rows::Rows;

/// One upper side.
#[derive(Clone, Debug, PartialEq)]
pub struct Upper {
    /// Where its chains started.
    pub starts: String,
    /// Whether these were exact samples.
    pub exact: bool,
    /// The estimate, with its weights.
    pub estimate: LogZ,
    /// The estimate plus its error at the side's confidence.
    pub bound: f64,
}

/// A two-sided interval of `log Z`, with all that it was made of.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Certificate {
    /// Best single value: [`Bennett`]'s where the kernel was said to be reversible, else the mean of both sides weighed by
    /// their inverse variances.
    pub value: f64,
    /// Its standard error as far as the weights know it.
    pub std_err: f64,
    /// Lower end, from the forward side: its value less its error. **Ends are not sorted**: a lower end above the upper one
    /// is a finding, not a mishap. Sides that cross by less than that make the interval narrow by chance, so it is
    /// never narrower than that of `value` at the same confidence.
    pub lower: f64,
    /// Upper end, likewise, from the reverse side.
    pub upper: f64,
    /// Confidence of each end.
    pub side_confidence: f64,
    /// What to make of it.
    pub verdict: Verdict,
    /// Why it is not better; to be shown to people.
    pub concerns: Vec<Concern>,
    /// The forward side, with its weights.
    pub forward: LogZ,
    /// The reverse sides, in the order of the starting points given.
    pub reverse: Vec<Upper>,
    /// Both sides joined, where the kernel was said to be reversible.
    pub bennett: Option<Bennett>,
    /// Inverse temperatures, rising.
    pub ladder: Vec<f64>,
    /// Chains of each side.
    pub n_chains: usize,
    /// Rounds of escalation made.
    pub rounds: usize,
    /// Moves of chains spent in all rounds and sides.
    pub moves: u64,
}

impl Certificate {
    /// Width that the interval would have if its sides stood as far apart the right way round as they do: their errors and
    /// the distance of their values. Sides that cross by chance make an interval narrow, and say nothing of its errors, so
    /// this is what escalation looks at.
    pub fn spread(&self) -> f64 {
        let crossed = self.reverse.iter().map(|u| self.forward.value - u.estimate.value).fold(f64::INFINITY, f64::min);
        self.width() + 2.0 * crossed.max(0.0)
    }

    /// Width of the interval, nats; negative if the sides cross.
    pub fn width(&self) -> f64 {
        self.upper - self.lower
    }

    /// The same interval of `log Z + by`.
    #[must_use]
    pub fn shifted(mut self, by: f64) -> Self {
        for value in [&mut self.value, &mut self.lower, &mut self.upper, &mut self.forward.value] {
            *value += by;
        }
        for side in &mut self.reverse {
            side.estimate.value += by;
            side.bound += by;
        }
        self
    }

    /// As one estimate, with the concerns for warnings.
    pub fn log_z(&self) -> LogZ {
        let starts: Vec<&str> = self.reverse.iter().map(|u| u.starts.as_str()).collect();
        LogZ {
            value: self.value,
            std_err: self.std_err,
            bias: Bias::Unknown,
            method: format!(
                "forward and reverse AIS from {}, {} chains x {} temperatures a side",
                starts.join(" and "),
                self.n_chains,
                self.ladder.len() - 1
            ),
            log_weights: self.forward.log_weights.clone(),
            effective_chains: self.forward.effective_chains,
            warnings: self.concerns.iter().map(ToString::to_string).collect(),
            ends: Some(Ends { lower: self.lower, upper: self.upper, verdict: self.verdict }),
        }
    }
}

/// What a run tells of itself.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Round, from 0.
    pub round: usize,
    /// Share of the round that is done.
    pub done: f64,
    /// The bracket of the round before.
    pub last: Option<&'a Certificate>,
}

/// Forward AIS from the base and reverse AIS from samples of the model, with more temperatures and chains from round to round
/// until the interval is narrow enough, nothing speaks against it, or the budget ends.
///
/// The lower end is the forward estimate less its error, the upper one the reverse estimate plus its error, each with
/// confidence 98.75 % (Student's t on the delta-method error): 97.5 % would make an interval of 95 %, and the rest is for
/// looking at the width after every round, which favours rounds whose errors happen to look small. Both ends err to the safe side when AIS fails: weights that
/// were too rare to be drawn make the forward value too low and the reverse value too high. Where the sides cross by chance,
/// the ends of the joint value at the same confidence count. The interval holds at 95 % or more; how much more is measured in
/// `record/coverage.md`.
///
/// # Verdict
/// * `certified`: exact starting samples; the sides neither cross nor stand apart by more than 3 joint standard errors; at
///   least a tenth of the chains (and 20) effective on each side; tails of the weights light (Pareto k-hat); rounds agree.
/// * `plausible`: one of these could not be had and nothing contradicts the interval.
/// * `not to be trusted`: the sides cross, starting points or rounds disagree, fewer than five chains carry a side, or its
///   weights have no mean (k-hat above 1).
///
/// It takes the word of the caller for two things: that starts called exact are exact, and that the kernel leaves every
/// `p_beta` invariant.
///
/// With approximate starts: the upper end is that of the highest starting point plus the largest disagreement
/// between any two, and the verdict is `plausible` at best.
///
/// # Example
/// ```
/// # use std::ops::ControlFlow;
/// use gibbs_core::log_partition::{Bracket, Starts, Verdict};
/// # use gibbs_core::{dense::Dense, energy::{Distribution, Energy}, key::Key, path::Bridge, rows::Continuous};
/// # use gibbs_core::{samplers::RandomWalk, scratch::Scratch};
/// /// A normal distribution on the line; without its constant when it plays the model.
/// struct Normal { mean: f64, log_z: f64 }
/// # impl Energy for Normal {
/// #     type X = Dense<f64>;
/// #     fn energy(&self, x: &Dense<f64>, out: &mut [f64], _: &mut Scratch) {
/// #         out.iter_mut().zip(x.values()).for_each(|(o, x)| *o = 0.5 * (x - self.mean).powi(2) + self.log_z);
/// #     }
/// # }
/// # impl Distribution for Normal {
/// #     fn sample(&self, n: usize, key: &Key) -> Dense<f64> {
/// #         let mut rng = key.rng();
/// #         Dense::from_rows(1, (0..n).map(|_| self.mean + rng.normal()).collect())
/// #     }
/// # }
/// let log_z = 0.5 * std::f64::consts::TAU.ln();
/// let model = Normal { mean: 1.5, log_z: 0.0 };
/// let path = Bridge { base: Normal { mean: 0.0, log_z }, target: &model };
/// let bracket = Bracket::new(RandomWalk::new(1.0)?).reversible().until(0.2)?;
/// let starts = [Starts::exact("the model itself", |n, key: &Key| model.sample(n, key))];
/// let found = bracket.estimate(&path, &starts, &Key::from_seed(0), &mut |_| ControlFlow::Continue(()))?;
/// assert_eq!(found.verdict, Verdict::Certified, "{:?}", found.concerns);
/// assert!(found.lower <= log_z && log_z <= found.upper && found.width() < 0.2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// Grosse, Ghahramani & Adams 2015, DOI 10.48550/arXiv.1511.02543; Grosse, Ancha & Roy 2016, "Measuring the reliability of MCMC
/// inference with bidirectional Monte Carlo", DOI 10.48550/arXiv.1606.02275.
#[derive(Clone, Debug)]
pub struct Bracket<K> {
    kernel: K,
    reversible: bool,
    shape: Vec<f64>,
    n_chains: usize,
    rungs: usize,
    width: f64,
    budget: u64,
    time: Option<Duration>,
}

impl<K> Bracket<K> {
    /// Begins with 400 chains a side over 100 linear temperatures, wants 0.1 nats, and spends at most ten million moves.
    pub fn new(kernel: K) -> Self {
        Self {
            kernel,
            reversible: false,
            shape: vec![0.0, 1.0],
            n_chains: 400,
            rungs: 100,
            width: 0.1,
            budget: 10_000_000,
            time: None,
        }
    }

    /// States that the kernel satisfies detailed balance (block Gibbs of an RBM, Metropolis kernels, HMC; not a heat bath
    /// over several blocks in order), so that both sides may be joined by [`Bennett`]'s acceptance ratio.
    pub fn reversible(self) -> Self {
        Self { reversible: true, ..self }
    }

    /// Ladders in the shape of this one, say from a [`PilotLadder`](super::PilotLadder).
    pub fn with_shape(self, shape: Vec<f64>) -> Result<Self, LogZError> {
        super::ais::check_ladder(&shape)?;
        Ok(Self { shape, ..self })
    }

    /// Size of the first round: chains a side, and temperatures.
    pub fn starting_with(self, n_chains: usize, rungs: usize) -> Result<Self, LogZError> {
        if n_chains < 2 {
            return Err(LogZError::Chains(n_chains));
        }
        if rungs == 0 {
            return Err(LogZError::Setting { name: "number of temperatures", value: 0.0 });
        }
        Ok(Self { n_chains, rungs, ..self })
    }

    /// Goes on until the interval is at most `width` nats wide.
    pub fn until(self, width: f64) -> Result<Self, LogZError> {
        if width > 0.0 { Ok(Self { width, ..self }) } else { Err(LogZError::Setting { name: "width", value: width }) }
    }

    /// Spends at most about `moves` moves of chains (chains x temperatures x sides, over all rounds). The first round is
    /// always made.
    pub fn within(self, moves: u64) -> Self {
        Self { budget: moves, ..self }
    }

    /// Also makes no round that would, at the speed of the one before, end later than `time` after the first began. The
    /// first round is always made.
    ///
    /// How many rounds fit depends on the machine, and so does the size of the last; one of that size is repeated bit for
    /// bit by a budget of moves alone.
    pub fn within_time(self, time: Duration) -> Self {
        Self { time: Some(time), ..self }
    }

    /// Runs it. `progress` hears of every hundredth of a round and may end the run: the last complete round is then the
    /// result, or [`LogZError::Interrupted`] if there is none.
    ///
    /// Each round draws from keys of its own and replaces the one before.
    pub fn estimate<P: Annealable>(
        &self,
        path: &P,
        starts: &[Starts<'_, P::X>],
        key: &Key,
        progress: &mut (dyn FnMut(Progress<'_>) -> ControlFlow<()> + Send),
    ) -> Result<Certificate, LogZError>
    where
        K: Kernel<P>,
    {
        self.resume(path, starts, key, &Forgetful, progress)
    }

    /// As [`Bracket::estimate`], with finished rounds taken from `ledger` and kept there: a run that was ended goes on after its
    /// last finished round and comes to the same bits.
    pub fn resume<P: Annealable>(
        &self,
        path: &P,
        starts: &[Starts<'_, P::X>],
        key: &Key,
        ledger: &dyn Ledger,
        progress: &mut (dyn FnMut(Progress<'_>) -> ControlFlow<()> + Send),
    ) -> Result<Certificate, LogZError>
    where
        K: Kernel<P>,
    {
        if starts.is_empty() {
            return Err(LogZError::NoStarts);
        }
        let sides = 1 + starts.len();
        let (mut n_chains, mut rungs, mut moves, mut seconds) = (self.n_chains, self.rungs, 0, 0.0);
        let mut last: Option<Certificate> = None;
        for round in 0.. {
            let finished = if let Some(kept) = ledger.recall(round).filter(|f| f.fits(starts.len())) {
                kept
            } else {
                let began = Instant::now();
                let key = key.step(round as u64);
                let tell = &mut |done| progress(Progress { round, done, last: last.as_ref() });
                match self.round(path, starts, stretch(&self.shape, rungs), n_chains, &key, tell) {
                    Err(LogZError::Interrupted) => return last.ok_or(LogZError::Interrupted),
                    run => {
                        let finished = Finished { seconds: began.elapsed().as_secs_f64(), ..run? };
                        if ledger.keep(round, &finished).is_break() {
                            return Err(LogZError::Interrupted);
                        }
                        finished
                    }
                }
            };
            (n_chains, rungs) = (finished.forward.len(), finished.ladder.len() - 1);
            moves += (n_chains * rungs * sides) as u64;
            seconds += finished.seconds;
            let lasted = finished.seconds.max(1e-9);
            let (forward, reverse) = sides_of(path, starts, &finished)?;
            let mut now = self.judge_round(forward, reverse, finished.ladder, last.as_ref())?;
            (now.rounds, now.moves) = (round + 1, moves);
            let narrow = now.spread() <= self.width;
            let laborious = now.concerns.iter().any(Concern::yields_to_effort);
            let most = self.time.map_or(f64::INFINITY, |t| (t.as_secs_f64() - seconds).max(0.0) / lasted);
            let next = self.next_size(&now, laborious, (sides as u64, moves), most);
            if (narrow && !laborious) || next.is_none() {
                if now.width() > self.width {
                    now.concerns.push(Concern::WidthNotReached { width: now.width(), wanted: self.width });
                }
                return Ok(now);
            }
            (n_chains, rungs) = next.unwrap_or((n_chains, rungs));
            last = Some(now);
        }
        unreachable!("rounds end with the budget")
    }

    /// Chains and temperatures of the next round; `None` if the budget, or the time for a round `most` as large, holds no
    /// round that is a quarter larger.
    ///
    /// Temperatures grow while the weights differ much (their variance falls as one over their number, and with it the bias);
    /// then chains do, as the square of the width to go.
    fn next_size(
        &self,
        now: &Certificate,
        laborious: bool,
        (sides, spent): (u64, u64),
        most: f64,
    ) -> Option<(usize, usize)> {
        let rungs = now.ladder.len() - 1;
        let share = |z: &LogZ| z.effective_chains.unwrap_or(0.0) / now.n_chains as f64;
        let least = now.reverse.iter().map(|u| share(&u.estimate)).fold(share(&now.forward), f64::min);
        let wanted = (now.width() / self.width).powi(2).clamp(1.5, 4.0);
        let factor = if least < 0.1 || laborious { 4.0 } else { wanted };
        let affordable = self.budget.saturating_sub(spent) as f64 / (sides as f64 * now.n_chains as f64 * rungs as f64);
        let factor = factor.min(affordable).min(most);
        if factor < 1.25 {
            return None;
        }
        let grow = |n: usize| (n as f64 * factor) as usize;
        Some(if least < 0.5 || laborious { (now.n_chains, grow(rungs)) } else { (grow(now.n_chains), rungs) })
    }

    /// Log weights of both sides of one round, which run at the same time.
    fn round<P: Annealable>(
        &self,
        path: &P,
        starts: &[Starts<'_, P::X>],
        ladder: Vec<f64>,
        n: usize,
        key: &Key,
        progress: &mut (dyn FnMut(f64) -> ControlFlow<()> + Send),
    ) -> Result<Finished, LogZError>
    where
        K: Kernel<P>,
    {
        let told = Told::new(n * (ladder.len() - 1) * (1 + starts.len()), progress);
        let rung_done = |rows: usize| told.rows(rows);
        let down: Vec<f64> = ladder.iter().rev().copied().collect();
        let forward = || {
            let x = path.sample_base(n, &key.purpose(Purpose::Init));
            anneal_blocks(&self.kernel, path, &ladder, &x, &key.purpose(Purpose::Noise), &rung_done)
        };
        let reverse = |(i, starts): (usize, &Starts<'_, P::X>)| {
            let key = key.purpose(Purpose::LogZ).block(i as u64);
            let x = (starts.draw)(n, &key.purpose(Purpose::Init));
            if x.n_rows() != n {
                return Err(LogZError::Chains(x.n_rows()));
            }
            anneal_blocks(&self.kernel, path, &down, &x, &key.purpose(Purpose::Noise), &rung_done)
        };
        let (forward, reverse) =
            rayon::join(forward, || starts.par_iter().enumerate().map(reverse).collect::<Result<Vec<_>, _>>());
        let (forward, reverse) = (forward?, reverse?);
        Ok(Finished { ladder, forward, reverse, seconds: 0.0 })
    }

    /// Interval, value and verdict from both sides.
    fn judge_round(
        &self,
        forward: LogZ,
        reverse: Vec<Upper>,
        ladder: Vec<f64>,
        last: Option<&Certificate>,
    ) -> Result<Certificate, LogZError> {
        let n_chains = forward.log_weights.len();
        let mut lower = forward.value - quantile(n_chains) * forward.std_err;
        // Exact samples speak for themselves; of others the one that promises least is taken, and the damage that their
        // disagreement shows is added.
        let exact = reverse.iter().find(|u| u.exact);
        let highest = reverse.iter().max_by(|a, b| a.bound.total_cmp(&b.bound)).ok_or(LogZError::NoStarts)?;
        let side = exact.unwrap_or(highest);
        let values = || reverse.iter().map(|u| u.estimate.value);
        let damage = values().fold(f64::NEG_INFINITY, f64::max) - values().fold(f64::INFINITY, f64::min);
        let mut upper = side.bound + if exact.is_some() { 0.0 } else { damage };

        let bennett = if self.reversible { Some(Bennett::of(&forward, &side.estimate)?) } else { None };
        let base_log_z = forward.value - log_mean(&forward);
        let (value, std_err) = match bennett {
            Some(b) => (base_log_z + b.log_ratio, b.std_err),
            None => weighed(&forward, &side.estimate),
        };
        let mut concerns = concerns(&forward, &reverse, side);
        let slack = 2.0 * std_err + rounding(upper);
        if lower <= upper && (value < lower - slack || value > upper + slack) {
            concerns.push(Concern::JointOutside { value, bracket: (lower, upper) });
        } else if lower <= upper {
            lower = lower.min(value - quantile(n_chains) * std_err);
            upper = upper.max(value + quantile(n_chains) * std_err);
        }
        if let Some(before) = last
            && (before.upper < lower || upper < before.lower)
        {
            let intervals = ((before.lower, before.upper), (lower, upper));
            concerns.push(Concern::RoundsDisagree { before: intervals.0, now: intervals.1 });
        }
        Ok(Certificate {
            value,
            std_err,
            lower,
            upper,
            side_confidence: SIDE_CONFIDENCE,
            verdict: judge(&concerns),
            concerns,
            forward,
            reverse,
            bennett,
            ladder,
            n_chains,
            rounds: 1,
            moves: 0,
        })
    }
}

/// Estimates of both sides from their weights.
fn sides_of<P: Annealable>(
    path: &P,
    starts: &[Starts<'_, P::X>],
    round: &Finished,
) -> Result<(LogZ, Vec<Upper>), LogZError> {
    let (n, rungs, base) = (round.forward.len(), round.ladder.len() - 1, path.base_log_z());
    let forward =
        LogZ::from_log_weights(round.forward.clone(), base, format!("AIS, {n} chains x {rungs} temperatures"))?;
    let reverse = |(starts, weights): (&Starts<'_, P::X>, &Vec<f64>)| {
        let method = format!("reverse AIS from {}, {n} chains x {rungs} temperatures", starts.name);
        let estimate = LogZ::from_reverse_log_weights(weights.clone(), base, method)?;
        let bound = estimate.value + quantile(n) * estimate.std_err;
        Ok(Upper { starts: starts.name.clone(), exact: starts.exact, estimate, bound })
    };
    Ok((forward, starts.iter().zip(&round.reverse).map(reverse).collect::<Result<_, LogZError>>()?))
}

/// For an interval of 95 %: half of the 5 % for the two ends, the other half for choosing the round by its width.
const SIDE_CONFIDENCE: f64 = 0.9875;

/// Student's t at the confidence of a side.
fn quantile(n_chains: usize) -> f64 {
    StudentsT::new(0.0, 1.0, (n_chains - 1) as f64).map_or(f64::INFINITY, |t| t.inverse_cdf(SIDE_CONFIDENCE))
}

fn log_mean(z: &LogZ) -> f64 {
    crate::diagnostics::weights::summarise(&z.log_weights).map_or(f64::NAN, |s| s.log_mean_exp)
}

/// Mean of two estimates by inverse variance, with its standard error.
fn weighed(a: &LogZ, b: &LogZ) -> (f64, f64) {
    let (va, vb) = (a.std_err.powi(2), b.std_err.powi(2));
    if va + vb == 0.0 {
        return (0.5 * (a.value + b.value), 0.0);
    }
    ((vb * a.value + va * b.value) / (va + vb), (va * vb / (va + vb)).sqrt())
}
