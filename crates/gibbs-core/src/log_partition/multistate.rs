//! The multistate acceptance ratio: samples of several densities joined into the ratios of all their partition functions.

use rayon::prelude::*;

use super::LogZError;

/// Samples whose sums one thread makes: a constant of the results, as sums of blocks are joined in order.
const BLOCK: usize = 256;
/// Newton steps; some ten are needed.
const MOST_STEPS: usize = 200;
/// A density that shares less than this with the next one is not joined to it by these samples.
const LEAST_OVERLAP: f64 = 0.03;

/// Ratios of the partition functions of `K` densities, from samples of each.
///
/// They are the solution of the self-consistent equations
///
/// `Z_k = sum_n p*_k(x_n) / sum_j N_j p*_j(x_n) / Z_j`,
///
/// the best that these samples allow: the limit of bridge sampling over all pairs at once, and for two densities
/// [`bennett`](super::bennett). With `f_k = -log Z_k` they are the gradient of a convex function, whose minimum is found by
/// Newton's method with halved steps, so that there is no question of convergence.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Multistate {
    /// `log Z_k / Z_0`, nats; the first is 0.
    pub log_z: Vec<f64>,
    /// Asymptotic covariance of [`Multistate::log_z`] but for its first, `(K - 1) x (K - 1)`.
    covariance: Vec<f64>,
    /// Probability that a sample of density `k` is taken for one of density `k + 1`, for each pair of neighbours. Below 0.03
    /// the ratio hangs on a few samples, and its error is not to be believed (Klimovich, Shirts & Mobley 2015,
    /// DOI 10.1007/s10822-015-9840-9).
    pub overlap: Vec<f64>,
}

/// Solves for samples given as their log densities: `log_densities[n * K + k] = log p*_k(x_n)` up to a number that depends on
/// `n` alone, the samples of density 0 first, then those of density 1, and so on: `counts[k]` of density `k`.
///
/// The covariance is that of the estimating equations (a sandwich). Without `clusters` samples are independent; samples with
/// the same number in `clusters` may depend on one another in any way, as those of one chain at several temperatures do, and
/// only what is shared by different clusters counts as independent.
///
/// # Errors
/// [`LogZError::Chains`] for a density with fewer than two samples (or fewer than two clusters), [`LogZError::Weight`] for
/// numbers that are NaN or plus infinity, or a sample that no density allows; [`LogZError::Length`] for arrays that do not fit.
///
/// # Example
/// ```
/// use gibbs_core::{key::Key, log_partition::multistate};
/// // N(0, 1) and exp(-(x - 1)^2 / 2 + 5): the ratio is e^5.
/// let mut rng = Key::from_seed(0).rng();
/// let x: Vec<f64> = (0..2000).map(|i| rng.normal() + f64::from(i / 1000)).collect();
/// let densities: Vec<f64> = x.iter().flat_map(|x| [-0.5 * x * x, 5.0 - 0.5 * (x - 1.0) * (x - 1.0)]).collect();
/// let found = multistate::solve(&densities, &[1000, 1000], None)?;
/// assert!((found.log_z[1] - 5.0).abs() < 4.0 * found.std_err(0, 1) && found.std_err(0, 1) < 0.1);
/// # Ok::<(), gibbs_core::log_partition::LogZError>(())
/// ```
///
/// # Source
/// Shirts & Chodera 2008, "Statistically optimal analysis of samples from multiple equilibrium states",
/// DOI 10.1063/1.2978177, equations 11 and 8; Newton's method: its appendix C; as biased sampling: Vardi 1985,
/// DOI 10.1214/aos/1176346585; as extended bridge sampling: Tan 2004, DOI 10.1198/016214504000001664.
pub fn solve(log_densities: &[f64], counts: &[usize], clusters: Option<&[usize]>) -> Result<Multistate, LogZError> {
    let problem = Problem::new(log_densities, counts)?;
    if clusters.is_some_and(|c| c.len() != problem.n) {
        let found = clusters.map_or(0, <[usize]>::len);
        return Err(LogZError::Length { what: "numbers of clusters", found, wanted: problem.n });
    }
    let (f, shares) = problem.minimise();
    let gram = gram(&shares, problem.k);
    let noise = self::gram(&problem.noise(&shares, clusters)?, problem.k);
    let covariance = match Cholesky::new(&reduced(&problem.curvature(&shares, &gram), problem.k)) {
        Some(factor) => factor.sandwich(&reduced(&noise, problem.k)),
        // Groups of densities without any overlap: nothing is known of their ratio.
        None => vec![f64::INFINITY; (problem.k - 1).pow(2)],
    };
    let overlap = (1..problem.k).map(|j| gram[(j - 1) * problem.k + j] / counts[j - 1] as f64).collect();
    Ok(Multistate { log_z: f.iter().map(|v| f[0] - v).collect(), covariance, overlap })
}

