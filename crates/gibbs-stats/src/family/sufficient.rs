//! Sufficient statistics of data, gathered in one pass.

use super::{ExponentialFamily, FamilyError};

/// Rows taken through the scratch at a time: few enough to stay in the first cache.
const BLOCK: usize = 256;

/// Average sufficient statistics of data, and all that fitting and likelihoods of an exponential family need of it.
///
/// One pass, memory of the size of a row: a file larger than memory streams through [`Sufficient::absorb`], and parts
/// gathered by several threads [`merge`](Sufficient::merge). Averages of products (`x^2`) are kept about the means, so a
/// column near 1e9 with a spread of 1 keeps its variance.
///
/// # Example
/// ```
/// use gibbs_stats::family::{ExponentialFamily, Gaussian, Sufficient};
/// let family = Gaussian::default();
/// let mut data = Sufficient::new(&family);
/// data.absorb(&family, &[1e9 - 1.0, 1e9 + 1.0], None)?;
/// let mut more = Sufficient::new(&family);
/// more.absorb(&family, &[1e9], None)?;
/// data.merge(&more);
/// let fitted = family.maximum_likelihood(&data)?;
/// assert_eq!((fitted.mu(), fitted.variance_of_x()), (1e9, 2.0 / 3.0));
/// # Ok::<(), gibbs_stats::family::FamilyError>(())
/// ```
///
/// # Source
/// Merging: Chan, Golub & Le Veque 1983, DOI 10.1080/00031305.1983.10483115.
#[derive(Clone, Debug, PartialEq)]
pub struct Sufficient {
    weight: f64,
    rows: u64,
    mean: Vec<f64>,
    log_base: f64,
    products: Vec<(usize, usize, usize)>,
}

impl Sufficient {
    /// No data yet.
    pub fn new<F: ExponentialFamily>(family: &F) -> Self {
        Self { weight: 0.0, rows: 0, mean: vec![0.0; family.n_params()], log_base: 0.0, products: family.products() }
    }

    /// Pseudo-data: as if `weight` rows with the average statistics of `member` had been seen. This is the conjugate
    /// prior of strength `weight` about `member`.
    pub fn pseudo<F: ExponentialFamily>(member: &F, weight: f64) -> Result<Self, FamilyError> {
        super::error::positive(F::NAME, "the weight of a prior", weight)?;
        let mut out = Self::new(member);
        out.weight = weight;
        out.mean = member.mean();
        let central = member.variance();
        let p = out.mean.len();
        for &(i, j, k) in &out.products {
            out.mean[k] = central[i * p + j];
        }
        Ok(out)
    }

