//! `A'` and `A''` are mean and variance of the statistics; natural and mean parameters invert each other.

use gibbs_core::dense::Dense;
use gibbs_core::energy::Gradient;
use gibbs_core::key::Key;
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::scratch::Scratch;
use gibbs_stats::family::*;
use gibbs_testkit::finite_difference::finite_difference;
use gibbs_testkit::{check_gradient, z_test};

use crate::{Check, each_member};

/// Central differences of `A` against `E[T]`, and of each `E[T_k]` against the rows of `Var[T]`.
struct Differences;

impl Check for Differences {
    fn check<F: ExponentialFamily>(&mut self, member: &F) {
        // In units of each parameter, so that no step leaves the natural parameter space.
        let eta = member.natural();
        let unit: Vec<f64> = eta.iter().map(|e| e.abs().max(0.05)).collect();
        let at = |t: &[f64]| {
            let moved: Vec<f64> = eta.iter().zip(&unit).zip(t).map(|((e, u), t)| e + u * t).collect();
            member.with_natural(&moved).unwrap()
        };
        let scaled = |v: &[f64]| v.iter().zip(&unit).map(|(v, u)| v * u).collect::<Vec<_>>();
        let zero = vec![0.0; eta.len()];
        // Sixteen times the error claimed: that allows one rounding of the function, and these take some ten.
        let compare = |f: &dyn Fn(&[f64]) -> f64, expected: Vec<f64>, what: &str| {
            let found = finite_difference(f, &zero);
            for (i, e) in expected.iter().enumerate() {
                let off = (found.gradient[i] - e).abs();
                assert!(off <= 16.0 * found.error[i], "{member:?}, {what} {i}: {e}, differences give {found:?}");
            }
        };
        compare(&|t| at(t).log_partition(), scaled(&member.mean()), "A");
        let (p, variance) = (eta.len(), member.variance());
        for k in 0..p {
            compare(&|t| at(t).mean()[k], scaled(&variance[k * p..(k + 1) * p]), &format!("mean {k}"));
        }
    }
}

#[test]
fn derivatives_of_the_log_partition_function() {
    each_member(&mut Differences);
    // Planted: the mean of the inverse gamma's ln x with the wrong sign is caught.
    let member = InverseGamma::new(3.0, 2.0).unwrap();
    let wrong = [-member.mean()[0], member.mean()[1]];
    let a = |eta: &[f64]| member.with_natural(eta).unwrap().log_partition();
    assert!(check_gradient(a, &member.natural(), &wrong).is_err());
}

/// 20,000 draws of every member. The mean of a statistic is compared with `A'` in units of `sqrt(A''/n)`; the
/// variance with `A''` in units of the error that the fourth moment of the draws gives. alpha = 1e-6 each, below a
/// thousand comparisons: a correct program fails with a probability below 1e-3 (once, the seed being fixed).
struct Draws(u64);

impl Check for Draws {
    fn check<F: ExponentialFamily>(&mut self, member: &F) {
        self.0 += 1;
        let n = 20_000;
        let x = member.sample(n, &Key::from_seed(self.0));
        let (p, mean, variance) = (member.n_params(), member.mean(), member.variance());
        let mut t = vec![0.0; n * p];
        for (i, t) in t.chunks_exact_mut(p).enumerate() {
            assert!(member.fault(x.row(i)).is_none(), "{member:?} drew {:?}", x.row(i));
            member.statistics(x.row(i), t);
        }
        for a in 0..p {
            let found = t.iter().skip(a).step_by(p).sum::<f64>() / n as f64;
            let se = (variance[a * p + a] / n as f64).sqrt();
            z_test(found, se, mean[a], 1e-6).unwrap_or_else(|e| panic!("{member:?}, mean {a}: {e}"));
            for b in 0..p {
                let products: Vec<f64> = t.chunks_exact(p).map(|t| (t[a] - mean[a]) * (t[b] - mean[b])).collect();
                let found = products.iter().sum::<f64>() / n as f64;
                let fourth = products.iter().map(|v| (v - found).powi(2)).sum::<f64>() / n as f64;
                z_test(found, (fourth / n as f64).sqrt(), variance[a * p + b], 1e-6)
                    .unwrap_or_else(|e| panic!("{member:?}, covariance {a} {b}: {e}"));
            }
        }
    }
}

#[test]
fn draws_have_the_mean_and_variance_of_the_statistics() {
    each_member(&mut Draws(0));
}

