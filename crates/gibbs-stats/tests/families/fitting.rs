//! Fitting, streams, priors and divergences.

use gibbs_core::dense::Dense;
use gibbs_core::energy::{Distribution, Energy};
use gibbs_core::key::Key;
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::scratch::Scratch;
use gibbs_stats::family::*;
use gibbs_testkit::z_test;

use crate::{Check, each_member};

/// Maximum likelihood: the fitted member matches the moments, no neighbour is more likely, and the likelihood from the
/// sufficient statistics is the average over the rows.
struct MostLikely;

impl Check for MostLikely {
    fn check<F: ExponentialFamily>(&mut self, member: &F) {
        let x = member.sample(2000, &Key::from_seed(21));
        let fitted = member.fit(&x).unwrap_or_else(|e| panic!("{member:?}: {e}"));
        let mut data = Sufficient::new(member);
        data.absorb(member, x.values(), None).unwrap();
        let best = fitted.mean_log_prob(&data).unwrap();
        let rows: f64 = (0..2000).map(|i| fitted.log_prob(x.row(i))).sum::<f64>() / 2000.0;
        assert!((best - rows).abs() < 1e-10 * rows.abs().max(1.0), "{member:?}: {best} {rows}");
        for (a, b) in fitted.mean().iter().zip(data.mean()) {
            assert!((a - b).abs() < 1e-9 * a.abs().max(1.0), "{member:?}: moments {a} {b}");
        }
        let eta = fitted.natural();
        for k in 0..eta.len() {
            for step in [-1e-3, 1e-3] {
                let mut moved = eta.clone();
                moved[k] += step * moved[k].abs().max(1e-3);
                let other = member.with_natural(&moved).unwrap().mean_log_prob(&data).unwrap();
                assert!(other < best, "{member:?}: {other} at a neighbour, {best} at the fit");
            }
        }
    }
}

#[test]
fn the_fit_is_the_most_likely_member() {
    each_member(&mut MostLikely);
}

/// Blocks, weights and order of a stream do not matter.
struct Streams;

impl Check for Streams {
    fn check<F: ExponentialFamily>(&mut self, member: &F) {
        let x = member.sample(1000, &Key::from_seed(8));
        let cols = Continuous::n_cols(&x);
        let mut whole = Sufficient::new(member);
        whole.absorb(member, x.values(), None).unwrap();
        let (mut left, mut right) = (Sufficient::new(member), Sufficient::new(member));
        left.absorb(member, &x.values()[..333 * cols], None).unwrap();
        right.absorb(member, &x.values()[333 * cols..], None).unwrap();
        right.merge(&left);
        let twice: Vec<f64> = (0..1000).flat_map(|i| x.row(i).to_vec()).collect();
        let mut weighted = Sufficient::new(member);
        weighted.absorb(member, &twice, Some(&[0.5; 1000])).unwrap();
        assert_eq!((right.rows(), right.weight(), weighted.weight()), (1000, 1000.0, 500.0));
        for other in [&right, &weighted] {
            let scale = |k: usize| whole.mean()[k].abs().max(1.0);
            for (k, (a, b)) in whole.mean().iter().zip(other.mean()).enumerate() {
                assert!((a - b).abs() < 1e-12 * scale(k), "{member:?}: {a} {b}");
            }
            assert!(
                (whole.mean_log_base() - other.mean_log_base()).abs() < 1e-10 * whole.mean_log_base().abs().max(1.0)
            );
        }
    }
}

#[test]
fn streams_in_any_blocks_are_one_stream() {
    each_member(&mut Streams);
}

/// `KL` is the Bregman divergence, at least 0, 0 at itself, and what a Monte Carlo average of the log ratio says;
/// cross-entropy is entropy plus `KL` and the average of `-log q`.
struct Divergences(u64);

