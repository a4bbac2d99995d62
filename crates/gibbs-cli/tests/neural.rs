//! Networks as energies by the commands: the whole path, reproducibility, and failures that are said.

mod common;

use common::{bytes, gibbs, json, metrics, ok, survives_kills, text};

const SMALL: &str = "moons --rows 1200 --layers 16,16 --n-chains 128 --mcmc-steps 5 --batch-size 300";

#[test]
fn from_a_table_to_its_regret() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    let fit = gibbs(d, &format!("fit {SMALL} --updates 400 --monitor-every 100 --animate --out run"));
    assert!(fit.status.success() && text(&fit.stdout).contains("regret"), "{}", text(&fit.stdout));
    assert!(bytes(d, "run/landscape.gif").starts_with(b"GIF89a"));
    assert_eq!(std::fs::read_dir(d.join("run/frames")).unwrap().count(), 4);
    let page = text(&bytes(d, "run/report.html"));
    for part in ["Landscape", "Regret against the true density", "long chains", "short runs"] {
        assert!(page.contains(part), "no {part:?} in the report");
    }
    let eval = json(d, "eval run --part test --mmd 200 --bandwidth 0.3 --steps 50 --json");
    assert!(eval["samples"]["mmd_squared"].as_f64().unwrap().abs() < 0.5, "{eval}");
    assert!(eval["log_z"]["method"].as_str().unwrap().starts_with("quadrature"), "{eval}");
    let regret = eval["regret"]["mean"].as_f64().unwrap();
    assert!((0.0..1.0).contains(&regret), "{eval}");
    for m in metrics(d, "run") {
        assert!(["loss", "gradient_norm", "accuracy"].iter().all(|k| m[k].is_number()), "{m}");
    }
    ok(d, "sample run -n 50 --out s.csv");
    assert_eq!(text(&bytes(d, "s.csv")).lines().count(), 51);
    assert!(ok(d, "info run").contains("16-16"));
    ok(d, "score run s.csv --out scored.csv");
}

#[test]
fn what_training_saw_is_on_record() {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), &format!("fit {SMALL} --objective pcd --updates 20 --monitor-every 10 --quiet --out run"));
    for m in metrics(dir.path(), "run") {
        for key in ["energy_gap", "gradient_norm", "acceptance", "distance", "buffer_age", "chain_scale"] {
            assert!(m[key].is_number(), "{key}: {m}");
        }
    }
}

#[test]
fn threads_do_not_matter() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    let objectives = ["nce", "pcd", "cd", "short-run", "conditional-nce", "sm", "ssm", "fd-ssm", "dsm"];
    for (objective, data) in
        objectives.map(|o| (o, SMALL)).into_iter().chain([("pcd", "digits --model conv --layers 4,4 --batch-size 64")])
    {
        for threads in [1, 2, 16] {
            ok(
                d,
                &format!(
                    "fit {data} --objective {objective} --updates 6 --log-z none --threads {threads} \
                     --out r{threads} --force --quiet"
                ),
            );
        }
        for file in ["model.safetensors", "state.safetensors"] {
            let one = bytes(d, &format!("r1/{file}"));
            assert!(one == bytes(d, &format!("r2/{file}")), "{objective} on {data}: {file}");
            assert!(one == bytes(d, &format!("r16/{file}")), "{objective} on {data}: {file}");
        }
    }
}

#[test]
fn a_killed_run_goes_on_as_if_nothing_had_happened() {
    let dir = tempfile::tempdir().unwrap();
    for objective in ["nce", "pcd"] {
        let arguments =
            format!("{SMALL} --objective {objective} --updates 400 --monitor-every 20 --log-z none --animate");
        survives_kills(dir.path(), objective, &arguments);
        let film = |run: &str| bytes(dir.path(), &format!("{run}-{objective}/landscape.gif"));
        assert!(film("whole") == film("killed"), "{objective}");
    }
}

#[test]
fn divergence_keeps_the_last_good_model() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    let line = format!("fit {SMALL} --objective ssm --updates 400 --monitor-every 5 --clip 0 --lr 1e18 --out run");
    let output = gibbs(d, &line);
    assert_eq!(output.status.code(), Some(5), "{}", text(&output.stderr));
    assert!(text(&bytes(d, "run/manifest.json")).contains("diverged"));
    assert!(ok(d, "info run").contains("2-16-16-1"));
}

#[test]
fn failures_are_said() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    // Columns of very different scales, left as they are: noise of the same variance in each is told from data at once.
    let row = |i: i32| format!("{},{}\n", 1e-4 * f64::from(i) + 0.01 * f64::from(i % 7), 1e4 * f64::from(i * 37 % 300));
    let rows = (0..300).map(row).collect::<Vec<_>>().concat();
    std::fs::write(d.join("scales.csv"), format!("a,b\n{rows}")).unwrap();
    let fit = gibbs(
        d,
        "fit scales.csv --model mlp --scale none --layers 8 --noise uniform --updates 60 --monitor-every 10 --out scales",
    );
    assert!(text(&fit.stderr).contains("--scale standard"), "{}", text(&fit.stderr));
    let improper = gibbs(d, &format!("fit {SMALL} --confinement 0 --updates 5 --out improper"));
    assert!(text(&improper.stderr).contains("improper"), "{}", text(&improper.stderr));
    let alien = gibbs(d, "fit digits --model rbm --animate --updates 2 --out alien");
    assert_eq!(alien.status.code(), Some(2), "{}", text(&alien.stderr));
}
