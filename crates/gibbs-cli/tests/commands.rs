//! The commands as a stranger runs them: exit status, files, JSON, reproducibility, and errors in plain words.

mod common;

use std::time::Duration;

use common::{bytes, gibbs, json, ok, survives_kills, text};
use tempfile::TempDir;

/// A folder with a small binary table.
fn folder() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), "data make bars-and-stripes -n 200 --out bas.csv");
    dir
}

const SMALL: &str = "--hidden 4 --epochs 6 --batch-size 20";

#[test]
fn from_a_table_to_its_likelihood() {
    let dir = folder();
    let d = dir.path();
    let fit = gibbs(d, &format!("fit bas.csv {SMALL} --out run"));
    assert!(text(&fit.stderr).contains("picked: RBM 16 x 4"), "{}", text(&fit.stderr));
    for file in [
        "config.toml",
        "manifest.json",
        "model.safetensors",
        "state.safetensors",
        "split.json",
        "metrics.jsonl",
        "evaluation.json",
        "report.html",
    ] {
        assert!(d.join("run").join(file).exists(), "{file}");
    }
    for line in ["eval run --part test --json", "eval run bas.csv --json", "eval run bas.csv --log-z ais --json"] {
        let e = json(d, line);
        for key in ["n", "pseudo_log_likelihood", "bits_per_dim"] {
            assert!(e[key].is_number(), "{line}: {key}");
        }
        for key in ["mean", "std_err", "lower", "upper"] {
            assert!(e["log_likelihood"][key].is_number(), "{line}: {key}");
        }
        assert!(
            e["log_z"]["value"].is_number() && e["log_z"]["std_err"].is_number() && e["log_z"]["method"].is_string()
        );
        let bias = if line.contains("ais") { "lower" } else { "exact" };
        assert_eq!(e["log_z"]["bias"], bias);
    }
    let log_z = json(d, "eval run bas.csv --json")["log_z"]["value"].as_f64().unwrap();
    ok(d, "score run bas.csv --out scores.csv");
    let scores = text(&bytes(d, "scores.csv"));
    assert_eq!(scores.lines().count(), 201);
    for line in scores.lines().skip(1) {
        let cells: Vec<f64> = line.split(',').map(|c| c.parse().unwrap()).collect();
        assert!((cells[2] + cells[1] + log_z).abs() < 1e-9);
    }
    ok(d, "sample run -n 300 --steps 20 --out s.npy");
    assert_eq!(bytes(d, "s.npy").len(), 128 + 300 * 16);
    ok(d, "sample run -n 3 --steps 20 --out s.csv");
    assert_eq!(text(&bytes(d, "s.csv")).lines().count(), 4);
    ok(d, "sample run -n 3 --steps 20 --out s.parquet");
    assert_eq!(&bytes(d, "s.parquet")[..4], b"PAR1");
    assert!(ok(d, "info run").contains("16 visible x 4 hidden"));
    assert!(json(d, "info run --json")["manifest"]["data_sha256"].is_string());
    assert!(ok(d, "data list").contains("digits"));
    assert!(ok(d, "completions bash").contains("gibbs"));
    let html = text(&bytes(d, "run/report.html"));
    assert!(!html.contains("https:") && html.contains("<svg"));
}

#[test]
fn a_later_table_may_hold_other_columns() {
    let dir = folder();
    let d = dir.path();
    ok(d, &format!("fit bas.csv {SMALL} --out run --quiet"));
    let scores = ok(d, "score run bas.csv --quiet");
    let table = text(&bytes(d, "bas.csv"));
    let write = |name: &str, line: fn(usize, &str) -> String| {
        let lines = table.lines().enumerate().map(|(i, l)| line(i, l));
        std::fs::write(d.join(name), lines.collect::<String>()).unwrap();
    };
    // A column of text and one of numbers beside those of the fit.
    write("wide.csv", |i, l| if i == 0 { format!("id,{l},new\n") } else { format!("r{i},{l},7.5\n") });
    assert_eq!(ok(d, "score run wide.csv --quiet"), scores);
    ok(d, &format!("fit wide.csv --drop id,new {SMALL} --out again --quiet"));
    assert_eq!(ok(d, "score again wide.csv --quiet"), scores);
    ok(d, "impute run wide.csv --out full.csv");
    assert_eq!(bytes(d, "full.csv"), bytes(d, "bas.csv"));
    // By their places columns must be the fit's and no others.
    write("places.csv", |i, l| if i == 0 { String::new() } else { format!("{l}\n") });
    assert_eq!(ok(d, "score run places.csv --quiet"), scores);
    write("more.csv", |i, l| if i == 0 { String::new() } else { format!("{l},0\n") });
    let refused = gibbs(d, "score run more.csv");
    assert_eq!(refused.status.code(), Some(3));
    assert!(text(&refused.stderr).contains("17 columns") && text(&refused.stderr).contains("in order"));
}

