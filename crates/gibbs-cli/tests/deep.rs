//! Deep models of bits as a stranger runs them.

mod common;

use common::{bytes, gibbs, json, metrics, ok, survives_kills, text};

const DBM: &str = "--model dbm --layers 6,4 --batch-size 20 --ais-chains 50 --ais-temperatures 100";

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), "data make bars-and-stripes -n 200 --out bas.csv");
    dir
}

#[test]
fn a_deep_machine_reports_a_bound_and_says_so() {
    let dir = folder();
    let d = dir.path();
    let line = format!("fit bas.csv {DBM} --epochs 200 --learning-rate 0.3 --pretrain-updates 100 --out run");
    let fit = gibbs(d, &line);
    let said = text(&fit.stdout);
    assert!(
        said.contains("lower bound (nats)") && said.contains("by draws, of a lower bound"),
        "{said} {}",
        text(&fit.stderr)
    );
    assert!(text(&fit.stderr).contains("validation bound"), "{}", text(&fit.stderr));
    assert!(metrics(d, "run").iter().all(|m| m["bound"] == true));
    let html = text(&bytes(d, "run/report.html"));
    assert!(html.contains("lower bound of the log-likelihood") && !html.contains("The true log-likelihood"));
    let e = json(d, "eval run --part test --json");
    assert_eq!((&e["bound"], &e["log_z"]["bias"]), (&serde_json::json!(true), &serde_json::json!("exact")));
    assert!(ok(d, "eval run bas.csv").contains("lower bound"));
    // Pictures of 4 x 4 with 30 states of unequal shares: no model is above their entropy, fair bits have -11.09.
    let mean = e["log_likelihood"]["mean"].as_f64().unwrap();
    assert!(mean < 0.0 && mean > -11.0, "{mean}");
    let exact = e["log_z"]["value"].as_f64().unwrap();
    let annealed = json(d, "eval run --part test --log-z ais --ais-temperatures 2000 --json");
    let z = &annealed["log_z"];
    let error = z["std_err"].as_f64().unwrap();
    assert!((z["value"].as_f64().unwrap() - exact).abs() < 5.0 * error + 1e-3, "{z} {exact}");
    ok(d, "sample run -n 30 --steps 20 --out s.npy");
    assert_eq!(bytes(d, "s.npy").len(), 128 + 30 * 16);
    assert!(ok(d, "info run").contains("16-6-4"));
    // Scores are what is left of the bound when log Z is taken off.
    ok(d, "score run bas.csv --out scores.csv");
}

#[test]
fn a_deep_belief_net_is_fine_tuned_where_there_are_labels() {
    let dir = folder();
    let d = dir.path();
    // Labels: whether the picture's first row is of one colour. About as many rows of either kind are held out.
    let table = text(&bytes(d, "bas.csv"));
    let mut lines = table.lines();
    let mut labelled = format!("{},stripe\n", lines.next().unwrap());
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let stripe = cells[..4].iter().all(|c| *c == cells[0]);
        labelled.extend([line, ",", if stripe { "1" } else { "0" }, "\n"]);
    }
    std::fs::write(d.join("labelled.csv"), labelled).unwrap();
    let net = "--model dbn --layers 12,8 --batch-size 20 --learning-rate 0.3 --epochs 400 --label-column stripe";
    let fit = json(d, &format!("fit labelled.csv {net} --fine-tune-epochs 600 --fine-tune-rate 0.02 --out net --json"));
    assert_eq!((&fit["test"]["bound"], &fit["classifier"]["n"]), (&serde_json::json!(true), &serde_json::json!(40)));
    assert!(fit["classifier"]["accuracy"].as_f64().unwrap() > 0.9, "{}", fit["classifier"]);
    // Fair bits have -11.09.
    let mean = fit["test"]["log_likelihood"]["mean"].as_f64().unwrap();
    assert!(mean < 0.0 && mean > -11.0, "{mean}");
    assert!(ok(d, "info net").contains("16-12-8"));
    let said = ok(d, "eval net labelled.csv");
    assert!(said.contains("by draws, of a lower bound"), "{said}");
    ok(d, "sample net -n 30 --steps 20 --out s.npy");
    // The classifier names the classes of other rows, with probabilities that can be held against what they were.
    let found = json(d, "predict net labelled.csv -o p.csv --json");
    assert_eq!(found["accuracy"]["n"], 200);
    assert!(found["accuracy"]["accuracy"].as_f64().unwrap() > 0.9, "{found}");
    let table = text(&bytes(d, "p.csv"));
    assert_eq!(table.lines().next(), Some("p_0,p_1,outcome"));
    for line in table.lines().skip(1) {
        let p: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        assert!((p[0] + p[1] - 1.0).abs() < 1e-5 && p[0] >= 0.0 && p[1] >= 0.0, "{line}");
    }
    assert!(ok(d, "calibrate p.csv").contains("200"));
    // Rows that nobody has labelled are as good, for classes and for densities.
    assert_eq!(ok(d, "predict net bas.csv --quiet").lines().next(), Some("p_0,p_1"));
    assert_eq!(ok(d, "score net bas.csv --quiet").lines().count(), 201);
    // Without labels it is a density alone, and a killed run is the same run.
    let plain = "bas.csv --model dbn --layers 6,5,4 --batch-size 20 --updates 900 --monitor-every 60";
    survives_kills(d, "net", plain);
    assert!(json(d, &format!("fit {plain} --out plain --json"))["classifier"].is_null());
    let refused = gibbs(d, "predict plain bas.csv");
    assert!(
        !refused.status.success() && text(&refused.stderr).contains("has no classifier"),
        "{}",
        text(&refused.stderr)
    );
}

