//! `gibbs fit --model regression`, `gibbs predict`, and `gibbs calibrate` on what it writes.

mod common;

use std::fmt::Write;

use common::{bytes, gibbs, json, ok, text};

/// `y = 2 a - b` with a wave for noise, a count and a class beside it.
fn table(rows: u32) -> String {
    let mut out = "a,b,y,n,kind\n".to_string();
    for i in 0..rows {
        let (a, b) = (f64::from(i * 37 % 101) / 50.0 - 1.0, f64::from(i * 53 % 89) / 44.0 - 1.0);
        let y = 2.0 * a - b + 0.2 * f64::from(i * 7919 % 1000) / 500.0;
        let kind = if a + b > 0.3 {
            "big"
        } else if a > -0.5 {
            "mid"
        } else {
            "small"
        };
        let _ = writeln!(out, "{a},{b},{y},{},{kind}", (2.0 + 2.0 * a) as u32);
    }
    out
}

#[test]
fn a_number_is_predicted_and_calibrate_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    std::fs::write(at.join("t.csv"), table(400)).unwrap();
    let fit = "fit t.csv --model regression --target y --drop n,kind --members 2 --epochs 20 --seed 1";
    let found = json(at, &format!("{fit} --out run --json --quiet"));
    assert_eq!(found["rows"], serde_json::json!([272, 48, 80]));
    let (log, rmse) = (&found["test"]["forecasts"]["scores"][0], &found["test"]["forecasts"]["real"]["rmse"]);
    assert!(log["mean"].as_f64().unwrap() < 1.0 && rmse.as_f64().unwrap() < 0.6, "{log} {rmse}");
    assert!(text(&bytes(at, "run/report.html")).contains("<svg"));
    // Threads change nothing.
    ok(at, &format!("{fit} --out again --quiet --threads 1"));
    assert_eq!(bytes(at, "run/model.safetensors"), bytes(at, "again/model.safetensors"));

    let scored = json(at, "predict run t.csv --out p.csv --json");
    assert_eq!(scored["rows"], 400);
    let head = text(&bytes(at, "p.csv")).lines().next().unwrap().to_string();
    assert_eq!(head, "mean,sd,q0.05,q0.25,q0.5,q0.75,q0.95,low,high,outcome");
    let calibrated = json(at, "calibrate p.csv --json");
    assert_eq!(calibrated["n"], 400);
    let (a, b) = (&calibrated["real"]["rmse"], &scored["evaluation"]["forecasts"]["real"]["rmse"]);
    assert!((a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 1e-9);
    ok(at, "predict run t.csv --out p.parquet --quiet");
    assert_eq!(&bytes(at, "p.parquet")[..4], b"PAR1");
    assert_eq!(json(at, "calibrate p.parquet --json")["real"], calibrated["real"]);
    assert!(ok(at, "info run").contains("column y"));
    // Without the outcome nothing is scored.
    std::fs::write(at.join("new.csv"), "b,a\n0.5,0.1\n").unwrap();
    let lines = ok(at, "predict run new.csv");
    assert_eq!(lines.lines().count(), 2);
    assert!(!lines.contains("outcome"));
}

#[test]
fn classes_and_other_heads_are_predicted() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    std::fs::write(at.join("t.csv"), table(400)).unwrap();
    let fit = "fit t.csv --model regression --members 2 --epochs 15 --json --quiet";
    let found = json(at, &format!("{fit} --target kind --head classes --drop y,n --out kinds"));
    assert!(found["test"]["forecasts"]["classes"]["accuracy"].as_f64().unwrap() > 0.8);
    ok(at, "predict kinds t.csv --out p.csv --quiet");
    assert!(text(&bytes(at, "p.csv")).starts_with("p_big,p_mid,p_small,outcome\n"));
    assert_eq!(json(at, "calibrate p.csv --json")["classes"]["n_classes"], 3);
    for (head, target, rest) in [
        ("student-t", "y", "n,kind"),
        ("laplace", "y", "n,kind"),
        ("mixture --components 2", "y", "n,kind"),
        ("quantile --quantiles 0.05,0.5,0.95", "y", "n,kind"),
        ("poisson", "n", "y,kind"),
        ("negative-binomial --patience 5", "n", "y,kind"),
        ("ordinal", "n", "y,kind"),
        ("gaussian --beta-nll 0.5", "y", "n,kind"),
    ] {
        json(at, &format!("{fit} --target {target} --head {head} --drop {rest} --out run --force"));
        ok(at, "predict run t.csv --out p.csv --quiet");
        assert_eq!(text(&bytes(at, "p.csv")).lines().count(), 401, "{head}");
    }
}

#[test]
fn mistakes_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    std::fs::write(at.join("t.csv"), table(60)).unwrap();
    std::fs::write(at.join("c.csv"), "a,b,y\n1,5,1\n2,5,2\n3,5,3\n4,5,4\n").unwrap();
    std::fs::write(at.join("m.csv"), "a,y\n1,1\n2,\n3,3\n4,4\n").unwrap();
    std::fs::write(at.join("one.csv"), "a,y\n1,1\n").unwrap();
    let refused = |line: &str, code: i32, words: &[&str]| {
        let output = gibbs(at, line);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
        words.iter().for_each(|w| assert!(said.contains(w), "{line}: {said}"));
    };
    let fit = |rest: &str| format!("fit {rest} --model regression --out run --members 1 --epochs 2 --quiet");
    refused(&fit("t.csv"), 2, &["--target"]);
    refused(&fit("t.csv --target z --drop n,kind"), 3, &["\"z\""]);
    refused(&fit("t.csv --target y"), 3, &["row 2", "kind", "--drop"]);
    refused(&fit("c.csv --target y"), 3, &["\"b\"", "5", "--drop b"]);
    refused(&fit("m.csv --target y"), 3, &["row 3", "\"y\"", "missing"]);
    refused(&fit("one.csv --target y"), 3, &["row"]);
    refused(&fit("t.csv --target y --head poisson --drop n,kind"), 3, &["row", "\"y\"", "counts"]);
    refused(&fit("t.csv --target kind --head ordinal --drop n,y"), 3, &["order"]);
    refused(&fit("t.csv --target y --components 3"), 2, &["--head mixture"]);
    refused(&fit("t.csv --target y --hidden 3"), 2, &["leave the other options out"]);
    refused("fit t.csv --target y --out run", 2, &["--model regression"]);
    ok(at, &fit("t.csv --target kind --head classes --drop y,n"));
    std::fs::write(at.join("u.csv"), "a,b,kind\n0.1,0.2,big\n0.3,0.1,huge\n").unwrap();
    refused("predict run u.csv", 3, &["row 3", "\"kind\"", "\"huge\""]);
    std::fs::write(at.join("u.csv"), "a\n0.1\n").unwrap();
    refused("predict run u.csv", 3, &["\"b\""]);
    refused("predict t.csv t.csv", 4, &["not a run directory"]);
}
