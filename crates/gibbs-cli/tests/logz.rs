//! `log Z` from both sides by the commands.

mod common;

use common::{gibbs, json, ok, text};

/// A small RBM on patterns of bits: exact samples, hence certified, and the exact value inside.
#[test]
fn an_rbm_is_certified_and_its_weights_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    ok(d, "fit digits --model rbm --binarize 8 --hidden 6 --epochs 2 --quiet --out run");
    let found = json(d, "logz run --width 0.2 --json");
    let z = &found["log_z"];
    let number = |v: &serde_json::Value| v.as_f64().unwrap();
    assert_eq!(z["verdict"], "certified", "{found}");
    assert!(
        number(&z["lower"]) <= number(&found["exact"]) && number(&found["exact"]) <= number(&z["upper"]),
        "{found}"
    );
    assert!(number(&z["upper"]) - number(&z["lower"]) <= 0.2 && z["std_err"].is_number() && z["method"].is_string());
    assert!(found["forward"]["value"].is_number() && found["reverse"][0]["exact"] == true, "{found}");
    assert!(d.join("run/logz.json").exists() && d.join("run/logz.safetensors").exists());
    // Within four standard errors (alpha = 6e-5); the same seed says the same.
    assert!((number(&z["value"]) - number(&found["exact"])).abs() < 4.0 * number(&z["std_err"]), "{found}");
    assert_eq!(json(d, "logz run --width 0.2 --json --threads 1")["log_z"], *z);
    let words = ok(d, "logz run --width 0.2");
    assert!(words.contains("verdict       certified") && words.contains("(inside the interval)"), "{words}");
    // The interval of the likelihood joins that of log Z; its values go to a file.
    let exact = json(d, "eval run --part test --json");
    let both = json(d, "eval run --part test --log-z bracket --width 0.2 --per-row rows.csv --json");
    let ll = |e: &serde_json::Value, k: &str| number(&e["log_likelihood"][k]);
    assert!(ll(&both, "lower") <= ll(&exact, "mean") && ll(&exact, "mean") <= ll(&both, "upper"), "{both}");
    assert_eq!(both["log_z"]["verdict"], "certified");
    let rows = std::fs::read_to_string(d.join("rows.csv")).unwrap();
    let values: Vec<f64> = rows.lines().skip(1).map(|l| l.split(',').nth(1).unwrap().parse().unwrap()).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    assert!((mean - ll(&both, "mean")).abs() < 1e-9 && values.len() as f64 == number(&both["n"]));
}

/// A network on the plane: certified by exact samples from a grid.
#[test]
fn a_network_on_the_plane_is_certified() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    ok(d, "fit moons --rows 600 --layers 8,8 --batch-size 200 --updates 60 --quiet --out run");
    let found = json(d, "logz run --width 0.1 --moves 2000000 --json");
    let z = &found["log_z"];
    assert_eq!(z["verdict"], "certified", "{found}");
    let (lower, exact, upper) = (z["lower"].as_f64(), found["exact"].as_f64(), z["upper"].as_f64());
    assert!(lower <= exact && exact <= upper, "{found}");
}

#[test]
fn a_torus_beside_its_exact_value() {
    let dir = tempfile::tempdir().unwrap();
    // Below the transition chains are coupled from the past, beyond it sweeps and clusters have to do.
    for (beta, verdict, starts) in
        [(0.4, "certified", "coupling from the past"), (0.6, "plausible", "sweeps and clusters")]
    {
        let found = json(dir.path(), &format!("logz ising --size 8 --beta {beta} --width 0.2 --json"));
        let z = &found["log_z"];
        let (lower, exact, upper) = (z["lower"].as_f64(), found["exact"].as_f64(), z["upper"].as_f64());
        assert!(lower <= exact && exact <= upper && z["verdict"] == verdict, "{found}");
        assert!(found["reverse"][0]["starts"].as_str().unwrap().contains(starts), "{found}");
    }
}

#[test]
fn misuse_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    assert_eq!(gibbs(d, "logz nowhere").status.code(), Some(4));
    ok(d, "fit digits --model rbm --binarize 8 --hidden 4 --epochs 1 --quiet --out run");
    let refused = gibbs(d, "logz run --width -1");
    assert!(refused.status.code() == Some(2) && text(&refused.stderr).contains("--width -1"), "{refused:?}");
    assert_eq!(gibbs(d, "logz ising --size 7").status.code(), Some(2));
    assert_eq!(gibbs(d, "logz run --seconds 0").status.code(), Some(2));
    // A width that nothing reaches ends with the budget, and says so.
    let narrow = json(d, "logz ising --size 8 --beta 0.3 --width 1e-200 --moves 200000 --json");
    assert!(narrow["concerns"].to_string().contains("were asked for"), "{narrow}");
}