#[test]
fn an_rbm_becomes_the_first_layer() {
    let dir = folder();
    let d = dir.path();
    let rbm =
        "fit bas.csv --model rbm --hidden 6 --batch-size 20 --epochs 200 --learning-rate 0.3 --validation-fraction 0.2";
    ok(d, &format!("{rbm} --out first"));
    let before = json(d, "eval first --part test --json")["log_likelihood"]["mean"].as_f64().unwrap();
    let dbm = format!("bas.csv {DBM} --validation-fraction 0.2 --first-layer first");
    // With hardly any learning it is the RBM, and its bound the likelihood: weights of 0.001 on it change 1e-5 nats.
    ok(d, &format!("fit {dbm} --init-sd 0.001 --updates 1 --learning-rate 1e-9 --out start"));
    let after = json(d, "eval start --part test --json")["log_likelihood"]["mean"].as_f64().unwrap();
    assert!((before - after).abs() < 1e-3, "{before} {after}");
    survives_kills(d, "deep", &format!("{dbm} --epochs 60 --monitor-every 50"));
    for (line, wanted) in [
        ("--layers 5,4 --first-layer first", "6 hidden units"),
        ("--layers 6,4 --first-layer first --seed 3", "divided in another way"),
        ("--layers 6,4 --first-layer start", "not an RBM"),
        ("--layers 6,4 --first-layer nowhere", "nowhere"),
        ("--layers 6,4 --first-layer first --pretrain-updates 10", "--pretrain-updates"),
    ] {
        let output = gibbs(d, &format!("fit bas.csv --model dbm --validation-fraction 0.2 {line} --out r"));
        let said = text(&output.stderr);
        assert!(!output.status.success() && said.contains(wanted), "{line}: {said}");
    }
}

#[test]
fn killed_deep_runs_go_on_bit_by_bit() {
    let dir = folder();
    survives_kills(dir.path(), "joint", &format!("bas.csv {DBM} --epochs 60 --monitor-every 50"));
    let three = "--model dbm --layers 5,4,3 --batch-size 20 --pretrain-updates 120 --updates 700 --monitor-every 40";
    survives_kills(dir.path(), "greedy", &format!("bas.csv {three} --optimiser adam"));
}

#[test]
fn misuse_is_named() {
    let dir = folder();
    let d = dir.path();
    for (line, wanted) in [
        ("fit bas.csv --model dbm --layers 6 --out r", "--model rbm"),
        ("fit bas.csv --model dbm --layers 6,0 --out r", "--layers"),
        ("fit bas.csv --model dbm --mean-field-steps 0 --out r", "--mean-field-steps"),
        ("fit bas.csv --model dbm --pretrain-updates 500 --updates 900 --out r", "--pretrain-updates"),
        ("fit bas.csv --model dbm --objective exact --out r", "--objective exact"),
    ] {
        let output = gibbs(d, line);
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(text(&output.stderr).contains(wanted), "{line}: {}", text(&output.stderr));
    }
}
