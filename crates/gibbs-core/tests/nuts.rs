//! The no-U-turn sampler on densities with known moments: `cargo test -p gibbs-core --features nuts --test nuts`.
//!
//! All z-tests are two-sided at `ALPHA` = 1e-5 with fixed seeds, 8 of them.

mod targets;

use gibbs_core::dense::Dense;
use gibbs_core::diagnostics::Draws;
use gibbs_core::energy::{Energy, Gradient};
use gibbs_core::key::Key;
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::samplers::Start;
use gibbs_core::samplers::nuts::{NutsChain, NutsError, NutsOptions, NutsRun, nuts};
use gibbs_core::scratch::Scratch;
use gibbs_testkit::moment_test;
use targets::{Correlated, DoubleWell, Moment};

const ALPHA: f64 = 1e-5;
const GAUSSIAN: Correlated = Correlated { sd: [100.0, 0.05], rho: 0.9 };
const WELL: DoubleWell = DoubleWell { h: 1.0, tilt: 0.3 };

fn check(run: &NutsRun, moments: &[Moment]) -> Result<(), String> {
    for (k, (f, expected)) in moments.iter().enumerate() {
        let values = |c: &NutsChain| -> Vec<f64> { (0..c.draws.n_rows()).map(|i| f(c.draws.row(i))).collect() };
        let values: Vec<f64> = run.chains.iter().flat_map(values).collect();
        let draws = Draws::new(&values, run.chains.len()).map_err(|e| e.to_string())?;
        moment_test(&draws, *expected, ALPHA, 400.0).map_err(|why| format!("moment {k}: {why}"))?;
    }
    Ok(())
}

#[test]
fn nuts_is_exact() {
    let options = NutsOptions { n_draws: 2_000, ..NutsOptions::default() };
    let start = Dense::from_rows(2, vec![50.0, -2.0, -150.0, -1.9, 1.0, -2.1, 0.0, -2.0]);
    let run = nuts(&GAUSSIAN, &start, &options, &Key::from_seed(1)).unwrap();
    check(&run, &GAUSSIAN.moments()).unwrap();
    assert!(run.alarms().is_empty() && run.n_gradients() >= 8_000, "{:?}", run.alarms());
    assert!(run.chains.iter().all(|c| (0.5..1.7).contains(&c.e_bfmi()) && c.step_size > 0.0));
    // Planted: another correlation.
    assert!(check(&run, &Correlated { rho: 0.5, ..GAUSSIAN }.moments()).is_err());

    let start = Dense::from_rows(1, vec![-1.0, 1.0, 0.0, 2.0]);
    let run = nuts(&WELL, &start, &options, &Key::from_seed(2)).unwrap();
    check(&run, &WELL.moments()).unwrap();
    assert_eq!(run.column(0).len(), 8_000);
}

#[test]
fn threads_change_nothing() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let options = NutsOptions { n_tune: 100, n_draws: 50, ..NutsOptions::default() };
        let start = Dense::from_rows(1, vec![-1.0, 1.0, 0.0]);
        pool.install(|| nuts(&WELL, &start, &options, &Key::from_seed(3)).unwrap())
    };
    let one = run(1);
    assert_eq!(one, run(4));
    assert_ne!(one.chains[0].draws, one.chains[1].draws);
}

/// `v ~ N(0, 9)`, nine `x ~ N(0, exp(v))`: the neck is too narrow for any step that suits the mouth.
struct Funnel;

impl Energy for Funnel {
    type X = Dense<f64>;

    fn energy(&self, x: &Dense<f64>, out: &mut [f64], ws: &mut Scratch) {
        self.energy_grad(x, out, &mut x.clone(), ws);
    }
}

impl Gradient for Funnel {
    fn energy_grad(&self, x: &Dense<f64>, e: &mut [f64], g: &mut Dense<f64>, _ws: &mut Scratch) {
        for (i, e) in e.iter_mut().enumerate() {
            let (v, rest) = x.row(i).split_first().unwrap();
            let squares: f64 = rest.iter().map(|x| x * x).sum();
            *e = v * v / 18.0 + 4.5 * v + 0.5 * squares * (-v).exp();
            let g = g.row_mut(i);
            g[0] = v / 9.0 + 4.5 - 0.5 * squares * (-v).exp();
            g[1..].iter_mut().zip(rest).for_each(|(g, x)| *g = x * (-v).exp());
        }
    }
}

#[test]
fn the_funnel_raises_an_alarm() {
    let start = Start::Normal { sd: 1.0 }.draw(2, 10, &Key::from_seed(4));
    let run = nuts(&Funnel, &start, &NutsOptions::default(), &Key::from_seed(4)).unwrap();
    assert!(!run.alarms().is_empty());
}

#[test]
fn what_cannot_run_is_said() {
    let start = Dense::from_rows(1, vec![0.0]);
    let run = |options| nuts(&WELL, &start, &options, &Key::from_seed(5)).unwrap_err();
    let default = NutsOptions::default();
    assert!(matches!(run(NutsOptions { n_draws: 0, ..default }), NutsError::Option { .. }));
    assert!(run(NutsOptions { target_acceptance: 1.0, ..default }).to_string().contains("acceptance is 1"));
    assert!(matches!(run(NutsOptions { max_depth: 0, ..default }), NutsError::Option { .. }));
    let nowhere = Dense::from_rows(1, vec![0.0, f64::INFINITY]);
    let error = nuts(&WELL, &nowhere, &default, &Key::from_seed(5)).unwrap_err();
    assert!(matches!(error, NutsError::Start { chain: 1, .. }), "{error}");
    // At the middle of the funnel nine entries of the gradient are zero, which the library cannot begin with.
    let flat = nuts(&Funnel, &Dense::zeros(1, 10), &default, &Key::from_seed(5)).unwrap_err();
    assert_eq!(flat, NutsError::Start { chain: 0, energy: 0.0, n_bad: 9 });
    let none = nuts(&WELL, &Dense::zeros(0, 1), &default, &Key::from_seed(5));
    assert_eq!(none, Err(NutsError::NoStart));
}