#[test]
fn a_run_may_have_the_name_of_its_set() {
    let dir = tempfile::tempdir().unwrap();
    for out in ["digits", "again"] {
        ok(dir.path(), &format!("fit digits --hidden 4 --epochs 1 --out {out}"));
    }
    assert_eq!(bytes(dir.path(), "digits/model.safetensors"), bytes(dir.path(), "again/model.safetensors"));
}

#[test]
fn the_configuration_of_a_run_makes_the_same_run() {
    let dir = folder();
    let d = dir.path();
    ok(d, &format!("fit bas.csv {SMALL} --objective pcd --seed 3 --out a --quiet"));
    ok(d, "fit --config a/config.toml --out b --quiet");
    assert_eq!(bytes(d, "a/model.safetensors"), bytes(d, "b/model.safetensors"));
    assert_eq!(bytes(d, "a/config.toml"), bytes(d, "b/config.toml"));
}

/// Ways to learn an RBM.
const WAYS: [(&str, &str); 4] = [
    ("exact", "--objective exact"),
    ("pcd", "--objective pcd"),
    ("cd", "--objective cd"),
    ("tempered", "--objective pcd --temperatures 3 --n-chains 20"),
];

#[test]
fn threads_do_not_matter() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    for (name, flags) in WAYS {
        for threads in [1, 2, 16] {
            let line = format!(
                "fit digits --hidden 12 --epochs 2 {flags} --average 0.9 --threads {threads} --out {name}{threads} --quiet"
            );
            ok(d, &line);
        }
        let one = bytes(d, &format!("{name}1/model.safetensors"));
        assert!(one == bytes(d, &format!("{name}2/model.safetensors")), "{name}");
        assert!(one == bytes(d, &format!("{name}16/model.safetensors")), "{name}");
    }
}

#[test]
fn a_killed_run_goes_on_as_if_nothing_had_happened() {
    let dir = tempfile::tempdir().unwrap();
    for (name, flags) in WAYS.iter().filter(|w| w.0 != "cd") {
        survives_kills(dir.path(), name, &format!("digits --hidden 12 {flags} --epochs 60 --monitor-every 15"));
    }
}

#[test]
fn imported_models_are_runs() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    std::fs::write(d.join("w.csv"), "0.5,-1\n2,0.25\n-0.75,1\n").unwrap();
    std::fs::write(d.join("b.csv"), "0.1\n-0.2\n0.3\n").unwrap();
    std::fs::write(d.join("c.csv"), "0.4\n-0.6\n").unwrap();
    std::fs::write(d.join("x.csv"), "1,0,1\n0,1,1\n").unwrap();
    let line = "import rbm --weights w.csv --visible-bias b.csv --hidden-bias c.csv --out run";
    ok(d, line);
    let (w, b, c) = ([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.0]], [0.1, -0.2, 0.3], [0.4, -0.6]);
    let free = |v: [f64; 3]| -> f64 {
        let visible: f64 = (0..3).map(|i| v[i] * b[i]).sum();
        let hidden = |j: usize| (c[j] + (0..3).map(|i| v[i] * w[i][j]).sum::<f64>()).exp().ln_1p();
        visible + hidden(0) + hidden(1)
    };
    let z: f64 = (0..8).map(|s| free([f64::from(s & 1), f64::from(s >> 1 & 1), f64::from(s >> 2)]).exp()).sum();
    let e = json(d, "eval run x.csv --json");
    assert!((e["log_z"]["value"].as_f64().unwrap() - z.ln()).abs() < 1e-5);
    let mean = f64::midpoint(free([1.0, 0.0, 1.0]), free([0.0, 1.0, 1.0])) - z.ln();
    assert!((e["log_likelihood"]["mean"].as_f64().unwrap() - mean).abs() < 1e-5);
    assert_eq!(gibbs(d, "eval run --part test").status.code(), Some(4));
}

