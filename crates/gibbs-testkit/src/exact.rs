//! Everything about an energy over `{0,1}^n`, by enumeration.

/// Sites beyond this would take minutes.
pub const MAX_SITES: usize = 20;

/// All states of `n` two-valued sites with their exact probabilities under `p(x) = exp(-E(x)) / Z`.
///
/// State `s` has site `i` in bit `i` of `s`. Sums run over the probabilities from the smallest up, so they are good to a
/// few machine epsilons. An energy of `+inf` forbids a state.
///
/// # Example
/// ```
/// use gibbs_testkit::Exact;
/// // One site with log-odds 2: p(1) = sigmoid(2).
/// let exact = Exact::new(1, |x| if x[0] { -2.0 } else { 0.0 })?;
/// assert!((exact.means()[0] - 1.0 / (1.0 + (-2f64).exp())).abs() < 1e-15);
/// assert!((exact.log_z() - 2f64.exp().ln_1p()).abs() < 1e-15);
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug)]
pub struct Exact {
    n: usize,
    log_z: f64,
    probabilities: Vec<f64>,
    /// States in order of rising probability.
    order: Vec<usize>,
}

impl Exact {
    /// Evaluates `energy` at all `2^n` states.
    ///
    /// # Errors
    /// If `n` exceeds [`MAX_SITES`], an energy is NaN or `-inf`, or all are `+inf`.
    pub fn new(n: usize, energy: impl Fn(&[bool]) -> f64) -> Result<Self, String> {
        if n > MAX_SITES {
            return Err(format!("{n} sites have 2^{n} states: at most {MAX_SITES} sites are enumerated"));
        }
        let mut energies = Vec::with_capacity(1 << n);
        for s in 0..1 << n {
            let x = bits(s, n);
            let e = energy(&x);
            if e.is_nan() || e == f64::NEG_INFINITY {
                return Err(format!("the energy of {x:?} is {e}"));
            }
            energies.push(e);
        }
        let lowest = energies.iter().copied().fold(f64::INFINITY, f64::min);
        if lowest == f64::INFINITY {
            return Err("every state has infinite energy: there is no distribution".to_owned());
        }
        let mut order: Vec<usize> = (0..energies.len()).collect();
        order.sort_by(|a, b| energies[*b].total_cmp(&energies[*a]));
        let sum: f64 = order.iter().map(|s| (lowest - energies[*s]).exp()).sum();
        let probabilities = energies.iter().map(|e| (lowest - e).exp() / sum).collect();
        Ok(Self { n, log_z: sum.ln() - lowest, probabilities, order })
    }

    /// Number of sites.
    pub fn n_sites(&self) -> usize {
        self.n
    }

    /// `log sum_x exp(-E(x))`, in nats.
    pub fn log_z(&self) -> f64 {
        self.log_z
    }

    /// Probability of every state, by its number.
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// State number `s`.
    pub fn state(&self, s: usize) -> Vec<bool> {
        bits(s, self.n)
    }

    /// Number of a state.
    ///
    /// # Panics
    /// If `x` has another number of sites.
    pub fn index(&self, x: &[bool]) -> usize {
        assert_eq!(x.len(), self.n, "a state of {} sites", self.n);
        x.iter().enumerate().fold(0, |s, (i, b)| s | usize::from(*b) << i)
    }

    /// How often each state occurs: the counts for [`crate::chi_square_test`].
    pub fn counts<X: AsRef<[bool]>>(&self, states: impl IntoIterator<Item = X>) -> Vec<u64> {
        let mut counts = vec![0; self.probabilities.len()];
        for x in states {
            counts[self.index(x.as_ref())] += 1;
        }
        counts
    }

    /// `E f(x)`. States of probability 0 are left out, so that an infinite value there does no harm.
    pub fn expectation(&self, f: impl Fn(&[bool]) -> f64) -> f64 {
        self.possible().map(|(x, p)| p * f(&x)).sum()
    }

    /// `E x_i` for every site.
    pub fn means(&self) -> Vec<f64> {
        let mut means = vec![0.0; self.n];
        for (x, p) in self.possible() {
            for (m, _) in means.iter_mut().zip(&x).filter(|(_, b)| **b) {
                *m += p;
            }
        }
        means
    }

    /// `Cov(x_i, x_j)`, `n` x `n`.
    pub fn covariances(&self) -> Vec<f64> {
        let (n, means) = (self.n, self.means());
        let mut cov = vec![0.0; n * n];
        for (x, p) in self.possible() {
            let d: Vec<f64> = x.iter().zip(&means).map(|(b, m)| f64::from(u8::from(*b)) - m).collect();
            for i in 0..n {
                for j in 0..n {
                    cov[i * n + j] += p * d[i] * d[j];
                }
            }
        }
        cov
    }

    /// Gradient of `log Z` with respect to parameters: `-E dE/dtheta`. `energy_grad(x, out)` writes `dE(x)/dtheta` to
    /// the zeroed `out`.
    pub fn grad_log_z(&self, n_params: usize, energy_grad: impl Fn(&[bool], &mut [f64])) -> Vec<f64> {
        let (mut total, mut one) = (vec![0.0; n_params], vec![0.0; n_params]);
        for (x, p) in self.possible() {
            one.fill(0.0);
            energy_grad(&x, &mut one);
            for (t, g) in total.iter_mut().zip(&one) {
                *t -= p * g;
            }
        }
        total
    }