impl Check for Divergences {
    fn check<F: ExponentialFamily>(&mut self, member: &F) {
        self.0 += 1;
        let mut eta = member.natural();
        eta.iter_mut().for_each(|e| *e *= 1.05);
        let other = member.with_natural(&eta).unwrap();
        let (kl, bregman) = (member.kl(&other).unwrap(), member.bregman(&other).unwrap());
        let scale = member.log_partition().abs().max(member.mean()[0].abs() * eta[0].abs()).max(1.0);
        assert!((kl - bregman).abs() < 1e-12 * scale, "{member:?}: {kl} {bregman}");
        assert!(kl >= 0.0 && member.kl(member).unwrap().abs() < 1e-13 * scale);
        let cross = member.cross_entropy(&other).unwrap();
        assert!((cross - member.entropy() - kl).abs() < 1e-12 * cross.abs().max(1.0));

        let n = 4000;
        let x = member.sample(n, &Key::from_seed(100 + self.0));
        let check = |f: &dyn Fn(&[f64]) -> f64, expected: f64, what: &str| {
            let v: Vec<f64> = (0..n).map(|i| f(x.row(i))).collect();
            let mean = v.iter().sum::<f64>() / n as f64;
            let se = (v.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n * n) as f64).sqrt();
            // alpha = 1e-6, below 150 comparisons; the slack is for laws whose log-probability is constant.
            let se = se.max(1e-13 * mean.abs());
            z_test(mean, se, expected, 1e-6).unwrap_or_else(|e| panic!("{what} of {member:?}: {e}"));
        };
        check(&|x| member.log_prob(x) - other.log_prob(x), kl, "KL");
        check(&|x| -member.log_prob(x), member.entropy(), "entropy");
        check(&|x| -other.log_prob(x), cross, "cross-entropy");
    }
}

#[test]
fn divergences() {
    each_member(&mut Divergences(0));
}

/// Powers and products: `log p_beta - beta log p` and `log pq - log p - log q` are constant over the draws.
struct StaysInFamily;

impl Check for StaysInFamily {
    fn check<F: ExponentialFamily>(&mut self, member: &F) {
        let x = member.sample(50, &Key::from_seed(2));
        if member.base_in_statistics().is_none() {
            assert!(matches!(member.tempered(0.9), Err(FamilyError::LeavesFamily { .. })));
            return;
        }
        let (tempered, product) = (member.tempered(0.95).unwrap(), member.product(member));
        let gap = |f: &dyn Fn(&[f64]) -> f64| {
            let v: Vec<f64> = (0..50).map(|i| f(x.row(i))).collect();
            let (low, high) = v.iter().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
            assert!(high - low < 1e-9 * low.abs().max(1.0), "{member:?}: {low} {high}");
        };
        gap(&|x| tempered.log_prob(x) - 0.95 * member.log_prob(x));
        // A product of densities that are infinite at an end need not be one.
        if let Ok(product) = product {
            gap(&|x| product.log_prob(x) - 2.0 * member.log_prob(x));
        }
    }
}

#[test]
fn products_and_powers() {
    each_member(&mut StaysInFamily);
    let (p, q) = (Gaussian::new(0.0, 1.0).unwrap(), Gaussian::new(2.0, 0.5).unwrap());
    let product = p.product(&q).unwrap();
    assert!((product.mu() - 1.6).abs() < 1e-14 && (product.variance_of_x() - 0.2).abs() < 1e-14);
}

/// The normaliser of the prior against an integral over the natural parameter, for a family of one parameter.
fn prior_is_normalised<F: Conjugate>(member: &F, from: f64, to: f64) {
    let prior = Sufficient::pseudo(member, 3.0).unwrap();
    let (t, steps) = (prior.mean()[0], 200_000);
    let h = (to - from) / f64::from(steps);
    let sum: f64 = (1..steps)
        .map(|i| {
            let eta = from + h * f64::from(i);
            (3.0 * (eta * t - member.with_natural(&[eta]).unwrap().log_partition())).exp()
        })
        .sum();
    let expected = member.log_prior_integral(&prior);
    assert!(((h * sum).ln() - expected).abs() < 1e-6, "{member:?}: {} {expected}", (h * sum).ln());
}

#[test]
fn normalisers_of_priors() {
    prior_is_normalised(&Bernoulli::new(0.3).unwrap(), -60.0, 60.0);
    prior_is_normalised(&Binomial::new(4.0, 0.3).unwrap(), -60.0, 60.0);
    prior_is_normalised(&Geometric::new(0.3).unwrap(), -30.0, 0.0);
    prior_is_normalised(&NegativeBinomial::new(2.0, 0.3).unwrap(), -30.0, 0.0);
    prior_is_normalised(&Poisson::new(2.0).unwrap(), -30.0, 5.0);
    prior_is_normalised(&Exponential::new(2.0).unwrap(), -60.0, 0.0);
    prior_is_normalised(&Laplace::new(1.0, 2.0).unwrap(), -30.0, 0.0);
    prior_is_normalised(&Weibull::new(1.5, 2.0).unwrap(), -30.0, 0.0);
    prior_is_normalised(&GaussianMean::new(1.0, 2.0).unwrap(), -10.0, 10.0);
}