    /// Takes in a block of rows, row-major, with weights or without.
    ///
    /// [`FamilyError::Support`] names the first row outside the support; nothing of the block is then taken in.
    pub fn absorb<F: ExponentialFamily>(
        &mut self,
        family: &F,
        rows: &[f64],
        weights: Option<&[f64]>,
    ) -> Result<(), FamilyError> {
        let cols = ExponentialFamily::n_cols(family);
        let p = family.n_params();
        super::error::length(F::NAME, "statistics in the accumulator", self.mean.len(), p)?;
        let n = rows.len() / cols.max(1);
        super::error::length(F::NAME, "numbers in the rows", rows.len(), n * cols)?;
        if let Some(w) = weights {
            super::error::length(F::NAME, "weights", w.len(), n)?;
            if let Some(row) = w.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
                return Err(FamilyError::Weight { row, value: w[row] });
            }
        }
        let mut all = self.clone();
        let mut t = vec![0.0; BLOCK.min(n) * p];
        let mut block = Self { mean: vec![0.0; p], ..self.clone() };
        for start in (0..n).step_by(BLOCK) {
            let len = BLOCK.min(n - start);
            let (mut log_base, mut total) = (0.0, 0.0);
            for i in 0..len {
                let x = &rows[(start + i) * cols..(start + i + 1) * cols];
                if let Some(fault) = family.fault(x) {
                    return Err(FamilyError::Support {
                        family: F::NAME,
                        row: self.rows + (start + i) as u64,
                        col: fault.col,
                        value: fault.value,
                        wanted: fault.wanted,
                    });
                }
                let w = weights.map_or(1.0, |w| w[start + i]);
                family.statistics(x, &mut t[i * p..(i + 1) * p]);
                log_base += w * family.log_base(x);
                total += w;
            }
            all.rows += len as u64;
            if total > 0.0 {
                block.weight = total;
                block.log_base = log_base / total;
                average(&t[..len * p], weights.map(|w| &w[start..start + len]), total, &mut block);
                all.add(&block);
            }
        }
        *self = all;
        Ok(())
    }

    /// Adds data gathered elsewhere, or a prior.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.add(other);
    }

    fn add(&mut self, other: &Self) {
        let weight = self.weight + other.weight;
        if other.weight == 0.0 {
            return;
        }
        let share = other.weight / weight;
        // The products first: they need the distance of the means.
        for &(i, j, k) in &self.products {
            let apart = (other.mean[i] - self.mean[i]) * (other.mean[j] - self.mean[j]);
            self.mean[k] += share * (other.mean[k] - self.mean[k]) + share * (1.0 - share) * apart;
        }
        let is_product = |s: usize| self.products.iter().any(|&(_, _, k)| k == s);
        let plain: Vec<usize> = (0..self.mean.len()).filter(|&s| !is_product(s)).collect();
        for s in plain {
            self.mean[s] += share * (other.mean[s] - self.mean[s]);
        }
        self.log_base += share * (other.log_base - self.log_base);
        self.weight = weight;
    }

    /// Total weight: the number of rows where they have none of their own.
    pub fn weight(&self) -> f64 {
        self.weight
    }

    /// Rows taken in, pseudo-rows of a prior not counted.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Average statistics.
    pub fn mean(&self) -> Vec<f64> {
        let mut out = self.mean.clone();
        for &(i, j, k) in &self.products {
            out[k] += self.mean[i] * self.mean[j];
        }
        out
    }

    /// Average statistics, those that are products of others about the means of these: variances and covariances.
    pub fn central(&self) -> &[f64] {
        &self.mean
    }

    /// Average of `ln h(x)`.
    pub fn mean_log_base(&self) -> f64 {
        self.log_base
    }

    /// The statistics of one of several independent members, whose first one is number `at`; without `ln h`, which is
    /// not kept apart.
    pub(super) fn part<F: ExponentialFamily>(&self, member: &F, at: usize) -> Self {
        Self {
            weight: self.weight,
            rows: self.rows,
            mean: self.mean[at..at + member.n_params()].to_vec(),
            log_base: 0.0,
            products: member.products(),
        }
    }

    /// `Ok` if there are data, of the right kind.
    pub(super) fn check<F: ExponentialFamily>(&self, n_params: usize) -> Result<(), FamilyError> {
        super::error::length(F::NAME, "statistics in the accumulator", self.mean.len(), n_params)?;
        if self.weight > 0.0 { Ok(()) } else { Err(FamilyError::Empty { family: F::NAME }) }
    }
}

/// Average statistics of a block whose first row is the origin: a constant column has a spread of exactly 0.
fn average(t: &[f64], weights: Option<&[f64]>, total: f64, into: &mut Sufficient) {
    let p = into.mean.len();
    let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
    let (origin, mean) = (&t[..p], &mut into.mean);
    mean.fill(0.0);
    for (i, row) in t.chunks_exact(p).enumerate() {
        for (s, m) in mean.iter_mut().enumerate() {
            *m += weight(i) * (row[s] - origin[s]);
        }
    }
    for (s, m) in mean.iter_mut().enumerate() {
        *m = origin[s] + *m / total;
    }
    for &(a, b, k) in &into.products {
        let (ma, mb) = (into.mean[a], into.mean[b]);
        let (mut sum, mut left_a, mut left_b) = (0.0, 0.0, 0.0);
        for (i, row) in t.chunks_exact(p).enumerate() {
            let (da, db) = (row[a] - ma, row[b] - mb);
            sum += weight(i) * da * db;
            left_a += weight(i) * da;
            left_b += weight(i) * db;
        }
        // What rounding of the means left behind.
        into.mean[k] = sum / total - left_a / total * (left_b / total);
    }
}
