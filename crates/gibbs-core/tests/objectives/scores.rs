//! What score matching learns: the precision of a Gaussian, and losses known in closed form.

use gibbs_core::energy::{Distribution, Parametric};
use gibbs_core::key::Key;
use gibbs_core::objectives::{Denoising, FiniteDifferenceSliced, ScoreMatching, Sliced, SlicedForm, Trace};
use gibbs_core::path::Target;
use gibbs_core::rows::Continuous;

use crate::energies::{Normal, Points, Quadratic};
use crate::fit::fit;
use crate::gradients::{evaluate, line, quadratic, quartic, space};

const D: usize = 5;
const N: usize = 20_000;

/// 20,000 draws of `x = L z`, `L` lower triangular with ones on the diagonal and 0.5 below it, and their exact
/// second moments.
fn correlated() -> (Points, Vec<f64>) {
    let z = Normal { mean: vec![0.0; D], sd: vec![1.0; D] }.sample(N, &Key::from_seed(11));
    let mut x = z.clone();
    for i in 0..N {
        (1..D).for_each(|k| x.row_mut(i)[k] += 0.5 * z.row(i)[k - 1]);
    }
    let mean: Vec<f64> = (0..D).map(|k| (0..N).map(|i| x.row(i)[k]).sum::<f64>() / N as f64).collect();
    let covariance = (0..D * D)
        .map(|k| (0..N).map(|i| (x.row(i)[k / D] - mean[k / D]) * (x.row(i)[k % D] - mean[k % D])).sum::<f64>())
        .map(|s| s / N as f64)
        .collect();
    (x, covariance)
}

/// Relative distance of `A (Sigma + sigma^2 I)` from the identity, in Frobenius norm over `sqrt(d)`.
fn miss(a: &[f64], covariance: &[f64], sigma: f64) -> f64 {
    let mut square = 0.0;
    for i in 0..D {
        for j in 0..D {
            let noised = |k: usize| covariance[k * D + j] + if k == j { sigma * sigma } else { 0.0 };
            let product: f64 = (0..D).map(|k| a[i * D + k] * noised(k)).sum();
            square += (product - f64::from(u8::from(i == j))).powi(2);
        }
    }
    (square / D as f64).sqrt()
}

/// The precision of the law that the draws came from is recovered within 5 %. The sample covariance itself misses by
/// `sqrt((d + 1) / n) = 1.7 %` in whitened coordinates (the relative Frobenius norm of a Wishart matrix about its mean)
/// and by 2.9 % in these; the rest is the noise of the objective.
#[test]
fn a_precision_is_recovered() {
    let (data, sample) = correlated();
    // x = L z: the exact covariance L L' is tridiagonal.
    let truth: Vec<f64> = (0..D * D)
        .map(|k| match (k / D).abs_diff(k % D) {
            0 if k > 0 => 1.25,
            0 => 1.0,
            1 => 0.5,
            _ => 0.0,
        })
        .collect();
    let learn = |objective: &dyn Fn(Quadratic) -> Quadratic, sigma: f64, name: &str| {
        let a = objective(Quadratic::standard(D)).precision();
        let miss = miss(&a, &truth, sigma);
        assert!(miss < 0.05, "{name} misses the precision by {miss}");
    };
    let explicit = ScoreMatching::new(Trace::Exact).unwrap();
    learn(&|e| fit(&explicit, e, &data, 800, 0.03), 0.0, "explicit");
    // Its minimiser is known: the inverse of the covariance of the sample. What is left is the noise of the batches.
    let a = fit(&explicit, Quadratic::standard(D), &data, 800, 0.03).precision();
    let off = miss(&a, &sample, 0.0);
    assert!(off < 0.01, "{off} from the minimiser");
    let hutchinson = ScoreMatching::new(Trace::Hutchinson { probes: 1 }).unwrap();
    learn(&|e| fit(&hutchinson, e, &data, 800, 0.03), 0.0, "hutchinson");
    let sliced = Sliced::new(SlicedForm::Projected, 1).unwrap();
    learn(&|e| fit(&sliced, e, &data, 800, 0.03), 0.0, "sliced");
    let reduced = Sliced::new(SlicedForm::VarianceReduced, 1).unwrap();
    learn(&|e| fit(&reduced, e, &data, 800, 0.03), 0.0, "sliced, variance reduced");
    let difference = FiniteDifferenceSliced::new(0.1, 1).unwrap();
    learn(&|e| fit(&difference, e, &data, 800, 0.03), 0.0, "finite difference");
    // Denoising learns the noised law.
    let denoising = Denoising::new(0.4).unwrap();
    learn(&|e| fit(&denoising, e, &data, 800, 0.03), 0.4, "denoising");
}

