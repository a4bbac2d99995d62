//! Gradient clipping.

use crate::params::ParamMap;

/// Scales a gradient down to the Euclidean norm `norm` over all its entries, if it is longer: direction kept, length
/// bounded (Pascanu, Mikolov & Bengio 2013, arXiv:1211.5063, algorithm 1).
///
/// # Example
/// ```
/// use gibbs_core::optimisers::Clip;
/// use gibbs_core::params::ParamMap;
/// let mut grad = ParamMap::zeros(&[("weights", &[2])]);
/// grad.flat_mut().copy_from_slice(&[3.0, 4.0]);
/// assert_eq!(Clip { norm: 1.0 }.apply(&mut grad), 5.0);
/// assert!((grad.norm() - 1.0).abs() < 1e-6);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clip {
    /// Longest gradient that passes unchanged, positive.
    pub norm: f64,
}

impl Clip {
    /// Clips `grad` in place and returns the norm it had. A norm that is not finite is returned and nothing is changed:
    /// such a gradient must stop the run, not pass as a small one.
    pub fn apply(self, grad: &mut ParamMap) -> f64 {
        let norm = grad.norm();
        if norm.is_finite() && norm > self.norm {
            grad.scale((self.norm / norm) as f32);
        }
        norm
    }
}
