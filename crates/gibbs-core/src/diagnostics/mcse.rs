//! Monte Carlo standard errors: how far averages over the chains are from the truth, once the chains have mixed.

use super::draws::{Draws, mean as mean_of};
use super::ess;

/// Standard error of the mean: `sd / sqrt(ESS)`, in the unit of the draws. NaN for draws that never change.
///
/// # Example
/// ```
/// use gibbs_core::diagnostics::{Draws, mcse};
/// let x: Vec<f64> = (0..400).map(|i| f64::from(i * 37 % 101) / 101.0).collect();
/// let draws = Draws::new(&x, 4)?;
/// println!("{:.3} +- {:.3}", draws.mean(), mcse::mean(&draws));
/// # Ok::<(), gibbs_core::diagnostics::DrawsError>(())
/// ```
///
/// # Source
/// Vehtari et al. 2021, section 3.2, DOI 10.1214/20-BA1221.
pub fn mean(draws: &Draws) -> f64 {
    draws.sd() / ess::mean(draws).sqrt()
}

/// Standard error of the standard deviation, by the delta method from the error of the mean squared deviation:
/// `sqrt((mean d^4 - (mean d^2)^2) / ESS_(d^2) / (4 mean d^2))` with `d` the distance from the mean. Needs fourth
/// moments.
///
/// # Source
/// The large-sample error of a standard deviation (Kenney & Keeping 1951, *Mathematics of Statistics* 2), with the ESS
/// of the squares for the number of draws.
pub fn sd(draws: &Draws) -> f64 {
    let centre = draws.mean();
    let square: Vec<f64> = draws.values().iter().map(|x| (x - centre).powi(2)).collect();
    let fourth: Vec<f64> = square.iter().map(|s| s * s).collect();
    let var = mean_of(&square);
    ((mean_of(&fourth) - var * var).max(0.0) / ess::sd(draws) / var / 4.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    /// 2000 independent uniforms: `sd = 1/sqrt 12`, `mcse = sd / sqrt 2000`; of the standard deviation
    /// `sqrt((1/80 - 1/144) / 2000 / (4/12))`. The ESS of independent draws scatters by some 5 %, so 15 % is three of it
    /// (half of it after the root: six).
    #[test]
    fn independent_uniform_draws() {
        let mut rng = Key::from_seed(3).rng();
        let x: Vec<f64> = (0..2000).map(|_| rng.uniform()).collect();
        let draws = Draws::new(&x, 4).unwrap();
        let expected = (1.0 / 12.0_f64 / 2000.0).sqrt();
        assert!((mean(&draws) / expected - 1.0).abs() < 0.15, "{} {expected}", mean(&draws));
        let expected = ((1.0 / 80.0_f64 - 1.0 / 144.0) / 2000.0 * 3.0).sqrt();
        assert!((sd(&draws) / expected - 1.0).abs() < 0.15, "{} {expected}", sd(&draws));
    }

    #[test]
    fn nothing_is_known_from_draws_that_never_change() {
        let draws = [0.1; 8];
        let draws = Draws::new(&draws, 2).unwrap();
        assert!(mean(&draws).is_nan() && sd(&draws).is_nan());
    }
}
