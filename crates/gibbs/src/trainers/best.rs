//! The kept model.

use gibbs_core::params::ParamMap;
use gibbs_core::persist::{Persist, StateError, Tensor, TensorMap};

/// The best parameters so far by the log-likelihood of the looks.
pub(super) struct Best {
    pub(super) params: ParamMap,
    pub(super) step: u64,
    log_likelihood: f64,
    looks_since: u64,
}

impl Best {
    pub(super) fn new(params: &ParamMap) -> Self {
        Self { params: params.clone(), step: 0, log_likelihood: f64::NEG_INFINITY, looks_since: 0 }
    }

    /// Keeps `params` if `log_likelihood` is the best so far, or if there is none to judge by.
    pub(super) fn judge(&mut self, params: &ParamMap, step: u64, log_likelihood: Option<f64>) -> bool {
        if log_likelihood.is_some_and(|l| l <= self.log_likelihood) {
            self.looks_since += 1;
            return false;
        }
        self.params.flat_mut().copy_from_slice(params.flat());
        (self.step, self.looks_since) = (step, 0);
        self.log_likelihood = log_likelihood.unwrap_or(self.log_likelihood);
        true
    }

    pub(super) fn exhausted(&self, patience: u64) -> bool {
        patience > 0 && self.looks_since >= patience
    }

    pub(super) fn save(&self, map: &mut TensorMap) {
        self.params.save("best.", map);
        map.insert_u64("best_step", self.step);
        map.insert_u64("looks_since_best", self.looks_since);
        map.insert("best_log_likelihood", Tensor::from_f64(&[1], &[self.log_likelihood]));
    }

    pub(super) fn load(&mut self, map: &TensorMap) -> Result<(), StateError> {
        self.params.load("best.", map)?;
        self.step = map.expect_u64("best_step")?;
        self.looks_since = map.expect_u64("looks_since_best")?;
        let name = "best_log_likelihood";
        self.log_likelihood = map.expect(name, Some(&[1]))?.to_f64(name)?[0];
        Ok(())
    }
}
