//! The plain twin: f64 throughout, one exponential a state and unit.

use std::ops::Range;

use super::{Matrix, Moments};
use crate::activation::log_sum_exp;
use crate::activation::scalar::softplus;

/// States between two reports of progress.
const REPORT: u64 = 1 << 12;

/// The parameters in f64.
pub(super) struct Model {
    /// n x m.
    weights: Vec<f64>,
    bias_e: Vec<f64>,
    bias_o: Vec<f64>,
}

impl Model {
    pub(super) fn new(weights: Matrix, bias_e: &[f32], bias_o: &[f32]) -> Self {
        let (n, m) = (weights.n_rows(), weights.n_cols());
        assert_eq!((bias_e.len(), bias_o.len()), (n, m), "one bias a unit");
        let wide = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect();
        let weights = (0..n * m).map(|i| f64::from(weights.get(i / m, i % m))).collect();
        Self { weights, bias_e: wide(bias_e), bias_o: wide(bias_o) }
    }

    /// `a(e)` into `out`; returns `e . bias_e`.
    fn inputs(&self, state: u64, out: &mut [f64]) -> f64 {
        out.copy_from_slice(&self.bias_o);
        let mut linear = 0.0;
        for (i, bias) in self.bias_e.iter().enumerate().filter(|(i, _)| state >> i & 1 == 1) {
            let row = &self.weights[i * out.len()..][..out.len()];
            out.iter_mut().zip(row).for_each(|(o, w)| *o += w);
            linear += bias;
        }
        linear
    }

    /// `log sum w(e)` over a range, or over a part of it when `report` answers that it should stop.
    pub(super) fn log_sum(&self, states: Range<u64>, report: &(dyn Fn(u64) -> bool + Sync)) -> f64 {
        let mut a = vec![0.0; self.bias_o.len()];
        let mut sums = Vec::new();
        for first in states.clone().step_by(REPORT as usize) {
            let chunk = first..states.end.min(first + REPORT);
            let n = chunk.end - chunk.start;
            let log_weights: Vec<f64> =
                chunk.map(|e| self.inputs(e, &mut a) + a.iter().map(|&a| softplus(a)).sum::<f64>()).collect();
            sums.push(log_sum_exp(&log_weights));
            if !report(n) {
                break;
            }
        }
        log_sum_exp(&sums)
    }

    /// Expectations under the model restricted to a range of states.
    pub(super) fn moments(&self, states: Range<u64>) -> Moments {
        let (n, m) = (self.bias_e.len(), self.bias_o.len());
        let mut a = vec![0.0; m];
        let mut log_weight = |e| self.inputs(e, &mut a) + a.iter().map(|&a| softplus(a)).sum::<f64>();
        let log_weights: Vec<f64> = states.clone().map(&mut log_weight).collect();
        let log_z = log_sum_exp(&log_weights);
        let mut all = Moments { log_z, enumerated: vec![0.0; n], other: vec![0.0; m], joint: vec![0.0; n * m] };
        for (e, log_weight) in states.zip(log_weights) {
            let p = (log_weight - log_z).exp();
            self.inputs(e, &mut a);
            a.iter_mut().for_each(|a| *a = p / (1.0 + (-*a).exp()));
            all.other.iter_mut().zip(&a).for_each(|(o, a)| *o += a);
            for i in (0..n).filter(|i| e >> i & 1 == 1) {
                all.enumerated[i] += p;
                all.joint[i * m..][..m].iter_mut().zip(&a).for_each(|(o, a)| *o += a);
            }
        }
        all
    }
}