/// Maps there and back. What is lost is the conditioning of the inverse map times some roundings: a change `d` of the
/// mean parameters is one of `A''^-1 d`, so the check is made in mean parameters, where it is `d` itself.
struct Inverses;

impl Check for Inverses {
    fn check<F: ExponentialFamily>(&mut self, member: &F) {
        let back = member.with_natural(&member.natural()).unwrap();
        let again = member.with_mean(&member.mean()).unwrap();
        for (name, other) in [("natural", back), ("mean", again)] {
            for (a, b) in member.mean().iter().zip(other.mean()) {
                assert!((a - b).abs() <= 1e-12 * a.abs().max(1.0), "{member:?} by {name}: {a} {b}");
            }
            assert!(member.kl(&other).unwrap() < 1e-12, "{member:?} by {name}: {other:?}");
        }
    }
}

#[test]
fn parameter_maps_invert_each_other() {
    each_member(&mut Inverses);
}

/// Far from ordinary: shapes and concentrations over many orders. The shape of a law as narrow as `1/a` comes out of a
/// difference of size `1/a` between numbers of size 1, so it keeps `1e-16 a` relative.
#[test]
fn solvers_converge_far_out() {
    for exponent in -24..=24 {
        let a = 10f64.powf(f64::from(exponent) / 4.0);
        let gamma = Gamma::new(a, 3.0).unwrap();
        let found = Gamma::default().with_mean(&gamma.mean()).unwrap();
        assert!((found.shape() / a - 1.0).abs() < 1e-13 + 1e-14 * a, "{a}: {found:?}");
        for b in [0.01, 1.0, 300.0] {
            let beta = Beta::new(a, b).unwrap();
            let found = Beta::default().with_mean(&beta.mean()).unwrap();
            // Conditioning: the ratio of the largest natural parameter to the smallest enters once more.
            let slack = 1e-11 + 1e-13 * (a + b) * (a / b).max(b / a).min(1e6);
            let error = (found.a() / a - 1.0).abs().max((found.b() / b - 1.0).abs());
            assert!(error < slack, "({a}, {b}): {found:?}, error {error:e}");
        }
        assert!(Beta::default().with_mean(&Beta::new(1e-6 * a, 1.0).unwrap().mean()).is_ok());
        let von_mises = VonMises::new(1.0, a).unwrap();
        let found = VonMises::default().with_mean(&von_mises.mean()).unwrap();
        assert!((found.kappa() / a - 1.0).abs() < 1e-13 + 1e-14 * a, "{a}: {found:?}");
    }
    let dirichlet = Dirichlet::new(&[1e-3, 1.0, 50.0, 1e4]).unwrap();
    let found = Dirichlet::uniform(4).unwrap().with_mean(&dirichlet.mean()).unwrap();
    assert!(dirichlet.kl(&found).unwrap() < 1e-10, "{found:?}");
}

/// `dE/dx` against differences of the energy at points drawn from the member.
fn gradient_is_right<F: ExponentialFamily + Gradient>(member: &F) {
    let x = member.sample(20, &Key::from_seed(3));
    let cols = Continuous::n_cols(&x);
    let (mut e, mut g) = (vec![0.0; 20], Dense::zeros(20, cols));
    member.energy_grad(&x, &mut e, &mut g, &mut Scratch::default());
    for i in 0..x.n_rows() {
        check_gradient(|x| -member.log_prob(x), x.row(i), g.row(i)).unwrap_or_else(|e| panic!("{member:?}: {e}"));
    }
}

#[test]
fn gradients_of_the_energies() {
    gradient_is_right(&Exponential::new(2.0).unwrap());
    gradient_is_right(&Gamma::new(2.5, 2.0).unwrap());
    gradient_is_right(&InverseGamma::new(2.5, 2.0).unwrap());
    gradient_is_right(&Beta::new(2.5, 2.0).unwrap());
    gradient_is_right(&Gaussian::new(2.5, 2.0).unwrap());
    gradient_is_right(&GaussianMean::new(2.5, 2.0).unwrap());
    gradient_is_right(&LogNormal::new(0.5, 0.7).unwrap());
    gradient_is_right(&VonMises::new(0.5, 3.0).unwrap());
    gradient_is_right(&Laplace::new(0.5, 3.0).unwrap());
    gradient_is_right(&Weibull::new(2.5, 3.0).unwrap());
    gradient_is_right(&MultivariateGaussian::new(&[0.5, -1.0], &[2.0, 0.5, 0.5, 1.0]).unwrap());
    gradient_is_right(&Independent::new(vec![Gaussian::default(), Gaussian::new(3.0, 0.5).unwrap()]).unwrap());
}
