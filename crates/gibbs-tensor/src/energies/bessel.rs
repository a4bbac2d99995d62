//! Modified Bessel functions of the first kind, scaled.

/// `exp(-z) I_nu(z)` for `z > 0` and `nu` one of +-1/4, +-3/4: the ascending series up to `z = 30`, whose terms are all
/// positive, and Hankel's expansion beyond, whose smallest term is then below `exp(-2 z)`.
///
/// # Source
/// NIST *Digital Library of Mathematical Functions*, 10.25.2 and 10.40.1, <https://dlmf.nist.gov/10>.
pub(super) fn scaled_bessel_i(quarters: i32, z: f64) -> f64 {
    // Gamma(nu + 1) at nu = -3/4, -1/4, 1/4, 3/4.
    let gamma = match quarters {
        -3 => 3.625_609_908_221_908,
        -1 => 1.225_416_702_465_177_6,
        1 => 0.906_402_477_055_477,
        3 => 0.919_062_526_848_883_2,
        _ => unreachable!("orders of one or three quarters"),
    };
    let nu = f64::from(quarters) / 4.0;
    if z <= 30.0 {
        let (mut term, mut sum) = ((0.5 * z).powf(nu) / gamma * (-z).exp(), 0.0);
        for k in 1..200 {
            sum += term;
            term *= 0.25 * z * z / (f64::from(k) * (f64::from(k) + nu));
        }
        return sum;
    }
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..40 {
        let odd = f64::from(2 * k - 1);
        let next = -term * (4.0 * nu * nu - odd * odd) / (8.0 * f64::from(k) * z);
        if next.abs() >= f64::abs(term) {
            break;
        }
        term = next;
        sum += term;
    }
    sum / (std::f64::consts::TAU * z).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The two branches meet: 1e-13 is some hundred roundings.
    #[test]
    fn series_and_expansion_agree_where_they_meet() {
        for quarters in [-3, -1, 1, 3] {
            let below = scaled_bessel_i(quarters, 30.0);
            let above = scaled_bessel_i(quarters, 30.0 * (1.0 + 1e-15));
            assert!((below / above - 1.0).abs() < 1e-13, "{quarters}: {below} {above}");
        }
    }

    /// `I_-nu - I_nu = (2/pi) sin(nu pi) K_nu` is positive, and `I_{-1/4}` at small `z` is its first term.
    #[test]
    fn small_arguments_are_the_first_term() {
        let z = 1e-6_f64;
        assert!((scaled_bessel_i(-1, z) / ((0.5 * z).powf(-0.25) / 1.225_416_702_465_177_6) - 1.0).abs() < 2e-6);
        assert!(scaled_bessel_i(-1, 1.0) > scaled_bessel_i(1, 1.0));
    }
}