impl Multistate {
    /// Standard error of `log Z_to / Z_from`, nats.
    ///
    /// # Panics
    /// If there is no such density.
    pub fn std_err(&self, from: usize, to: usize) -> f64 {
        let m = self.log_z.len() - 1;
        assert!(from <= m && to <= m, "densities {from} and {to} of {}", m + 1);
        if self.covariance.iter().any(|c| !c.is_finite()) && from != to {
            return f64::INFINITY;
        }
        let c = |i: usize, j: usize| if i == 0 || j == 0 { 0.0 } else { self.covariance[(i - 1) * m + j - 1] };
        (c(from, from) + c(to, to) - 2.0 * c(from, to)).max(0.0).sqrt()
    }

    /// In plain words, where neighbours share too little.
    pub fn warning(&self) -> Option<String> {
        let (at, least) = self.overlap.iter().copied().enumerate().min_by(|a, b| a.1.total_cmp(&b.1))?;
        (least < LEAST_OVERLAP).then(|| {
            format!(
                "densities {at} and {} of the ladder overlap by {least:.3} only ({LEAST_OVERLAP} is little): use more \
                 temperatures there",
                at + 1
            )
        })
    }
}

/// The samples' log densities, sample by sample.
struct Problem<'a> {
    log_densities: &'a [f64],
    counts: &'a [usize],
    n: usize,
    k: usize,
}

impl<'a> Problem<'a> {
    fn new(log_densities: &'a [f64], counts: &'a [usize]) -> Result<Self, LogZError> {
        let (n, k) = (counts.iter().sum::<usize>(), counts.len());
        if let Some(few) = counts.iter().find(|c| **c < 2) {
            return Err(LogZError::Chains(*few));
        }
        if k < 2 || log_densities.len() != n * k {
            return Err(LogZError::Length { what: "log densities", found: log_densities.len(), wanted: n * k.max(2) });
        }
        let problem = Self { log_densities, counts, n, k };
        for (index, (row, own)) in problem.rows().zip(problem.owners()).enumerate() {
            let bad = row.iter().copied().find(|l| l.is_nan() || *l == f64::INFINITY);
            if let Some(value) = bad.or((row[own] == f64::NEG_INFINITY).then_some(row[own])) {
                return Err(LogZError::Weight { value, index });
            }
        }
        Ok(problem)
    }

