//! The log-likelihood while training, from both sides and followed from look to look; and brackets that are killed.

mod common;

use std::time::Duration;

use common::{json, metrics, ok, survives_kills};
use serde_json::Value;

/// An RBM whose log Z can be summed (2^22 terms) and whose samples come from chains. Each interval is meant to hold the exact
/// value with 95 % or more: of 12, more than three misses have probability 0.002.
#[test]
fn followed_intervals_hold_the_exact_value() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    let line = "fit digits --model rbm --binarize 8 --hidden 22 --objective pcd --updates 240 --monitor-every 20 \
                --patience 0 --quiet";
    ok(d, &format!("{line} --log-z ais --monitor log-likelihood --out followed"));
    ok(d, &format!("{line} --log-z exact --out exact"));
    let (followed, exact) = (metrics(d, "followed"), metrics(d, "exact"));
    assert_eq!((followed.len(), exact.len()), (12, 12));
    let number = |v: &Value| v.as_f64().unwrap();
    let (mut held, mut planted) = (0, 0);
    for (f, e) in followed.iter().zip(&exact) {
        let truth = number(&e["validation_log_likelihood"]);
        let [low, high] = [0, 1].map(|k| number(&f["interval"][k]));
        let value = number(&f["validation_log_likelihood"]);
        assert!(low < value && value < high && high - low < 1.0 && e["interval"].is_null(), "{f} {e}");
        assert_eq!(f["log_z_verdict"], "plausible", "{f}");
        held += usize::from(low <= truth && truth <= high);
        planted += usize::from(low <= truth + 1.0 && truth + 1.0 <= high);
    }
    assert!(held >= 9 && planted == 0, "{held} of 12, {planted} of those that are a nat off");
    let page = std::fs::read_to_string(d.join("followed/report.html")).unwrap();
    assert!(page.contains("fill-opacity") && page.contains("The band is the interval"), "a band is drawn");
}

#[test]
fn followed_fits_survive_kills() {
    let dir = tempfile::tempdir().unwrap();
    let rest =
        "--updates 60 --monitor-every 10 --log-z ais --ais-chains 50 --ais-temperatures 200 --monitor log-likelihood";
    survives_kills(dir.path(), "rbm", &format!("digits --model rbm --binarize 8 --hidden 22 --objective pcd {rest}"));
    survives_kills(dir.path(), "net", &format!("moons --rows 400 --layers 8,8 --batch-size 100 {rest}"));
}

/// Killed wherever it happens to be, `gibbs logz` goes on from its finished rounds to the same bits.
#[test]
fn brackets_survive_kills() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    ok(
        d,
        "fit digits --model rbm --binarize 8 --hidden 22 --objective pcd --updates 240 --log-z ais --ais-temperatures 200 --quiet --out run",
    );
    let line = "logz run --width 0.0005 --moves 2000000 --start-steps 200 --json --quiet";
    let whole = json(d, line);
    assert!(whole["rounds"].as_u64() > Some(1), "{whole}");
    std::fs::remove_file(d.join("run/logz.safetensors")).unwrap();
    for attempt in 0..4 {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gibbs"));
        command.current_dir(d).args(line.split_whitespace()).stdout(std::process::Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(100 + 250 * attempt));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // Once whole, the same command finds every round.
    for _ in 0..2 {
        let mut now = json(d, line);
        now["seconds"] = whole["seconds"].clone();
        assert_eq!(now, whole);
    }
    // Another seed begins anew.
    assert_ne!(json(d, &format!("{line} --seed 1"))["log_z"], whole["log_z"]);
}
