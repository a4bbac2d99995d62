//! Two models on the same rows.

mod common;

use common::{gibbs, json, ok, text};

#[test]
fn two_rbms_exactly_and_by_their_ratio() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    for (name, hidden, epochs) in [("good", 8, 4), ("poor", 4, 1)] {
        ok(d, &format!("fit digits --model rbm --binarize 8 --hidden {hidden} --epochs {epochs} --quiet --out {name}"));
    }
    let found = json(d, "compare good poor digits --json");
    let number = |v: &serde_json::Value| v.as_f64().unwrap();
    let mean = |run: &str| number(&json(d, &format!("eval {run} digits --json"))["log_likelihood"]["mean"]);
    let truth = mean("good") - mean("poor");
    let x = &found["difference"];
    assert!((number(&x["mean"]) - truth).abs() < 1e-9 && number(&x["lower"]) > 0.0, "{found} {truth}");
    assert!(found["log_z_difference"]["verdict"].is_null(), "both sums are exact: {found}");
    // Turned round, it is the opposite.
    let turned = json(d, "compare poor good digits --json");
    assert!((number(&turned["difference"]["mean"]) + truth).abs() < 1e-9, "{turned}");
    assert!(ok(d, "compare poor good digits").contains("The second model is better."));
    // Both have the same table; a model of another width does not.
    ok(d, "fit moons --rows 400 --layers 4,4 --batch-size 200 --updates 20 --quiet --out moons");
    let refused = gibbs(d, "compare good moons digits");
    assert!(!refused.status.success() && !text(&refused.stderr).is_empty());
}
