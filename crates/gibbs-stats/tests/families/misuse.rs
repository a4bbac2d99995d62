//! What makes no sense is an error that says so; what makes sense, however large, is finite.

use gibbs_core::dense::Dense;
use gibbs_core::key::Key;
use gibbs_core::rows::Continuous;
use gibbs_stats::family::*;

use crate::{Check, each_member};

fn says<T: std::fmt::Debug>(result: Result<T, FamilyError>, words: &str) {
    let message = result.unwrap_err().to_string();
    assert!(message.contains(words), "{message:?} does not say {words:?}");
}

#[test]
fn parameters() {
    for bad in [0.0, 1.0, -0.1, 1.1, f64::NAN, f64::INFINITY] {
        says(Bernoulli::new(bad), "strictly between 0 and 1");
        says(Geometric::new(bad), "strictly between 0 and 1");
        says(Binomial::new(3.0, bad), "strictly between 0 and 1");
    }
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        says(Poisson::new(bad), "positive");
        says(Exponential::new(bad), "positive");
        says(Gamma::new(bad, 1.0), "positive");
        says(Gamma::new(1.0, bad), "positive");
        says(InverseGamma::new(bad, 1.0), "positive");
        says(Beta::new(bad, 1.0), "positive");
        says(Dirichlet::new(&[1.0, bad]), "positive");
        says(Gaussian::new(0.0, bad), "positive");
        says(LogNormal::new(0.0, bad), "positive");
        says(Laplace::new(0.0, bad), "positive");
        says(Weibull::new(bad, 1.0), "positive");
        says(NegativeBinomial::new(bad, 0.5), "positive");
        says(Categorical::new(&[1.0, bad]), "positive");
    }
    says(VonMises::new(0.0, -1.0), "from 0 up");
    says(Binomial::new(2.5, 0.5), "whole number");
    says(Categorical::new(&[1.0]), "1 classes given, 2 wanted");
    says(MultivariateGaussian::new(&[0.0, 0.0], &[1.0, 2.0, 2.0, 1.0]), "not positive definite");
    says(MultivariateGaussian::new(&[0.0, 0.0], &[1.0, 0.5, 0.2, 1.0]), "symmetric");
    says(Gaussian::default().with_natural(&[1.0]), "1 natural parameters given, 2 wanted");
    says(Gaussian::default().with_natural(&[1.0, 0.5]), "second natural parameter");
    let (a, b) = (Binomial::new(3.0, 0.5).unwrap(), Binomial::new(4.0, 0.5).unwrap());
    says(a.kl(&b), "the number of trials is 3 in one member and 4 in the other");
}

#[test]
fn data() {
    let fit = |x: Vec<f64>| Dense::from_rows(1, x);
    says(Poisson::default().fit(&fit(vec![1.0, 2.0, 2.5])), "row 2, column 0 is 2.5");
    says(Gamma::default().fit(&fit(vec![1.0, 0.0])), "row 1, column 0 is 0: a positive number");
    says(Gaussian::default().fit(&fit(vec![1.0, f64::NAN])), "row 1, column 0 is NaN");
    says(Binomial::new(3.0, 0.5).unwrap().fit(&fit(vec![4.0])), "0 to the number of trials");
    says(Categorical::uniform(3).unwrap().fit(&fit(vec![0.0, 3.0])), "below the number of classes");
    says(Multinomial::new(3.0, &[1.0, 1.0]).unwrap().fit(&Dense::from_rows(2, vec![1.0, 1.0])), "add up");
    says(Dirichlet::uniform(2).unwrap().fit(&Dense::from_rows(2, vec![0.5, 0.4])), "add up to 1");
    says(Gaussian::default().fit(&Dense::from_rows(2, vec![0.5, 0.4])), "2 columns given, 1 wanted");
    says(Gaussian::default().fit(&fit(vec![])), "at least one row");
    // A constant column, one row, an unseen class: there is no most likely member.
    for constant in [vec![0.1; 5], vec![0.7; 1]] {
        says(Gaussian::default().fit(&fit(constant.clone())), "a constant column");
        says(LogNormal::default().fit(&fit(constant.clone())), "a constant column");
        says(Gamma::default().fit(&fit(constant.clone())), "all values alike");
        says(Beta::default().fit(&fit(constant.clone())), "all rows alike");
        says(VonMises::default().fit(&fit(constant)), "all angles alike");
    }
    says(Categorical::uniform(3).unwrap().fit(&fit(vec![0.0, 1.0])), "never seen");
    says(Categorical::uniform(3).unwrap().fit(&fit(vec![0.0, 2.0])), "never seen");
    says(Poisson::default().fit(&fit(vec![0.0, 0.0])), "use more varied data, or a prior");
    says(MultivariateGaussian::standard(2).unwrap().fit(&Dense::from_rows(2, vec![0.0, 0.0, 1.0, 2.0])), "singular");
    let mut data = Sufficient::new(&Poisson::default());
    says(data.absorb(&Poisson::default(), &[1.0, 2.0], Some(&[1.0, -1.0])), "weights are finite and not negative");
    says(data.absorb(&Poisson::default(), &[1.0, 2.0], Some(&[1.0])), "1 weights given, 2 wanted");
    assert_eq!(data, Sufficient::new(&Poisson::default()), "nothing of a refused block is kept");
}

