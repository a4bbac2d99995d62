//! Dual averaging: a step size from acceptance probabilities.

/// Finds the factor on a kernel's step size at which the mean acceptance probability is `target`, by Nesterov's dual
/// averaging of `log scale`: `log scale_(t+1) = mu - sqrt(t) / gamma * H_t`, `H_t` a weighted mean of `target -
/// acceptance` so far, with `mu = log(10 scale_0)`, and as the answer the mean of these weighted by `t^-kappa`.
///
/// While it runs, the chain's kernel depends on its past and nothing is left invariant: use [`DualAveraging::average`]
/// for the draws that count, unchanged.
///
/// # Example
/// ```
/// use gibbs_core::adapt::DualAveraging;
/// // A kernel whose acceptance is exp(-scale): 0.8 is reached at log(1 / 0.8) = 0.223.
/// let mut adapt = DualAveraging::new(1.0, 0.8);
/// for _ in 0..500 {
///     adapt.update((-adapt.scale()).exp());
/// }
/// assert!((adapt.average() - 0.223).abs() < 0.01);
/// ```
///
/// # Source
/// Hoffman & Gelman 2014, JMLR 15, section 3.2.1, equations 6 and 7, with its `gamma` 0.05, `t_0` 10 and `kappa` 0.75
/// (arXiv:1111.4246).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DualAveraging {
    target: f64,
    centre: f64,
    n_updates: f64,
    error: f64,
    log_scale: f64,
    log_average: f64,
}

const GAMMA: f64 = 0.05;
const T0: f64 = 10.0;
const KAPPA: f64 = 0.75;

impl DualAveraging {
    /// Begins at `scale`, a positive factor, and looks for the acceptance `target`.
    pub fn new(scale: f64, target: f64) -> Self {
        let log_scale = scale.ln();
        Self { target, centre: log_scale + 10f64.ln(), n_updates: 0.0, error: 0.0, log_scale, log_average: log_scale }
    }

    /// Takes in the mean acceptance probability of one step; one that is no number counts as 0.
    pub fn update(&mut self, acceptance: f64) {
        let acceptance = if acceptance.is_nan() { 0.0 } else { acceptance };
        self.n_updates += 1.0;
        let t = self.n_updates;
        self.error += (self.target - acceptance - self.error) / (t + T0);
        self.log_scale = self.centre - t.sqrt() / GAMMA * self.error;
        self.log_average += t.powf(-KAPPA) * (self.log_scale - self.log_average);
    }

    /// Factor to take the next step with.
    pub fn scale(&self) -> f64 {
        self.log_scale.exp()
    }

    /// The answer so far.
    pub fn average(&self) -> f64 {
        self.log_average.exp()
    }
}
