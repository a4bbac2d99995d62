//! The temperature at which chains really are.

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::dense::Dense;
use crate::energy::Gradient;
use crate::real::Real;
use crate::rows::{Continuous, Rows};
use crate::scratch::Scratch;

/// A temperature with its 95 % interval; 1 is that of the density itself.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Reading {
    /// The estimate.
    pub value: f64,
    /// Its standard error, from the differences between chains.
    pub std_err: f64,
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

impl Reading {
    /// Whether the interval holds `temperature`.
    pub fn holds(&self, temperature: f64) -> bool {
        self.lower <= temperature && temperature <= self.upper
    }

    fn new(value: f64, std_err: f64, n_chains: usize) -> Self {
        let t = StudentsT::new(0.0, 1.0, (n_chains - 1) as f64).map_or(f64::INFINITY, |t| t.inverse_cdf(0.975));
        Self { value, std_err, lower: value - t * std_err, upper: value + t * std_err }
    }

    /// `sum a / sum b` over chains, the error to first order in one over their number.
    fn ratio(pairs: &[(f64, f64)]) -> Option<Self> {
        let (a, b) = pairs.iter().fold((0.0, 0.0), |s, p| (s.0 + p.0, s.1 + p.1));
        let n = pairs.len() as f64;
        if pairs.len() < 2 || b.is_nan() || b <= 0.0 || !a.is_finite() {
            return None;
        }
        let value = a / b;
        let squares: f64 = pairs.iter().map(|p| (p.0 - value * p.1).powi(2)).sum();
        Some(Self::new(value, (squares * n / (n - 1.0)).sqrt() / b, pairs.len()))
    }
}

/// The configurational temperature of chains over real vectors, in all directions together and in each of them.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Temperature {
    /// `<|grad E|^2> / <laplacian E>`, over the directions that were looked at.
    pub overall: Reading,
    /// The same in each direction; those in which the energy is not convex on average are left out.
    pub directions: Vec<Reading>,
}

impl Temperature {
    /// Lowest and highest of the directions.
    pub fn range(&self) -> (f64, f64) {
        let values = || self.directions.iter().map(|d| d.value);
        (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max))
    }
}

/// Sums of `(u . grad E)^2` and `u' H u` along fixed directions `u`, chain by chain.
///
/// For draws of `exp(-E / T)` integration by parts gives `<(u . grad E)^2> = T <u' H u>` in **every** direction. A sampler with
/// a bias of its own has no single temperature: unadjusted Langevin with step `eta` on a quadratic energy is at
/// `T / (1 - a eta / 2)` along a direction of curvature `a`, hottest where the energy is narrowest. So the range over directions
/// is part of the answer. Curvatures are taken by central differences of the gradient.
///
/// Errors come from the differences between chains, which are independent; draws within one need not be.
///
/// # Source
/// Rugh 1997, DOI 10.1103/PhysRevLett.78.772; Butler, Ayton, Jepps & Evans 1998, DOI 10.1063/1.477301; the bias of the step:
/// Durmus & Moulines 2017, DOI 10.1214/16-AAP1238.
///
/// # Example
/// ```
/// use gibbs_core::{dense::Dense, diagnostics::temperature::Thermometer, energy::{Energy, Gradient}, key::Key};
/// use gibbs_core::{rows::Continuous, scratch::Scratch};
/// struct Parabola;
/// impl Energy for Parabola {
///     type X = Dense<f64>;
///     fn energy(&self, x: &Dense<f64>, out: &mut [f64], _: &mut Scratch) {
///         out.iter_mut().zip(x.values()).for_each(|(o, x)| *o = 0.5 * x * x);
///     }
/// }
/// impl Gradient for Parabola {
///     fn energy_grad(&self, x: &Dense<f64>, e: &mut [f64], g: &mut Dense<f64>, ws: &mut Scratch) {
///         self.energy(x, e, ws);
///         g.values_mut().copy_from_slice(x.values());
///     }
/// }
/// // Draws that are too cold: of variance 0.8.
/// let (mut meter, mut rng) = (Thermometer::coordinates(50, 1), Key::from_seed(0).rng());
/// for _ in 0..200 {
///     let x = Dense::from_rows(1, (0..50).map(|_| 0.8f64.sqrt() * rng.normal()).collect());
///     meter.record(&Parabola, &x, 1e-3, &mut Scratch::default());
/// }
/// let found = meter.read().unwrap();
/// assert!((found.overall.value / 0.8 - 1.0).abs() < 0.05 && !found.overall.holds(1.0));
/// ```
#[derive(Clone, Debug)]
pub struct Thermometer {
    n_cols: usize,
    /// Unit vectors, one a row.
    directions: Vec<f64>,
    /// `[chain][direction]`: both sums.
    sums: Vec<Vec<(f64, f64)>>,
}

