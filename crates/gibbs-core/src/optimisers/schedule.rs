//! Learning-rate schedules.

use serde::{Deserialize, Serialize};

/// How the learning rate moves over a run, after an optional linear warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Schedule {
    /// The same throughout.
    Constant,
    /// Falls in a straight line to zero at the last step.
    Linear,
    /// The same for the first half, then falls in a straight line to zero.
    LinearFromHalf,
    /// Falls as half a cosine to zero at the last step (Loshchilov & Hutter 2017, arXiv:1608.03983, equation 5).
    Cosine,
}

impl Schedule {
    /// Factor on the learning rate at `step` (from 0) of `total`, the first `warm_up` of which rise linearly.
    ///
    /// # Example
    /// ```
    /// use gibbs_core::optimisers::Schedule;
    /// assert_eq!(Schedule::Linear.factor(50, 100, 0), 0.5);
    /// assert_eq!(Schedule::Constant.factor(0, 100, 10), 0.1);
    /// ```
    pub fn factor(self, step: u64, total: u64, warm_up: u64) -> f64 {
        if step < warm_up {
            return (step + 1) as f64 / warm_up as f64;
        }
        let length = total.saturating_sub(warm_up).max(1) as f64;
        let share = ((step - warm_up) as f64 / length).min(1.0);
        match self {
            Schedule::Constant => 1.0,
            Schedule::Linear => 1.0 - share,
            Schedule::LinearFromHalf => (2.0 * (1.0 - share)).min(1.0),
            Schedule::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * share).cos()),
        }
    }
}
