//! A network sampled in its steady state asks the allocator for nothing.

use allocation_counter::measure;
use gibbs_core::dense::Dense;
use gibbs_core::kernel::{Kernel, StepTuning};
use gibbs_core::key::Key;
use gibbs_core::path::Target;
use gibbs_core::real::Real;
use gibbs_core::rows::Continuous;
use gibbs_core::samplers::{Hmc, Langevin, Mala};
use gibbs_core::scratch::Scratch;
use gibbs_tensor::nets::{Conv, Layers, Mlp, Network};
use gibbs_tensor::tape::Activation;
use gibbs_tensor::trace::TapeEnergy;

/// Allocations of 50 steps of a block of chains, after 3 that fill the buffers.
fn steady<K: Kernel<Target<TapeEnergy<f32>>>>(
    kernel: &K,
    energy: &TapeEnergy<f32>,
    rows: usize,
    tuning: &K::Tuning,
) -> u64 {
    let (path, key, mut ws) = (Target(energy.clone()), Key::from_seed(0), Scratch::default());
    let mut x = Dense::zeros(rows, energy.n_cols());
    f32::fill_normal(&Key::from_seed(1), x.values_mut());
    let mut chain = kernel.init(&path, x, &mut ws);
    let mut walk = |steps: std::ops::Range<u64>| {
        steps.for_each(|t| {
            kernel.step(&path, 1.0, tuning, &mut chain, &key.step(t), &mut ws);
        });
    };
    walk(0..3);
    measure(|| walk(3..53)).count_total
}

#[test]
fn a_steady_loop_over_a_network_does_not_allocate() {
    let network = |layers| Network { layers, spectral: false, confinement: Some(3.0) };
    let mlp = Mlp { hidden: vec![32, 32], activation: Activation::Silu };
    let conv = Conv { shape: (8, 8, 1), channels: vec![8, 16], activation: Activation::Gelu, residual: true };
    let nets = [(network(Layers::Mlp(mlp)), 2, 128), (network(Layers::Conv(conv)), 64, 8)];
    let tuning = StepTuning::default();
    for (net, n_cols, rows) in nets {
        let energy = net.energy::<f32>(n_cols, &Key::from_seed(0)).unwrap();
        assert_eq!(steady(&Langevin::new(1e-3).unwrap(), &energy, rows, &tuning), 0, "Langevin, {net:?}");
        assert_eq!(steady(&Mala::new(1e-3).unwrap(), &energy, rows, &tuning), 0, "MALA, {net:?}");
        assert_eq!(steady(&Hmc::new(0.03, 4).unwrap(), &energy, rows, &tuning), 0, "HMC, {net:?}");
    }
}
