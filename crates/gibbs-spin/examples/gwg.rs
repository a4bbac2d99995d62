//! Gibbs with gradients kept up to date, in chain-steps a second (`record/gwg.md`):
//! `cargo run --release -p gibbs-spin --example gwg [-- --quick]`. The same work as `r6_gwg.py`: 100 chains of an RBM
//! 784 x 500 with normal weights of 0.05, and of a 25 x 25 Ising torus at coupling 0.4.

use std::time::Instant;

use gibbs_core::ensemble::Ensemble;
use gibbs_core::kernel::Kernel;
use gibbs_core::key::Key;
use gibbs_core::path::Annealable;
use gibbs_core::scratch::Scratch;
use gibbs_spin::qubo::{InformedFlips, Ising, QuboPath};
use gibbs_spin::rbm::InformedVisible;
use gibbs_spin::{Bernoulli, Rbm, RbmPath};

const CHAINS: usize = 100;

fn median(mut v: Vec<f64>) -> f64 {
    v.sort_by(f64::total_cmp);
    v[v.len() / 2]
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let quick = std::env::args().any(|a| a == "--quick");
    let (steps, reps) = if quick { (10, 1) } else { (200, 7) };
    // The loop starts on a worker of the pool: from outside every step would wake it.
    rayon::ThreadPoolBuilder::new()
        .build()?
        .install(|| -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            let ws = &mut Scratch::default();
            let model = Rbm::random(784, 500, 0.05, &Key::from_seed(0));
            let path = RbmPath::new(Bernoulli::new(vec![0.0; 784]), model);
            let mut chain = InformedVisible.init(&path, path.sample_base(CHAINS, &Key::from_seed(1)), ws);
            let (mut times, mut acceptance) = (Vec::new(), 0.0);
            for rep in 0..=reps {
                let start = Instant::now();
                for t in 0..steps {
                    let key = Key::from_seed(2).step(rep).step(t);
                    acceptance = InformedVisible.step(&path, 1.0, &(), &mut chain, &key, ws).acceptance_rate();
                }
                times.push(start.elapsed().as_secs_f64());
            }
            let rate = (CHAINS as u64 * steps) as f64 / median(times.split_off(1));
            println!("rbm 784x500: {rate:.3e} chain-steps/s, acceptance {acceptance:.3}");

            let path = QuboPath(Ising::torus(25, 0.4).to_qubo()?);
            let kernel = InformedFlips::new(1000)?;
            let mut chains = Ensemble::start(&kernel, &path, &path.sample_base(CHAINS, &Key::from_seed(3)));
            let (mut times, mut acceptance) = (Vec::new(), 0.0);
            for rep in 0..=reps {
                let start = Instant::now();
                let infos = chains.advance(&kernel, &path, 1.0, &(), steps.div_ceil(10), &Key::from_seed(4).step(rep));
                times.push(start.elapsed().as_secs_f64());
                acceptance = infos.iter().map(|i| i.acceptance).sum::<f64>() / (CHAINS * 1000) as f64;
            }
            let rate = (CHAINS as u64 * 1000 * steps.div_ceil(10)) as f64 / median(times.split_off(1));
            println!("ising 25x25: {rate:.3e} chain-steps/s, acceptance {acceptance:.3}");
            Ok(())
        })
        .map_err(|e| e.to_string().into())
}
