//! `gibbs denoise` as a stranger runs it.

mod common;

use std::path::Path;

use common::{bytes, gibbs, json, ok, text};
use gibbs::core::key::Key;
use gibbs::data::Picture;
use gibbs::denoise::write_png;

fn write(dir: &Path, name: &str, channels: usize, sample: impl Fn(usize, usize, usize) -> u8) {
    let (height, width) = (48, 64);
    let at = |k: usize| sample(k / channels / width, k / channels % width, k % channels);
    let samples = (0..height * width * channels).map(at).collect();
    write_png(&dir.join(name), &Picture { height, width, channels, samples }).unwrap();
}

fn is_ink(i: usize, j: usize) -> bool {
    (8..40).contains(&i) && (10..30).contains(&j) || (20..30).contains(&i) && (30..60).contains(&j)
}

/// A clean and a noisy picture of two values, and of grey ones in one and three channels.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut rng = Key::from_seed(1).rng();
    let (flips, normals): (Vec<f64>, Vec<f64>) = (0..48 * 64 * 3).map(|_| (rng.uniform(), rng.normal())).unzip();
    let clean = |i, j| if is_ink(i, j) { 255 } else { 0 };
    write(dir.path(), "clean.png", 1, |i, j, _| clean(i, j));
    write(dir.path(), "noisy.png", 1, |i, j, _| clean(i, j) ^ if flips[i * 64 + j] < 0.1 { 255 } else { 0 });
    let grey = |i: usize, j: usize| if is_ink(i, j) { 180.0 } else { 60.0 + j as f64 };
    write(dir.path(), "grey.png", 1, |i, j, _| grey(i, j) as u8);
    let noisy = |k: usize, v: f64| (v + 15.0 * normals[k]).clamp(0.0, 255.0) as u8;
    write(dir.path(), "noisy-grey.png", 1, |i, j, _| noisy(i * 64 + j, grey(i, j)));
    write(dir.path(), "noisy-colour.png", 3, |i, j, c| noisy((i * 64 + j) * 3 + c, grey(i, j) - 20.0 * c as f64));
    dir
}

#[test]
fn every_method_restores_a_binary_picture() {
    let dir = folder();
    let d = dir.path();
    let mut energies = Vec::new();
    for method in ["marginals", "icm", "mean-field", "bp", "annealing"] {
        let r = json(d, &format!("denoise noisy.png -o out.png --clean clean.png --method {method} --json"));
        let rate = |when: &str| r[when]["error_rate"].as_f64().unwrap();
        assert!(rate("before") > 0.08 && rate("after") < 0.03, "{method}: {r}");
        assert!(r["after"]["psnr"].is_null() || r["after"]["psnr"].as_f64() > r["before"]["psnr"].as_f64());
        let noise = r["channels"][0]["noise"].as_f64().unwrap();
        assert!((noise - 0.1).abs() < 0.03, "{noise}");
        energies.push((r["channels"][0]["energy"].as_f64().unwrap(), method));
    }
    let lowest = energies.iter().min_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    assert!(energies.iter().any(|e| e.1 == "annealing" && e.0 <= lowest.0 + 1e-9), "{energies:?}");
}

#[test]
fn the_picture_does_not_depend_on_threads() {
    let dir = folder();
    let d = dir.path();
    for (model, input) in [("ising", "noisy.png"), ("levels", "noisy-grey.png")] {
        let line = format!("denoise {input} --model {model} --levels 8 --sweeps 40 --quiet");
        ok(d, &format!("{line} -o one.png --threads 1"));
        ok(d, &format!("{line} -o two.png --threads 2"));
        assert!(bytes(d, "one.png") == bytes(d, "two.png"), "{model}");
        ok(d, &format!("{line} -o other.png --seed 1"));
    }
}

#[test]
fn grey_and_colour_come_nearer_to_the_clean_picture() {
    let dir = folder();
    let d = dir.path();
    let line = "denoise noisy-grey.png -o out.png --clean grey.png --sweeps 100 --json";
    for more in ["", "--model potts", "--method mean-field", "--method icm --levels 16"] {
        let r = json(d, &format!("{line} {more}"));
        let psnr = |when: &str| r[when]["psnr"].as_f64().unwrap();
        assert!(psnr("after") > psnr("before") + 1.0, "{more}: {r}");
    }
    let r = json(d, "denoise noisy-colour.png -o colour.png --levels 16 --sweeps 60 --report page.html --json");
    assert_eq!((r["channels"].as_array().unwrap().len(), &r["model"]), (3, &"levels".into()));
    assert_eq!(Picture::read(&d.join("colour.png"), 1 << 20).unwrap().channels, 3);
    let page = text(&bytes(d, "page.html"));
    assert!(page.contains("Denoised picture") && page.contains("noisy, restored"));
}

#[test]
fn bad_input_is_named() {
    let dir = folder();
    let d = dir.path();
    let fails = |line: &str, code: i32, words: &[&str]| {
        let output = gibbs(d, &format!("denoise {line} -o out.png"));
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{line}: {message}");
        words.iter().for_each(|w| assert!(message.contains(w), "{line}: {message}"));
    };
    fails("nowhere.png", 3, &["nowhere.png"]);
    fails("noisy-grey.png --model ising", 2, &["two values", "levels"]);
    fails("noisy.png --noise 0.7", 2, &["--noise", "below 0.5"]);
    fails("noisy.png --coupling -1", 2, &["--coupling"]);
    fails("noisy.png --coupling much", 2, &["a number or auto"]);
    fails("noisy.png --neighbours 6", 2, &["4, 8 or 24"]);
    fails("noisy.png --neighbours 24 --coupling 0.5", 2, &["--coupling", "auto"]);
    fails("noisy-grey.png --levels 1", 2, &["2 to 256"]);
    fails("noisy.png --clean noisy-colour.png", 2, &["1 channels", "3 channels"].map(|_| "channels"));
    std::fs::write(d.join("broken.png"), &bytes(d, "noisy.png")[..60]).unwrap();
    fails("broken.png", 3, &["broken.png"]);
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../gibbs-data/tests/golden/pictures");
    fails(&format!("{golden}/e_sixteen_bit.png"), 2, &["16 bits"]);
    // A picture of one value stays as it is.
    write(d, "flat.png", 1, |_, _, _| 7);
    ok(d, "denoise flat.png -o out.png");
    assert!(Picture::read(&d.join("out.png"), 1 << 20).unwrap().samples.iter().all(|s| *s == 7));
}
