//! The two-dimensional Ising model on a torus, solved exactly.

use std::f64::consts::{LN_2, PI};
use std::ops::{Add, Mul};

/// What is known exactly of the `rows` x `cols` torus with `p(s) prop exp(K sum_<ij> s_i s_j)`, `s_i = +-1`.
///
/// With products over `r = 0..n`,
///
/// ```text
/// Z = (2 sinh 2K)^(mn/2) / 2 [prod 2 cosh(m g_(2r+1)/2) + prod 2 sinh(m g_(2r+1)/2)
///                             + prod 2 cosh(m g_2r/2) + prod 2 sinh(m g_2r/2)],
/// cosh g_l = cosh 2K coth 2K - cos(pi l / n),   g_0 = 2K + ln tanh K (negative above the critical temperature).
/// ```
///
/// Derivatives in `K` are carried along with every number, so the moments of the energy have no step size.
///
/// A side of 2 has two bonds between the same two sites.
///
/// # Source
/// Kaufman 1949, DOI 10.1103/PhysRev.76.1232; in this form Ferdinand & Fisher 1969, DOI 10.1103/PhysRev.185.832.
///
/// # Example
/// ```
/// use gibbs_testkit::Kaufman;
/// let torus = Kaufman::new(16, 16, 0.3)?;
/// assert!((torus.log_z - 202.3832).abs() < 5e-5);
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kaufman {
    /// `ln Z`, nats.
    pub log_z: f64,
    /// `E sum_<ij> s_i s_j = d ln Z / dK`: minus the mean energy in units of the coupling.
    pub bonds: f64,
    /// `Var sum_<ij> s_i s_j = d^2 ln Z / dK^2`.
    pub bond_variance: f64,
    coupling: f64,
}

/// `ln(1 + sqrt 2) / 2`, where the infinite lattice orders.
pub const CRITICAL: f64 = 0.440_686_793_509_771_5;

impl Kaufman {
    /// A torus at coupling `K > 0`.
    ///
    /// # Errors
    /// If a side is below 2, or `K` is not positive and finite.
    pub fn new(rows: usize, cols: usize, coupling: f64) -> Result<Self, String> {
        if rows < 2 || cols < 2 {
            return Err(format!("a torus of {rows} x {cols}: both sides must be at least 2"));
        }
        if !(coupling > 0.0 && coupling.is_finite()) {
            return Err(format!("the coupling is {coupling}: the formula is for a finite one above 0"));
        }
        let k = Jet([coupling, 1.0, 0.0]);
        let (m, n) = (rows as f64, cols as f64);
        let twice = k * 2.0;
        let cosh_coth = twice.map(cosh_coth);
        // Logarithms of the products of cosh, and the products of tanh, over odd and over even indices.
        let half = |l: usize| {
            let gamma = if l == 0 {
                twice + k.map(ln_tanh)
            } else {
                (cosh_coth + Jet([-(PI * l as f64 / n).cos(), 0.0, 0.0])).map(acosh)
            };
            gamma * (m / 2.0)
        };
        let sums = |first: usize| {
            (0..cols).map(|r| half(2 * r + first)).fold((Jet([0.0; 3]), Jet([1.0, 0.0, 0.0])), |(log, product), g| {
                (log + g.map(ln_cosh) + Jet([LN_2, 0.0, 0.0]), product * g.map(tanh))
            })
        };
        let ((odd, odd_tanh), (even, even_tanh)) = (sums(1), sums(0));
        let one = Jet([1.0, 0.0, 0.0]);
        let gap = (even + odd * -1.0).map(exp);
        let brackets = (one + odd_tanh + gap * (one + even_tanh)).map(ln);
        let Jet([log_z, bonds, bond_variance]) =
            twice.map(ln_2_sinh) * (m * n / 2.0) + odd + brackets + Jet([-LN_2, 0.0, 0.0]);
        Ok(Self { log_z, bonds, bond_variance, coupling })
    }

    /// `K^2 Var(sum s s)`: the specific heat of the whole torus in units of Boltzmann's constant.
    pub fn specific_heat(&self) -> f64 {
        self.coupling * self.coupling * self.bond_variance
    }
}

/// A number with its first two derivatives.
#[derive(Clone, Copy, Debug)]
struct Jet([f64; 3]);

impl Jet {
    /// `f(x)` from `f`, `f'` and `f''` at `x`.
    fn map(self, f: impl Fn(f64) -> [f64; 3]) -> Self {
        let Jet([x, d, dd]) = self;
        let [f, df, ddf] = f(x);
        Jet([f, df * d, ddf * d * d + df * dd])
    }
}

impl Add for Jet {
    type Output = Jet;
    fn add(self, Jet(b): Jet) -> Jet {
        let Jet(a) = self;
        Jet([a[0] + b[0], a[1] + b[1], a[2] + b[2]])
    }
}

impl Mul for Jet {
    type Output = Jet;
    fn mul(self, Jet(b): Jet) -> Jet {
        let Jet(a) = self;
        Jet([a[0] * b[0], a[1] * b[0] + a[0] * b[1], a[2] * b[0] + 2.0 * a[1] * b[1] + a[0] * b[2]])
    }
}

impl Mul<f64> for Jet {
    type Output = Jet;
    fn mul(self, b: f64) -> Jet {
        Jet(self.0.map(|a| a * b))
    }
}

// Functions with their first two derivatives.

fn exp(x: f64) -> [f64; 3] {
    [x.exp(); 3]
}

