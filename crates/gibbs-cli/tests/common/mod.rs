//! What the tests of the commands share.
#![allow(dead_code, reason = "each test binary uses some of it")]

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use assert_cmd::Command;
use serde_json::Value;

pub fn gibbs(dir: &Path, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gibbs"));
    let output = command.current_dir(dir).args(line.split_whitespace()).output().unwrap();
    assert!(!text(&output.stderr).contains("panicked"), "{line}: {}", text(&output.stderr));
    output
}

pub fn ok(dir: &Path, line: &str) -> String {
    let output = gibbs(dir, line);
    assert!(output.status.success(), "{line}: {}", text(&output.stderr));
    text(&output.stdout)
}

pub fn json(dir: &Path, line: &str) -> Value {
    serde_json::from_str(&ok(dir, line)).unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn bytes(dir: &Path, file: &str) -> Vec<u8> {
    std::fs::read(dir.join(file)).unwrap()
}

/// Looks of a run, but for the seconds that they took.
pub fn metrics(dir: &Path, run: &str) -> Vec<Value> {
    let parse = |l: &str| {
        let mut m: Value = serde_json::from_str(l).unwrap();
        m["seconds"] = Value::Null;
        m
    };
    text(&bytes(dir, &format!("{run}/metrics.jsonl"))).lines().map(parse).collect()
}

/// Asserts that `fit` with these arguments ends in the same files when it is killed, wherever it happens to be, several
/// times over and goes on each time.
pub fn survives_kills(dir: &Path, name: &str, arguments: &str) {
    let line = format!("fit {arguments} --quiet --out");
    let (whole, killed) = (format!("whole-{name}"), format!("killed-{name}"));
    ok(dir, &format!("{line} {whole}"));
    for attempt in 0..4u64 {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gibbs"));
        if attempt == 0 {
            command.args(line.split_whitespace()).arg(&killed);
        } else {
            command.args(["fit", "--resume", "--quiet", "--out", &killed]);
        }
        let mut child = command.current_dir(dir).stdout(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(60 + 70 * attempt));
        child.kill().unwrap();
        child.wait().unwrap();
        if !dir.join(&killed).join("manifest.json").exists() {
            // Killed before the run existed: nothing to resume, so begin again.
            ok(dir, &format!("{line} {killed} --force"));
            break;
        }
    }
    ok(dir, &format!("fit --resume --quiet --out {killed}"));
    for file in ["model.safetensors", "state.safetensors", "split.json"] {
        assert!(bytes(dir, &format!("{whole}/{file}")) == bytes(dir, &format!("{killed}/{file}")), "{name}: {file}");
    }
    assert_eq!(metrics(dir, &whole), metrics(dir, &killed), "{name}");
}
