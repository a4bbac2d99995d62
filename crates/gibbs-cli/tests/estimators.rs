//! Other ways to `log Z` and to a likelihood than AIS, by the commands.

mod common;

use common::{gibbs, json, ok, text};
use serde_json::Value;

fn number(v: &Value) -> f64 {
    v.as_f64().unwrap()
}

/// A small RBM on patterns of bits: SMC and MBAR beside the exact value, each within five of its standard errors
/// (alpha = 6e-7).
#[test]
fn smc_and_mbar_beside_enumeration() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    ok(d, "fit digits --model rbm --binarize 8 --hidden 6 --epochs 2 --quiet --out run");
    let exact = number(&json(d, "eval run --part test --log-z exact --json")["log_z"]["value"]);
    for (method, name) in [("smc", "SMC"), ("mbar", "MBAR")] {
        let line = format!("eval run --part test --log-z {method} --ais-temperatures 400 --json");
        let found = json(d, &line);
        let z = &found["log_z"];
        assert!((number(&z["value"]) - exact).abs() < 5.0 * number(&z["std_err"]), "{found} {exact}");
        assert!(number(&z["std_err"]) < 0.2 && z["method"].as_str().unwrap().starts_with(name), "{found}");
        assert_eq!(json(d, &format!("{line} --threads 1")), found);
    }
}

/// Reverse annealing of test rows: on the low side of the exact likelihood of the same rows but for noise, and near it.
#[test]
fn a_conservative_likelihood() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    ok(d, "fit digits --model rbm --binarize 8 --hidden 6 --epochs 2 --quiet --out run");
    ok(d, "eval run --part test --per-row exact.csv");
    let line = "eval run --part test --likelihood raise --raise-rows 60 --ais-temperatures 300";
    let found = json(d, &format!("{line} --per-row raise.csv --json"));
    assert!(found["direction"].as_str().unwrap().contains("low side"), "{found}");
    assert_eq!(found["n"], 60);
    let column = |file: &str| -> Vec<(usize, f64)> {
        let rows = std::fs::read_to_string(d.join(file)).unwrap();
        rows.lines()
            .skip(1)
            .map(|l| l.split_once(',').unwrap())
            .map(|(i, l)| (i.parse().unwrap(), l.parse().unwrap()))
            .collect()
    };
    let (exact, raised) = (column("exact.csv"), column("raise.csv"));
    let gaps: Vec<f64> = raised.iter().map(|(i, l)| l - exact[*i].1).collect();
    let mean = gaps.iter().sum::<f64>() / 60.0;
    let error = (gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / 59.0 / 60.0).sqrt();
    // Not above by more than four standard errors (alpha = 3e-5), nor far below.
    assert!(mean < 4.0 * error && mean > -1.0, "{mean} +- {error}");
    assert!(ok(d, line).contains("RAISE, 5 chains a row x 300 temperatures"));
    for (bad, word) in [("--raise-chains 0", "at least 1"), ("--mmd 10", "--mmd")] {
        let refused = gibbs(d, &format!("{line} {bad}"));
        assert!(refused.status.code() == Some(2) && text(&refused.stderr).contains(word), "{refused:?}");
    }
}

/// A network on the plane has a reversible sampler too; a deep machine, whose energies are bounds, refuses.
#[test]
fn other_kinds_of_models() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    ok(d, "fit moons --rows 600 --layers 8,8 --batch-size 200 --updates 60 --quiet --out run");
    let exact = json(d, "eval run --part test --json");
    let found = json(d, "eval run --part test --likelihood raise --ais-temperatures 2000 --json");
    let gap = number(&found["log_likelihood"]["mean"]) - number(&exact["log_likelihood"]["mean"]);
    // A hardly trained model, far wider than its base: chains lag behind any number of temperatures, so that this looks at units
    // and signs. What the estimators are worth is tested where models are small enough.
    assert!(gap.abs() < 0.5, "{gap}");
    let by = |method: &str| {
        let found = json(d, &format!("eval run --part test --log-z {method} --ais-temperatures 1000 --json"));
        (number(&found["log_z"]["value"]), number(&found["log_z"]["std_err"]))
    };
    let (ais, smc) = (by("ais"), by("smc"));
    // The same path and kernel, so the same lag: they agree within five joint errors.
    assert!((ais.0 - smc.0).abs() < 5.0 * ais.1.hypot(smc.1), "{ais:?} {smc:?}");
    ok(d, "data make bars-and-stripes -n 200 --out bas.csv");
    ok(d, "fit bas.csv --model dbm --layers 6,4 --batch-size 20 --epochs 2 --pretrain-updates 20 --quiet --out deep");
    let refused = gibbs(d, "eval deep --part test --likelihood raise");
    assert!(refused.status.code() == Some(2) && text(&refused.stderr).contains("--log-z bracket"), "{refused:?}");
}
