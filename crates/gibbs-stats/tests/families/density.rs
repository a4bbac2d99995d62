//! Densities and probabilities add up to one, and the samplers draw from them.

use gibbs_core::energy::Distribution;
use gibbs_core::key::Key;
use gibbs_core::rows::Continuous;
use gibbs_stats::family::*;
use gibbs_stats::special::sigmoid;
use gibbs_testkit::{chi_square_test, ks_test};

/// A coordinate in which densities have no singularities: `x(t)` and `ln dx/dt`.
#[derive(Clone, Copy)]
enum Line {
    Real,
    Positive,
    Unit,
}

impl Line {
    fn x(self, t: f64) -> f64 {
        match self {
            Line::Real => t,
            Line::Positive => t.exp(),
            Line::Unit => sigmoid(t),
        }
    }

    fn t(self, x: f64) -> f64 {
        match self {
            Line::Real => x,
            Line::Positive => x.ln(),
            Line::Unit => x.ln() - (-x).ln_1p(),
        }
    }

    fn ln_jacobian(self, t: f64) -> f64 {
        match self {
            Line::Real => 0.0,
            Line::Positive => t,
            Line::Unit => sigmoid(t).ln() + sigmoid(-t).ln(),
        }
    }
}

/// The trapezoidal rule between `from` and `to` on the line: cumulative integral at 20,000 steps. Analytic integrands
/// that vanish at both ends (and periodic ones) converge faster than any power; the kink of Laplace's law lies on a
/// node.
fn integral(from: f64, to: f64, line: Line, log_p: impl Fn(f64) -> f64) -> (f64, Vec<f64>) {
    const STEPS: usize = 20_000;
    let h = (to - from) / STEPS as f64;
    let mut cumulative = vec![0.0];
    let value = |i: usize| {
        let t = from + h * i as f64;
        let v = (log_p(line.x(t)) + line.ln_jacobian(t)).exp();
        if v.is_finite() { v } else { 0.0 }
    };
    let mut before = value(0);
    for i in 1..=STEPS {
        let here = value(i);
        cumulative.push(cumulative[i - 1] + 0.5 * h * (before + here));
        before = here;
    }
    (h, cumulative)
}

/// The density adds up to one within 1e-9 and 50,000 draws pass Kolmogorov and Smirnov's test (alpha = 1e-6, 22 tests)
/// against its own integral, whose interpolation error is below `h^2`, far below `1/sqrt(50000)`.
fn continuous<F: ExponentialFamily>(member: &F, line: Line, from: f64, to: f64) {
    let log_p = |x: f64| member.log_prob(&[x]);
    let (h, cumulative) = integral(from, to, line, log_p);
    let total = cumulative[cumulative.len() - 1];
    assert!((total - 1.0).abs() < 1e-9, "{member:?} adds up to {total}");
    let cdf = |x: f64| {
        let at = ((line.t(x) - from) / h).clamp(0.0, (cumulative.len() - 1) as f64 - 1e-9);
        let (i, part) = (at as usize, at.fract());
        cumulative[i] * (1.0 - part) + cumulative[i + 1] * part
    };
    let x = member.sample(50_000, &Key::from_seed(11));
    ks_test(x.values(), cdf, 1e-6).unwrap_or_else(|e| panic!("{member:?}: {e}"));
}

#[test]
fn one_real_number() {
    use Line::{Positive, Real, Unit};
    for rate in [0.3, 40.0] {
        continuous(&Exponential::new(rate).unwrap(), Positive, -40.0, 8.0);
    }
    for (a, b) in [(0.2, 2.0), (1.0, 1.0), (7.0, 0.5), (2000.0, 10.0)] {
        continuous(&Gamma::new(a, b).unwrap(), Positive, -150.0, 8.0);
    }
    for (a, b) in [(0.6, 2.0), (7.0, 0.5)] {
        continuous(&InverseGamma::new(a, b).unwrap(), Positive, -8.0, 60.0);
    }
    for (a, b) in [(0.5, 1.4), (2.0, 5.0), (300.0, 100.0)] {
        continuous(&Beta::new(a, b).unwrap(), Unit, -70.0, 90.0);
    }
    continuous(&Gaussian::new(0.5, 2.0).unwrap(), Real, -30.0, 30.0);
    continuous(&GaussianMean::new(0.5, 2.0).unwrap(), Real, -30.0, 30.0);
    continuous(&LogNormal::new(0.5, 2.0).unwrap(), Positive, -30.0, 30.0);
    // The trapezoidal rule across a kink at a node errs by h^2/12 times its bend: 1e-7 here.
    let laplace = Laplace::new(0.0, 2.0).unwrap();
    let (_, cumulative) = integral(-80.0, 80.0, Real, |x| laplace.log_prob(&[x]));
    assert!((cumulative[cumulative.len() - 1] - 1.0).abs() < 2e-6);
    ks_test(
        laplace.sample(50_000, &Key::from_seed(2)).values(),
        |x| {
            let tail = 0.5 * (-x.abs() / 2.0).exp();
            if x < 0.0 { tail } else { 1.0 - tail }
        },
        1e-6,
    )
    .unwrap();
    for (k, s) in [(0.7, 2.0), (3.0, 0.1)] {
        continuous(&Weibull::new(k, s).unwrap(), Positive, -60.0, 12.0);
    }
    let pi = std::f64::consts::PI;
    for kappa in [0.0, 0.3, 4.0, 1000.0] {
        continuous(&VonMises::new(0.0, kappa).unwrap(), Real, -pi, pi);
    }
}