/// Outside the support the density is zero; of NaN nothing is known.
struct Outside;

impl Check for Outside {
    fn check<F: ExponentialFamily>(&mut self, member: &F) {
        let cols = member.n_cols();
        assert!(member.log_prob(&vec![f64::NAN; cols]).is_nan(), "{member:?}");
        let x = vec![-0.5; cols];
        if member.fault(&x).is_some() {
            assert_eq!(member.log_prob(&x), f64::NEG_INFINITY, "{member:?}");
        }
    }
}

#[test]
fn outside_the_support() {
    each_member(&mut Outside);
}

/// Everything a member can be asked is finite.
fn finite<F: ExponentialFamily>(made: Result<F, FamilyError>, count: &mut Count) {
    let member = match made {
        Ok(member) => member,
        Err(FamilyError::Range { .. } | FamilyError::Parameter { .. }) => {
            count.refused += 1;
            return;
        }
        Err(other) => panic!("{other}"),
    };
    count.finite += 1;
    let x = member.sample(4, &Key::from_seed(1));
    let mut numbers = vec![member.entropy(), member.log_partition(), member.kl(&member).unwrap()];
    numbers.extend(member.natural().into_iter().chain(member.mean()).chain(member.variance()));
    for i in 0..4 {
        let row = x.row(i);
        if member.fault(row).is_some() {
            count.bad.push(format!("{member:?} drew {row:?}"));
        }
        numbers.push(member.log_prob(row));
    }
    if !numbers.iter().all(|v| v.is_finite()) {
        count.bad.push(format!("{member:?}: {numbers:?}"));
    }
}

#[derive(Default)]
struct Count {
    finite: usize,
    refused: usize,
    bad: Vec<String>,
}

#[test]
fn extremes_are_finite_or_refused() {
    let sizes = [5e-324, 1e-300, 1e-150, 1e-20, 1e-8, 1.0, 1e3, 1e9, 1e20, 1e150, 1e300, f64::MAX];
    let mut count = Count::default();
    for a in sizes {
        finite(Poisson::new(a), &mut count);
        finite(Exponential::new(a), &mut count);
        finite(Bernoulli::from_logit(a), &mut count);
        finite(Bernoulli::from_logit(-a), &mut count);
        finite(Geometric::new(a), &mut count);
        finite(VonMises::new(0.3, a), &mut count);
        for b in sizes {
            finite(Gamma::new(a, b), &mut count);
            finite(InverseGamma::new(a, b), &mut count);
            finite(Beta::new(a, b), &mut count);
            finite(Dirichlet::new(&[a, b, 1.0]), &mut count);
            finite(Gaussian::new(a, b), &mut count);
            finite(GaussianMean::new(a, b), &mut count);
            finite(LogNormal::new(a.ln(), b), &mut count);
            finite(Laplace::new(a, b), &mut count);
            finite(Weibull::new(a, b), &mut count);
            finite(Categorical::new(&[a, b]), &mut count);
            finite(Binomial::new(a, b), &mut count);
            finite(NegativeBinomial::new(a, b), &mut count);
        }
        for logit in [-1000.0, -20.0, 3.0, 1000.0] {
            finite(Binomial::from_logit(a, logit), &mut count);
            finite(Multinomial::from_logits(a, &[logit, 0.0, 1.0]), &mut count);
        }
    }
    println!("{} members finite, {} refused", count.finite, count.refused);
    assert!(count.bad.is_empty(), "{} of {}:\n{}", count.bad.len(), count.finite, count.bad.join("\n"));
    assert!(count.finite > 500);
}

/// Counts of a billion keep their digits: a table of them is fitted to within its own rounding.
#[test]
fn counts_of_a_billion() {
    let x = Dense::from_rows(1, vec![1e9, 1e9 + 1.0, 1e9 + 2.0]);
    assert_eq!(Poisson::default().fit(&x).unwrap().rate(), 1e9 + 1.0);
    let gaussian = Gaussian::default().fit(&x).unwrap();
    assert!((gaussian.variance_of_x() - 2.0 / 3.0).abs() < 1e-15);
}