    fn rows(&self) -> impl Iterator<Item = &'a [f64]> {
        self.log_densities.chunks_exact(self.k)
    }

    /// Of each sample the density that it was drawn from.
    fn owners(&self) -> impl Iterator<Item = usize> + '_ {
        self.counts.iter().enumerate().flat_map(|(k, c)| std::iter::repeat_n(k, *c))
    }

    /// The convex function and the shares `p_k(x_n) = N_k exp(f_k + l_k(x_n)) / sum_j N_j exp(f_j + l_j(x_n))`, whose sums
    /// over the samples are `N_k` at the solution.
    fn evaluate(&self, f: &[f64]) -> (f64, Vec<f64>) {
        let offsets: Vec<f64> = f.iter().zip(self.counts).map(|(f, c)| f + (*c as f64).ln()).collect();
        let blocks: Vec<(f64, Vec<f64>)> = self
            .log_densities
            .par_chunks(BLOCK * self.k)
            .map(|block| {
                let (mut sum, mut shares) = (0.0, block.to_vec());
                for row in shares.chunks_exact_mut(self.k) {
                    row.iter_mut().zip(&offsets).for_each(|(l, o)| *l += o);
                    let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    row.iter_mut().for_each(|l| *l = (*l - most).exp());
                    let total: f64 = row.iter().sum();
                    row.iter_mut().for_each(|p| *p /= total);
                    sum += most + total.ln();
                }
                (sum, shares)
            })
            .collect();
        let linear: f64 = f.iter().zip(self.counts).map(|(f, c)| f * *c as f64).sum();
        let value = blocks.iter().map(|b| b.0).sum::<f64>() - linear;
        (value, blocks.into_iter().flat_map(|b| b.1).collect())
    }

    /// Sums of the shares over the samples.
    fn totals(&self, shares: &[f64]) -> Vec<f64> {
        let mut totals = vec![0.0; self.k];
        shares.chunks_exact(self.k).for_each(|row| totals.iter_mut().zip(row).for_each(|(t, p)| *t += p));
        totals
    }

    /// Second derivative: `diag(sum_n p) - sum_n p p'`.
    fn curvature(&self, shares: &[f64], gram: &[f64]) -> Vec<f64> {
        let mut out: Vec<f64> = gram.iter().map(|g| -g).collect();
        self.totals(shares).iter().enumerate().for_each(|(k, t)| out[k * self.k + k] += t);
        out
    }

    /// From neighbour to neighbour by plain importance weights, both ways.
    fn first_guess(&self) -> Vec<f64> {
        let mut f = vec![0.0; self.k];
        let starts: Vec<usize> = self.counts.iter().scan(0, |at, c| Some(std::mem::replace(at, *at + c))).collect();
        let log_mean = |of: usize, to: usize| {
            let rows = self.rows().skip(starts[of]).take(self.counts[of]);
            let weights: Vec<f64> = rows.map(|row| row[to] - row[of]).collect();
            crate::diagnostics::weights::summarise(&weights).map(|s| s.log_mean_exp)
        };
        for k in 1..self.k {
            let found: Vec<f64> = [log_mean(k - 1, k), log_mean(k, k - 1).map(|l| -l)].into_iter().flatten().collect();
            f[k] = f[k - 1] - found.iter().sum::<f64>() / found.len().max(1) as f64;
        }
        f
    }

    /// The minimum and its shares.
    fn minimise(&self) -> (Vec<f64>, Vec<f64>) {
        let mut f = self.first_guess();
        let (mut value, mut shares) = self.evaluate(&f);
        for _ in 0..MOST_STEPS {
            let totals = self.totals(&shares);
            let slope: Vec<f64> = totals.iter().zip(self.counts).map(|(t, c)| t - *c as f64).collect();
            if slope.iter().zip(self.counts).all(|(s, c)| s.abs() < 1e-11 * *c as f64) {
                break;
            }
            let curvature = reduced(&self.curvature(&shares, &gram(&shares, self.k)), self.k);
            let Some(factor) = Cholesky::new(&curvature) else { break };
            let mut step = slope[1..].to_vec();
            factor.solve(&mut step);
            let gain: f64 = step.iter().zip(&slope[1..]).map(|(a, b)| a * b).sum();
            let mut size = 1.0;
            let moved = loop {
                let tried: Vec<f64> =
                    f.iter().enumerate().map(|(k, f)| if k == 0 { *f } else { f - size * step[k - 1] }).collect();
                let (now, p) = self.evaluate(&tried);
                // What rounding makes of the sum is no rise.
                if now <= value - 1e-4 * size * gain + 1e-13 * self.n as f64 * (1.0 + value.abs() / self.n as f64) {
                    break Some((tried, now, p));
                }
                size *= 0.5;
                if size < 1e-10 {
                    break None;
                }
            };
            let Some((tried, now, p)) = moved else { break };
            let settled = f.iter().zip(&tried).all(|(a, b)| (a - b).abs() <= 1e-13 * (1.0 + a.abs()));
            (f, value, shares) = (tried, now, p);
            if settled {
                break;
            }
        }
        (f, shares)
    }

    /// Independent terms of the estimating equations: shares less their mean over the samples of the same density, summed over
    /// clusters, with the factor that makes their sum of squares unbiased.
    fn noise(&self, shares: &[f64], clusters: Option<&[usize]>) -> Result<Vec<f64>, LogZError> {
        let mut means = vec![0.0; self.k * self.k];
        for (row, own) in shares.chunks_exact(self.k).zip(self.owners()) {
            let mean = &mut means[own * self.k..][..self.k];
            mean.iter_mut().zip(row).for_each(|(m, p)| *m += p / self.counts[own] as f64);
        }
        let rest = |row: &[f64], own: usize| -> Vec<f64> {
            row.iter().zip(&means[own * self.k..]).map(|(p, m)| p - m).collect()
        };
        let samples = shares.chunks_exact(self.k).zip(self.owners());
        let Some(clusters) = clusters else {
            let unbiased = |own: usize| (self.counts[own] as f64 / (self.counts[own] as f64 - 1.0)).sqrt();
            return Ok(samples
                .flat_map(|(row, own)| rest(row, own).into_iter().map(move |r| r * unbiased(own)))
                .collect());
        };
        let mut sums: std::collections::BTreeMap<usize, Vec<f64>> = std::collections::BTreeMap::new();
        for ((row, own), cluster) in samples.zip(clusters) {
            let sum = sums.entry(*cluster).or_insert_with(|| vec![0.0; self.k]);
            sum.iter_mut().zip(rest(row, own)).for_each(|(s, r)| *s += r);
        }
        let n = sums.len() as f64;
        if n < 2.0 {
            return Err(LogZError::Chains(sums.len()));
        }
        Ok(sums.into_values().flatten().map(|s| s * (n / (n - 1.0)).sqrt()).collect())
    }
}

