//! `ln Gamma` and its derivatives of any order.

/// Where the asymptotic series takes over: its terms fall until the 14th there, whatever the order added to it.
const FAR: f64 = 15.0;
/// Bernoulli numbers `B_2, B_4, ...`.
const BERNOULLI: [f64; 8] =
    [1.0 / 6.0, -1.0 / 30.0, 1.0 / 42.0, -1.0 / 30.0, 5.0 / 66.0, -691.0 / 2730.0, 7.0 / 6.0, -3617.0 / 510.0];

/// `d^order / dx^order ln Gamma(x)` for `x > 0`, NaN elsewhere: recurrence up to large arguments, then the asymptotic series
/// (DLMF 5.11.1, 5.15.5, 5.15.8).
pub(crate) fn ln_gamma(order: usize, x: f64) -> f64 {
    if x.is_nan() || x <= 0.0 {
        return f64::NAN;
    }
    let Some(m) = order.checked_sub(1) else { return statrs::function::gamma::ln_gamma(x) };
    let (mut z, mut sum, power) = (x, 0.0, m as i32);
    while z < FAR + m as f64 {
        sum += z.powi(-power - 1);
        z += 1.0;
    }
    let factorial: f64 = (1..=m).map(|k| k as f64).product();
    // psi^(m) = (-1)^(m + 1) m! (sum of what was stepped over + series / m!).
    let series = if m == 0 { -z.ln() } else { z.powi(-power) / m as f64 };
    let mut rest = series + 0.5 * z.powi(-power - 1);
    // (2k + m - 1)! / ((2k)! m!), from one k to the next.
    let mut ratio = 1.0;
    for (i, b) in BERNOULLI.iter().enumerate() {
        let two_k = 2.0 * (i as f64 + 1.0);
        ratio = if i == 0 {
            f64::midpoint(m as f64, 1.0)
        } else {
            ratio * (two_k + m as f64 - 1.0) * (two_k + m as f64 - 2.0) / (two_k * (two_k - 1.0))
        };
        rest += b * ratio * z.powi(-power - two_k as i32);
    }
    let sign = if m.is_multiple_of(2) { -1.0 } else { 1.0 };
    sign * factorial * (sum + rest)
}

#[cfg(test)]
mod tests {
    use super::ln_gamma;

    /// Golden values of DLMF 5.4, 5.15: `psi(1) = -gamma`, `psi'(1) = pi^2/6`, `psi''(1) = -2 zeta(3)`, `psi'(1/2) = pi^2/2`.
    #[test]
    fn known_values() {
        let zeta3 = 1.202_056_903_159_594_3;
        let square = std::f64::consts::PI.powi(2);
        let cases = [
            (1, 1.0, -0.577_215_664_901_532_9),
            (2, 1.0, square / 6.0),
            (3, 1.0, -2.0 * zeta3),
            (2, 0.5, square / 2.0),
            (4, 1.0, square * square / 15.0),
        ];
        for (order, x, wanted) in cases {
            assert!((ln_gamma(order, x) - wanted).abs() < 1e-12 * wanted.abs(), "order {order} at {x}");
        }
        assert!(ln_gamma(0, 0.0).is_nan() && ln_gamma(1, -1.0).is_nan());
    }
}
