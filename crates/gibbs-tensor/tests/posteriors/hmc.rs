//! Hamiltonian Monte Carlo with a warm-up: step size from the acceptance, metric from the spread over the chains.

use gibbs_core::dense::Dense;
use gibbs_core::kernel::{Kernel, StepTuning};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::path::Target;
use gibbs_core::rows::Continuous;
use gibbs_core::samplers::Hmc;
use gibbs_core::scratch::Scratch;

use super::Chains;
use super::model::Model;

const N_CHAINS: usize = 32;
const N_DRAWS: usize = 300;
const N_WARM_UP: u64 = 240;

/// Draws after the warm-up. The coordinates have a scale of order 1 or below and their mode near 0.
pub fn sample(model: &Model, key: &Key) -> Chains {
    let n_cols = model.0.n_cols();
    let mut rng = key.purpose(Purpose::Init).rng();
    let x = Dense::from_rows(n_cols, (0..N_CHAINS * n_cols).map(|_| 0.1 * rng.normal()).collect());
    let (hmc, path, mut ws) = (Hmc::new(1.0, 8).unwrap(), Target(model), Scratch::default());
    let mut tuning = StepTuning { scale: 0.01, variance: vec![1.0; n_cols] };
    let mut chain = hmc.init(&path, x, &mut ws);
    let (warm, keep) = (key.block(0), key.block(1));
    for t in 0..N_WARM_UP {
        let info = hmc.step(&path, 1.0, &tuning, &mut chain, &warm.step(t), &mut ws);
        // Robbins-Monro towards an acceptance of 0.8, with gains that fall once the metric is found.
        let gain = if t < N_WARM_UP / 2 { 0.3 } else { 0.1 };
        tuning.scale *= (gain * (info.acceptance_rate() - 0.8)).exp();
        if (50..2 * N_WARM_UP / 3).contains(&t) && t % 25 == 0 {
            let before = tuning.variance[0];
            tuning.variance = variances(chain.position());
            tuning.scale *= (before / tuning.variance[0]).sqrt();
        }
    }
    let mut values = vec![0.0; N_CHAINS * N_DRAWS * n_cols];
    for t in 0..N_DRAWS {
        hmc.step(&path, 1.0, &tuning, &mut chain, &keep.step(t as u64), &mut ws);
        for (c, row) in chain.position().values().chunks_exact(n_cols).enumerate() {
            values[(c * N_DRAWS + t) * n_cols..][..n_cols].copy_from_slice(row);
        }
    }
    Chains { count: N_CHAINS, n_cols, values }
}

/// Variance of each coordinate over the chains.
fn variances(x: &Dense<f64>) -> Vec<f64> {
    let n = x.n_cols();
    let column = |j: usize| x.values()[j..].iter().step_by(n);
    (0..n)
        .map(|j| {
            let mean = column(j).sum::<f64>() / N_CHAINS as f64;
            column(j).map(|v| (v - mean).powi(2)).sum::<f64>() / N_CHAINS as f64
        })
        .collect()
}