/// `sum_n r_n r_n'` over rows of `k`.
fn gram(rows: &[f64], k: usize) -> Vec<f64> {
    let blocks: Vec<Vec<f64>> = rows
        .par_chunks(BLOCK * k)
        .map(|block| {
            let mut out = vec![0.0; k * k];
            for row in block.chunks_exact(k) {
                for (out, a) in out.chunks_exact_mut(k).zip(row).filter(|(_, a)| **a != 0.0) {
                    out.iter_mut().zip(row).for_each(|(o, b)| *o += a * b);
                }
            }
            out
        })
        .collect();
    let mut total = vec![0.0; k * k];
    blocks.iter().for_each(|b| total.iter_mut().zip(b).for_each(|(t, b)| *t += b));
    total
}

/// Without row and column 0: that density is the reference.
fn reduced(a: &[f64], k: usize) -> Vec<f64> {
    a.chunks_exact(k).skip(1).flat_map(|row| &row[1..]).copied().collect()
}

/// `A = L L'`.
struct Cholesky {
    lower: Vec<f64>,
    m: usize,
}

impl Cholesky {
    /// `None` if the matrix is not positive definite to rounding.
    fn new(a: &[f64]) -> Option<Self> {
        let m = a.len().isqrt();
        let mut lower = vec![0.0; m * m];
        for i in 0..m {
            for j in 0..=i {
                let dot: f64 = (0..j).map(|l| lower[i * m + l] * lower[j * m + l]).sum();
                let rest = a[i * m + j] - dot;
                if i != j {
                    lower[i * m + j] = rest / lower[j * m + j];
                } else if rest > 1e-13 * a[i * m + i].abs() {
                    lower[i * m + i] = rest.sqrt();
                } else {
                    return None;
                }
            }
        }
        Some(Self { lower, m })
    }

    /// `x = A^-1 x`.
    fn solve(&self, x: &mut [f64]) {
        let (l, m) = (&self.lower, self.m);
        for i in 0..m {
            let dot: f64 = (0..i).map(|j| l[i * m + j] * x[j]).sum();
            x[i] = (x[i] - dot) / l[i * m + i];
        }
        for i in (0..m).rev() {
            let dot: f64 = (i + 1..m).map(|j| l[j * m + i] * x[j]).sum();
            x[i] = (x[i] - dot) / l[i * m + i];
        }
    }

