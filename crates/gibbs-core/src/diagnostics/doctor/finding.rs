//! What the doctor can find, with its cause and remedy in words.

use std::fmt;

use super::modes::Occupancy;
use crate::diagnostics::temperature::Reading;

/// The state of chains in a word, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// No sign against them.
    Converged,
    /// They agree and know little yet.
    Slow,
    /// They sample another temperature than 1.
    WrongTemperature,
    /// They do not reach all that they should.
    Stuck,
    /// They left the finite numbers or the region of the data.
    Exploded,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Converged => "converged",
            Self::Slow => "slow",
            Self::WrongTemperature => "wrong temperature",
            Self::Stuck => "stuck",
            Self::Exploded => "exploded",
        })
    }
}

/// One thing that is wrong. [`fmt::Display`] says what, why, and what to try.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Finding {
    /// Chains left the finite numbers.
    Exploded {
        /// How many.
        chains: usize,
        /// Of how many.
        of: usize,
        /// Step size, where there is one.
        step: Option<f64>,
    },
    /// Chains that hardly ever move.
    Stuck {
        /// How many.
        chains: usize,
        /// Of how many.
        of: usize,
        /// Step size, where there is one.
        step: Option<f64>,
    },
    /// Almost every proposal is refused.
    StepRefused {
        /// Step size.
        size: f64,
        /// Mean acceptance probability.
        acceptance: f64,
    },
    /// An uncorrected step that heats the chains by half or more.
    StepTooLarge {
        /// Step size.
        size: f64,
        /// The temperature found.
        reading: Reading,
        /// The step that would leave a hundredth of bias.
        corrected_step: f64,
    },
    /// Chains at another temperature than 1.
    WrongTemperature {
        /// The temperature found.
        reading: Reading,
        /// Lowest and highest over directions.
        range: (f64, f64),
        /// Step size of an uncorrected sampler.
        step: Option<f64>,
        /// The step that would leave a hundredth of bias, where the step is the cause.
        corrected_step: Option<f64>,
    },
    /// Chains disagree.
    NotMixed {
        /// The largest R-hat of the energy and the projections.
        rhat: f64,
    },
    /// Chains agree so far, and are short.
    SlowMixing {
        /// The largest R-hat.
        rhat: f64,
        /// The smallest number of effective draws.
        ess: f64,
        /// How many times as long to run.
        times: f64,
        /// Draws a chain so far.
        steps: usize,
    },
    /// Chains of two starts have different energies.
    StartsDisagree {
        /// The starts.
        starts: [String; 2],
        /// Their mean energies, nats.
        energies: [f64; 2],
        /// Welch's t between them.
        t: f64,
    },
    /// Two modes that chains do not cross between, or visit unequally by where they started.
    Modes(Occupancy),
    /// Long runs end in valleys below data and short runs.
    FalseValley {
        /// Mean energy of long runs.
        long: f64,
        /// Of short runs.
        short: f64,
        /// Of the data.
        data: f64,
    },
    /// Momenta that cannot change the energy.
    LowEBfmi {
        /// The fraction.
        value: f64,
    },
    /// A gap in a ladder of temperatures.
    TooFewTemperatures {
        /// The pair, from the hottest.
        pair: usize,
        /// Its swap rate.
        rate: f64,
        /// Temperatures there are.
        levels: usize,
        /// Temperatures to try.
        advised: usize,
    },
    /// Swaps happen and no replica travels.
    NoRoundTrips {
        /// Round trips made.
        trips: u64,
        /// Round trips expected of levels that mix.
        ideal: f64,
    },
}

