//! The numbers that continuous states are made of: `f32` for speed, `f64` for checks.

use num_traits::{Float, NumAssign};

use crate::key::Key;
use crate::persist::{StateError, Tensor};

/// `f32` or `f64`, with the few things that samplers need beyond arithmetic.
pub trait Real: Float + NumAssign + Default + std::fmt::Debug + std::iter::Sum + Send + Sync + 'static {
    /// Rounds to this precision.
    fn narrow(x: f64) -> Self;

    /// Widens.
    fn widen(self) -> f64;

    /// Independent standard normal numbers; `key` alone decides them.
    fn fill_normal(key: &Key, out: &mut [Self]);

    /// Packs numbers for a run file.
    fn to_tensor(shape: &[usize], values: &[Self]) -> Tensor;

    /// Unpacks numbers of a run file.
    fn from_tensor(tensor: &Tensor, name: &str) -> Result<Vec<Self>, StateError>;
}

impl Real for f32 {
    fn narrow(x: f64) -> Self {
        x as f32
    }

    fn widen(self) -> f64 {
        f64::from(self)
    }

    fn fill_normal(key: &Key, out: &mut [Self]) {
        gibbs_kernels::rng::fill_normal(key.bits(), out);
    }

    fn to_tensor(shape: &[usize], values: &[Self]) -> Tensor {
        Tensor::from_f32(shape, values)
    }

    fn from_tensor(tensor: &Tensor, name: &str) -> Result<Vec<Self>, StateError> {
        tensor.to_f32(name)
    }
}

impl Real for f64 {
    fn narrow(x: f64) -> Self {
        x
    }

    fn widen(self) -> f64 {
        self
    }

    fn fill_normal(key: &Key, out: &mut [Self]) {
        let mut rng = key.rng();
        out.iter_mut().for_each(|o| *o = rng.normal());
    }

    fn to_tensor(shape: &[usize], values: &[Self]) -> Tensor {
        Tensor::from_f64(shape, values)
    }

    fn from_tensor(tensor: &Tensor, name: &str) -> Result<Vec<Self>, StateError> {
        tensor.to_f64(name)
    }
}