impl Thermometer {
    /// For `n_chains` chains of `n_cols` numbers, along `directions`: unit vectors, row after row.
    ///
    /// # Panics
    /// If the directions do not fill whole rows of `n_cols > 0`.
    pub fn new(n_chains: usize, n_cols: usize, directions: Vec<f64>) -> Self {
        assert!(n_cols > 0 && directions.len().is_multiple_of(n_cols), "directions of {n_cols} numbers");
        let n = directions.len() / n_cols;
        Self { n_cols, directions, sums: vec![vec![(0.0, 0.0); n]; n_chains] }
    }

    /// Along the coordinates.
    pub fn coordinates(n_chains: usize, n_cols: usize) -> Self {
        let unit = |i: usize| if i / n_cols == i % n_cols { 1.0 } else { 0.0 };
        Self::new(n_chains, n_cols, (0..n_cols * n_cols).map(unit).collect())
    }

    /// Adds one draw of every chain, row `c` of `x` being chain `c`. `step` is the length of the central differences: small
    /// against the widths of the density, large against the rounding of the gradient. Costs two gradients a direction.
    ///
    /// # Panics
    /// If `x` has other rows or columns than were said.
    pub fn record<T: Real, E: Gradient<X = Dense<T>> + ?Sized>(
        &mut self,
        energy: &E,
        x: &Dense<T>,
        step: f64,
        ws: &mut Scratch,
    ) {
        let (n, d) = (x.n_rows(), x.n_cols());
        assert_eq!((n, d), (self.sums.len(), self.n_cols), "one row a chain");
        let mut grad = Dense::<T>::zeros(n, d);
        energy.grad(x, &mut grad, ws);
        let (mut up, mut down) = (Dense::<T>::zeros(n, d), Dense::<T>::zeros(n, d));
        for (k, u) in self.directions.chunks_exact(d).enumerate() {
            energy.grad(&shifted(x, u, step), &mut up, ws);
            energy.grad(&shifted(x, u, -step), &mut down, ws);
            for (row, sums) in self.sums.iter_mut().enumerate() {
                sums[k].0 += along(&grad, row, u).powi(2);
                sums[k].1 += (along(&up, row, u) - along(&down, row, u)) / (2.0 * step);
            }
        }
    }

    /// The temperature; `None` with fewer than two chains, or where the energy is nowhere convex on average.
    pub fn read(&self) -> Option<Temperature> {
        let sum = |sums: &Vec<(f64, f64)>| sums.iter().fold((0.0, 0.0), |s, p| (s.0 + p.0, s.1 + p.1));
        let overall = Reading::ratio(&self.sums.iter().map(sum).collect::<Vec<_>>())?;
        let direction = |k: usize| Reading::ratio(&self.sums.iter().map(|s| s[k]).collect::<Vec<_>>());
        Some(Temperature {
            overall,
            directions: (0..self.directions.len() / self.n_cols).filter_map(direction).collect(),
        })
    }
}

/// Every row moved by `step` along a direction.
fn shifted<T: Real>(x: &Dense<T>, direction: &[f64], step: f64) -> Dense<T> {
    let mut moved = x.clone();
    for row in 0..x.n_rows() {
        let numbers = moved.row_mut(row).iter_mut().zip(direction);
        numbers.for_each(|(x, u)| *x = T::narrow(x.widen() + step * u));
    }
    moved
}

/// One row's share along a direction.
fn along<T: Real>(g: &Dense<T>, row: usize, direction: &[f64]) -> f64 {
    g.row(row).iter().zip(direction).map(|(g, u)| g.widen() * u).sum()
}

