//! A scalar followed along several chains.

/// Draws of one scalar: chains x draws, chain after chain.
///
/// # Example
/// ```
/// use gibbs_core::diagnostics::{Draws, rhat};
/// let stuck_apart = Draws::new(vec![0.0, 0.1, 0.0, 0.1, 9.0, 9.1, 9.0, 9.1], 2).unwrap();
/// assert!(rhat::rank_normalised(&stuck_apart) > 1.5);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Draws {
    values: Vec<f64>,
    n_chains: usize,
}

/// Why numbers cannot be diagnosed.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DrawsError {
    /// The numbers do not fill whole chains of four draws or more.
    #[error("{n_values} numbers in {n_chains} chains: chains of one length, of at least 4 draws, are needed")]
    Shape {
        /// Numbers given.
        n_values: usize,
        /// Chains.
        n_chains: usize,
    },
    /// A number is NaN or infinite.
    #[error("draw {draw} of chain {chain} is {value}")]
    NotFinite {
        /// Its chain.
        chain: usize,
        /// Its place in the chain.
        draw: usize,
        /// The number.
        value: f64,
    },
}

impl Draws {
    /// Takes chains, one after the other.
    pub fn new(values: Vec<f64>, n_chains: usize) -> Result<Self, DrawsError> {
        let n_values = values.len();
        if n_chains == 0 || !n_values.is_multiple_of(n_chains) || n_values / n_chains < 4 {
            return Err(DrawsError::Shape { n_values, n_chains });
        }
        let n_draws = n_values / n_chains;
        if let Some(i) = values.iter().position(|v| !v.is_finite()) {
            return Err(DrawsError::NotFinite { chain: i / n_draws, draw: i % n_draws, value: values[i] });
        }
        Ok(Self { values, n_chains })
    }

    /// Number of chains.
    pub fn n_chains(&self) -> usize {
        self.n_chains
    }

    /// Draws of each chain.
    pub fn n_draws(&self) -> usize {
        self.values.len() / self.n_chains
    }

    /// All numbers, chain after chain.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The chains.
    pub fn chains(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.n_draws())
    }

    /// Each number replaced.
    pub(crate) fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self { values: self.values.iter().map(|&v| f(v)).collect(), n_chains: self.n_chains }
    }

    /// First and last halves as chains of their own; the middle draw of an odd chain is left out.
    pub(crate) fn split(&self) -> Self {
        let (n, half) = (self.n_draws(), self.n_draws() / 2);
        let first = self.chains().flat_map(|c| &c[..half]);
        let last = self.chains().flat_map(|c| &c[n - half..]);
        Self { values: first.chain(last).copied().collect(), n_chains: 2 * self.n_chains }
    }

    /// Normal scores of the pooled ranks (ties share their mean rank): `Phi^-1((r - 3/8) / (S + 1/4))`, equation 14.
    pub(crate) fn rank_normalise(&self) -> Self {
        use statrs::distribution::{ContinuousCDF, Normal};
        let total = self.values.len();
        let mut order: Vec<usize> = (0..total).collect();
        order.sort_by(|&a, &b| self.values[a].total_cmp(&self.values[b]));
        let normal = Normal::standard();
        let mut scores = vec![0.0; total];
        let mut start = 0;
        while start < total {
            let mut end = start + 1;
            while end < total && self.values[order[end]] == self.values[order[start]] {
                end += 1;
            }
            let rank = (start + 1 + end) as f64 / 2.0;
            let score = normal.inverse_cdf((rank - 0.375) / (total as f64 + 0.25));
            order[start..end].iter().for_each(|&i| scores[i] = score);
            start = end;
        }
        Self { values: scores, n_chains: self.n_chains }
    }

    /// The `p` quantile of all draws, by linear interpolation (type 7 of Hyndman & Fan 1996).
    pub(crate) fn quantile(&self, p: f64) -> f64 {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let at = p * (sorted.len() - 1) as f64;
        let below = at.floor() as usize;
        let above = (below + 1).min(sorted.len() - 1);
        sorted[below] + (at - below as f64) * (sorted[above] - sorted[below])
    }
}

pub(crate) fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

/// Sample variance with `n - 1`.
pub(crate) fn variance(x: &[f64]) -> f64 {
    let m = mean(x);
    x.iter().map(|v| (v - m).powi(2)).sum::<f64>() / (x.len() as f64 - 1.0)
}
