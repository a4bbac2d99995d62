//! Posteriors of posteriordb sampled by this library's kernels, against the reference's means and mean squares.
//!
//! The reference is ten thousand nearly independent draws; each moment comes with its Monte Carlo standard error. A moment
//! passes within `4 sqrt(mcse_ref^2 + mcse_own^2)`: nine posteriors have 43 quantities, so 86 comparisons of two-sided
//! 6.3e-5 each, a false-alarm rate of at most 0.6 % for a correct sampler.
//!
//! # Source
//! Magnusson et al. 2025, "posteriordb: Testing, Benchmarking and Developing Bayesian Inference Algorithms", AISTATS,
//! PMLR 258.

mod arma;
mod hmc;
mod linear;
mod model;
mod reference;
mod schools;
mod two_normals;

use std::path::PathBuf;

use gibbs_core::dense::Dense;
use gibbs_core::diagnostics::{Draws, mcse, rhat};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::rows::Continuous;
use gibbs_core::samplers::nuts::{NutsChain, NutsOptions, NutsRun, nuts};
use gibbs_testkit::finite_difference::finite_difference;

use model::{Model, Posterior};

/// The data, or a word on why there is nothing to do.
fn data() -> Option<PathBuf> {
    let folder = reference::folder();
    if folder.is_none() {
        println!("skipped: no folder posteriordb among the public data (set GIBBS_DATA)");
    }
    folder
}

/// Unconstrained draws of several chains: `chains x draws x coordinates`.
struct Chains {
    count: usize,
    n_cols: usize,
    values: Vec<f64>,
}

/// Every quantity's draws, chain after chain.
fn quantities(model: &Model, chains: &Chains) -> Vec<Vec<f64>> {
    let rows: Vec<Vec<f64>> = chains.values.chunks_exact(chains.n_cols).map(|x| model.0.quantities(x)).collect();
    (0..rows[0].len()).map(|q| rows.iter().map(|row| row[q]).collect()).collect()
}

/// The moments that are off, in words, and the largest distance in units of the allowed one.
fn disagreements(folder: &std::path::Path, posterior: &str, model: &Model, chains: &Chains) -> (Vec<String>, f64) {
    let (mut off, mut worst) = (Vec::new(), 0.0f64);
    let quantities = quantities(model, chains);
    for (kind, power) in [("mean_value", 1), ("mean_squared_value", 2)] {
        let expected = reference::moments(folder, kind, posterior);
        assert_eq!(expected.names.len(), quantities.len());
        for (i, values) in quantities.iter().enumerate() {
            let powers: Vec<f64> = values.iter().map(|v| v.powi(power)).collect();
            let draws = Draws::new(&powers, chains.count).unwrap();
            let (own, error) = (draws.mean(), mcse::mean(&draws));
            let allowed = 4.0 * error.hypot(expected.errors[i]);
            let distance = (own - expected.values[i]).abs() / allowed;
            worst = worst.max(distance);
            if distance.is_nan() || distance > 1.0 {
                let (name, value, error_ref) = (&expected.names[i], expected.values[i], expected.errors[i]);
                off.push(format!("{posterior} {kind} {name}: {own} +- {error}, reference {value} +- {error_ref}"));
            }
        }
    }
    (off, worst)
}

#[test]
fn gradients_are_derivatives() {
    let Some(folder) = data() else { return };
    for name in reference::NAMES.into_iter().chain(["eight_schools-eight_schools_centered"]) {
        let model = reference::model(&folder, name);
        let n = model.0.n_cols();
        let mut rng = Key::from_seed(4).rng();
        for _ in 0..5 {
            let x: Vec<f64> = (0..n).map(|_| 0.3 * rng.normal()).collect();
            let mut g = vec![0.0; n];
            let e = model.0.energy_grad(&x, &mut g);
            let found = finite_difference(|x| model.0.energy_grad(x, &mut vec![0.0; n]), &x);
            // The claimed error allows for one rounding of the energy; these are sums of up to 1192 terms, whose
            // roundings add like a random walk: 35 times 8 eps |E| / h, with h = eps^(1/5).
            let rounding = 35.0 * 8.0 * f64::EPSILON.powf(0.8) * e.abs();
            let off = |i: usize, g: f64| (g - found.gradient[i]).abs() > found.error[i] + rounding;
            assert!((0..n).all(|i| !off(i, g[i])), "{name}: {g:?} {found:?}");
            let planted = 1e-3 * g.iter().fold(1.0f64, |s, g| s.max(g.abs()));
            assert!((0..n).all(|i| off(i, g[i] + planted)), "{name}: a planted mistake passed");
        }
    }
}

