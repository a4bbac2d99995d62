//! `golden/families.json`, written by `golden/make_families.py` with mpmath at 60 digits.

use gibbs_stats::family::*;
use gibbs_stats::special;
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/families.json")).unwrap()
}

fn number(v: &Value) -> f64 {
    v.as_f64().unwrap_or_else(|| panic!("{v} is no number"))
}

fn list(v: &Value) -> Vec<f64> {
    v.as_array().unwrap().iter().map(number).collect()
}

/// The tolerance asked for: 1e-12 of `max(1, |value|)`.
fn close(found: f64, expected: f64, what: &str, worst: &mut (f64, String)) {
    let error = (found - expected).abs() / expected.abs().max(1.0);
    if error.is_nan() || error > 1e-12 {
        println!("{what}: {found:e}, mpmath has {expected:e} ({error:.1e})");
    }
    if error.is_nan() || error > worst.0 {
        *worst = (error, what.to_owned());
    }
}

/// A special function with its name.
type Function = (&'static str, fn(f64) -> f64);

#[test]
fn special_functions() {
    let all = golden();
    let mut worst = (0.0, String::new());
    for row in all["special"]["functions"].as_array().unwrap() {
        let x = number(&row["x"]);
        let table: [Function; 5] = [
            ("digamma", special::digamma),
            ("ln_gamma", special::ln_gamma),
            ("trigamma", special::trigamma),
            ("ln_minus_digamma", special::ln_minus_digamma),
            ("stirling_error", special::stirling_error),
        ];
        for (name, f) in table {
            if !row[name].is_null() {
                close(f(x), number(&row[name]), &format!("{name}({x})"), &mut worst);
            }
        }
        // These are small at large arguments, where what is asked for is relative.
        for (name, f) in
            [("ln_minus_digamma", special::ln_minus_digamma as fn(f64) -> f64), ("trigamma", special::trigamma)]
        {
            if let Some(expected) = row[name].as_f64().filter(|e| e.is_normal()) {
                assert!((f(x) / expected - 1.0).abs() < 1e-14, "{name}({x}): {} {expected}", f(x));
            }
        }
    }
    for row in all["special"]["bessel"].as_array().unwrap() {
        let x = number(&row["x"]);
        let table: [Function; 3] =
            [("i0e", special::bessel_i0e), ("i1e", special::bessel_i1e), ("gap", special::bessel_gap)];
        for (name, f) in table {
            let expected = number(&row[name]);
            // The gap cancels up to x = 20, where it is 0.025: fifty roundings.
            let error = (f(x) - expected).abs() / expected.abs().max(1e-300);
            assert!(error < 1e-13 || f(x) == expected, "{name}({x}): {} {expected}", f(x));
        }
    }
    for row in all["special"]["deviance"].as_array().unwrap() {
        let (x, m, expected) = (number(&row["x"]), number(&row["m"]), number(&row["value"]));
        let found = special::deviance(x, m);
        assert!((found - expected).abs() <= 1e-14 * expected, "deviance({x}, {m}): {found} {expected}");
    }
    println!("largest error {:.1e}: {}", worst.0, worst.1);
    assert!(worst.0 <= 1e-12, "{worst:?}");
}

/// All values of one case.
fn compare<F: ExponentialFamily>(case: &Value, make: impl Fn(&[f64]) -> F, worst: &mut (f64, String)) {
    let params = list(&case["params"]);
    let member = make(&params);
    let name = |what: &str| format!("{what} of {} {params:?}", case["family"].as_str().unwrap());
    for row in case["rows"].as_array().unwrap() {
        let x = list(&row["x"]);
        close(member.log_prob(&x), number(&row["log_prob"]), &name(&format!("log_prob({x:?})")), worst);
    }
    close(member.log_partition(), number(&case["log_partition"]), &name("A"), worst);
    let vectors = [("mean", member.mean()), ("variance", member.variance())];
    for (what, found) in vectors {
        for (k, (found, expected)) in found.iter().zip(list(&case[what])).enumerate() {
            close(*found, expected, &name(&format!("{what}[{k}]")), worst);
        }
    }
    if let Some(expected) = case["entropy"].as_f64() {
        close(member.entropy(), expected, &name("entropy"), worst);
    }
    if let Some(expected) = case["kl"].as_f64() {
        let other = make(&list(&case["other"]));
        close(member.kl(&other).unwrap(), expected, &name("kl"), worst);
    }
}

/// Side of the square matrix that follows a vector of the same side in one list.
fn side(len: usize) -> usize {
    (0..len).find(|d| d + d * d == len).unwrap()
}

#[test]
fn families() {
    let mut worst = (0.0, String::new());
    let w = &mut worst;
    for case in golden()["families"].as_array().unwrap() {
        match case["family"].as_str().unwrap() {
            "bernoulli" => compare(case, |p| Bernoulli::new(p[0]).unwrap(), w),
            "binomial" => compare(case, |p| Binomial::new(p[0], p[1]).unwrap(), w),
            "geometric" => compare(case, |p| Geometric::new(p[0]).unwrap(), w),
            "negative_binomial" => compare(case, |p| NegativeBinomial::new(p[0], p[1]).unwrap(), w),
            "poisson" => compare(case, |p| Poisson::new(p[0]).unwrap(), w),
            "exponential" => compare(case, |p| Exponential::new(p[0]).unwrap(), w),
            "gamma" => compare(case, |p| Gamma::new(p[0], p[1]).unwrap(), w),
            "inverse_gamma" => compare(case, |p| InverseGamma::new(p[0], p[1]).unwrap(), w),
            "beta" => compare(case, |p| Beta::new(p[0], p[1]).unwrap(), w),
            "dirichlet" => compare(case, |p| Dirichlet::new(p).unwrap(), w),
            "gaussian" => compare(case, |p| Gaussian::new(p[0], p[1]).unwrap(), w),
            "gaussian_mean" => compare(case, |p| GaussianMean::new(p[0], p[1]).unwrap(), w),
            "log_normal" => compare(case, |p| LogNormal::new(p[0], p[1]).unwrap(), w),
            "von_mises" => compare(case, |p| VonMises::new(p[0], p[1]).unwrap(), w),
            "laplace" => compare(case, |p| Laplace::new(p[0], p[1]).unwrap(), w),
            "weibull" => compare(case, |p| Weibull::new(p[0], p[1]).unwrap(), w),
            "categorical" => compare(case, |p| Categorical::new(p).unwrap(), w),
            "multinomial" => compare(case, |p| Multinomial::new(p[0], &p[1..]).unwrap(), w),
            "multivariate_gaussian" => {
                compare(case, |p| MultivariateGaussian::new(&p[..side(p.len())], &p[side(p.len())..]).unwrap(), w);
            }
            other => panic!("unknown family {other}"),
        }
    }
    println!("largest error {:.1e}: {}", worst.0, worst.1);
    assert!(worst.0 <= 1e-12, "{worst:?}");
}

fn predictive<F: Conjugate>(row: &Value, member: &F, worst: &mut (f64, String)) {
    let prior = Sufficient::pseudo(member, number(&row["weight"])).unwrap();
    let x = list(&row["x"]);
    let found = log_predictive(member, &x, &prior).unwrap();
    close(found, number(&row["value"]), &format!("predictive of {row}"), worst);
}

#[test]
fn posterior_predictive() {
    let mut worst = (0.0, String::new());
    for row in golden()["predictive"].as_array().unwrap() {
        let p = list(&row["params"]);
        match row["family"].as_str().unwrap() {
            "bernoulli" => predictive(row, &Bernoulli::new(p[0]).unwrap(), &mut worst),
            "binomial" => predictive(row, &Binomial::new(p[0], p[1]).unwrap(), &mut worst),
            "poisson" => predictive(row, &Poisson::new(p[0]).unwrap(), &mut worst),
            "exponential" => predictive(row, &Exponential::new(p[0]).unwrap(), &mut worst),
            "gaussian" => predictive(row, &Gaussian::new(p[0], p[1]).unwrap(), &mut worst),
            "gaussian_mean" => predictive(row, &GaussianMean::new(p[0], p[1]).unwrap(), &mut worst),
            "categorical" => predictive(row, &Categorical::new(&p).unwrap(), &mut worst),
            other => panic!("unknown family {other}"),
        }
    }
    println!("largest error {:.1e}: {}", worst.0, worst.1);
    assert!(worst.0 <= 1e-12, "{worst:?}");
}
