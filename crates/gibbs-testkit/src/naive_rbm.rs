//! A binary RBM as double sums, in f64, sharing no code with the one that is used.

/// Joint states beyond `2^20` would take minutes.
pub const MAX_UNITS: usize = 20;

/// A binary RBM, `E(v, h) = -sum_ij v_i W_ij h_j - sum_i b_i v_i - sum_j c_j h_j`, `p(v, h) = exp(-E) / Z`.
///
/// Everything is computed as written: `Z` is the sum over all `v` and all `h`, `p(v)` the sum over all `h`. No hidden unit
/// is summed out analytically and nothing is shifted, so keep `|E|` below 700.
///
/// # Shapes
/// `weights` visible x hidden, row-major. Gradients are flat: weights, then visible biases, then hidden biases.
///
/// # Example
/// ```
/// use gibbs_testkit::NaiveRbm;
/// // Without couplings: Z = (1 + e^b) (1 + e^c).
/// let rbm = NaiveRbm::new(vec![0.0], vec![0.5], vec![-1.0])?;
/// assert!((rbm.log_z() - (0.5f64.exp().ln_1p() + (-1f64).exp().ln_1p())).abs() < 1e-15);
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NaiveRbm {
    /// `W`, visible x hidden.
    pub weights: Vec<f64>,
    /// `b`.
    pub visible_bias: Vec<f64>,
    /// `c`.
    pub hidden_bias: Vec<f64>,
}

impl NaiveRbm {
    /// From its parameters.
    ///
    /// # Errors
    /// If the numbers of weights and biases do not fit, or there are more than [`MAX_UNITS`] units.
    pub fn new(weights: Vec<f64>, visible_bias: Vec<f64>, hidden_bias: Vec<f64>) -> Result<Self, String> {
        let (nv, nh) = (visible_bias.len(), hidden_bias.len());
        if weights.len() != nv * nh {
            return Err(format!("{} weights for {nv} x {nh} units", weights.len()));
        }
        if nv + nh > MAX_UNITS {
            return Err(format!("{nv} + {nh} units have 2^{} joint states: at most {MAX_UNITS} units", nv + nh));
        }
        Ok(Self { weights, visible_bias, hidden_bias })
    }

    /// From its flat parameters: weights, visible biases, hidden biases.
    ///
    /// # Errors
    /// As [`NaiveRbm::new`].
    pub fn from_flat(theta: &[f64], n_visible: usize, n_hidden: usize) -> Result<Self, String> {
        let n_weights = n_visible * n_hidden;
        if theta.len() != n_weights + n_visible + n_hidden {
            return Err(format!("{} parameters for {n_visible} x {n_hidden} units", theta.len()));
        }
        let (weights, biases) = theta.split_at(n_weights);
        let (visible, hidden) = biases.split_at(n_visible);
        Self::new(weights.to_vec(), visible.to_vec(), hidden.to_vec())
    }

    /// From the `f32` parameters of a model, exactly.
    ///
    /// # Errors
    /// As [`NaiveRbm::new`].
    pub fn from_f32(weights: &[f32], visible_bias: &[f32], hidden_bias: &[f32]) -> Result<Self, String> {
        let wide = |x: &[f32]| x.iter().map(|v| f64::from(*v)).collect();
        Self::new(wide(weights), wide(visible_bias), wide(hidden_bias))
    }

    /// Visible units.
    pub fn n_visible(&self) -> usize {
        self.visible_bias.len()
    }

    /// Hidden units.
    pub fn n_hidden(&self) -> usize {
        self.hidden_bias.len()
    }

    /// `E(v, h)`.
    ///
    /// # Panics
    /// If `v` or `h` has another number of units.
    pub fn energy(&self, v: &[bool], h: &[bool]) -> f64 {
        assert_eq!((v.len(), h.len()), (self.n_visible(), self.n_hidden()), "visible and hidden units");
        let on = |x: &[bool]| -> Vec<usize> { (0..x.len()).filter(|k| x[*k]).collect() };
        let (v, h) = (on(v), on(h));
        let mut energy = 0.0;
        for i in &v {
            for j in &h {
                energy -= self.weights[i * self.n_hidden() + j];
            }
            energy -= self.visible_bias[*i];
        }
        for j in &h {
            energy -= self.hidden_bias[*j];
        }
        energy
    }

