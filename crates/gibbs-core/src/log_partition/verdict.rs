//! What speaks against a bracket, in words, and what remains of it.

use std::fmt;

use super::bracket::Upper;
use super::{LogZ, pareto};

/// How far an interval of `log Z` is to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The interval is wrong, or its error cannot be judged.
    #[serde(rename = "not to be trusted")]
    NotToBeTrusted,
    /// Nothing contradicts the interval, and something that it rests on could not be checked.
    Plausible,
    /// Both ends are bounds by construction and every check of them passed.
    Certified,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotToBeTrusted => "not to be trusted",
            Self::Plausible => "plausible",
            Self::Certified => "certified",
        })
    }
}

/// Something to know before believing a bracket. [`fmt::Display`] says it in words, with what to try.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Concern {
    /// The forward estimate lies above the reverse one by more than their errors.
    Crossing {
        /// Nats between the two.
        nats: f64,
        /// The same in joint standard errors.
        sigmas: f64,
    },
    /// The forward estimate lies below the reverse one by more than their errors.
    Gap {
        /// Nats between the two.
        nats: f64,
        /// The same in joint standard errors.
        sigmas: f64,
    },
    /// Few weights carry one of the sides.
    FewEffective {
        /// Which side.
        side: String,
        /// Effective chains.
        effective: f64,
        /// Chains.
        chains: usize,
    },
    /// The tail of the weights of one side is too heavy for its standard error.
    HeavyTail {
        /// Which side.
        side: String,
        /// Pareto shape of the tail.
        k: f64,
        /// The largest that as many weights can be trusted with.
        trusted: f64,
    },
    /// The reverse chains do not start at exact samples of the model.
    ApproximateStarts {
        /// Where they start.
        starts: Vec<String>,
    },
    /// Reverse chains from two starting points disagree by more than their errors.
    StartsDisagree {
        /// Starting points of the lower value.
        low: String,
        /// Starting points of the higher value.
        high: String,
        /// Nats between the two.
        nats: f64,
        /// The same in joint standard errors.
        sigmas: f64,
    },
    /// Intervals of two rounds do not overlap.
    RoundsDisagree {
        /// Interval of the round before.
        before: (f64, f64),
        /// Interval of this round.
        now: (f64, f64),
    },
    /// The joint estimate lies outside the bracket.
    JointOutside {
        /// The joint estimate.
        value: f64,
        /// The bracket.
        bracket: (f64, f64),
    },
    /// The budget ended before the interval was as narrow as wished.
    WidthNotReached {
        /// Width reached, nats.
        width: f64,
        /// Width wished for, nats.
        wanted: f64,
    },
}

impl Concern {
    /// The best verdict that this allows.
    pub fn allows(&self) -> Verdict {
        match self {
            Self::Crossing { .. } | Self::RoundsDisagree { .. } | Self::StartsDisagree { .. } => {
                Verdict::NotToBeTrusted
            }
            Self::FewEffective { effective, .. } if *effective < 5.0 => Verdict::NotToBeTrusted,
            Self::HeavyTail { k, .. } if *k > 1.0 => Verdict::NotToBeTrusted,
            Self::WidthNotReached { .. } => Verdict::Certified,
            _ => Verdict::Plausible,
        }
    }

    /// Whether more temperatures may remove it.
    pub(super) fn yields_to_effort(&self) -> bool {
        matches!(self, Self::Gap { .. } | Self::FewEffective { .. } | Self::HeavyTail { .. })
    }
}

