//! Step sizes that shrink over a run.

/// How a Langevin step size moves with the number of steps taken. [`StepSchedule::factor`] goes to
/// [`StepTuning::scale`](crate::kernel::StepTuning::scale), so one kernel serves the whole run.
///
/// With a constant step the bias stays; a step that falls so that `sum eta_t` diverges and `sum eta_t^2` converges
/// (`0.5 < power <= 1`) removes it in the limit, at the price of ever slower chains.
///
/// # Example
/// ```
/// use gibbs_core::samplers::StepSchedule;
/// let schedule = StepSchedule::Polynomial { offset: 10.0, power: 0.5 };
/// assert_eq!(schedule.factor(0), 1.0);
/// assert_eq!(schedule.factor(30), 0.5);
/// ```
///
/// # Source
/// Welling & Teh 2011, "Bayesian learning via stochastic gradient Langevin dynamics", ICML, section 3 (the polynomial
/// form); no DOI.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum StepSchedule {
    /// 1 at every step.
    #[default]
    Constant,
    /// `(1 + t / offset)^-power`.
    Polynomial {
        /// Steps after which the fall sets in, positive.
        offset: f64,
        /// Exponent, from 0 up.
        power: f64,
    },
    /// Falls (or rises) by equal ratios from 1 at step 0 to `last` at step `n_steps - 1`, and stays there.
    Geometric {
        /// Factor at the last step, positive.
        last: f64,
        /// Length of the run.
        n_steps: u64,
    },
}

impl StepSchedule {
    /// Factor on the step size at step `t`, counted from 0.
    pub fn factor(self, t: u64) -> f64 {
        match self {
            StepSchedule::Constant => 1.0,
            StepSchedule::Polynomial { offset, power } => (1.0 + t as f64 / offset).powf(-power),
            StepSchedule::Geometric { last, n_steps } => {
                let end = n_steps.saturating_sub(1).max(1);
                last.powf(t.min(end) as f64 / end as f64)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_at_both_ends() {
        assert_eq!(StepSchedule::Constant.factor(1_000), 1.0);
        let geometric = StepSchedule::Geometric { last: 0.01, n_steps: 11 };
        assert_eq!((geometric.factor(0), geometric.factor(10), geometric.factor(99)), (1.0, 0.01, 0.01));
        assert!((geometric.factor(5) - 0.1).abs() < 1e-15);
        assert_eq!(StepSchedule::Geometric { last: 0.5, n_steps: 0 }.factor(0), 1.0);
    }
}