fn ln(x: f64) -> [f64; 3] {
    [x.ln(), 1.0 / x, -1.0 / (x * x)]
}

fn tanh(x: f64) -> [f64; 3] {
    let t = x.tanh();
    [t, 1.0 - t * t, -2.0 * t * (1.0 - t * t)]
}

/// `ln cosh x`, without overflow.
fn ln_cosh(x: f64) -> [f64; 3] {
    let [t, dt, _] = tanh(x);
    [x.abs() + (-2.0 * x.abs()).exp().ln_1p() - LN_2, t, dt]
}

/// `ln tanh x`, `x > 0`.
fn ln_tanh(x: f64) -> [f64; 3] {
    let (s, c) = ((2.0 * x).sinh(), (2.0 * x).cosh());
    [x.tanh().ln(), 2.0 / s, -4.0 * c / (s * s)]
}

/// `ln(2 sinh x)`, `x > 0`.
fn ln_2_sinh(x: f64) -> [f64; 3] {
    [x + (-(-2.0 * x).exp_m1()).ln(), 1.0 / x.tanh(), -1.0 / x.sinh().powi(2)]
}

/// `cosh x coth x = sinh x + 1 / sinh x`, `x > 0`.
fn cosh_coth(x: f64) -> [f64; 3] {
    let (s, c) = (x.sinh(), x.cosh());
    [s + 1.0 / s, c - c / (s * s), s - 1.0 / s + 2.0 * c * c / (s * s * s)]
}

/// `arcosh x`, `x > 1`.
fn acosh(x: f64) -> [f64; 3] {
    let root = (x * x - 1.0).sqrt();
    [x.acosh(), 1.0 / root, -x / (root * root * root)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Exact;

    /// `sum s s` over the bonds of a torus given as bits, row by row.
    fn bonds(x: &[bool], rows: usize, cols: usize) -> f64 {
        let s = |r: usize, c: usize| if x[r % rows * cols + c % cols] { 1.0 } else { -1.0 };
        (0..rows * cols).map(|i| (i / cols, i % cols)).map(|(r, c)| s(r, c) * (s(r + 1, c) + s(r, c + 1))).sum()
    }

    /// Both sides sum some 10^5 terms of one sign in f64 and agree to about 1e-12 of themselves.
    #[test]
    fn brute_force_agrees() {
        for (rows, cols) in [(4, 4), (3, 4), (4, 3), (2, 5), (3, 3)] {
            for k in [0.05, 0.3, CRITICAL, 0.6, 1.5] {
                let exact = Exact::new(rows * cols, |x| -k * bonds(x, rows, cols)).unwrap();
                let torus = Kaufman::new(rows, cols, k).unwrap();
                let mean = exact.expectation(|x| bonds(x, rows, cols));
                let variance = exact.expectation(|x| (bonds(x, rows, cols) - mean).powi(2));
                for (a, b) in [(torus.log_z, exact.log_z()), (torus.bonds, mean), (torus.bond_variance, variance)] {
                    assert!((a - b).abs() < 1e-10 * b.abs().max(1.0), "{rows} x {cols} at {k}: {a} {b}");
                }
                assert_eq!(torus.specific_heat(), k * k * torus.bond_variance);
            }
        }
    }

    /// Figures of this project's plan, to the four decimals stated there.
    #[test]
    fn figures_of_larger_tori() {
        let figures = [
            (16, [202.3832, 238.6423, 310.4870]),
            (32, [809.5325, 952.6481, 1239.8687]),
            (64, [3238.1300, 3808.6723, 4957.3954]),
            (128, [12952.5198, 15232.7693, 19827.5022]),
        ];
        for (side, log_z) in figures {
            for (k, expected) in [0.3, CRITICAL, 0.6].into_iter().zip(log_z) {
                let found = Kaufman::new(side, side, k).unwrap().log_z;
                assert!((found - expected).abs() < 6e-5, "{side} at {k}: {found} {expected}");
            }
        }
    }

    /// Derivatives against central differences of step 1e-4: error `h^2 / 6` of the next derivatives but one, below 1e-5
    /// of a bond variance here, and rounding `eps ln Z / h^2`, 2e-5.
    #[test]
    fn derivatives_are_those_of_log_z() {
        let (at, h) = (|k| Kaufman::new(16, 16, k).unwrap(), 1e-4);
        for k in [0.2, 0.42, CRITICAL, 0.7] {
            let (low, middle, high) = (at(k - h), at(k), at(k + h));
            assert!((middle.bonds - (high.log_z - low.log_z) / (2.0 * h)).abs() < 1e-4);
            let curvature = (high.log_z - 2.0 * middle.log_z + low.log_z) / (h * h);
            assert!((middle.bond_variance / curvature - 1.0).abs() < 1e-4, "{k}: {middle:?} {curvature}");
        }
    }

    #[test]
    fn large_tori_and_strong_couplings_do_not_overflow() {
        // Two ground states of 2N bonds: ln Z = 2 N K + ln 2 when nothing else counts.
        let torus = Kaufman::new(1024, 1024, 3.0).unwrap();
        let ground = 2.0 * 1024.0 * 1024.0;
        // Excitations: one flipped spin costs 8 K, so N exp(-8 K) = 4e-5 nats.
        assert!((torus.log_z - 3.0 * ground - LN_2).abs() < 1e-3, "{torus:?}");
        assert!(Kaufman::new(1, 4, 0.3).is_err() && Kaufman::new(4, 4, 0.0).is_err());
    }
}