    fn possible(&self) -> impl Iterator<Item = (Vec<bool>, f64)> {
        self.order.iter().map(|s| (self.state(*s), self.probabilities[*s])).filter(|(_, p)| *p > 0.0)
    }
}

fn bits(s: usize, n: usize) -> Vec<bool> {
    (0..n).map(|i| s >> i & 1 == 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finite_difference::check_gradient;
    use crate::rounding::{relative_eq, slices_eq};
    use gibbs_core::key::Key;

    fn bit(b: bool) -> f64 {
        f64::from(u8::from(b))
    }

    /// A chain of spins `s = 2x - 1` with coupling `J` and free ends: `Z = 2 (2 cosh J)^(n-1)`, neighbours have
    /// covariance `tanh(J) / 4`, spins at distance `d` have `tanh(J)^d / 4`.
    #[test]
    fn the_ising_chain_in_closed_form() {
        let (n, coupling) = (11, 0.7_f64);
        let energy = |x: &[bool]| x.windows(2).map(|w| if w[0] == w[1] { -coupling } else { coupling }).sum();
        let exact = Exact::new(n, energy).unwrap();
        let expected = 2f64.ln() + 10.0 * (2.0 * coupling.cosh()).ln();
        // The energy itself is a sum of ten terms: ten roundings of 7, exponentiated.
        relative_eq(exact.log_z(), expected, 10.0).unwrap();
        slices_eq(&exact.means(), &[0.5; 11], 20.0).unwrap();
        let distance = |k: usize| (k / n).abs_diff(k % n) as i32;
        let cov: Vec<f64> = (0..n * n).map(|k| coupling.tanh().powi(distance(k)) / 4.0).collect();
        slices_eq(&exact.covariances(), &cov, 50.0).unwrap();
        // Planted: with the ends joined, Z = (2 cosh J)^n + (2 sinh J)^n is another number.
        let ring = (2.0 * coupling.cosh()).powi(11) + (2.0 * coupling.sinh()).powi(11);
        assert!((exact.log_z() - ring.ln()).abs() > 0.1);
    }

    #[test]
    fn independent_sites_factorise() {
        let logits = [-3.0, 0.0, 0.4, 8.0];
        let exact = Exact::new(4, |x| -x.iter().zip(&logits).map(|(b, l)| bit(*b) * l).sum::<f64>()).unwrap();
        relative_eq(exact.log_z(), logits.iter().map(|l| l.exp().ln_1p()).sum(), 8.0).unwrap();
        slices_eq(&exact.means(), &logits.map(|l| 1.0 / (1.0 + (-l).exp())), 8.0).unwrap();
        relative_eq(exact.expectation(|_| 1.0), 1.0, 8.0).unwrap();
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let mut rng = Key::from_seed(4).rng();
        let theta: Vec<f64> = (0..6).map(|_| rng.normal()).collect();
        // Pair couplings of four sites.
        let pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];
        let energy = |theta: &[f64], x: &[bool]| -> f64 {
            -pairs.iter().zip(theta).map(|((i, j), t)| t * bit(x[*i] && x[*j])).sum::<f64>()
        };
        let energy_grad = |x: &[bool], out: &mut [f64]| {
            for (o, (i, j)) in out.iter_mut().zip(&pairs) {
                *o = -bit(x[*i] && x[*j]);
            }
        };
        let log_z = |theta: &[f64]| Exact::new(4, |x| energy(theta, x)).unwrap().log_z();
        let gradient = Exact::new(4, |x| energy(&theta, x)).unwrap().grad_log_z(6, energy_grad);
        check_gradient(log_z, &theta, &gradient).unwrap();
        let wrong: Vec<f64> = gradient.iter().map(|g| -g).collect();
        assert!(check_gradient(log_z, &theta, &wrong).is_err());
    }

    #[test]
    fn energies_of_any_size_and_forbidden_states() {
        let exact = Exact::new(2, |x| 1e5 + bit(x[0])).unwrap();
        relative_eq(exact.log_z(), -1e5 + 2f64.ln() + (-1f64).exp().ln_1p(), 2.0).unwrap();
        let exact = Exact::new(2, |x| if x[0] && x[1] { f64::INFINITY } else { 0.0 }).unwrap();
        relative_eq(exact.log_z(), 3f64.ln(), 2.0).unwrap();
        assert_eq!(exact.probabilities()[3], 0.0);
        assert!(exact.expectation(|x| if x[0] && x[1] { f64::INFINITY } else { 1.0 }).is_finite());
        assert!(Exact::new(21, |_| 0.0).is_err() && Exact::new(1, |_| f64::NAN).is_err());
        assert!(Exact::new(1, |_| f64::INFINITY).is_err());
    }

    #[test]
    fn states_and_their_numbers() {
        let exact = Exact::new(3, |_| 0.0).unwrap();
        assert_eq!(exact.state(6), [false, true, true]);
        assert!((0..8).all(|s| exact.index(&exact.state(s)) == s));
        assert_eq!(exact.counts([[true, false, false], [true, false, false]]), [0, 2, 0, 0, 0, 0, 0, 0]);
    }
}