/// The chain rule: the evidence of rows together is the product of their predictive probabilities one after the other.
/// It ties the normaliser at every weight and statistic to all others, so a wrong factor in it does not survive.
fn chain_rule<F: Conjugate>(member: &F) {
    let x = member.sample(6, &Key::from_seed(17));
    let prior = Sufficient::pseudo(member, 4.0).unwrap();
    let mut data = Sufficient::new(member);
    data.absorb(member, x.values(), None).unwrap();
    let together = log_evidence(member, &data, &prior).unwrap();
    let (mut posterior, mut sum) = (prior.clone(), 0.0);
    for i in 0..x.n_rows() {
        sum += log_predictive(member, x.row(i), &posterior).unwrap();
        posterior.absorb(member, x.row(i), None).unwrap();
    }
    assert!((together - sum).abs() < 1e-11 * sum.abs().max(1.0), "{member:?}: {together} {sum}");
}

#[test]
fn evidence_is_the_product_of_predictions() {
    chain_rule(&Categorical::new(&[1.0, 2.0, 3.0]).unwrap());
    chain_rule(&Multinomial::new(5.0, &[1.0, 2.0, 3.0]).unwrap());
    chain_rule(&Gaussian::new(1.0, 2.0).unwrap());
    chain_rule(&LogNormal::new(1.0, 0.5).unwrap());
    chain_rule(&MultivariateGaussian::new(&[0.5, -1.0], &[2.0, 0.5, 0.5, 1.0]).unwrap());
    chain_rule(&Independent::new(vec![Gaussian::default(), Gaussian::new(3.0, 0.5).unwrap()]).unwrap());
}

/// Predictive laws add up to one: counts by summing, the two-parameter normal and a 2-D normal by quadrature.
#[test]
fn predictive_laws_are_normalised() {
    let law = NegativeBinomial::new(3.0, 0.6).unwrap();
    let prior = Sufficient::pseudo(&law, 6.0).unwrap();
    let total: f64 = (0..20_000).map(|k| log_predictive(&law, &[f64::from(k)], &prior).unwrap().exp()).sum();
    assert!((total - 1.0).abs() < 1e-8, "{total}");
    let normal = MultivariateGaussian::new(&[0.0, 1.0], &[1.0, 0.3, 0.3, 0.5]).unwrap();
    let prior = Sufficient::pseudo(&normal, 20.0).unwrap();
    let total: f64 = (-60..60)
        .flat_map(|i| (-60..60).map(move |j| [0.15 * f64::from(i), 0.15 * f64::from(j)]))
        .map(|x| 0.15 * 0.15 * log_predictive(&normal, &x, &prior).unwrap().exp())
        .sum();
    assert!((total - 1.0).abs() < 1e-8, "{total}");
}

/// Where data alone have no most likely member, a prior gives one; with many data it no longer matters.
#[test]
fn a_prior_answers_where_data_do_not() {
    let coin = Bernoulli::new(0.5).unwrap();
    let mut data = Sufficient::new(&coin);
    data.absorb(&coin, &[1.0; 8], None).unwrap();
    assert!(matches!(coin.maximum_likelihood(&data), Err(FamilyError::Mean { .. })));
    let prior = Sufficient::pseudo(&coin, 2.0).unwrap();
    // (8 + 1) / (8 + 2)
    assert!((coin.maximum_a_posteriori(&data, &prior).unwrap().p() - 0.9).abs() < 1e-15);

    let gaussian = Gaussian::new(0.0, 1.0).unwrap();
    let mut constant = Sufficient::new(&gaussian);
    constant.absorb(&gaussian, &[3.0; 2], None).unwrap();
    let prior = Sufficient::pseudo(&gaussian, 2.0).unwrap();
    let found = gaussian.maximum_a_posteriori(&constant, &prior).unwrap();
    // Mean 1.5; second moment (0 + 1 + 9) / 2 - 1.5^2 = 2.75.
    assert!((found.mu() - 1.5).abs() < 1e-15 && (found.variance_of_x() - 2.75).abs() < 1e-14);
}

/// Members are energies with `log Z = 0`, and draws are the same whatever the number of rows asked for.
#[test]
fn members_are_energies() {
    let member = Gamma::new(2.0, 3.0).unwrap();
    let x = member.sample(300, &Key::from_seed(1));
    assert_eq!(x.slice(0, 200), member.sample(200, &Key::from_seed(1)).slice(0, 200));
    let mut e = vec![0.0; 300];
    member.energy(&x, &mut e, &mut Scratch::default());
    assert!((0..300).all(|i| e[i] == -member.log_prob(x.row(i))));
    let outside = Dense::from_rows(1, vec![-1.0]);
    member.energy(&outside, &mut e[..1], &mut Scratch::default());
    assert_eq!(e[0], f64::INFINITY);
}
