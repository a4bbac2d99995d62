//! Label sequences by the commands: fit, tag, scores, and failures that are said.

mod common;

use common::{bytes, gibbs, json, ok, text};

/// Sentences in which a name begins with a capital and is a place after "in", a person otherwise.
fn sentences(n: usize) -> String {
    let (people, places) = (["Ann", "Boltzmann", "Carl", "Dora"], ["Graz", "Vienna", "Lima"]);
    let one = |i: usize| {
        let (who, place) = (people[i % 4], places[i * 7 % 3]);
        match i % 3 {
            0 => format!("{who} B-PER\nlives O\nin O\n{place} B-LOC\n. O\n\n"),
            1 => format!("in O\nNew B-LOC\n{place} I-LOC\nit O\nrains O\n\n"),
            _ => format!("we O\nmet O\n{who} B-PER\nJones I-PER\n\n"),
        }
    };
    (0..n).map(one).collect()
}

#[test]
fn from_sentences_to_labels() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    std::fs::write(d.join("train.conll"), sentences(90)).unwrap();
    // Same words, another order.
    std::fs::write(d.join("test.conll"), sentences(97).split_inclusive("\n\n").skip(61).collect::<String>()).unwrap();
    let fit = json(d, "fit train.conll --model crf --l2 0.1 --out run --json");
    assert!(fit["converged"].as_bool().unwrap() && fit["validation"]["spans"]["f1"].as_f64().unwrap() > 0.99, "{fit}");
    assert!(text(&bytes(d, "run/report.html")).contains("How well labels are found"));
    assert!(text(&bytes(d, "run/metrics.jsonl")).lines().count() as u64 == fit["iterations"].as_u64().unwrap());
    assert!(ok(d, "info run").contains("held out"));

    let scores = json(d, "tag run test.conll -o out.conll --json");
    assert_eq!(scores["evaluation"]["accuracy"], 1.0, "{scores}");
    let tagged = text(&bytes(d, "out.conll"));
    assert!(tagged.lines().filter(|l| !l.is_empty()).all(|l| l.split(' ').count() == 3), "{tagged}");
    // Without labels the same ones are found, and nothing is scored.
    let bare: String =
        text(&bytes(d, "test.conll")).lines().map(|l| l.split(' ').next().unwrap().to_string() + "\n").collect();
    std::fs::write(d.join("bare.conll"), bare).unwrap();
    let found = json(d, "tag run bare.conll --json");
    let labels: Vec<&str> = found["labels"].as_array().unwrap().iter().map(|l| l.as_str().unwrap()).collect();
    let wanted: Vec<&str> = tagged.lines().filter_map(|l| l.split(' ').nth(2)).collect();
    assert!(labels == wanted && found["evaluation"].is_null());
}

#[test]
fn threads_do_not_matter_and_a_configuration_is_a_fit() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    std::fs::write(d.join("train.conll"), sentences(60)).unwrap();
    ok(d, "fit train.conll --model crf --all-labels --window 1 --threads 1 --out one --quiet");
    ok(d, "fit --config one/config.toml --threads 3 --out three --quiet");
    assert!(bytes(d, "one/model.safetensors") == bytes(d, "three/model.safetensors"));
    assert!(bytes(d, "one/config.toml") == bytes(d, "three/config.toml"));
}

#[test]
fn failures_are_said() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    std::fs::write(d.join("train.conll"), sentences(30)).unwrap();
    ok(d, "fit train.conll --model crf --iterations 5 --out run --quiet");
    let fails = |line: &str, code: i32, words: &str| {
        let output = gibbs(d, line);
        let message = text(&output.stderr);
        assert!(output.status.code() == Some(code) && message.contains(words), "{line}: {message}");
    };
    std::fs::write(d.join("unknown.conll"), "Ann B-PER\nsings B-VERB\n").unwrap();
    fails("tag run unknown.conll", 3, "row 2: the label \"B-VERB\" was not met in training");
    std::fs::write(d.join("ragged.conll"), "Ann B-PER\nsings\n").unwrap();
    fails("tag run ragged.conll", 3, "row 2");
    std::fs::write(d.join("wide.conll"), "a b c d\n").unwrap();
    fails("tag run wide.conll", 3, "4 columns");
    fails("fit train.conll --model crf --hidden 3 --out other", 2, "--min-count");
    fails("fit train.conll --model crf --l2 -1 --out other", 2, "--l2");
    fails("fit digits --model rbm --window 3 --out other", 2, "--model crf");
    fails("fit --resume --out run", 2, "--force");
    fails("sample run --out s.csv", 4, "gibbs tag");
    fails("tag nowhere train.conll", 4, "no such run");
    // A damaged model is an error, not a crash.
    let mut model = bytes(d, "run/model.safetensors");
    model.truncate(model.len() - 9);
    std::fs::write(d.join("run/model.safetensors"), model).unwrap();
    fails("tag run train.conll", 4, "damaged");
}