impl Finding {
    /// What it makes of the chains.
    pub fn state(&self) -> State {
        match self {
            Self::Exploded { .. } => State::Exploded,
            Self::StepTooLarge { .. } | Self::WrongTemperature { .. } => State::WrongTemperature,
            Self::SlowMixing { .. } | Self::LowEBfmi { .. } => State::Slow,
            _ => State::Stuck,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |step: &Option<f64>| step.map_or(String::new(), |s| format!(" at step size {s:.3e}"));
        match self {
            Self::Exploded { chains, of, step } => write!(
                f,
                "{chains} of {of} chains left the finite numbers or the region of the data{}: the step is too large for the \
                 curvature, or the energy falls without bound. Divide the step by ten, correct it (MALA), or confine the energy",
                at(step)
            ),
            Self::Stuck { chains, of, step } => write!(
                f,
                "{chains} of {of} chains hardly ever moved{}: every proposal is refused, or each unit is held by the others. \
                 Their draws show where they started. Use a smaller step, a sampler that moves blocks or clusters, or tempering",
                at(step)
            ),
            Self::StepRefused { size, acceptance } => write!(
                f,
                "the step size {size:.3e} is too large: only {:.1} % of the proposals are accepted (0.574 is best for MALA, 0.65 \
                 to 0.8 for HMC). Divide it by ten, then adapt it",
                100.0 * acceptance
            ),
            Self::StepTooLarge { size, reading, corrected_step } => write!(
                f,
                "the step size {size:.3e} is too large: the chains are at temperature {:.3} [{:.3}, {:.3}] and not at 1. A step of \
                 {corrected_step:.2e} would leave about 1 %; a smaller step removes the bias only in the limit, a Metropolis \
                 decision (MALA) at any step",
                reading.value, reading.lower, reading.upper
            ),
            Self::WrongTemperature { reading, range, step, corrected_step } => {
                write!(
                    f,
                    "the chains are at temperature {:.3} [{:.3}, {:.3}] and not at 1",
                    reading.value, reading.lower, reading.upper
                )?;
                if range.0 < range.1 {
                    write!(f, " (from {:.3} to {:.3} by direction)", range.0, range.1)?;
                }
                match (reading.value < 1.0, corrected_step) {
                    (true, _) => write!(
                        f,
                        ": their noise is too small for their drift, so samples look sharper and less diverse than the model. \
                         Multiply the noise by {:.3}, or set the temperature to 1",
                        reading.value.recip().sqrt()
                    ),
                    (false, Some(better)) => write!(
                        f,
                        ": the step size {:.3e} is not corrected and heats them. A step of {better:.2e} would leave about 1 %; a \
                         smaller step removes the bias only in the limit, a Metropolis decision (MALA) at any step",
                        step.unwrap_or(f64::NAN)
                    ),
                    (false, None) => write!(
                        f,
                        ": the sampler's temperature is set above 1, or its noise is too large for its drift. Set it to 1"
                    ),
                }
            }
            Self::NotMixed { rhat } => write!(
                f,
                "the chains disagree with each other (R-hat {rhat:.3}, below 1.01 is asked for): averages over them are not to be \
                 trusted. Run them longer, or use a sampler that crosses between modes, such as tempering"
            ),
            Self::SlowMixing { rhat, ess, times, steps } => write!(
                f,
                "the chains are short: R-hat {rhat:.3} and {ess:.0} effective draws (below 1.01 and 400 are asked for) after \
                 {steps} steps. Run them {times:.0} times as long"
            ),
            Self::StartsDisagree { starts: [a, b], energies: [x, y], t } => write!(
                f,
                "chains from {a} and from {b} have different energies ({x:.2} and {y:.2} nats, t = {t:.1}): they have not \
                 forgotten where they started. Run them longer, or temper them"
            ),
            Self::Modes(m) => {
                let shares: Vec<String> =
                    m.shares.iter().map(|(name, s)| format!("{:.0} % from {name}", 100.0 * s)).collect();
                write!(
                    f,
                    "there are two modes ({:.1} of their widths apart) and a chain crosses between them {:.2} times in the run; \
                     one of them holds {}. Chains that start in one mode sample that mode only: temper them, and start them at \
                     data",
                    m.distance,
                    m.crossings,
                    shares.join(", ")
                )
            }
            Self::FalseValley { long, short, data } => write!(
                f,
                "false valleys: long chains end at energy {long:.1}, far below the data ({data:.1}) and short chains ({short:.1}). \
                 The model puts its mass where there are no data, which short chains do not find. Train with longer or \
                 persistent chains, noise on the rows, or a penalty on the energy"
            ),
            Self::LowEBfmi { value } => write!(
                f,
                "E-BFMI is {value:.2} (0.3 is asked for): fresh momenta change the energy little, so the tails are hardly visited. \
                 Longer trajectories do not help; rescale the coordinates or use heavier tails in the momenta"
            ),
            Self::TooFewTemperatures { pair, rate, levels, advised } => write!(
                f,
                "too few temperatures: {levels} of them, and levels {pair} and {} swap at a rate of {rate:.3} (0.2 or more is \
                 good). Use about {advised}",
                pair + 1
            ),
            Self::NoRoundTrips { trips, ideal } => write!(
                f,
                "replicas do not travel: {trips} round trips where {ideal:.0} were to be expected of levels that mix. The \
                 ladder is fine; the kernel does not mix at some level: more moves between swaps, or another kernel there"
            ),
        }
    }
}