/// The loss of one batch with equal weights.
macro_rules! loss {
    ($objective:expr, $energy:expr, $data:expr) => {{
        let n = gibbs_core::rows::Rows::n_rows(&$data);
        evaluate(&$objective.unwrap(), &Target($energy), &$data, &vec![1.0 / n as f64; n], 5).1.loss.unwrap()
    }};
}

/// Explicit score matching is the formula; on the line signs square to one, so that every estimate of it is exact; for
/// quadratic energies differences along `v` are derivatives.
#[test]
fn losses_have_the_values_of_their_formulas() {
    let [a, b, c] = [(-1.2f32).into(), (-0.6f32).into(), 0.3f32.into()].map(|v: f64| v);
    let a = a.exp();
    let terms = line()
        .values()
        .iter()
        .map(|x| {
            let (g, h) = (4.0 * a * x.powi(3) + 2.0 * b * x + c, 12.0 * a * x * x + 2.0 * b);
            0.5 * g * g - h
        })
        .collect::<Vec<f64>>();
    let formula = terms.iter().sum::<f64>() / 7.0;
    let exact = loss!(ScoreMatching::new(Trace::Exact), quartic(), line());
    assert!((exact - formula).abs() < 1e-12, "{exact} {formula}");
    let others = [
        loss!(ScoreMatching::new(Trace::Hutchinson { probes: 2 }), quartic(), line()),
        loss!(Sliced::new(SlicedForm::Projected, 2), quartic(), line()),
        loss!(Sliced::new(SlicedForm::VarianceReduced, 2), quartic(), line()),
    ];
    assert!(others.iter().all(|o| (o - exact).abs() < 1e-12), "{others:?} {exact}");
    // The error of the difference is of second order: a step half as long, a quarter of it.
    let error = |h: f64| loss!(FiniteDifferenceSliced::new(h, 1), quartic(), line()) - exact;
    let ratio = error(0.1) / error(0.05);
    assert!((ratio - 4.0).abs() < 0.05, "order of the difference: {ratio}");

    let sliced = loss!(Sliced::new(SlicedForm::Projected, 3), quadratic(), space());
    let difference = loss!(FiniteDifferenceSliced::new(0.2, 3), quadratic(), space());
    assert!((sliced - difference).abs() < 1e-10, "{sliced} {difference}");
}

/// All data at zero, levels 0.5, 1, 2: `J = mean_k E[(sigma_k^2 A - 1)^2 n^2] / 2` is least at
/// `A = sum sigma^2 / sum sigma^4`. There the slope is zero but for the draws of 20,000 rows: its terms
/// `(sigma^2 A - 1) sigma^2 n^2` have second moment `mean_k 3 (sigma_k^2 A - 1)^2 sigma_k^4 = 1.38`, so four standard
/// errors are 0.034 (false alarm 6e-5). Without the weights `sigma^2` the terms would have mean -0.46.
#[test]
fn levels_are_geometric_and_weighted() {
    let objective = Denoising::levels(0.5, 2.0, 3).unwrap();
    assert!(objective.sigmas().iter().zip([0.5, 1.0, 2.0]).all(|(s, t)| (s - t).abs() < 1e-12));
    let mut energy = Quadratic::standard(1);
    energy.params_mut().get_mut("a")[0] = 5.25 / 17.0625;
    let (gradient, info) = evaluate(&objective, &Target(energy), &Points::zeros(N, 1), &vec![1.0 / N as f64; N], 9);
    assert!(gradient.get("a")[0].abs() < 0.034, "{gradient:?}");
    // And J there: mean_k (sigma_k^2 A - 1)^2 / 2 = 0.2305; n^2 has variance 2, terms of size below 1.
    assert!((info.loss.unwrap() - 0.2305).abs() < 0.01, "{info:?}");
    assert!(Denoising::new(0.0).is_err() && Denoising::levels(1.0, 1.0, 5).is_err());
    assert!(Denoising::levels(0.1, 1.0, 1).is_err() && Denoising::levels(0.1, f64::INFINITY, 3).is_err());
    assert!(ScoreMatching::new(Trace::Hutchinson { probes: 0 }).is_err());
    assert!(Sliced::new(SlicedForm::Projected, 0).is_err() && FiniteDifferenceSliced::new(-0.1, 1).is_err());
}
