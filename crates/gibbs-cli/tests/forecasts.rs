//! `gibbs calibrate` and `gibbs fit-family` on small tables.

mod common;

use common::{bytes, gibbs, json, text};

#[test]
fn calibrate_writes_scores_calibrator_and_report() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let row = |i: u32| format!("{},{}\n", 0.1 + 0.8 * f64::from(i % 2), u8::from(i % 10 > 4));
    std::fs::write(at.join("p.csv"), format!("p,outcome\n{}", (0..200).map(row).collect::<String>())).unwrap();
    let found = json(at, "calibrate p.csv --json --out c.json --report r.html");
    assert_eq!(found["n"], 200);
    assert!(found["scores"][0]["mean"].is_f64() && found["classes"]["p_value"].is_f64());
    assert!(text(&bytes(at, "c.json")).contains("method") && text(&bytes(at, "r.html")).contains("<svg"));
    std::fs::write(at.join("p.csv"), "p,outcome\n0.5,1\n1.5,0\n").unwrap();
    let refused = gibbs(at, "calibrate p.csv --probabilities p");
    assert_eq!(refused.status.code(), Some(3));
    assert!(text(&refused.stderr).contains("row 3, column `p`"), "{}", text(&refused.stderr));
}

#[test]
fn fit_family_ranks_and_names_the_law() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    // Quantiles of the exponential law of rate 2.
    let row = |i: u32| format!("{}\n", -(1.0 - (f64::from(i) + 0.5) / 500.0).ln() / 2.0);
    std::fs::write(at.join("x.csv"), format!("wait\n{}", (0..500).map(row).collect::<String>())).unwrap();
    let found = json(at, "fit-family x.csv --column wait --json --report r.html");
    let names: Vec<&str> =
        found["families"].as_array().unwrap().iter().map(|f| f["family"].as_str().unwrap()).collect();
    // The exponential law is also the gamma and the Weibull law of shape 1.
    assert!(names[..3].contains(&"exponential"), "{names:?}");
    assert!(text(&bytes(at, "r.html")).contains("<svg"));
    let unknown = gibbs(at, "fit-family x.csv --column weight");
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("wait"), "{}", text(&unknown.stderr));
}

#[test]
fn fit_family_of_one_law_streams() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let row = |i: u32| format!("{i},{}\n", -(1.0 - (f64::from(i) + 0.5) / 9_000.0).ln() / 2.0);
    std::fs::write(at.join("x.csv"), format!("id,wait\n{}", (0..9_000).map(row).collect::<String>())).unwrap();
    let found = json(at, "fit-family x.csv --column wait --family exponential --json");
    let rate = &found["parameters"][0];
    let (value, lower, upper) = (&rate["value"], &rate["lower"], &rate["upper"]);
    // Midpoint quantiles: the mean is that of the law to 1e-4.
    assert!((value.as_f64().unwrap() - 2.0).abs() < 1e-3 && found["n"] == 9_000, "{found}");
    assert!(lower.as_f64() < Some(2.0) && upper.as_f64() > Some(2.0), "{found}");
    let weibull = json(at, "fit-family x.csv --column wait --family weibull --known 1 --json");
    let apart = weibull["log_likelihood"].as_f64().unwrap() - found["log_likelihood"].as_f64().unwrap();
    assert!(apart.abs() < 1e-9, "the Weibull law of shape 1 is the exponential one: {weibull}");
    for (line, code, words) in [
        ("--column wait --family weibull", 2, "--known"),
        ("--column wait --known 3", 2, "--family"),
        ("--column wait --family poisson", 3, "value 1 is"),
        ("--column weight --family gamma", 2, "weight"),
    ] {
        let refused = gibbs(at, &format!("fit-family x.csv {line}"));
        assert_eq!(refused.status.code(), Some(code), "{line}");
        assert!(text(&refused.stderr).contains(words), "{line}: {}", text(&refused.stderr));
    }
}
