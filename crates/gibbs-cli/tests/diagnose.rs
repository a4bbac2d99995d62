//! The sampler doctor by the command.

mod common;

use common::{gibbs, json, ok, text};

fn names(found: &serde_json::Value) -> String {
    found["findings"].to_string()
}

#[test]
fn a_network_its_own_sampler_and_bad_ones() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    ok(d, "fit moons --rows 600 --layers 8,8 --batch-size 200 --updates 100 --quiet --out run");
    let own = json(d, "diagnose run --steps 1500 --json");
    let t = &own["temperature"]["overall"];
    assert!(t["lower"].as_f64() < Some(1.0) && Some(1.0) < t["upper"].as_f64(), "{own}");
    assert!(!names(&own).contains("wrong-temperature") && d.join("run/diagnosis.json").exists(), "{own}");
    // Colder by a fifth: the meter's interval holds the factor and not 1 (the factor is measured to 5 % in gibbs-core).
    let cold = json(d, "diagnose run --sampler langevin --step-size 0.001 --temperature 0.8 --steps 6000 --json");
    assert!(names(&cold).contains("wrong-temperature"), "{cold}");
    let t = &cold["temperature"]["overall"];
    assert!(t["lower"].as_f64() < Some(0.8) && Some(0.8) < t["upper"].as_f64(), "{cold}");
    assert!(t["upper"].as_f64() < Some(1.0), "{cold}");
    // A hundred times the step: too large, whatever becomes of it.
    let wild = json(d, "diagnose run --sampler langevin --step-size 5 --json");
    assert!(names(&wild).contains("exploded") || names(&wild).contains("step-too-large"), "{wild}");
    let refused = json(d, "diagnose run --sampler mala --step-size 1000 --json");
    assert!(names(&refused).contains("step-refused") || names(&refused).contains("stuck"), "{refused}");
    // Momenta that change the energy enough: the fraction is fed and raises no alarm.
    let hmc = json(d, "diagnose run --sampler hmc --step-size 0.05 --steps 400 --json");
    assert!(hmc["e_bfmi"].as_f64() > Some(0.3) && !names(&hmc).contains("low-e-bfmi"), "{hmc}");
    let words = ok(d, "diagnose run --sampler hmc --step-size 0.05 --steps 400");
    assert!(words.contains("acceptance") && words.contains("E-BFMI"), "{words}");
}

/// Replica exchange from the base to the model: two levels do not swap, sixteen do, and replicas travel.
#[test]
fn tempered_chains_are_judged_by_their_swaps() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    ok(d, "fit digits --model rbm --binarize 8 --hidden 16 --epochs 40 --quiet --out run");
    let few = json(d, "diagnose run --tempering 2 --steps 400 --warm-up 100 --json");
    assert!(names(&few).contains("too-few-temperatures"), "{few}");
    let enough = json(d, "diagnose run --tempering 16 --steps 800 --warm-up 100 --json");
    assert!(!names(&enough).contains("too-few-temperatures") && !names(&enough).contains("no-round-trips"), "{enough}");
    assert!(enough["tempering"]["round_trips"].as_u64() > Some(0), "{enough}");
    assert!(ok(d, "diagnose run --tempering 4 --steps 400").contains("tempering         4 levels"));
    for levels in ["1", "2000"] {
        let refused = gibbs(d, &format!("diagnose run --tempering {levels}"));
        assert!(refused.status.code() == Some(2) && text(&refused.stderr).contains("--tempering"), "{refused:?}");
    }
}

#[test]
fn an_rbm_and_misuse() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    ok(d, "fit digits --model rbm --binarize 8 --hidden 6 --epochs 2 --quiet --out run");
    let own = json(d, "diagnose run --steps 1000 --json");
    let t = &own["temperature"]["overall"];
    assert!((t["value"].as_f64().unwrap() - 1.0).abs() < 0.05, "{own}");
    assert!(own["advice"].is_array() && own["rhat"].is_number());
    let hot = json(d, "diagnose run --steps 1000 --temperature 1.5 --json");
    assert!(names(&hot).contains("wrong-temperature"), "{hot}");
    for (line, word) in [
        ("diagnose run --sampler mala --step-size 0.1", "real rows"),
        ("diagnose run --temperature 0", "--temperature 0"),
        ("diagnose run --steps 3", "--steps 3"),
    ] {
        let refused = gibbs(d, line);
        assert!(refused.status.code() == Some(2) && text(&refused.stderr).contains(word), "{line}: {refused:?}");
    }
}