impl fmt::Display for Concern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crossing { nats, sigmas } => write!(
                f,
                "the lower side lies {nats:.3} nats above the upper side ({sigmas:.1} standard errors): the starting samples miss \
                 part of the model, or the kernel does not leave it invariant. Start the reverse chains from other samples \
                 (data, long chains from the base) and check the kernel"
            ),
            Self::Gap { nats, sigmas } => write!(
                f,
                "the two sides are {nats:.3} nats apart ({sigmas:.1} standard errors): the chains do not follow the path. Use more \
                 temperatures, a kernel that mixes faster, or a base that covers every mode"
            ),
            Self::FewEffective { side, effective, chains } => write!(
                f,
                "{effective:.1} of {chains} chains carry the {side} side: use more temperatures or a base closer to the model"
            ),
            Self::HeavyTail { side, k, trusted } => write!(
                f,
                "the weights of the {side} side have a heavy tail (Pareto k-hat {k:.2}, at most {trusted:.2} is good): its error \
                 may be larger than stated. Use more temperatures or more chains"
            ),
            Self::ApproximateStarts { starts } => write!(
                f,
                "the upper side starts from {}, which are not exact samples of the model: it is a bound only as far as these \
                 represent the model. Compare several starting points, or draw exact samples if there is a way",
                starts.join(" and ")
            ),
            Self::StartsDisagree { low, high, nats, sigmas } => write!(
                f,
                "reverse chains from {high} give {nats:.3} nats more than those from {low} ({sigmas:.1} standard errors): one of \
                 the two misses part of the model. Run the chains that make the samples longer, or temper them"
            ),
            Self::RoundsDisagree { before, now } => write!(
                f,
                "this round found [{:.3}, {:.3}] and the one before it [{:.3}, {:.3}], which do not overlap: the estimate has not \
                 settled, and the energy may be improper. Use more temperatures; confine the energy if its density has no \
                 finite integral",
                now.0, now.1, before.0, before.1
            ),
            Self::JointOutside { value, bracket } => write!(
                f,
                "both sides joined give {value:.3}, outside [{:.3}, {:.3}]: the kernel is not reversible or the starting samples \
                 are not exact",
                bracket.0, bracket.1
            ),
            Self::WidthNotReached { width, wanted } => write!(
                f,
                "the interval is {width:.3} nats wide and {wanted:.3} were asked for: allow a larger budget, or fit the ladder \
                 and the base to the model"
            ),
        }
    }
}

/// The best verdict that all of `concerns` allow.
pub(super) fn judge(concerns: &[Concern]) -> Verdict {
    concerns.iter().map(Concern::allows).min().unwrap_or(Verdict::Certified)
}

/// Joint standard errors beyond which two estimates differ; 0.3 % of healthy runs do by chance.
const SIGMAS: f64 = 3.0;

/// Differences of `log Z` below this are rounding of single-precision weights.
pub(super) fn rounding(log_z: f64) -> f64 {
    1e-6 * log_z.abs().max(1.0)
}

/// What both sides say against each other and themselves; `side` is the upper one that counts.
pub(super) fn concerns(forward: &LogZ, reverse: &[Upper], side: &Upper) -> Vec<Concern> {
    let mut found = Vec::new();
    let joint = forward.std_err.hypot(side.estimate.std_err) + rounding(forward.value);
    let nats = forward.value - side.estimate.value;
    let sigmas = nats / joint;
    if sigmas > SIGMAS {
        found.push(Concern::Crossing { nats, sigmas });
    } else if sigmas < -SIGMAS {
        found.push(Concern::Gap { nats: -nats, sigmas: -sigmas });
    }
    weigh_side("forward", forward, &mut found);
    for u in reverse {
        weigh_side(&format!("reverse ({})", u.starts), &u.estimate, &mut found);
    }
    if !side.exact {
        found.push(Concern::ApproximateStarts { starts: reverse.iter().map(|u| u.starts.clone()).collect() });
    }
    for (i, a) in reverse.iter().enumerate() {
        for b in &reverse[i + 1..] {
            let (low, high) = if a.estimate.value <= b.estimate.value { (a, b) } else { (b, a) };
            let nats = high.estimate.value - low.estimate.value;
            let sigmas = nats / (a.estimate.std_err.hypot(b.estimate.std_err) + rounding(nats));
            if sigmas > SIGMAS {
                let (low, high) = (low.starts.clone(), high.starts.clone());
                found.push(Concern::StartsDisagree { low, high, nats, sigmas });
            }
        }
    }
    found
}

/// What the weights of one side say against it.
fn weigh_side(side: &str, z: &LogZ, found: &mut Vec<Concern>) {
    let chains = z.log_weights.len();
    let effective = z.effective_chains.unwrap_or(0.0);
    if effective < (0.1 * chains as f64).max(20.0) {
        found.push(Concern::FewEffective { side: side.to_string(), effective, chains });
    }
    let trusted = pareto::largest_trusted_shape(chains);
    if let Some(k) = z.pareto_k()
        && k > trusted
    {
        found.push(Concern::HeavyTail { side: side.to_string(), k, trusted });
    }
}
