//! Draws of one quantity by several chains.

/// Why numbers are not the draws of chains.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DrawsError {
    /// The numbers do not divide into that many chains.
    #[error("{len} numbers do not divide into {n_chains} chains of equal length: pass chain after chain, none empty")]
    Shape {
        /// How many numbers there are.
        len: usize,
        /// How many chains were asked for.
        n_chains: usize,
    },
    /// Fewer than four draws a chain: no half of it has a variance.
    #[error("{n_draws} draws a chain are too few: each half of a chain needs two, so draw at least 4 (better 100)")]
    TooShort {
        /// Draws a chain.
        n_draws: usize,
    },
    /// NaN or infinite.
    #[error("draw {draw} of chain {chain} is {value}: find out where it comes from, a diagnostic cannot repair it")]
    NotFinite {
        /// The number.
        value: f64,
        /// Its chain.
        chain: usize,
        /// Its place in the chain.
        draw: usize,
    },
}

/// A checked view of the draws of one scalar quantity: `n_chains` x `n_draws`, chain after chain, all finite, at least
/// four draws a chain.
///
/// # Example
/// ```
/// use gibbs_core::diagnostics::Draws;
/// let draws = Draws::new(&[0.1, 0.2, 0.3, 0.4, 1.1, 1.2, 1.3, 1.4], 2)?;
/// assert_eq!((draws.n_chains(), draws.n_draws()), (2, 4));
/// assert_eq!(draws.chain(1), [1.1, 1.2, 1.3, 1.4]);
/// # Ok::<(), gibbs_core::diagnostics::DrawsError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Draws<'a> {
    values: &'a [f64],
    n_chains: usize,
}

impl<'a> Draws<'a> {
    /// The view of `values`, `n_chains` chains one after another.
    pub fn new(values: &'a [f64], n_chains: usize) -> Result<Self, DrawsError> {
        if n_chains == 0 || values.is_empty() || !values.len().is_multiple_of(n_chains) {
            return Err(DrawsError::Shape { len: values.len(), n_chains });
        }
        let n_draws = values.len() / n_chains;
        if n_draws < 4 {
            return Err(DrawsError::TooShort { n_draws });
        }
        if let Some(at) = values.iter().position(|x| !x.is_finite()) {
            return Err(DrawsError::NotFinite { value: values[at], chain: at / n_draws, draw: at % n_draws });
        }
        Ok(Self { values, n_chains })
    }

    /// Number of chains.
    pub fn n_chains(&self) -> usize {
        self.n_chains
    }

    /// Draws a chain.
    pub fn n_draws(&self) -> usize {
        self.values.len() / self.n_chains
    }

    /// All draws, chain after chain.
    pub fn values(&self) -> &'a [f64] {
        self.values
    }

    /// The draws of one chain.
    ///
    /// # Panics
    /// If `chain` is not below [`Draws::n_chains`].
    pub fn chain(&self, chain: usize) -> &'a [f64] {
        let n = self.n_draws();
        &self.values[chain * n..(chain + 1) * n]
    }

    /// Mean over all draws.
    pub fn mean(&self) -> f64 {
        mean(self.values)
    }

    /// Standard deviation over all draws (denominator `n - 1`).
    pub fn sd(&self) -> f64 {
        variance(self.values).sqrt()
    }

    /// Both halves of every chain as chains of their own; the middle draw of an odd number is left out.
    pub(crate) fn split(&self) -> Chains {
        self.split_map(|x| x)
    }

    /// [`Draws::split`] of `f` of each draw.
    pub(crate) fn split_map(&self, f: impl Fn(f64) -> f64) -> Chains {
        let half = self.n_draws() / 2;
        let mut values = Vec::with_capacity(2 * half * self.n_chains);
        for chain in self.values.chunks_exact(self.n_draws()) {
            values.extend(chain[..half].iter().map(|x| f(*x)));
            values.extend(chain[chain.len() - half..].iter().map(|x| f(*x)));
        }
        Chains { values, n_draws: half }
    }
}

/// Chains that a diagnostic owns: split, ranked, folded.
#[derive(Clone, Debug)]
pub(crate) struct Chains {
    pub(crate) values: Vec<f64>,
    pub(crate) n_draws: usize,
}

impl Chains {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.n_draws)
    }

    pub(crate) fn n_chains(&self) -> usize {
        self.values.len() / self.n_draws
    }

    /// Whether all are the same number, so that nothing can be said of how they mix.
    pub(crate) fn is_constant(&self) -> bool {
        self.values.iter().all(|x| *x == self.values[0])
    }

    /// Mean of each chain.
    pub(crate) fn means(&self) -> Vec<f64> {
        self.iter().map(mean).collect()
    }
}

/// Mean, taken around the first number so that equal numbers have exactly that mean.
pub(crate) fn mean(x: &[f64]) -> f64 {
    x[0] + x.iter().map(|v| v - x[0]).sum::<f64>() / x.len() as f64
}

/// Variance with denominator `n - 1`; exactly 0 for equal numbers.
pub(crate) fn variance(x: &[f64]) -> f64 {
    let m = mean(x);
    x.iter().map(|v| (v - m).powi(2)).sum::<f64>() / (x.len() as f64 - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_shapes_and_values_are_named() {
        assert_eq!(Draws::new(&[0.0; 9], 2).unwrap_err(), DrawsError::Shape { len: 9, n_chains: 2 });
        assert_eq!(Draws::new(&[0.0; 8], 0).unwrap_err(), DrawsError::Shape { len: 8, n_chains: 0 });
        assert_eq!(Draws::new(&[], 1).unwrap_err(), DrawsError::Shape { len: 0, n_chains: 1 });
        assert_eq!(Draws::new(&[0.0; 6], 2).unwrap_err(), DrawsError::TooShort { n_draws: 3 });
        let mut x = [0.0; 12];
        x[7] = f64::INFINITY;
        let expected = DrawsError::NotFinite { value: f64::INFINITY, chain: 1, draw: 1 };
        assert_eq!(Draws::new(&x, 2).unwrap_err(), expected);
        assert!(expected.to_string().starts_with("draw 1 of chain 1 is inf"));
    }

    #[test]
    fn an_odd_chain_loses_its_middle_draw_when_split() {
        let x = [1.0, 2.0, 3.0, 4.0, 5.0, 11.0, 12.0, 13.0, 14.0, 15.0];
        let split = Draws::new(&x, 2).unwrap().split();
        assert_eq!(split.values, [1.0, 2.0, 4.0, 5.0, 11.0, 12.0, 14.0, 15.0]);
        assert_eq!((split.n_chains(), split.n_draws), (4, 2));
    }

    #[test]
    fn equal_numbers_have_no_variance_at_all() {
        // 0.1 summed ten times is not 1: the plain mean of such numbers leaves a variance of rounding errors.
        assert_eq!(variance(&[0.1; 10]), 0.0);
    }
}