    /// `log sum_v sum_h exp(-E(v, h))`, in nats.
    pub fn log_z(&self) -> f64 {
        let hidden = states(self.n_hidden());
        let mut z = 0.0;
        for v in states(self.n_visible()) {
            for h in &hidden {
                z += (-self.energy(&v, h)).exp();
            }
        }
        z.ln()
    }

    /// `F(v) = -log sum_h exp(-E(v, h))`.
    pub fn free_energy(&self, v: &[bool]) -> f64 {
        -states(self.n_hidden()).iter().map(|h| (-self.energy(v, h)).exp()).sum::<f64>().ln()
    }

    /// `p(v)` for every `v`, unit `i` in bit `i` of its number.
    pub fn probabilities(&self) -> Vec<f64> {
        let log_z = self.log_z();
        states(self.n_visible()).iter().map(|v| (-self.free_energy(v) - log_z).exp()).collect()
    }

    /// `1/n sum_v log p(v)` over the rows of `data`, in nats a row.
    pub fn mean_log_likelihood(&self, data: &[Vec<bool>]) -> f64 {
        let log_z = self.log_z();
        data.iter().map(|v| -self.free_energy(v) - log_z).sum::<f64>() / data.len() as f64
    }

    /// Gradient of [`NaiveRbm::log_z`]: the expectations of `v_i h_j`, `v_i` and `h_j` over all joint states.
    pub fn grad_log_z(&self) -> Vec<f64> {
        self.expected_statistics(&states(self.n_visible()))
    }

    /// Gradient of [`NaiveRbm::mean_log_likelihood`]: the same expectations given the data, less those of the model.
    pub fn grad_mean_log_likelihood(&self, data: &[Vec<bool>]) -> Vec<f64> {
        let mut gradient: Vec<f64> = self.grad_log_z().iter().map(|g| -g).collect();
        for v in data {
            for (g, s) in gradient.iter_mut().zip(self.expected_statistics(std::slice::from_ref(v))) {
                *g += s / data.len() as f64;
            }
        }
        gradient
    }

    /// Expectations of the statistics over all `h` and the given `v`, weighted by `exp(-E)`.
    fn expected_statistics(&self, visible: &[Vec<bool>]) -> Vec<f64> {
        let (nv, nh) = (self.n_visible(), self.n_hidden());
        let hidden = states(nh);
        let mut sums = vec![0.0; nv * nh + nv + nh];
        let mut total = 0.0;
        for v in visible {
            for h in &hidden {
                let p = (-self.energy(v, h)).exp();
                total += p;
                for i in (0..nv).filter(|i| v[*i]) {
                    sums[nv * nh + i] += p;
                    for j in (0..nh).filter(|j| h[*j]) {
                        sums[i * nh + j] += p;
                    }
                }
                for j in (0..nh).filter(|j| h[*j]) {
                    sums[nv * nh + nv + j] += p;
                }
            }
        }
        sums.iter().map(|s| s / total).collect()
    }
}

