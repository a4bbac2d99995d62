//! The torus solved exactly: what a measurement is held against.

use std::f64::consts::{LN_2, PI};

use super::{LatticeError, checked_coupling};

/// Exact values of the Ising model on an even `side` x `side` torus.
///
/// `Z = 2^(N-1) [P(1/2, 1/2) + P(1/2, 0) + P(0, 1/2) + P(0, 0)]` with the products over the momenta `k = 2 pi (n + a) / side`,
/// `l = 2 pi (m + b) / side` of `P(a, b) = prod_(k, l) sqrt(cosh^2 2K - sinh 2K (cos k + cos l))`, where the root of the
/// factor `k = l = 0` is `sinh 2K - 1` with its sign. Derivatives in `K` are taken term by term. Costs `side^2` logarithms.
///
/// # Source
/// Kasteleyn 1961, DOI 10.1016/0031-8914(61)90063-5; `McCoy` & Wu 1973, *The Two-Dimensional Ising Model*, chapter IV.
///
/// # Example
/// ```
/// use gibbs_spin::lattice::ExactTorus;
/// let torus = ExactTorus::new(16, 0.3)?;
/// assert!((torus.log_z - 202.3832).abs() < 5e-5);
/// # Ok::<(), gibbs_spin::lattice::LatticeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExactTorus {
    /// `ln Z`, nats.
    pub log_z: f64,
    /// Energy a site in units of the coupling, `-<sum s s> / N`.
    pub energy: f64,
    /// Specific heat a site, `K^2 Var(sum s s) / N`.
    pub specific_heat: f64,
}

/// A product as its logarithm and the first two derivatives of that.
type Log = [f64; 3];

impl ExactTorus {
    /// At coupling `coupling`.
    ///
    /// # Errors
    /// If the side is odd or 0, or the coupling negative or not finite.
    pub fn new(side: usize, coupling: f64) -> Result<Self, LatticeError> {
        if side == 0 || !side.is_multiple_of(2) {
            return Err(LatticeError::Side { side, wanted: "an even number from 2 on" });
        }
        let k = checked_coupling(coupling)?;
        let half: Vec<(f64, f64)> = (0..side / 2).map(|n| (momentum(n as f64 + 0.5, side), 2.0)).collect();
        // Momentum 0 and pi come once, the others also with the other sign.
        let whole: Vec<(f64, f64)> = (0..=side / 2)
            .map(|n| (momentum(n as f64, side), if n == 0 || 2 * n == side { 1.0 } else { 2.0 }))
            .collect();
        let mixed = log_product(k, &half, &whole);
        let last = log_product(k, &whole, &whole);
        let logs = [log_product(k, &half, &half), mixed, mixed, last];
        // The last product lacks the factor of momentum zero, which may be negative or zero.
        let (s, c) = ((2.0 * k).sinh(), (2.0 * k).cosh());
        let one = [1.0, 0.0, 0.0];
        let factors = [one, one, one, [s - 1.0, 2.0 * c, 4.0 * s]];
        let largest = logs.iter().map(|l| l[0]).fold(f64::NEG_INFINITY, f64::max);
        let (mut z, mut dz, mut ddz) = (0.0, 0.0, 0.0);
        for ([log, d, dd], [f, df, ddf]) in logs.into_iter().zip(factors) {
            let p = (log - largest).exp();
            z += p * f;
            dz += p * (df + f * d);
            ddz += p * (ddf + 2.0 * df * d + f * (dd + d * d));
        }
        let n = (side * side) as f64;
        let slope = dz / z;
        Ok(Self {
            log_z: (n - 1.0) * LN_2 + largest + z.ln(),
            energy: -slope / n,
            specific_heat: k * k * (ddz / z - slope * slope) / n,
        })
    }
}

fn momentum(n: f64, side: usize) -> f64 {
    2.0 * PI * n / side as f64
}

/// The product over all pairs of momenta, given with how often they come, but for the pair of zeros.
fn log_product(k: f64, rows: &[(f64, f64)], cols: &[(f64, f64)]) -> Log {
    let (s, c) = ((2.0 * k).sinh(), (2.0 * k).cosh());
    let mut sum = [0.0; 3];
    for (p, times_p) in rows {
        for (q, times_q) in cols.iter().filter(|(q, _)| *p != 0.0 || *q != 0.0) {
            let cosines = p.cos() + q.cos();
            let f = c * c - s * cosines;
            let d = (4.0 * c * s - 2.0 * c * cosines) / f;
            let dd = (8.0 * (c * c + s * s) - 4.0 * s * cosines) / f;
            let weight = times_p * times_q / 2.0;
            for (total, term) in sum.iter_mut().zip([f.ln(), d, dd - d * d]) {
                *total += weight * term;
            }
        }
    }
    sum
}
