//! The chain diagnostics against `ArviZ`: `golden/diagnostics.json`, written by `golden/make_diagnostics.py`.

use gibbs_core::diagnostics::{Draws, autocorrelation, ess, mcse, rhat};
use serde_json::Value;

/// The generator of the golden file: Knuth's linear congruential one, upper 31 bits, strictly between 0 and 1.
struct Uniform(u64);

impl Uniform {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as f64 + 0.5) / 2_147_483_648.0
    }

    fn bell(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() - 6.0
    }
}

/// The same exactly rounded operations as the golden file's script, in the same order.
fn draw(kind: &str, chain: usize, t: usize, n_draws: usize, previous: f64, rng: &mut Uniform) -> f64 {
    match kind {
        "independent" => rng.bell(),
        "ar_0.9" => 0.9 * previous + rng.bell(),
        "ar_0.99" => 0.99 * previous + rng.bell(),
        "ar_-0.7" => -0.7 * previous + rng.bell(),
        "means_differ" => rng.bell() + 0.5 * chain as f64,
        "spreads_differ" => rng.bell() * (1.0 + chain as f64),
        "drift" => rng.bell() + 2.0 * t as f64 / n_draws as f64,
        "heavy_tails" => rng.bell() / rng.next(),
        "ties" => (5.0 * rng.next()).floor() * 0.1,
        "bits" => f64::from(u8::from(rng.next() < 0.3)),
        "sticky_bits" if t > 0 && rng.next() < 0.9 => previous,
        "sticky_bits" => f64::from(u8::from(rng.next() < 0.5)),
        "rare_bits" => f64::from(u8::from(rng.next() < 0.02)),
        _ => panic!("the golden file has an unknown kind of draws: {kind}"),
    }
}

fn draws(case: &Value) -> (Vec<f64>, usize) {
    let size = |name: &str| case[name].as_u64().unwrap() as usize;
    let (n_chains, n_draws) = (size("n_chains"), size("n_draws"));
    let mut rng = Uniform(case["seed"].as_u64().unwrap());
    let mut out = Vec::new();
    for chain in 0..n_chains {
        let mut x = 0.0;
        for t in 0..n_draws {
            x = draw(case["kind"].as_str().unwrap(), chain, t, n_draws, x, &mut rng);
            out.push(x);
        }
    }
    // serde_json reads a number to within an ulp, unless told to be exact.
    let (sum, expected) = (out.iter().sum::<f64>(), case["sum"].as_f64().unwrap());
    assert!((sum - expected).abs() <= f64::EPSILON * expected.abs(), "the draws of {case} are not the golden ones");
    (out, n_chains)
}

fn cases() -> Vec<Value> {
    let golden: Value = serde_json::from_str(include_str!("golden/diagnostics.json")).unwrap();
    assert_eq!(golden["header"]["arviz"], "0.23.4");
    golden["cases"].as_array().unwrap().clone()
}

type Diagnostic = fn(&Draws) -> f64;

const DIAGNOSTICS: [(&str, Diagnostic); 13] = [
    ("mean", |d| d.mean()),
    ("sd", |d| d.sd()),
    ("rhat_rank", rhat::rank),
    ("rhat_split", rhat::split),
    ("ess_bulk", ess::bulk),
    ("ess_tail", ess::tail),
    ("ess_mean", ess::mean),
    ("ess_sd", ess::sd),
    ("ess_quantile_0.1", |d| ess::quantile(d, 0.1)),
    ("ess_quantile_0.5", |d| ess::quantile(d, 0.5)),
    ("ess_quantile_0.9", |d| ess::quantile(d, 0.9)),
    ("mcse_mean", mcse::mean),
    ("mcse_sd", mcse::sd),
];

/// Both sides round sums of up to 4000 terms and a transform of up to 4096 points, some 1e-13 relative; a long sum of
/// autocorrelations (tau about 200 at 0.99) multiplies that by up to a hundred. 1e-10 leaves a factor of ten.
#[test]
fn equal_to_arviz() {
    let mut worst: (f64, String) = (0.0, String::new());
    for case in cases() {
        let (values, n_chains) = draws(&case);
        let draws = Draws::new(&values, n_chains).unwrap();
        let label = format!("{} {} x {}", case["kind"], n_chains, draws.n_draws());
        for (name, diagnostic) in DIAGNOSTICS {
            let Some(expected) = case[name].as_f64() else {
                // ArviZ refuses any R-hat of a single chain; the split one exists here.
                assert!(n_chains == 1 && (name == "rhat_split" || diagnostic(&draws).is_nan()), "{name} of {label}");
                continue;
            };
            let found = diagnostic(&draws);
            // Nothing smaller than a rounding error of the draws (of size 1) can be compared.
            let error = (found - expected).abs() / expected.abs().max(1e-3);
            assert!(error < 1e-10, "{name} of {label}: {found}, ArviZ has {expected}");
            if error > worst.0 {
                worst = (error, format!("{name} of {label}"));
            }
        }
        let acov = autocorrelation::autocovariance(draws.chain(0));
        for (lag, expected) in case["autocovariance"].as_array().unwrap().iter().enumerate() {
            let expected = expected.as_f64().unwrap();
            assert!((acov[lag] - expected).abs() < 1e-13 * acov[0].max(1.0), "autocovariance {lag} of {label}");
        }
    }
    println!("largest relative difference from ArviZ: {:.1e}, {}", worst.0, worst.1);
}

/// The golden file can tell definitions apart: three plausible mistakes are off by far more than the tolerance.
#[test]
fn planted_mistakes_are_far_off() {
    let all = cases();
    let find = |kind: &str| all.iter().find(|c| c["kind"] == kind).unwrap();

    // No folding: chains that differ in spread look alike.
    let (values, n_chains) = draws(find("spreads_differ"));
    let draws_ = Draws::new(&values, n_chains).unwrap();
    assert!(find("spreads_differ")["rhat_rank"].as_f64().unwrap() - rhat::split(&draws_) > 0.05);

    // No ranks: heavy tails hide what the ESS is.
    let case = find("heavy_tails");
    assert!((case["ess_bulk"].as_f64().unwrap() / case["ess_mean"].as_f64().unwrap() - 1.0).abs() > 0.01);

    // Chains in the wrong order of axes: other chains altogether.
    let (values, n_chains) = draws(find("means_differ"));
    let n_draws = values.len() / n_chains;
    let turned: Vec<f64> = (0..values.len()).map(|i| values[i % n_chains * n_draws + i / n_chains]).collect();
    let found = rhat::rank(&Draws::new(&turned, n_chains).unwrap());
    assert!((found - find("means_differ")["rhat_rank"].as_f64().unwrap()).abs() > 0.05);
}
