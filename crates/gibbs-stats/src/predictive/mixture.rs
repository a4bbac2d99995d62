//! Weighted laws.

use super::Law;
use super::quadrature::squared_distance;
use crate::scores::crps;
use crate::softmax::log_sum_exp;

/// Standard deviations of counts up to which the CRPS of a mixture is summed count by count.
const SUMMED_SD: f64 = 300.0;

/// A mixture `sum_k w_k law_k`, such as what an ensemble says: its members' laws with equal weights
/// (Lakshminarayanan, Pritzel & Blundell 2017, arXiv:1612.01474, section 2.4).
///
/// # Example
/// ```
/// use gibbs_stats::predictive::{Law, Mixture};
/// let m = Mixture::equal([-1.0, 1.0].map(|mean| Law::Gaussian { mean, sd: 1.0 }));
/// assert_eq!((m.mean(), m.variance(), m.cdf(0.0)), (0.0, 2.0, 0.5));
/// assert!((m.cdf(m.quantile(0.9)) - 0.9).abs() < 1e-9);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    parts: Vec<(f64, Law)>,
}

impl Mixture {
    /// Laws with weights, which are divided by their sum.
    ///
    /// # Panics
    /// Without a law, or with weights that are not positive numbers: these are the caller's code.
    pub fn new(parts: impl IntoIterator<Item = (f64, Law)>) -> Self {
        let mut parts: Vec<(f64, Law)> = parts.into_iter().collect();
        let total: f64 = parts.iter().map(|p| p.0).sum();
        assert!(!parts.is_empty() && total > 0.0, "laws with positive weights");
        parts.iter_mut().for_each(|p| p.0 /= total);
        Self { parts }
    }

    /// Laws with equal weights.
    ///
    /// # Panics
    /// Without a law.
    pub fn equal(laws: impl IntoIterator<Item = Law>) -> Self {
        Self::new(laws.into_iter().map(|law| (1.0, law)))
    }

    /// The mixture of mixtures with equal weights.
    ///
    /// # Panics
    /// Without a mixture.
    pub fn pooled(mixtures: impl IntoIterator<Item = Self>) -> Self {
        Self::new(mixtures.into_iter().flat_map(|m| m.parts))
    }

    /// Weights, which add up to one, and laws.
    pub fn parts(&self) -> &[(f64, Law)] {
        &self.parts
    }

    /// Whether outcomes are counts.
    pub fn is_discrete(&self) -> bool {
        self.parts[0].1.is_discrete()
    }

    fn average(&self, f: impl Fn(&Law) -> f64) -> f64 {
        self.parts.iter().map(|(w, law)| w * f(law)).sum()
    }

    /// Log density, or log probability of a count, nats.
    pub fn log_prob(&self, y: f64) -> f64 {
        let logs: Vec<f64> = self.parts.iter().map(|(w, law)| w.ln() + law.log_prob(y)).collect();
        log_sum_exp(&logs)
    }

    /// `P(Y <= y)`.
    pub fn cdf(&self, y: f64) -> f64 {
        self.average(|law| law.cdf(y)).clamp(0.0, 1.0)
    }

    /// `P(Y < y)`, which is [`Mixture::cdf`] unless outcomes are counts.
    pub fn cdf_below(&self, y: f64) -> f64 {
        if self.is_discrete() { self.cdf(y.ceil() - 1.0) } else { self.cdf(y) }
    }

    /// Mean.
    pub fn mean(&self) -> f64 {
        self.average(Law::mean)
    }

    /// Variance: mean variance plus variance of the means.
    pub fn variance(&self) -> f64 {
        let mean = self.mean();
        self.average(|law| law.variance() + (law.mean() - mean).powi(2))
    }

    /// Standard deviation.
    pub fn sd(&self) -> f64 {
        self.variance().sqrt()
    }

    /// The smallest `y` with `P(Y <= y) >= p`, by bisection to a part in `1e12` of the scale; a whole number for counts. NaN
    /// for `p` not strictly between 0 and 1.
    pub fn quantile(&self, p: f64) -> f64 {
        let (mean, sd) = (self.mean(), self.sd());
        if !(p > 0.0 && p < 1.0 && mean.is_finite() && sd.is_finite()) {
            return f64::NAN;
        }
        if let [(_, law)] = &self.parts[..]
            && let Some(exact) = law.quantile(p)
        {
            return exact;
        }
        let step = sd.max(f64::MIN_POSITIVE);
        let (mut low, mut high) = (mean - step, mean + step);
        let mut reach = step;
        while self.cdf(low) >= p && low.is_finite() {
            reach *= 2.0;
            low = mean - reach;
        }
        reach = step;
        while self.cdf(high) < p && high.is_finite() {
            reach *= 2.0;
            high = mean + reach;
        }
        while high - low > 1e-12 * (step + mean.abs()) {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high {
                break;
            }
            if self.cdf(middle) < p { low = middle } else { high = middle }
        }
        // A count steps up exactly at a whole number.
        if self.is_discrete() { high.round() } else { high }
    }