/// Probabilities of `0..most` and all above add up to one, and 50,000 draws pass the chi-square test (alpha = 1e-6).
fn counts<F: ExponentialFamily>(member: &F, most: usize) {
    let mut probs: Vec<f64> = (0..=most).map(|k| member.log_prob(&[k as f64]).exp()).collect();
    let total: f64 = probs.iter().sum();
    assert!((total - 1.0).abs() < 1e-10, "{member:?} adds up to {total}");
    probs.iter_mut().for_each(|p| *p /= total);
    let mut counts = vec![0; most + 1];
    let x = member.sample(50_000, &Key::from_seed(5));
    x.values().iter().for_each(|&k| counts[k as usize] += 1);
    chi_square_test(&counts, &probs, 1e-6).unwrap_or_else(|e| panic!("{member:?}: {e}"));
}

#[test]
fn one_count() {
    counts(&Bernoulli::new(0.3).unwrap(), 1);
    counts(&Categorical::new(&[1.0, 5.0, 0.01, 2.0]).unwrap(), 3);
    for (n, p) in [(7usize, 0.4), (60, 0.02), (60, 0.99), (400, 0.5), (5000, 0.01), (5000, 0.97)] {
        counts(&Binomial::new(n as f64, p).unwrap(), n);
    }
    for rate in [0.01, 3.0, 9.9, 10.1, 80.0, 2500.0] {
        counts(&Poisson::new(rate).unwrap(), 4000);
    }
    for p in [0.02, 0.5, 0.9] {
        counts(&Geometric::new(p).unwrap(), 3000);
    }
    for (r, p) in [(0.3, 0.1), (2.0, 0.3), (80.0, 0.5)] {
        counts(&NegativeBinomial::new(r, p).unwrap(), 3000);
    }
}

#[test]
fn a_sampler_of_another_law_is_caught() {
    let x = Poisson::new(10.3).unwrap().sample(50_000, &Key::from_seed(5));
    let mut found = vec![0; 60];
    x.values().iter().for_each(|&k| found[k as usize] += 1);
    let other = Poisson::new(10.2).unwrap();
    let mut probs: Vec<f64> = (0..60).map(|k| other.log_prob(&[f64::from(k)]).exp()).collect();
    let total: f64 = probs.iter().sum();
    probs.iter_mut().for_each(|p| *p /= total);
    assert!(chi_square_test(&found, &probs, 1e-6).is_err());
}

/// Every table of counts of 7 trials over 3 classes.
#[test]
fn tables_of_counts() {
    let member = Multinomial::new(7.0, &[0.5, 2.0, 1.0]).unwrap();
    let cells: Vec<[f64; 3]> =
        (0..=7).flat_map(|a| (0..=7 - a).map(move |b| [f64::from(a), f64::from(b), f64::from(7 - a - b)])).collect();
    let probs: Vec<f64> = cells.iter().map(|x| member.log_prob(x).exp()).collect();
    assert!((probs.iter().sum::<f64>() - 1.0).abs() < 1e-13);
    let x = member.sample(50_000, &Key::from_seed(9));
    let mut counts = vec![0; cells.len()];
    (0..50_000).for_each(|i| counts[cells.iter().position(|c| c == x.row(i)).unwrap()] += 1);
    chi_square_test(&counts, &probs, 1e-6).unwrap();
}

/// Two shares of three on a grid in stick-breaking logits, and the marginals of the draws: a share of Dirichlet's law
/// has a beta law, a column of a normal one a normal law.
#[test]
fn several_columns() {
    let alpha = [0.7, 2.0, 1.5];
    let member = Dirichlet::new(&alpha).unwrap();
    let h = 0.1;
    let mut total = 0.0;
    for i in -600..600 {
        for j in -600..600 {
            let (s, t) = (h * f64::from(i), h * f64::from(j));
            let (u, v) = (sigmoid(s), sigmoid(t));
            // x = (u, (1-u) v, (1-u)(1-v)); dx1 dx2 = (1-u) du dv.
            let x = [u, sigmoid(-s) * v, sigmoid(-s) * sigmoid(-t)];
            let jacobian = u * sigmoid(-s).powi(2) * v * sigmoid(-t);
            let p = member.log_prob(&x);
            if p.is_finite() && jacobian > 0.0 {
                total += h * h * jacobian * p.exp();
            }
        }
    }
    assert!((total - 1.0).abs() < 1e-9, "{total}");
    let x = member.sample(50_000, &Key::from_seed(4));
    for (k, a) in alpha.into_iter().enumerate() {
        let share = Beta::new(a, 4.2 - a).unwrap();
        let (h, cumulative) = integral(-60.0, 60.0, Line::Unit, |x| share.log_prob(&[x]));
        let column: Vec<f64> = x.values().iter().skip(k).step_by(3).copied().collect();
        ks_test(&column, |x| cumulative[((Line::Unit.t(x) + 60.0) / h) as usize], 1e-6).unwrap();
    }

    let normal = MultivariateGaussian::new(&[0.5, -1.0], &[2.0, 0.8, 0.8, 1.0]).unwrap();
    let total: f64 = (-400..400)
        .flat_map(|i| (-400..400).map(move |j| [0.05 * f64::from(i), 0.05 * f64::from(j)]))
        .map(|x| 0.05 * 0.05 * normal.log_prob(&x).exp())
        .sum();
    assert!((total - 1.0).abs() < 1e-9, "{total}");
    // A projection that would show a wrong covariance: x0 - x1 has variance 2 + 1 - 1.6.
    let x = normal.sample(50_000, &Key::from_seed(4));
    let projected: Vec<f64> = (0..50_000).map(|i| (x.row(i)[0] - x.row(i)[1] - 1.5) / 1.4f64.sqrt()).collect();
    ks_test(&projected, gibbs_stats::special::normal_cdf, 1e-6).unwrap();
}
