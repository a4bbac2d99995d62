//! Exact oracles and statistical assertions for the tests of the gibbs workspace. Not published.
//!
//! | module | what it holds |
//! |---|---|
//! | [`exact`] | everything about an energy over `{0,1}^n`, by enumeration |
//! | [`kaufman`] | the two-dimensional Ising model on a torus, by Kaufman's formula |
//! | [`naive_rbm`] | an RBM's log Z, likelihood and gradient as double sums that share no code with the real one |
//! | [`finite_difference`] | gradients without calculus, with their own error |
//! | [`frequencies`] | counts and shares against probabilities: chi-square, binomial interval |
//! | [`continuous`] | samples against a distribution function: Kolmogorov-Smirnov |
//! | [`moments`] | averages against expectations, for independent and for correlated draws |
//! | [`rounding`] | equality up to some roundings |
//!
//! Statistical assertions take `alpha`, the probability that a correct program fails: with fixed seeds a test fails
//! always or never, but its author should not have to try seeds. Use 1e-4 or so, and show in the same test that a planted
//! mistake is caught. All return `Err` with the numbers, so that `.unwrap()` makes a readable failure.
//!
//! # Example
//! ```
//! use gibbs_testkit::{Exact, chi_square_test};
//! // Two coupled bits: E = -x0 x1.
//! let exact = Exact::new(2, |x| if x[0] && x[1] { -1.0 } else { 0.0 })?;
//! assert!((exact.log_z() - (3.0 + 1f64.exp()).ln()).abs() < 1e-15);
//! // A sampler that gave these counts of 00, 10, 01, 11 would pass, one that ignores the coupling would not.
//! chi_square_test(&[175, 176, 174, 475], exact.probabilities(), 1e-4)?;
//! assert!(chi_square_test(&[250, 250, 250, 250], exact.probabilities(), 1e-4).is_err());
//! # Ok::<(), String>(())
//! ```
pub mod continuous;
pub mod exact;
pub mod finite_difference;
pub mod frequencies;
pub mod kaufman;
pub mod moments;
pub mod naive_rbm;
pub mod rounding;

pub use continuous::ks_test;
pub use exact::Exact;
pub use finite_difference::check_gradient;
pub use frequencies::{binomial_interval, chi_square_test};
pub use kaufman::Kaufman;
pub use moments::{moment_test, sequential_moment_test, z_test};
pub use naive_rbm::NaiveRbm;
pub use rounding::relative_eq;

/// `Err` unless `alpha` is a probability that can be a false-alarm rate.
fn check_alpha(alpha: f64) -> Result<(), String> {
    if alpha > 0.0 && alpha < 1.0 {
        Ok(())
    } else {
        Err(format!("alpha is {alpha}: the false-alarm rate of a test lies between 0 and 1, say 1e-4"))
    }
}