    /// `A^-1 B A^-1` for a symmetric `B`.
    fn sandwich(&self, b: &[f64]) -> Vec<f64> {
        let m = self.m;
        let solve_rows = |a: &[f64]| -> Vec<f64> {
            let mut out = a.to_vec();
            out.chunks_exact_mut(m).for_each(|row| self.solve(row));
            out
        };
        let half = solve_rows(b);
        let turned: Vec<f64> = (0..m * m).map(|i| half[i % m * m + i / m]).collect();
        solve_rows(&turned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::draws::variance;
    use crate::key::Key;
    use crate::log_partition::bennett;

    /// `exp(-(x - m_k)^2 / (2 s_k^2) + level_k)`: the log ratio is `log(s_k / s_0) + level_k - level_0`.
    const STATES: [(f64, f64, f64); 4] = [(0.0, 1.0, 2.0), (0.8, 0.7, -30.0), (1.5, 0.5, 0.0), (2.0, 0.6, 400.0)];

    fn truth(k: usize) -> f64 {
        (STATES[k].1 / STATES[0].1).ln() + STATES[k].2 - STATES[0].2
    }

    fn draws(counts: &[usize], seed: u64) -> Vec<f64> {
        let mut rng = Key::from_seed(seed).rng();
        let mut out = Vec::new();
        for (k, n) in counts.iter().enumerate() {
            for _ in 0..*n {
                let x = STATES[k].0 + STATES[k].1 * rng.normal();
                out.extend(STATES[..counts.len()].iter().map(|(m, s, level)| level - 0.5 * ((x - m) / s).powi(2)));
            }
        }
        out
    }

    /// 400 repetitions: mean error over its standard error is normal (alpha = 6e-5 at four), the claimed error is the scatter
    /// to `1 / sqrt(800)` = 3.5 %, 15 % being more than four of it.
    #[test]
    fn four_normals_without_bias_and_with_an_honest_error() {
        let counts = [60, 100, 40, 80];
        let found: Vec<Multistate> =
            (0..400).map(|seed| solve(&draws(&counts, seed), &counts, None).unwrap()).collect();
        for (from, to) in [(0, 3), (0, 1), (2, 3)] {
            let errors: Vec<f64> =
                found.iter().map(|m| m.log_z[to] - m.log_z[from] - truth(to) + truth(from)).collect();
            let (sd, mean) = (variance(&errors).sqrt(), errors.iter().sum::<f64>() / 400.0);
            assert!(mean.abs() < 4.0 * sd / 20.0, "bias {mean}, scatter {sd}");
            let claimed = found.iter().map(|m| m.std_err(from, to)).sum::<f64>() / 400.0;
            assert!((claimed / sd - 1.0).abs() < 0.15, "claimed {claimed}, found {sd}");
        }
        // Planted: samples counted to the wrong density.
        let wrong = solve(&draws(&counts, 0), &[100, 60, 40, 80], None).unwrap();
        assert!((wrong.log_z[3] - truth(3)).abs() > 3.0 * found[0].std_err(0, 3) || wrong.overlap != found[0].overlap);
    }

    #[test]
    fn two_densities_are_bennetts() {
        for counts in [[50, 50], [200, 30]] {
            let l = draws(&counts, 7);
            let found = solve(&l, &counts, None).unwrap();
            let work: Vec<f64> = l.chunks_exact(2).map(|r| r[1] - r[0]).collect();
            let reverse: Vec<f64> = work[counts[0]..].iter().map(|w| -w).collect();
            let bennett = bennett::join(&work[..counts[0]], &reverse).unwrap();
            assert!((found.log_z[1] - bennett.log_ratio).abs() < 1e-9, "{found:?} {bennett:?}");
            // The same to first order: the two write one mean in different ways.
            assert!((found.std_err(0, 1) / bennett.std_err - 1.0).abs() < 0.1, "{found:?} {bennett:?}");
        }
    }

    /// Every sample twice says no more than once; independent samples in clusters of one say what they say without.
    #[test]
    fn clusters_count_once() {
        let counts = [300, 300];
        let l = draws(&counts, 1);
        let once = solve(&l, &counts, None).unwrap();
        let own: Vec<usize> = (0..600).collect();
        let same = solve(&l, &counts, Some(&own)).unwrap();
        assert!((same.std_err(0, 1) / once.std_err(0, 1) - 1.0).abs() < 0.01);
        let twice: Vec<f64> = l.chunks_exact(2).flat_map(|r| [r, r].concat()).collect();
        let pairs: Vec<usize> = (0..1200).map(|i| i / 2).collect();
        let doubled = solve(&twice, &[600, 600], Some(&pairs)).unwrap();
        assert!((doubled.log_z[1] - once.log_z[1]).abs() < 1e-9);
        assert!((doubled.std_err(0, 1) / once.std_err(0, 1) - 1.0).abs() < 0.01);
        let blind = solve(&twice, &[600, 600], None).unwrap();
        assert!(blind.std_err(0, 1) < 0.8 * once.std_err(0, 1));
    }

    #[test]
    fn densities_apart_and_misuse_are_told() {
        // Two pairs that see nothing of each other.
        let l: Vec<f64> = (0..20).flat_map(|i| if i < 10 { [0.0, -900.0] } else { [-900.0, 0.0] }).collect();
        let apart = solve(&l, &[10, 10], None).unwrap();
        assert!(apart.overlap[0] < 1e-9 && apart.warning().is_some());
        assert!(apart.std_err(0, 1).is_infinite() && apart.std_err(0, 0) == 0.0);
        assert_eq!(solve(&[0.0; 6], &[1, 2], None), Err(LogZError::Chains(1)));
        assert!(matches!(solve(&[0.0; 7], &[2, 2], None), Err(LogZError::Length { found: 7, wanted: 8, .. })));
        assert!(matches!(solve(&[0.0; 8], &[2, 2], Some(&[0])), Err(LogZError::Length { found: 1, .. })));
        let none = f64::NEG_INFINITY;
        assert!(matches!(
            solve(&[none, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], &[2, 2], None),
            Err(LogZError::Weight { index: 0, .. })
        ));
        assert!(solve(&[0.0, none, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], &[2, 2], None).is_ok());
    }
}