/// The temperature of chains of bits: the `T` at which `p(on | rest) = sigmoid(log_odds / T)` explains best which bits are on
/// (maximum pseudo-likelihood, a concave problem in `1 / T`).
///
/// `log_odds` are those of the model at temperature 1 given all other bits, and `on` what the chain has there: chain after
/// chain, equally many of each. The error comes from the differences between chains. `None` with fewer than two chains, if the
/// numbers do not divide, or if every bit is as the sign of its log-odds says (temperature 0).
///
/// # Source
/// Besag 1975, DOI 10.2307/2987782; for the temperature of an Ising model: Chatterjee 2007, DOI 10.1214/009053607000000109.
pub fn of_bits(log_odds: &[f64], on: &[bool], n_chains: usize) -> Option<Reading> {
    if n_chains < 2 || log_odds.is_empty() || log_odds.len() != on.len() || !log_odds.len().is_multiple_of(n_chains) {
        return None;
    }
    if log_odds.iter().zip(on).all(|(l, on)| (*l > 0.0) == *on || *l == 0.0) {
        return None;
    }
    let each = log_odds.len() / n_chains;
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    // Slope and curvature of the log pseudo-likelihood of some bits.
    let slope = |range: std::ops::Range<usize>, beta: f64| {
        range.fold((0.0, 0.0), |(s, c), i| {
            let p = sigmoid(beta * log_odds[i]);
            (s + log_odds[i] * (f64::from(u8::from(on[i])) - p), c + log_odds[i].powi(2) * p * (1.0 - p))
        })
    };
    let all = 0..log_odds.len();
    let (mut low, mut high) = (1.0, 1.0);
    while slope(all.clone(), high).0 > 0.0 {
        high *= 2.0;
        if high > 1e6 {
            return None;
        }
    }
    while slope(all.clone(), low).0 < 0.0 {
        low *= 0.5;
        if low < 1e-6 {
            return None;
        }
    }
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if slope(all.clone(), middle).0 > 0.0 { low = middle } else { high = middle }
    }
    let beta = 0.5 * (low + high);
    let curvature = slope(all, beta).1;
    let n = n_chains as f64;
    let squares: f64 = (0..n_chains).map(|c| slope(c * each..(c + 1) * each, beta).0.powi(2)).sum();
    let error = (squares * n / (n - 1.0)).sqrt() / curvature;
    Some(Reading::new(1.0 / beta, error / (beta * beta), n_chains))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::Energy;
    use crate::ensemble::Ensemble;
    use crate::kernel::StepTuning;
    use crate::key::Key;
    use crate::path::Target;
    use crate::samplers::Langevin;

    /// `sum_i a_i x_i^2 / 2`.
    struct Quadratic([f64; 2]);

    impl Energy for Quadratic {
        type X = Dense<f64>;

        fn energy(&self, x: &Dense<f64>, out: &mut [f64], _: &mut Scratch) {
            let rows = x.values().chunks_exact(2);
            out.iter_mut().zip(rows).for_each(|(o, x)| *o = (0..2).map(|i| 0.5 * self.0[i] * x[i] * x[i]).sum());
        }
    }

    impl Gradient for Quadratic {
        fn energy_grad(&self, x: &Dense<f64>, e: &mut [f64], g: &mut Dense<f64>, ws: &mut Scratch) {
            self.energy(x, e, ws);
            g.values_mut().iter_mut().zip(x.values()).enumerate().for_each(|(i, (g, x))| *g = self.0[i % 2] * x);
        }
    }

    fn measure(kernel: Langevin, n: usize, draws: usize, thin: u64) -> Temperature {
        measure_with(kernel, n, draws, thin, 7)
    }

    fn measure_with(kernel: Langevin, n: usize, draws: usize, thin: u64, seed: u64) -> Temperature {
        let energy = Quadratic([1.0, 4.0]);
        let mut chains = Ensemble::start(&kernel, &Target(&energy), &Dense::zeros(n, 2));
        let mut meter = Thermometer::coordinates(n, 2);
        let mut tell = |chains: &Ensemble<_>| {
            let rows: Vec<f64> = chains
                .blocks()
                .iter()
                .flat_map(|c: &crate::samplers::langevin::LangevinChain<Dense<f64>, _>| c.position().values().to_vec())
                .collect();
            meter.record(&energy, &Dense::from_rows(2, rows), 1e-3, &mut Scratch::default());
        };
        for t in 0..draws as u64 + 20 {
            chains.advance(&kernel, &Target(&energy), 1.0, &StepTuning::default(), thin, &Key::from_seed(seed).step(t));
            if t >= 20 {
                tell(&chains);
            }
        }
        meter.read().unwrap()
    }

    /// Three step sizes and two curvatures: `T / (1 - a eta / 2)` along each. Six intervals of 95 % would miss one in a quarter
    /// of the runs, so they are held at four standard errors (alpha = 4e-4 for the six).
    #[test]
    fn readings_are_those_of_the_step_and_the_curvature() {
        for eta in [0.02, 0.1, 0.3] {
            let found = measure(Langevin::new(eta).unwrap(), 128, 60, (2.0 / eta) as u64);
            for (reading, a) in found.directions.iter().zip([1.0, 4.0]) {
                let truth = 1.0 / (1.0 - a * eta / 2.0);
                assert!((reading.value - truth).abs() < 4.0 * reading.std_err, "{eta} {a}: {reading:?} for {truth}");
                assert!(reading.std_err < 0.03 * truth, "{reading:?}");
            }
            // Weighted by <a_i>: (1 T_1 + 4 T_2) / 5.
            let truth = (1.0 / (1.0 - eta / 2.0) + 4.0 / (1.0 - 2.0 * eta)) / 5.0;
            assert!((found.overall.value - truth).abs() < 4.0 * found.overall.std_err, "{found:?}");
            let (low, high) = found.range();
            assert!(low < high && (eta < 0.1 || !found.overall.holds(1.0)));
        }
    }

    /// The intervals themselves, over 40 repetitions of three step sizes and two curvatures: 240 of 95 %. Their number that hold the
    /// truth has mean 228 and standard deviation 3.4 (the two directions of a run are independent); 214 is four below. Planted:
    /// the temperature of the bath, without the step's bias, is outside of most.
    #[test]
    fn intervals_hold_what_the_step_makes_of_the_temperature() {
        let (mut held, mut bath) = (0, 0);
        for eta in [0.05, 0.1, 0.3] {
            for seed in 0..40 {
                let found = measure_with(Langevin::new(eta).unwrap(), 64, 40, (1.0 / eta) as u64, seed);
                for (reading, a) in found.directions.iter().zip([1.0, 4.0]) {
                    held += usize::from(reading.holds(1.0 / (1.0 - a * eta / 2.0)));
                    bath += usize::from(reading.holds(1.0));
                }
            }
        }
        assert!(held >= 214, "{held} of 240");
        assert!(bath < 120, "{bath} of 240");
    }

    /// A sampler that was made cold: its factor is recovered within 5 %.
    #[test]
    fn a_cold_sampler_is_found_out() {
        for factor in [0.5, 0.8] {
            let kernel = Langevin::new(0.02).unwrap().with_temperature(factor).unwrap();
            let found = measure(kernel, 128, 60, 60).overall;
            assert!((found.value / factor - 1.0).abs() < 0.05 && found.upper < 1.0, "{found:?}");
        }
    }

    /// Independent bits drawn at a temperature: recovered within four errors, and not at another.
    #[test]
    fn bits_have_a_temperature() {
        let mut rng = Key::from_seed(2).rng();
        for truth in [0.8, 1.0, 1.3] {
            let log_odds: Vec<f64> = (0..20_000).map(|_| 2.0 * rng.normal()).collect();
            let on: Vec<bool> = log_odds.iter().map(|l| rng.uniform() < 1.0 / (1.0 + (-l / truth).exp())).collect();
            let found = of_bits(&log_odds, &on, 20).unwrap();
            assert!((found.value - truth).abs() < 4.0 * found.std_err && found.std_err < 0.05, "{truth}: {found:?}");
            assert!((truth - 1.0f64).abs() < 0.1 || !found.holds(1.0), "{truth}: {found:?}");
        }
        assert!(of_bits(&[1.0, -1.0], &[true, false], 2).is_none(), "no error at all: temperature 0");
        assert!(of_bits(&[1.0; 3], &[true; 3], 2).is_none() && of_bits(&[], &[], 2).is_none());
    }
}