fn states(n: usize) -> Vec<Vec<bool>> {
    (0..1_usize << n).map(|s| (0..n).map(|i| s >> i & 1 == 1).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::Exact;
    use crate::finite_difference::check_gradient;
    use crate::rounding::{relative_eq, slices_eq};
    use gibbs_core::key::Key;

    fn random(nv: usize, nh: usize, seed: u64) -> (Vec<f64>, NaiveRbm) {
        let mut rng = Key::from_seed(seed).rng();
        let theta: Vec<f64> = (0..nv * nh + nv + nh).map(|_| rng.normal()).collect();
        let rbm = NaiveRbm::from_flat(&theta, nv, nh).unwrap();
        (theta, rbm)
    }

    fn data() -> Vec<Vec<bool>> {
        vec![vec![true, false, true, true], vec![false; 4], vec![true, true, false, false]]
    }

    /// `1 x 1`: `Z = 1 + e^b + e^c + e^(b + c + w)`, by hand.
    #[test]
    fn two_units_by_hand() {
        let rbm = NaiveRbm::new(vec![1.5], vec![0.2], vec![-0.3]).unwrap();
        let z = 1.0 + 0.2_f64.exp() + (-0.3_f64).exp() + 1.4_f64.exp();
        relative_eq(rbm.log_z(), z.ln(), 4.0).unwrap();
        let expected = [1.4_f64.exp() / z, (0.2_f64.exp() + 1.4_f64.exp()) / z, ((-0.3_f64).exp() + 1.4_f64.exp()) / z];
        slices_eq(&rbm.grad_log_z(), &expected, 8.0).unwrap();
    }

    /// The hidden units summed out analytically, by the general enumerator: an independent way to the same numbers.
    #[test]
    fn agrees_with_the_free_energy_in_closed_form() {
        let (_, rbm) = random(4, 3, 1);
        let free_energy = |v: &[bool]| -> f64 {
            let on: Vec<usize> = (0..4).filter(|i| v[*i]).collect();
            let softplus = (0..3)
                .map(|j| (rbm.hidden_bias[j] + on.iter().map(|i| rbm.weights[i * 3 + j]).sum::<f64>()).exp().ln_1p());
            -on.iter().map(|i| rbm.visible_bias[*i]).sum::<f64>() - softplus.sum::<f64>()
        };
        let exact = Exact::new(4, free_energy).unwrap();
        // Sums of 128 terms of one sign: 64 epsilons at worst.
        relative_eq(rbm.log_z(), exact.log_z(), 64.0).unwrap();
        slices_eq(&rbm.probabilities(), exact.probabilities(), 128.0).unwrap();
        slices_eq(&rbm.grad_log_z()[12..16], &exact.means(), 128.0).unwrap();
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        let (theta, rbm) = random(4, 3, 2);
        let model = |theta: &[f64]| NaiveRbm::from_flat(theta, 4, 3).unwrap();
        check_gradient(|t| model(t).log_z(), &theta, &rbm.grad_log_z()).unwrap();
        let gradient = rbm.grad_mean_log_likelihood(&data());
        check_gradient(|t| model(t).mean_log_likelihood(&data()), &theta, &gradient).unwrap();
        // Planted: hidden biases that get the visible units' gradient, weights transposed.
        let mut wrong = gradient.clone();
        wrong.swap(12, 16);
        assert!(check_gradient(|t| model(t).mean_log_likelihood(&data()), &theta, &wrong).is_err());
        let mut turned = gradient.clone();
        (0..12).for_each(|k| turned[k] = gradient[k % 4 * 3 + k / 4]);
        assert!(check_gradient(|t| model(t).mean_log_likelihood(&data()), &theta, &turned).is_err());
    }

    #[test]
    fn probabilities_sum_to_one_and_give_the_likelihood() {
        let (_, rbm) = random(4, 3, 3);
        let p = rbm.probabilities();
        relative_eq(p.iter().sum(), 1.0, 100.0).unwrap();
        // Rows 13, 0 and 3 of the enumeration.
        let expected = (p[13].ln() + p[0].ln() + p[3].ln()) / 3.0;
        relative_eq(rbm.mean_log_likelihood(&data()), expected, 100.0).unwrap();
    }

    #[test]
    fn shapes_that_do_not_fit_are_errors() {
        assert!(NaiveRbm::new(vec![0.0; 5], vec![0.0; 2], vec![0.0; 3]).unwrap_err().contains("5 weights for 2 x 3"));
        assert!(NaiveRbm::new(vec![0.0; 110], vec![0.0; 11], vec![0.0; 10]).unwrap_err().contains("2^21"));
        assert!(NaiveRbm::from_flat(&[0.0; 4], 1, 1).is_err());
        assert_eq!(NaiveRbm::from_f32(&[0.5], &[1.0], &[2.0]).unwrap().weights, [0.5]);
    }
}
