//! Rungs moved to where chains lag behind the path.

use std::ops::ControlFlow;

use rayon::prelude::*;

use super::LogZError;
use super::ais::{Told, anneal_along};
use super::ladder::stretch;
use crate::kernel::Kernel;
use crate::key::{Key, Purpose};
use crate::path::Annealable;
use crate::rows::Rows;
use crate::scratch::Scratch;

/// Parts of a ladder whose costs are compared.
const PARTS: usize = 24;
/// Rungs of the shape that is returned.
const FINE: usize = 40 * PARTS;
/// A part costs at least this share of the mean: what looks free in one pilot is not.
const LEAST: f64 = 0.05;

/// A ladder's shape with its rungs where they are worth most, and what its trial run cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Balanced {
    /// Inverse temperatures, rising from 0 to 1, dense where chains lag.
    pub shape: Vec<f64>,
    /// Rungs of the trial run.
    pub rungs: usize,
    /// Variance of its log weights.
    pub variance: f64,
}

impl Balanced {
    /// Rungs at which the log weights have about this variance, which falls as one over the rungs.
    pub fn rungs_for(&self, variance: f64) -> usize {
        (self.rungs as f64 * self.variance / variance).ceil() as usize
    }
}

/// A ladder's shape with its rungs where they are worth most, from a trial run of `n_chains` chains over `rungs` rungs of the
/// shape given.
///
/// [`PilotLadder`](super::PilotLadder) makes rungs equally wide for chains in equilibrium. Chains that move slowly are not:
/// near a phase transition each rung adds to a lag, and the variance of the log weights comes from there. The cost of a part
/// is its share of that variance, `c_s = Cov(w_s, sum w)`, which falls as one over its rungs `r_s`, so that the sum
/// `sum_s c_s r_s / r'_s` is least at `r'_s prop sqrt(c_s r_s)`; the parts given have equal numbers of rungs.
///
/// Costs are smoothed over three parts and are at least a twentieth of their mean. As with any pilot, estimate with other
/// chains than these.
///
/// # Errors
/// As [`Ais`](super::Ais), and [`LogZError::Degenerate`] if the log weights do not vary at all.
///
/// # Source
/// Friction along a path: Sivak & Crooks 2012, DOI 10.1103/PhysRevLett.108.190602; the optimum by Lagrange's multipliers.
pub fn balance<P: Annealable, K: Kernel<P>>(
    kernel: &K,
    path: &P,
    shape: &[f64],
    (n_chains, rungs): (usize, usize),
    key: &Key,
    progress: &mut (dyn FnMut(f64) -> ControlFlow<()> + Send),
) -> Result<Balanced, LogZError> {
    if n_chains < 2 {
        return Err(LogZError::Chains(n_chains));
    }
    super::ais::check_ladder(shape)?;
    let each = rungs.div_ceil(PARTS).max(1);
    let ladder = stretch(shape, each * PARTS);
    let x = path.sample_base(n_chains, &key.purpose(Purpose::Init));
    let (moves, size) = (key.purpose(Purpose::Noise), path.block_rows());
    let told = Told::new(n_chains * each * PARTS, progress);
    let block = |ws: &mut Scratch, b: usize| {
        let rows: Vec<usize> = (b * size..((b + 1) * size).min(n_chains)).collect();
        let mut chain = kernel.init(path, x.select(&rows), ws);
        let moves = moves.block(b as u64);
        let mut of_part = |part: usize| {
            let (mut log_weights, betas) = (vec![0.0; rows.len()], &ladder[part * each..=(part + 1) * each]);
            let tell = &mut |_| told.rows(rows.len());
            anneal_along(kernel, path, betas, &mut chain, &mut log_weights, &moves.step(part as u64), ws, tell)?;
            Ok(log_weights)
        };
        (0..PARTS).map(&mut of_part).collect::<Result<Vec<_>, LogZError>>()
    };
    let blocks: Vec<Vec<Vec<f64>>> = (0..n_chains.div_ceil(size))
        .into_par_iter()
        .with_max_len(1)
        .map_init(Scratch::default, block)
        .collect::<Result<_, _>>()?;
    let parts: Vec<Vec<f64>> = (0..PARTS).map(|p| blocks.iter().flat_map(|b| b[p].iter().copied()).collect()).collect();
    let mut total = vec![0.0; n_chains];
    for log_weights in &parts {
        if let Some(index) = log_weights.iter().position(|w| !w.is_finite()) {
            return Err(LogZError::Weight { value: log_weights[index], index });
        }
        total.iter_mut().zip(log_weights).for_each(|(t, w)| *t += w);
    }
    let costs: Vec<f64> = parts.iter().map(|w| covariance(w, &total)).collect();
    let shares = shares(&costs).ok_or(LogZError::Degenerate(n_chains))?;
    let mut balanced = vec![0.0];
    for (part, share) in shares.into_iter().enumerate() {
        let n = ((FINE as f64 * share).round() as usize).max(1);
        balanced.extend(&stretch(&ladder[part * each..=(part + 1) * each], n)[1..]);
    }
    Ok(Balanced { shape: balanced, rungs: each * PARTS, variance: covariance(&total, &total) })
}

