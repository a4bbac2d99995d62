//! Times of fixed work with neural energies, for comparison with other programs on the same shapes.
//!
//! `cargo run --release -p gibbs-tensor --example networks -- [--threads N] [--seconds S] [NAME ...]`
//!
//! * W1: 20 Langevin steps of 512 chains, MLP 2-128-128-1, `silu`
//! * W2: one contrastive step of it: 20 steps, parameter gradient, Adam
//! * W3a: energy gradient in x of a convolutional net on 64 pictures of 28x28 (channels 32, 64, 128, 128)
//! * W3b: a parameter step of it
//! * W4: a denoising score matching step of the MLP, 512 rows

use std::time::Instant;

use gibbs_core::dense::Dense;
use gibbs_core::energy::{Gradient, Parametric};
use gibbs_core::ensemble::Ensemble;
use gibbs_core::kernel::StepTuning;
use gibbs_core::key::Key;
use gibbs_core::objective::Objective;
use gibbs_core::objectives::Denoising;
use gibbs_core::optimisers::{Adam, Optimiser};
use gibbs_core::path::Target;
use gibbs_core::real::Real;
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::samplers::Langevin;
use gibbs_core::scratch::Scratch;
use gibbs_tensor::nets::{Conv, Layers, Mlp, Network};
use gibbs_tensor::tape::Activation;
use gibbs_tensor::trace::TapeEnergy;

struct Asked {
    seconds: f64,
    threads: usize,
    names: Vec<String>,
}

fn asked() -> Asked {
    let mut asked = Asked { seconds: 2.0, threads: 2, names: Vec::new() };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|v| v.parse::<f64>().ok());
        match arg.as_str() {
            "--quick" => asked.seconds = 0.02,
            "--seconds" => asked.seconds = number().unwrap_or(asked.seconds),
            "--threads" => asked.threads = number().map_or(asked.threads, |n| n as usize),
            name => asked.names.push(name.to_string()),
        }
    }
    asked
}

fn bench(asked: &Asked, name: &str, mut work: impl FnMut()) {
    if !asked.names.is_empty() && !asked.names.iter().any(|n| name.contains(n.as_str())) {
        return;
    }
    work();
    let (start, mut times) = (Instant::now(), Vec::new());
    while times.len() < 5 || start.elapsed().as_secs_f64() < asked.seconds {
        let t = Instant::now();
        work();
        times.push(t.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    println!(
        "RESULT gibbs T{} {name} median_ms {:.4} min_ms {:.4} n {}",
        asked.threads,
        times[times.len() / 2],
        times[0],
        times.len()
    );
}

fn normals(n: usize, d: usize, seed: u64) -> Dense<f32> {
    let mut x = Dense::zeros(n, d);
    f32::fill_normal(&Key::from_seed(seed), x.values_mut());
    x
}

/// Keys that differ from call to call.
struct Keys(u64);

impl Keys {
    fn next(&mut self) -> Key {
        self.0 += 1;
        Key::from_seed(self.0)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let asked = asked();
    rayon::ThreadPoolBuilder::new().num_threads(asked.threads).build_global()?;
    let mlp = Network {
        layers: Layers::Mlp(Mlp { hidden: vec![128, 128], activation: Activation::Silu }),
        spectral: false,
        confinement: None,
    };
    let mut target = Target(mlp.energy::<f32>(2, &Key::from_seed(0))?);
    let x0 = normals(512, 2, 1);
    let mut keys = Keys(10);
    let (kernel, tuning) = (Langevin::new(0.005)?, StepTuning::default());
    let langevin = |target: &Target<TapeEnergy<f32>>, key: &Key| {
        let mut chains = Ensemble::start(&kernel, target, &x0);
        chains.advance(&kernel, target, 1.0, &tuning, 20, key);
        let mut x = x0.clone();
        let mut at = 0;
        for chain in chains.blocks() {
            let values = chain.position().values();
            x.values_mut()[at..at + values.len()].copy_from_slice(values);
            at += values.len();
        }
        x
    };
    bench(&asked, "W1_langevin20", || {
        std::hint::black_box(langevin(&target, &keys.next()));
    });

    let mut ws = Scratch::default();
    let mut grad = target.0.params().zeros_like();
    let mut adam = Adam::new(target.0.params());
    let weights = vec![1.0 / 512.0; 512];
    let negative: Vec<f64> = weights.iter().map(|w| -w).collect();
    bench(&asked, "W2_cd_step", || {
        let chains = langevin(&target, &keys.next());
        grad.clear();
        target.0.add_grad(&x0, &weights, &mut grad, &mut ws);
        target.0.add_grad(&chains, &negative, &mut grad, &mut ws);
        adam.step(target.0.params_mut(), &grad, 1e-4);
    });

    let denoising = Denoising::new(0.3)?;
    let mut adam = Adam::new(target.0.params());
    bench(&asked, "W4_dsm", || {
        denoising.gradient(&target, &x0, &weights, &mut (), &mut grad, &mut |_| {}, false, &keys.next(), &mut ws);
        adam.step(target.0.params_mut(), &grad, 1e-5);
    });

    let conv = Network {
        layers: Layers::Conv(Conv {
            shape: (28, 28, 1),
            channels: vec![32, 64, 128, 128],
            activation: Activation::Silu,
            residual: false,
        }),
        spectral: false,
        confinement: None,
    };
    let mut energy = conv.energy::<f32>(784, &Key::from_seed(0))?;
    let pictures = normals(64, 784, 2);
    let mut g = pictures.clone();
    bench(&asked, "W3a_conv_gradx", || {
        energy.grad(&pictures, &mut g, &mut ws);
        std::hint::black_box(&g);
    });
    let weights = vec![1.0 / 64.0; pictures.n_rows()];
    let mut grad = energy.params().zeros_like();
    let mut adam = Adam::new(energy.params());
    bench(&asked, "W3b_conv_param_step", || {
        grad.clear();
        energy.add_grad(&pictures, &weights, &mut grad, &mut ws);
        adam.step(energy.params_mut(), &grad, 1e-5);
    });
    Ok(())
}
