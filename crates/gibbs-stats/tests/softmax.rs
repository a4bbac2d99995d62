//! Softmax: its limits, its curve, its cuts and its draws.

use gibbs_core::key::Key;
use gibbs_stats::softmax::{
    Cut, SoftmaxError, cut, entropy, gumbel_max, gumbel_top_k, log_softmax, softmax, thermal_curve,
};
use gibbs_testkit::chi_square_test;

const Z: [f64; 4] = [0.5, -1.0, 2.0, 2.0];

/// `beta -> 0` is uniform with entropy `ln K`, `beta -> inf` shares the mass among the largest.
#[test]
fn limits() {
    for beta in [0.0, 1e-300] {
        assert_eq!(softmax(&Z, beta).unwrap(), [0.25; 4]);
        assert!((entropy(&Z, beta).unwrap() - 4f64.ln()).abs() < 1e-15);
    }
    for beta in [1e4, 1e300, f64::INFINITY] {
        assert_eq!(softmax(&Z, beta).unwrap(), [0.0, 0.0, 0.5, 0.5]);
        assert!((entropy(&Z, beta).unwrap() - 2f64.ln()).abs() < 1e-15);
        assert_eq!(softmax(&[3.0, 1.0], beta).unwrap(), [1.0, 0.0]);
        assert_eq!(entropy(&[3.0, 1.0], beta).unwrap(), 0.0);
    }
    // Near the first limit: H = ln K - beta^2 Var[z] / 2 + O(beta^3), the third cumulant being of order 3.
    let (mean, beta) = (Z.iter().sum::<f64>() / 4.0, 1e-4);
    let variance = Z.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / 4.0;
    assert!((entropy(&Z, beta).unwrap() - (4f64.ln() - 0.5 * beta * beta * variance)).abs() < 3e-12);
    // Near the second: the third-best class of gap 1.5 brings its own small share, 0.5 exp(-30 * 1.5).
    let log_p = log_softmax(&Z, 30.0).unwrap();
    assert!((log_p[0] - (-45.0 - 2f64.ln())).abs() < 1e-13);
}

#[test]
fn any_size_of_logits() {
    for shift in [0.0, 1e3, -1e6] {
        let moved: Vec<f64> = Z.iter().map(|z| z + shift).collect();
        for (a, b) in log_softmax(&Z, 1.0).unwrap().iter().zip(log_softmax(&moved, 1.0).unwrap()) {
            assert!((a - b).abs() < 1e-9, "{shift}: {a} {b}");
        }
    }
    assert_eq!(softmax(&[1e308, -1e308], 1.0).unwrap(), [1.0, 0.0]);
    assert_eq!(softmax(&[f64::NEG_INFINITY, 0.0, 0.0], 0.0).unwrap(), [0.0, 0.5, 0.5]);
    // A probability that is 1 to all digits still knows its distance to 1.
    assert_eq!(log_softmax(&[0.0, -50.0], 1.0).unwrap()[0], -(-50f64).exp());
}

/// `d ln Z / d beta = E[z]`, `d E[z] / d beta = Var[z]`, `dH / d beta = -beta Var[z]`, by differences of step 1e-4 whose
/// error is `h^2/6` times a third derivative of order 10; entropy falls.
#[test]
fn the_curve_is_thermodynamics() {
    let h = 1e-4;
    let mut before = f64::INFINITY;
    for beta in [0.1, 0.7, 1.0, 2.5, 6.0] {
        let [low, at, high] = thermal_curve(&Z, &[beta - h, beta, beta + h]).unwrap()[..] else { panic!() };
        let slope = |f: fn(&gibbs_stats::softmax::Thermal) -> f64| (f(&high) - f(&low)) / (2.0 * h);
        assert!((slope(|t| t.log_partition) - at.mean).abs() < 2e-8);
        assert!((slope(|t| t.mean) - at.variance).abs() < 2e-8);
        assert!((slope(|t| t.entropy) + beta * at.variance).abs() < 2e-8);
        assert!((at.entropy - (at.log_partition - beta * at.mean)).abs() < 1e-14);
        assert!(at.entropy < before);
        before = at.entropy;
    }
}

#[test]
fn cuts() {
    let log_p: Vec<f64> = [0.4, 0.1, 0.3, 0.2f64].iter().map(|p| p.ln()).collect();
    let kept =
        |how| -> Vec<f64> { cut(&log_p, how).unwrap().iter().map(|l| (1e12 * l.exp()).round() / 1e12).collect() };
    let (a, b) = ((4e12f64 / 7.0).round() / 1e12, (3e12f64 / 7.0).round() / 1e12);
    assert_eq!(kept(Cut::TopK(2)), [a, 0.0, b, 0.0]);
    assert_eq!(kept(Cut::TopK(1)), [1.0, 0.0, 0.0, 0.0]);
    assert_eq!(kept(Cut::TopK(99)), kept(Cut::TopP(1.0)));
    assert_eq!(kept(Cut::TopP(0.5)), [a, 0.0, b, 0.0]);
    assert_eq!(kept(Cut::TopP(0.1)), [1.0, 0.0, 0.0, 0.0]);
    assert_eq!(kept(Cut::MinP(0.7)), [a, 0.0, b, 0.0]);
    assert_eq!(kept(Cut::MinP(1.0)), [1.0, 0.0, 0.0, 0.0]);
    for bad in [Cut::TopK(0), Cut::TopP(0.0), Cut::TopP(1.1), Cut::MinP(f64::NAN)] {
        assert!(matches!(cut(&log_p, bad), Err(SoftmaxError::Cut { .. })), "{bad:?}");
    }
}

/// 50,000 draws against the probabilities, alpha = 1e-6; of pairs without replacement the second has the probability
/// `p_j / (1 - p_i)` given the first. A draw with the noise forgotten would be one class only.
#[test]
fn gumbel_draws() {
    let z = [0.5, -1.0, 2.0, f64::NEG_INFINITY, 1.0];
    let p = softmax(&z, 1.0).unwrap();
    let mut rng = Key::from_seed(3).rng();
    let mut counts = [0; 5];
    let mut pairs = [0; 25];
    for _ in 0..50_000 {
        counts[gumbel_max(&z, &mut rng).unwrap()] += 1;
        let two = gumbel_top_k(&z, 2, &mut rng).unwrap();
        pairs[two[0] * 5 + two[1]] += 1;
    }
    chi_square_test(&counts, &p, 1e-6).unwrap();
    let expected: Vec<f64> =
        (0..25).map(|c| (c / 5, c % 5)).map(|(i, j)| if i == j { 0.0 } else { p[i] * p[j] / (1.0 - p[i]) }).collect();
    chi_square_test(&pairs, &expected, 1e-6).unwrap();
    assert_eq!(gumbel_top_k(&z, 9, &mut rng).unwrap().len(), 4);
}

#[test]
fn misuse() {
    assert_eq!(log_softmax(&[], 1.0), Err(SoftmaxError::Empty(0)));
    assert_eq!(log_softmax(&[f64::NEG_INFINITY; 2], 1.0), Err(SoftmaxError::Empty(2)));
    assert!(matches!(log_softmax(&[0.0, f64::NAN], 1.0), Err(SoftmaxError::Logit { index: 1, .. })));
    assert!(matches!(log_softmax(&[f64::INFINITY], 1.0), Err(SoftmaxError::Logit { index: 0, .. })));
    assert_eq!(log_softmax(&[0.0], -1.0), Err(SoftmaxError::Beta(-1.0)));
}
