//! Exact sums over the smaller layer of an RBM.

use gibbs_core::log_partition::LogZError;
use gibbs_core::params::ParamMap;
use gibbs_kernels::enumerate::{self, Moments};

use super::{HIDDEN_BIAS, Rbm, VISIBLE_BIAS, WEIGHTS};

/// Largest number of units of the smaller layer that is enumerated.
pub const ENUMERATION_LIMIT: usize = 30;

impl Rbm {
    /// Units of the smaller layer: `log Z` sums over `2^bits` states.
    pub fn enumeration_bits(&self) -> usize {
        self.n_visible().min(self.n_hidden())
    }
}

/// Exact `log Z` in nats: the states of the smaller layer (at most [`ENUMERATION_LIMIT`] units) are enumerated, the
/// other layer is summed analytically.
///
/// `progress` is told how many states are done, from several threads and not in order; returning `false` stops.
///
/// # Errors
/// [`LogZError::TooLarge`] above the limit, [`LogZError::Interrupted`] if stopped.
pub fn log_z(model: &Rbm, progress: &(dyn Fn(u64) -> bool + Sync)) -> Result<f64, LogZError> {
    let bits = model.enumeration_bits();
    if bits > ENUMERATION_LIMIT {
        return Err(LogZError::TooLarge { bits, limit: ENUMERATION_LIMIT });
    }
    let w = model.matrix();
    let value = if model.n_hidden() <= model.n_visible() {
        enumerate::log_z(w.t(), model.hidden_bias(), model.visible_bias(), progress)
    } else {
        enumerate::log_z(w, model.visible_bias(), model.hidden_bias(), progress)
    };
    value.ok_or(LogZError::Interrupted)
}

/// `out -= E_model[dE/dtheta]`, that is `out += E[(v h', v, h)]`; returns `log Z`.
pub(super) fn subtract_model_grad(model: &Rbm, out: &mut ParamMap) -> f64 {
    let (nv, nh) = (model.n_visible(), model.n_hidden());
    let hidden_smaller = nh <= nv;
    let Moments { log_z, enumerated, other, joint } = if hidden_smaller {
        enumerate::moments(model.matrix().t(), model.hidden_bias(), model.visible_bias())
    } else {
        enumerate::moments(model.matrix(), model.visible_bias(), model.hidden_bias())
    };
    let (visible, hidden) = if hidden_smaller { (other, enumerated) } else { (enumerated, other) };
    let [d_weights, d_visible, d_hidden] = out.get_many_mut([WEIGHTS, VISIBLE_BIAS, HIDDEN_BIAS]);
    for (i, row) in d_weights.chunks_exact_mut(nh).enumerate() {
        for (j, d) in row.iter_mut().enumerate() {
            *d += joint[if hidden_smaller { j * nv + i } else { i * nh + j }] as f32;
        }
    }
    d_visible.iter_mut().zip(&visible).for_each(|(d, m)| *d += *m as f32);
    d_hidden.iter_mut().zip(&hidden).for_each(|(d, m)| *d += *m as f32);
    log_z
}
