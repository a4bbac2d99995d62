//! Exact `log Z` by whichever way is cheapest, or a refusal that names the price.

use super::{LogZ, LogZError};

/// Told how many states or parts are done, from several threads and not in order; `false` stops.
pub type Watch<'a> = dyn Fn(u64) -> bool + Sync + 'a;

/// Does it.
type Run<'a> = dyn FnOnce(&Watch<'_>) -> Result<f64, LogZError> + 'a;

/// One exact way to a model's `log Z`.
pub struct Way<'a> {
    method: String,
    cost: f64,
    most: f64,
    run: Box<Run<'a>>,
}

impl<'a> Way<'a> {
    /// `method` in words ("sum over 2^12 states of the smaller layer"), its price in terms of a sum (or numbers of tables, or
    /// evaluations of the energy), and how it is done.
    pub fn new(
        method: impl Into<String>,
        cost: f64,
        run: impl FnOnce(&Watch<'_>) -> Result<f64, LogZError> + 'a,
    ) -> Self {
        Self { method: method.into(), cost, most: f64::INFINITY, run: Box::new(run) }
    }

    /// With the largest price at which it can be gone at all: memory, say.
    #[must_use]
    pub fn up_to(self, most: f64) -> Self {
        Self { most, ..self }
    }

    /// A number that a formula gives.
    pub fn closed_form(method: impl Into<String>, value: f64) -> Self {
        Self::new(method, 1.0, move |_| Ok(value))
    }

    /// What it is, in words.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Its price: terms of a sum, of some nanoseconds each.
    pub fn cost(&self) -> f64 {
        self.cost
    }

    /// Whether it can be gone for `most` terms.
    fn is_open(&self, most: f64) -> bool {
        self.cost <= most.min(self.most)
    }
}

/// Models whose `log Z` can be had exactly in some way, if they are small or of a kind that factorises.
pub trait Summable {
    /// The ways there are, with their prices, which may be out of reach. None if there is none at any price.
    fn ways(&self) -> Vec<Way<'_>>;
}

impl<M: Summable + ?Sized> Summable for &M {
    fn ways(&self) -> Vec<Way<'_>> {
        (**self).ways()
    }
}

/// The price of the cheapest way that can be gone; `None` if there is none.
pub fn least_cost<M: Summable + ?Sized>(model: &M) -> Option<f64> {
    model.ways().iter().filter(|w| w.is_open(f64::INFINITY)).map(|w| w.cost).min_by(f64::total_cmp)
}

/// `log Z` by the cheapest way, if it costs at most `most` terms.
///
/// # Errors
/// [`LogZError::TooCostly`] with every way and its price if all cost more or there is none; what the way itself refuses.
///
/// # Example
/// ```
/// use gibbs_core::log_partition::exact::{self, Summable, Way};
/// /// `n` independent fair bits, which nobody noticed to be independent.
/// struct Coins(u32);
/// impl Summable for Coins {
///     fn ways(&self) -> Vec<Way<'_>> {
///         let n = self.0;
///         let count = move |_: &exact::Watch<'_>| Ok((0..1u64 << n).map(|_| 1.0).sum::<f64>().ln());
///         vec![Way::new(format!("sum over 2^{n} states"), 2f64.powi(n as i32), count)]
///     }
/// }
/// let found = exact::exact(&Coins(10), 1e6, &|_| true)?;
/// assert!((found.value - 10.0 * 2f64.ln()).abs() < 1e-12 && found.method == "sum over 2^10 states");
/// let refused = exact::exact(&Coins(50), 1e6, &|_| true).unwrap_err().to_string();
/// assert!(refused.contains("2^50 states (1.1e15 terms, 1.0e6 allowed)"));
/// # Ok::<(), gibbs_core::log_partition::LogZError>(())
/// ```
pub fn exact<M: Summable + ?Sized>(model: &M, most: f64, progress: &Watch<'_>) -> Result<LogZ, LogZError> {
    let mut ways = model.ways();
    ways.sort_by(|a, b| a.cost.total_cmp(&b.cost));
    let Some(open) = ways.iter().position(|w| w.is_open(most)) else {
        let prices =
            ways.iter().map(|w| format!("{} ({:.1e} terms, {:.1e} allowed)", w.method, w.cost, most.min(w.most)));
        return Err(LogZError::TooCostly { ways: prices.collect::<Vec<_>>().join("; ") });
    };
    let Way { method, run, .. } = ways.swap_remove(open);
    Ok(LogZ::exact(run(progress)?, method))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Two(f64, f64);

    impl Summable for Two {
        fn ways(&self) -> Vec<Way<'_>> {
            [("dear", self.0, 1.0), ("cheap", self.1, 2.0)]
                .into_iter()
                .map(|(name, cost, value)| Way::new(name, cost, move |_| Ok(value)))
                .collect()
        }
    }

    #[test]
    fn the_cheapest_or_a_refusal() {
        let found = exact(&Two(30.0, 20.0), 25.0, &|_| true).unwrap();
        assert_eq!((found.value, found.method.as_str()), (2.0, "cheap"));
        assert_eq!(least_cost(&Two(3.0, 20.0)), Some(3.0));
        let refused = exact(&Two(30.0, 20.0), 19.0, &|_| true).unwrap_err().to_string();
        assert!(refused.contains("cheap (2.0e1 terms, 1.9e1 allowed); dear (3.0e1"), "{refused}");
        let narrow = Way::new("narrow", 10.0, |_| Ok(0.0)).up_to(5.0);
        assert!(!narrow.is_open(f64::INFINITY) && narrow.cost() == 10.0);
        assert!(exact(&Two(f64::NAN, f64::INFINITY), 1e300, &|_| true).is_err());
    }
}
