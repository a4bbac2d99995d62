//! Two groups of positions along one axis, and which chains visit which.

use std::ops::Range;

use crate::diagnostics::Draws;

/// Passes of two-means; it settles in a few on a line.
const PASSES: usize = 50;
/// Two groups are modes if their centres are this many of their pooled standard deviations apart: a normal cut in two halves
/// has 2.65, and two normals of equal weight become bimodal at 2.
const APART: f64 = 4.0;
/// Chains cross a healthy divide at least this often in a run.
const FEW: f64 = 1.0;
/// Difference of shares between starts that is worth a word.
const SHARES: f64 = 0.2;

/// How often chains are on the upper side of a divide, and how often they cross it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Occupancy {
    /// Share of the draws above the divide, by start.
    pub shares: Vec<(String, f64)>,
    /// Crossings a chain, over the whole run.
    pub crossings: f64,
    /// Distance of the centres in pooled standard deviations.
    pub distance: f64,
}

impl Occupancy {
    /// Whether these are modes that chains do not leave, or that starts visit unequally.
    pub fn separates(&self) -> bool {
        let shares = || self.shares.iter().map(|s| s.1);
        let spread = shares().fold(f64::NEG_INFINITY, f64::max) - shares().fold(f64::INFINITY, f64::min);
        self.distance > APART && (self.crossings < FEW || spread > SHARES)
    }
}

/// Divides draws in two by two-means on a line and counts. `None` if they do not change.
pub fn occupancy(draws: &Draws<'_>, starts: &[(String, Range<usize>)]) -> Option<Occupancy> {
    let x = draws.values();
    let (low, high) = x.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    if low >= high {
        return None;
    }
    let mut centres = [low, high];
    for _ in 0..PASSES {
        let divide = 0.5 * (centres[0] + centres[1]);
        let (mut sums, mut counts) = ([0.0; 2], [0usize; 2]);
        for v in x {
            let side = usize::from(*v > divide);
            sums[side] += v;
            counts[side] += 1;
        }
        let next = [sums[0] / counts[0].max(1) as f64, sums[1] / counts[1].max(1) as f64];
        if next == centres {
            break;
        }
        centres = next;
    }
    let divide = 0.5 * (centres[0] + centres[1]);
    let within: f64 = x.iter().map(|v| (v - centres[usize::from(*v > divide)]).powi(2)).sum::<f64>() / x.len() as f64;
    let share = |range: &Range<usize>| {
        let all: Vec<f64> = range.clone().flat_map(|c| draws.chain(c).iter().copied()).collect();
        all.iter().filter(|v| **v > divide).count() as f64 / all.len().max(1) as f64
    };
    // A crossing goes from the inner half of one side to that of the other, so that noise at the divide does not count.
    let quarter = 0.25 * (centres[1] - centres[0]);
    let crossings = |chain: &[f64]| {
        let mut side = None;
        let mut n = 0usize;
        for v in chain {
            let now = if *v > divide + quarter {
                true
            } else if *v < divide - quarter {
                false
            } else {
                continue;
            };
            n += usize::from(side.is_some_and(|s: bool| s != now));
            side = Some(now);
        }
        n as f64
    };
    let n = draws.n_chains();
    Some(Occupancy {
        shares: starts.iter().map(|(name, range)| (name.clone(), share(range))).collect(),
        crossings: (0..n).map(|c| crossings(draws.chain(c))).sum::<f64>() / n as f64,
        distance: (centres[1] - centres[0]) / within.sqrt().max(1e-300),
    })
}