    /// Continuous ranked probability score, in the unit of `y`: closed form for one law and for Gaussians (Grimit et al. 2006,
    /// DOI 10.1256/qj.05.235), else `int (F(x) - [y <= x])^2 dx` by a sum over counts or by quadrature (relative error below
    /// 1e-4 where the outcome lies within a hundred standard deviations).
    pub fn crps(&self, y: f64) -> f64 {
        if let [(_, law)] = &self.parts[..]
            && let Some(exact) = law.crps(y)
        {
            return exact;
        }
        let gaussian = |part: &(f64, Law)| match part.1 {
            Law::Gaussian { mean, sd } => Some((part.0, mean, sd)),
            _ => None,
        };
        if let Some(parts) = self.parts.iter().map(gaussian).collect::<Option<Vec<_>>>() {
            let (w, (m, s)): (Vec<f64>, (Vec<f64>, Vec<f64>)) = parts.into_iter().map(|(w, m, s)| (w, (m, s))).unzip();
            return crps::normal_mixture(&w, &m, &s, y);
        }
        let (mean, sd) = (self.mean(), self.sd());
        if !(mean.is_finite() && sd.is_finite() && y.is_finite()) {
            return f64::NAN;
        }
        if !self.is_discrete() || sd > SUMMED_SD {
            return squared_distance(|x| self.cdf(x), y, sd.max((y - mean).abs()));
        }
        // Before 0 the distribution function is 0; far above mean and outcome it is 1.
        let (mut sum, mut k) = ((-y).max(0.0), 0.0);
        loop {
            let at = self.cdf(k);
            // The step of the outcome may lie inside `[k, k + 1)`.
            let after = (k + 1.0 - y).clamp(0.0, 1.0);
            sum += after * (1.0 - at).powi(2) + (1.0 - after) * at * at;
            k += 1.0;
            if k > y && (1.0 - at < 1e-10 || k > mean + 200.0 * sd + 200.0) {
                return sum;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laws() -> Vec<Law> {
        vec![
            Law::Gaussian { mean: 0.3, sd: 1.7 },
            Law::StudentT { dof: 3.5, centre: -0.4, scale: 0.8 },
            Law::Laplace { centre: 1.2, scale: 0.6 },
            Law::Poisson { rate: 3.7 },
            Law::NegativeBinomial { mean: 4.2, size: 1.3 },
        ]
    }

    /// Densities add up to the distribution function: Simpson's rule on 4000 panels of width 0.01 errs by less than 1e-8 for
    /// these, the kink of Laplace's law at a node.
    #[test]
    fn densities_integrate_to_the_distribution_function() {
        for law in laws() {
            let f = |x: f64| law.log_prob(x).exp();
            let (a, b) = (1.2 - 20.0, 1.2);
            let mass = if law.is_discrete() {
                (0..=1).map(|k| f(f64::from(k))).sum::<f64>()
            } else {
                let n = 4000;
                let h = (b - a) / f64::from(n);
                let weight = |i: i32| if i == 0 || i == n { 1.0 } else { 2.0 + 2.0 * f64::from(i % 2) };
                h / 3.0 * (0..=n).map(|i| weight(i) * f(a + h * f64::from(i))).sum::<f64>()
            };
            let wanted = law.cdf(b) - if law.is_discrete() { 0.0 } else { law.cdf(a) };
            assert!((mass - wanted).abs() < 1e-7, "{law:?}: {mass} against {wanted}");
        }
    }

    /// Moments of counts by summing the probabilities to 400, where less than 1e-30 is left.
    #[test]
    fn counts_have_their_moments() {
        for law in laws().into_iter().filter(Law::is_discrete) {
            let moment = |power: i32| -> f64 {
                (0..400).map(|k| law.log_prob(f64::from(k)).exp() * f64::from(k).powi(power)).sum()
            };
            assert!((moment(1) - law.mean()).abs() < 1e-9);
            assert!((moment(2) - moment(1).powi(2) - law.variance()).abs() < 1e-8);
        }
    }

    /// The quadrature and the sum against the closed forms: a mixture of a law with itself takes the long way.
    #[test]
    fn crps_of_mixtures_agrees_with_closed_forms() {
        for law in laws() {
            let Some(_) = law.crps(0.0) else { continue };
            let twice = Mixture::equal([law, law]);
            for y in [-3.0, 0.0, 2.0, 9.0] {
                let exact = law.crps(y).unwrap();
                assert!((twice.crps(y) - exact).abs() < 1e-4 * exact, "{law:?} at {y}: {} {exact}", twice.crps(y));
            }
        }
    }

    #[test]
    fn quantiles_invert_and_counts_are_whole() {
        for law in laws() {
            let mixture = Mixture::equal([law, law.scaled(1.0, 2.0)]);
            for p in [0.01, 0.3, 0.5, 0.95] {
                let q = mixture.quantile(p);
                if mixture.is_discrete() {
                    assert!(q.fract() == 0.0 && mixture.cdf(q) >= p && mixture.cdf_below(q) < p, "{law:?}");
                } else {
                    assert!((mixture.cdf(q) - p).abs() < 1e-9, "{law:?}");
                }
            }
        }
        assert!(Mixture::equal([laws()[0]]).quantile(1.0).is_nan());
    }
}
