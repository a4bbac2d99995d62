//! A sampler in its steady state asks the allocator for nothing.

mod targets;

use allocation_counter::measure;
use gibbs_core::dense::Dense;
use gibbs_core::kernel::{Kernel, StepTuning};
use gibbs_core::key::Key;
use gibbs_core::path::Target;
use gibbs_core::samplers::{
    Hmc, Langevin, Mala, PerLevel, RandomWalk, Sghmc, Tempering, Underdamped, geometric_ladder,
};
use gibbs_core::scratch::Scratch;
use targets::Parabola;

/// Allocations of 100 steps of a block of chains, after 3 that fill the buffers.
fn steady<K: Kernel<Target<Parabola<f32>>>>(kernel: &K, tuning: &K::Tuning) -> u64 {
    let (path, key, mut ws) = (Target(Parabola { a: 1.0 }), Key::from_seed(0), Scratch::default());
    let mut chain = kernel.init(&path, Dense::zeros(128, 16), &mut ws);
    let mut walk = |steps: std::ops::Range<u64>| {
        steps.for_each(|t| {
            kernel.step(&path, 1.0, tuning, &mut chain, &key.step(t), &mut ws);
        });
    };
    walk(0..3);
    measure(|| walk(3..103)).count_total
}

#[test]
fn a_steady_loop_does_not_allocate() {
    // The counter counts.
    assert_eq!(measure(|| drop(std::hint::black_box(vec![0_u8; 100]))).count_total, 1);
    let (plain, metric) = (StepTuning::default(), StepTuning { scale: 0.5, variance: vec![2.0; 16] });
    for tuning in [&plain, &metric] {
        assert_eq!(steady(&Langevin::new(0.01).unwrap(), tuning), 0);
        assert_eq!(steady(&Mala::new(0.01).unwrap(), tuning), 0);
        assert_eq!(steady(&Hmc::new(0.1, 3).unwrap(), tuning), 0);
        assert_eq!(steady(&RandomWalk::new(0.1).unwrap(), tuning), 0);
        assert_eq!(steady(&Underdamped::new(0.1, 1.0).unwrap(), tuning), 0);
        assert_eq!(steady(&Sghmc::new(0.01, 0.1).unwrap(), tuning), 0);
    }
    let tempering = Tempering::new(Mala::new(0.01).unwrap(), geometric_ladder(0.1, 4)).unwrap();
    assert_eq!(steady(&tempering, &PerLevel::default()), 0);
}
