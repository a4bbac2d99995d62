//! The exponential families: every one through the same checks, and against golden values.
//!
//! | module | what it asks |
//! |---|---|
//! | `golden` | are the numbers those of mpmath, also at the extremes? |
//! | `calculus` | are `A'` and `A''` mean and variance, and do the parameter maps invert each other? |
//! | `density` | do densities add up to one, and do samplers draw from them? |
//! | `fitting` | maximum likelihood, priors, streams, divergences |
//! | `misuse` | does what makes no sense end in a clear error? |
mod calculus;
mod density;
mod fitting;
mod golden;
mod misuse;

use gibbs_stats::family::*;

/// What is done with one member of any family.
trait Check {
    fn check<F: ExponentialFamily>(&mut self, member: &F);
}

/// Ordinary members of every family.
fn each_member(check: &mut impl Check) {
    for p in [0.3, 0.95] {
        check.check(&Bernoulli::new(p).unwrap());
        check.check(&Geometric::new(p).unwrap());
    }
    for (n, p) in [(1.0, 0.2), (20.0, 0.3), (300.0, 0.6), (1000.0, 0.001)] {
        check.check(&Binomial::new(n, p).unwrap());
    }
    for (r, p) in [(0.4, 0.3), (5.0, 0.5), (50.0, 0.9)] {
        check.check(&NegativeBinomial::new(r, p).unwrap());
    }
    for rate in [0.2, 4.0, 45.0] {
        check.check(&Poisson::new(rate).unwrap());
        check.check(&Exponential::new(rate).unwrap());
    }
    for (a, b) in [(0.4, 2.0), (3.0, 0.5), (40.0, 8.0)] {
        check.check(&Gamma::new(a, b).unwrap());
        check.check(&Beta::new(a, b).unwrap());
        check.check(&Weibull::new(a.min(4.0), b).unwrap());
    }
    for (a, b) in [(2.2, 2.0), (6.0, 0.5), (40.0, 8.0)] {
        check.check(&InverseGamma::new(a, b).unwrap());
    }
    for (m, s) in [(0.0, 1.0), (-3.0, 0.25), (10.0, 4.0)] {
        check.check(&Gaussian::new(m, s).unwrap());
        check.check(&GaussianMean::new(m, s).unwrap());
        check.check(&Laplace::new(m, s).unwrap());
    }
    for (m, s) in [(0.0, 1.0), (-3.0, 0.25)] {
        check.check(&LogNormal::new(m, s).unwrap());
    }
    for (m, k) in [(0.0, 0.5), (0.5, 3.0), (-2.0, 60.0)] {
        check.check(&VonMises::new(m, k).unwrap());
    }
    check.check(&Categorical::new(&[1.0, 2.0, 0.5, 4.0]).unwrap());
    check.check(&Multinomial::new(7.0, &[1.0, 2.0, 0.5]).unwrap());
    check.check(&Dirichlet::new(&[0.7, 2.0, 5.0]).unwrap());
    check.check(&MultivariateGaussian::new(&[0.5, -1.0], &[2.0, 0.5, 0.5, 1.0]).unwrap());
    let columns = [(0.0, 1.0), (3.0, 0.5)].map(|(m, s)| Gaussian::new(m, s).unwrap());
    check.check(&Independent::new(columns.to_vec()).unwrap());
}