/// Shares of the rungs, `prop sqrt(cost)` of smoothed costs; `None` if there are none.
fn shares(costs: &[f64]) -> Option<Vec<f64>> {
    let positive: Vec<f64> = costs.iter().map(|c| c.max(0.0)).collect();
    let mean = positive.iter().sum::<f64>() / positive.len() as f64;
    if mean <= 0.0 {
        return None;
    }
    let last = positive.len() - 1;
    let smooth = |s: usize| {
        let near = &positive[s.saturating_sub(1)..=(s + 1).min(last)];
        (near.iter().sum::<f64>() / near.len() as f64).max(LEAST * mean).sqrt()
    };
    let roots: Vec<f64> = (0..=last).map(smooth).collect();
    let sum: f64 = roots.iter().sum();
    Some(roots.into_iter().map(|r| r / sum).collect())
}

fn covariance(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len() as f64;
    let (ma, mb) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    a.iter().zip(b).map(|(x, y)| (x - ma) * (y - mb)).sum::<f64>() / (n - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dense::Dense;
    use crate::diagnostics::draws::variance;
    use crate::energy::{Distribution, Energy};
    use crate::kernel::Evaluated;
    use crate::log_partition::Ais;
    use crate::path::{Bridge, BridgeEval, Path};
    use crate::rows::Continuous;

    const SHIFT: f64 = 8.0;

    /// Unit normals; a path between two of them passes through normals with the mean in between.
    struct Normal(f64);

    impl Energy for Normal {
        type X = Dense<f64>;

        fn energy(&self, x: &Dense<f64>, out: &mut [f64], _: &mut Scratch) {
            let constant = 0.5 * std::f64::consts::TAU.ln();
            out.iter_mut().zip(x.values()).for_each(|(o, x)| *o = 0.5 * (x - self.0).powi(2) + constant);
        }
    }

    impl Distribution for Normal {
        fn sample(&self, n: usize, key: &Key) -> Dense<f64> {
            let mut rng = key.rng();
            Dense::from_rows(1, (0..n).map(|_| self.0 + rng.normal()).collect())
        }
    }

    /// Exact draws in the first half of the path; in the second each chain is redrawn once in twenty steps.
    struct Lazy;

    impl Kernel<Bridge<Normal, Normal>> for Lazy {
        type Chain = Evaluated<Dense<f64>, BridgeEval<Dense<f64>>>;
        type Tuning = ();
        type Info = ();

        fn init(&self, path: &Bridge<Normal, Normal>, x: Dense<f64>, ws: &mut Scratch) -> Self::Chain {
            let mut eval = path.empty_eval();
            path.evaluate(&x, &mut eval, ws);
            Evaluated { x, eval }
        }

        fn step(
            &self,
            path: &Bridge<Normal, Normal>,
            beta: f64,
            (): &(),
            chain: &mut Self::Chain,
            key: &Key,
            ws: &mut Scratch,
        ) {
            let mut rng = key.rng();
            for x in chain.x.values_mut() {
                let (redraw, fresh) = (rng.uniform() < 0.05, SHIFT * beta + rng.normal());
                if beta < 0.5 || redraw {
                    *x = fresh;
                }
            }
            path.evaluate(&chain.x, &mut chain.eval, ws);
        }

        fn position<'a>(&self, chain: &'a Self::Chain) -> &'a Dense<f64> {
            &chain.x
        }

        fn eval<'a>(&self, chain: &'a Self::Chain) -> &'a BridgeEval<Dense<f64>> {
            &chain.eval
        }
    }

    /// Redrawn once in twenty steps, increments add up over 39 = 2 * 20 - 1 steps: the slow half costs 39 times as much, and
    /// its best share of the rungs is sqrt(39) / (1 + sqrt(39)) = 0.86. The variance is then (1 + sqrt(39))^2 / (2 * 40) = 0.66
    /// of the even one.
    #[test]
    fn rungs_go_where_chains_lag() {
        let path = Bridge { base: Normal(0.0), target: Normal(SHIFT) };
        let go = &mut |_| ControlFlow::Continue(());
        let (even, key) = ([0.0, 1.0], Key::from_seed(1));
        let found = balance(&Lazy, &path, &even, (400, 2_400), &key.step(0), go).unwrap();
        assert_eq!(found.rungs_for(0.5 * found.variance), 4_800);
        let shape = found.shape;
        let slow = shape.iter().filter(|b| **b > 0.5).count() as f64 / (shape.len() - 1) as f64;
        assert!((0.78..0.92).contains(&slow), "{slow}");
        assert_eq!((shape[0], shape[shape.len() - 1]), (0.0, 1.0));
        assert!(shape.windows(2).all(|w| w[0] < w[1]));
        let spread = |shape: &[f64], key: Key| {
            let ais = Ais::new(Lazy, 800, stretch(shape, 1_200)).unwrap();
            let (z, _) =
                ais.estimate(&path, &key, &mut Scratch::default(), &mut |_, _| ControlFlow::Continue(())).unwrap();
            // 800 weights know their variance to 5 %, so four errors of the ratio are 28 % of 0.66.
            variance(&z.log_weights)
        };
        let ratio = spread(&shape, key.step(1)) / spread(&even, key.step(2));
        assert!((0.48..0.85).contains(&ratio), "{ratio}");
        assert!(balance(&Lazy, &path, &[0.0, 0.5], (400, 10), &key, go).is_err());
    }
}