#[test]
fn bad_input_is_said_in_plain_words() {
    let dir = folder();
    let d = dir.path();
    ok(d, &format!("fit bas.csv {SMALL} --out run --quiet"));
    let write = |name: &str, content: &str| std::fs::write(d.join(name), content).unwrap();
    write("empty.csv", "");
    write("ragged.csv", "a,b\n1,0\n1\n");
    write("text.csv", "a,b\n1,0\n1,yes\n");
    write("missing.csv", "a,b\n1,0\n,1\n");
    write("infinite.csv", "a,b\n1,0\n1,inf\n");
    write("grey.csv", "a,b\n1.5,2\n3,4\n");
    write("unknown.toml", "hiden = 3\n");
    write("file", "");
    write("far.json", "{\"train\": [0, 999], \"test\": [1]}");
    std::fs::create_dir(d.join("cut")).unwrap();
    for file in ["manifest.json", "config.toml"] {
        std::fs::copy(d.join("run").join(file), d.join("cut").join(file)).unwrap();
    }
    let model = bytes(d, "run/model.safetensors");
    std::fs::write(d.join("cut/model.safetensors"), &model[..model.len() / 2]).unwrap();
    for (name, format) in [("newer", 99), ("older", 0)] {
        std::fs::create_dir(d.join(name)).unwrap();
        let manifest = text(&bytes(d, "run/manifest.json")).replace("\"format\": 1", &format!("\"format\": {format}"));
        write(&format!("{name}/manifest.json"), &manifest);
    }
    let cases: [(&str, i32, &str); 26] = [
        ("fit empty.csv --out x", 3, "empty"),
        ("fit ragged.csv --out x", 3, "row 3"),
        ("fit text.csv --out x", 3, "yes"),
        ("fit missing.csv --out x", 3, "column \"a\""),
        ("fit infinite.csv --out x", 3, "row 3"),
        ("fit grey.csv --visible bernoulli --out x", 3, "--binarize"),
        ("fit nowhere.csv --out x", 3, "nowhere.csv"),
        ("fit digts --out x", 2, "digits"),
        ("fit mnist --data-dir nowhere --out x", 3, "train-images"),
        ("fit bas.csv --out run", 4, "--force"),
        ("fit bas.csv --out file", 4, "file"),
        ("fit bas.csv --config unknown.toml --out x", 2, "`hidden`"),
        ("fit bas.csv --hidden 0 --out x", 2, "--hidden"),
        ("fit bas.csv --objective cd --temperatures 3 --out x", 2, "--objective pcd"),
        ("fit bas.csv --batch-size 0 --out x", 2, "--batch-size"),
        ("fit bas.csv --learning-rate -1 --out x", 2, "--learning-rate"),
        ("fit bas.csv --split-file far.json --out x", 3, "999"),
        ("fit bas.csv --threads 0 --out x", 2, "--threads"),
        ("fit bas.csv --binarize much --out x", 2, "much"),
        ("fit --resume --hidden 3 --out run", 2, "--resume"),
        ("eval run grey.csv", 3, "2 columns"),
        ("eval cut bas.csv", 4, "damaged"),
        ("eval newer bas.csv", 4, "newer"),
        ("eval older bas.csv", 4, "fit again"),
        ("eval nowhere bas.csv", 4, "nowhere"),
        ("sample run --out s.txt", 2, ".npy"),
    ];
    for (line, status, word) in cases {
        let output = gibbs(d, line);
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{line}: {message}");
        assert!(message.contains(word), "{line}: {message}");
        assert!(!d.join("x").exists(), "{line} left a run behind");
    }
}

#[test]
fn a_handful_of_rows_is_enough_to_run() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    for rows in [1, 2, 5] {
        std::fs::write(d.join("t.csv"), format!("a,b\n{}", "1,0\n".repeat(rows))).unwrap();
        ok(d, "fit t.csv --hidden 2 --epochs 5 --out run --force --quiet");
        ok(d, "report run");
        assert!(json(d, "eval run t.csv --json")["log_likelihood"]["mean"].is_number());
    }
}

#[test]
fn divergence_keeps_the_last_good_model() {
    let dir = folder();
    let d = dir.path();
    let output = gibbs(d, "fit bas.csv --hidden 4 --objective pcd --learning-rate 1e30 --monitor-every 1 --out run");
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{message}");
    assert!(message.contains("diverged at step") && message.contains("not finite"), "{message}");
    ok(d, "info run");
    assert!(text(&bytes(d, "run/manifest.json")).contains("diverged"));
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_says_how_to_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gibbs"));
    let line = "fit digits --hidden 16 --objective pcd --epochs 100000 --out run";
    let child =
        command.current_dir(dir.path()).args(line.split(' ')).stderr(std::process::Stdio::piped()).spawn().unwrap();
    // Training has begun once there is a line of metrics.
    for _ in 0..600 {
        if dir.path().join("run/metrics.jsonl").exists() || dir.path().join("run/manifest.json").exists() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_millis(300));
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(text(&output.stderr).contains("gibbs fit --resume --out run"));
    assert!(text(&bytes(dir.path(), "run/manifest.json")).contains("interrupted"));
}

#[test]
fn help_names_every_command() {
    let dir = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(ok(dir.path(), "--help"));
}