#[test]
fn hamiltonian_draws_have_the_moments_of_the_reference() {
    let Some(folder) = data() else { return };
    for (i, name) in reference::NAMES.into_iter().enumerate() {
        let model = reference::model(&folder, name);
        let start = std::time::Instant::now();
        let chains = hmc::sample(&model, &Key::from_seed(20).block(i as u64));
        let (off, worst) = disagreements(&folder, name, &model, &chains);
        for values in quantities(&model, &chains) {
            let rhat = rhat::rank(&Draws::new(&values, chains.count).unwrap());
            assert!(rhat < 1.02, "{name}: R-hat {rhat}");
        }
        println!("{name}: largest distance {worst:.2} of the allowed, {:.2} s", start.elapsed().as_secs_f64());
        assert!(off.is_empty(), "{off:#?}");
    }
}

/// Four chains from around 0.
fn nuts_run(model: &Model, target_acceptance: f64, key: &Key) -> NutsRun {
    let mut rng = key.purpose(Purpose::Init).rng();
    let n = model.0.n_cols();
    let start = Dense::from_rows(n, (0..4 * n).map(|_| 0.1 * rng.normal()).collect());
    let options = NutsOptions { n_tune: 700, n_draws: 1_500, target_acceptance, ..NutsOptions::default() };
    nuts(model, &start, &options, key).unwrap()
}

fn chains_of(run: &NutsRun) -> Chains {
    let values = run.chains.iter().flat_map(|c| c.draws.values().iter().copied()).collect();
    Chains { count: run.chains.len(), n_cols: run.chains[0].draws.n_cols(), values }
}

#[test]
fn no_u_turn_draws_have_the_moments_of_the_reference() {
    let Some(folder) = data() else { return };
    for (i, name) in reference::NAMES.into_iter().enumerate() {
        let model = reference::model(&folder, name);
        let start = std::time::Instant::now();
        let run = nuts_run(&model, 0.9, &Key::from_seed(21).block(i as u64));
        let (off, worst) = disagreements(&folder, name, &model, &chains_of(&run));
        let lowest = run.chains.iter().map(NutsChain::e_bfmi).fold(f64::INFINITY, f64::min);
        println!(
            "{name}: largest distance {worst:.2} of the allowed, {} divergent, E-BFMI {lowest:.2}, {:.2} s",
            run.n_divergent(),
            start.elapsed().as_secs_f64()
        );
        assert!(off.is_empty(), "{off:#?}");
        assert!(lowest > 0.3, "{name}: {:?}", run.alarms());
    }
}

/// The centred form is known to fail: near `tau = 0` no step size is small enough. 20 to 40 of 6000 trajectories
/// diverged with these seeds, and one chain of each run had an E-BFMI of 0.11 to 0.28; the non-centred form had none.
#[test]
fn the_centred_eight_schools_raise_the_alarm() {
    let Some(folder) = data() else { return };
    for seed in 0..4 {
        let centred = reference::model(&folder, "eight_schools-eight_schools_centered");
        let run = nuts_run(&centred, 0.8, &Key::from_seed(seed));
        println!("seed {seed}: {:?}", run.alarms());
        assert!(!run.alarms().is_empty());
        let free = reference::model(&folder, "eight_schools-eight_schools_noncentered");
        let run_free = nuts_run(&free, 0.95, &Key::from_seed(seed));
        println!("seed {seed}, non-centred: {:?}", run_free.alarms());
        assert!(run_free.n_divergent() * 10 <= run.n_divergent());
    }
}

/// A planted mistake: the Jacobian of `log tau` counted twice.
struct TwoJacobians(Model);

impl Posterior for TwoJacobians {
    fn n_cols(&self) -> usize {
        self.0.0.n_cols()
    }

    fn energy_grad(&self, x: &[f64], g: &mut [f64]) -> f64 {
        let e = self.0.0.energy_grad(x, g);
        g[1] -= 1.0;
        e - x[1]
    }

    fn quantities(&self, x: &[f64]) -> Vec<f64> {
        self.0.0.quantities(x)
    }
}

#[test]
fn a_jacobian_counted_twice_is_seen() {
    let Some(folder) = data() else { return };
    let name = "eight_schools-eight_schools_noncentered";
    let planted = Model(Box::new(TwoJacobians(reference::model(&folder, name))));
    let run = nuts_run(&planted, 0.9, &Key::from_seed(5));
    let (off, _) = disagreements(&folder, name, &planted, &chains_of(&run));
    assert!(off.iter().any(|o| o.contains("tau")), "{off:?}");
}
