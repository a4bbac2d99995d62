//! The uniform distribution over a box.

use gibbs_core::dense::Dense;
use gibbs_core::energy::{Distribution, Energy, Gradient};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::real::Real;
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::scratch::Scratch;

use super::rows::{check, check_pair};

/// Why numbers do not define a box.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum UniformBoxError {
    /// Unequal numbers of lower and upper ends, or none.
    #[error("{low} lower and {high} upper ends: one of each a coordinate, and at least one coordinate")]
    Shape {
        /// Lower ends.
        low: usize,
        /// Upper ends.
        high: usize,
    },
    /// An empty or unbounded side.
    #[error("side {index} goes from {low} to {high}: both must be finite and the upper end the larger")]
    Side {
        /// Coordinate.
        index: usize,
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// Data that span no box.
    #[error("no box around {n_rows} rows with margin {margin}: pass rows of finite numbers and a margin of 0 or more")]
    Around {
        /// Rows.
        n_rows: usize,
        /// Margin.
        margin: f64,
    },
}

/// `E(x) = sum_i log(high_i - low_i)` inside the box, `+inf` outside; the gradient is 0 everywhere.
///
/// As the base of a geometric path it confines every `beta < 1` to the box: use it as noise, or for targets that live
/// inside.
///
/// # Example
/// ```
/// use gibbs_core::energy::Distribution;
/// use gibbs_core::key::Key;
/// use gibbs_core::rows::Continuous;
/// use gibbs_tensor::energies::UniformBox;
/// let noise = UniformBox::<f32>::new(&[-1.0, 0.0], &[1.0, 3.0])?;
/// assert!(noise.sample(10, &Key::from_seed(0)).row(3)[1] < 3.0);
/// assert!((noise.volume() - 6.0).abs() < 1e-15);
/// # Ok::<(), gibbs_tensor::energies::UniformBoxError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct UniformBox<T> {
    low: Vec<T>,
    high: Vec<T>,
    log_volume: f64,
}

impl<T: Real> UniformBox<T> {
    /// From the lower and upper end of each coordinate.
    pub fn new(low: &[f64], high: &[f64]) -> Result<Self, UniformBoxError> {
        if low.is_empty() || low.len() != high.len() {
            return Err(UniformBoxError::Shape { low: low.len(), high: high.len() });
        }
        // The ends are those of T: a box must not lose its width, or its volume be another's, by rounding.
        let ends = |v: &[f64]| v.iter().map(|&v| T::narrow(v)).collect::<Vec<T>>();
        let (low, high) = (ends(low), ends(high));
        let mut log_volume = 0.0;
        for (index, (&l, &h)) in low.iter().zip(&high).enumerate() {
            let (low, high) = (l.widen(), h.widen());
            let side = high - low;
            if !(side > 0.0 && side.is_finite()) {
                return Err(UniformBoxError::Side { index, low, high });
            }
            log_volume += side.ln();
        }
        Ok(Self { low, high, log_volume })
    }

    /// The box around the rows, each side widened by `margin` times its length at both ends.
    pub fn around(x: &Dense<T>, margin: f64) -> Result<Self, UniformBoxError> {
        let n_rows = x.n_rows();
        let finite = x.values().iter().all(|v| v.is_finite());
        if n_rows == 0 || !finite || !(margin >= 0.0 && margin.is_finite()) {
            return Err(UniformBoxError::Around { n_rows, margin });
        }
        let mut low = vec![f64::INFINITY; x.n_cols()];
        let mut high = vec![f64::NEG_INFINITY; x.n_cols()];
        for row in x.values().chunks_exact(x.n_cols()) {
            for ((l, h), v) in low.iter_mut().zip(&mut high).zip(row) {
                (*l, *h) = (l.min(v.widen()), h.max(v.widen()));
            }
        }
        for (l, h) in low.iter_mut().zip(&mut high) {
            let by = margin * (*h - *l);
            (*l, *h) = (*l - by, *h + by);
        }
        Self::new(&low, &high)
    }

    /// Numbers of a row.
    pub fn n_cols(&self) -> usize {
        self.low.len()
    }

    /// Lower ends.
    pub fn low(&self) -> &[T] {
        &self.low
    }

    /// Upper ends.
    pub fn high(&self) -> &[T] {
        &self.high
    }

    /// Product of the sides.
    pub fn volume(&self) -> f64 {
        self.log_volume.exp()
    }

    /// 0: the energy is `-log p`.
    pub fn log_z(&self) -> f64 {
        0.0
    }
}

impl<T: Real> Energy for UniformBox<T> {
    type X = Dense<T>;

    fn energy(&self, x: &Dense<T>, out: &mut [f64], _ws: &mut Scratch) {
        check(x, self.n_cols(), out);
        for (o, row) in out.iter_mut().zip(x.values().chunks_exact(self.n_cols())) {
            // A NaN is outside too.
            let inside = row.iter().zip(&self.low).zip(&self.high).all(|((v, l), h)| v >= l && v <= h);
            *o = if inside { self.log_volume } else { f64::INFINITY };
        }
    }
}

impl<T: Real> Gradient for UniformBox<T> {
    fn energy_grad(&self, x: &Dense<T>, e: &mut [f64], g: &mut Dense<T>, ws: &mut Scratch) {
        self.energy(x, e, ws);
        self.grad(x, g, ws);
    }

    fn grad(&self, x: &Dense<T>, g: &mut Dense<T>, _ws: &mut Scratch) {
        check_pair(x, g, self.n_cols());
        g.values_mut().fill(T::zero());
    }
}

impl<T: Real> Distribution for UniformBox<T> {
    fn sample(&self, n: usize, key: &Key) -> Dense<T> {
        let mut rng = key.purpose(Purpose::Noise).rng();
        let mut x = Dense::zeros(n, self.n_cols());
        for row in x.values_mut().chunks_exact_mut(self.n_cols()) {
            for ((v, l), h) in row.iter_mut().zip(&self.low).zip(&self.high) {
                let (l, h) = (l.widen(), h.widen());
                *v = T::narrow(l + (h - l) * rng.uniform());
            }
        }
        x
    }
}
