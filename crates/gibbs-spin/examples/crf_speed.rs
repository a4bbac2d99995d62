//! Seconds of training of a conditional random field, on text that is made up: labels from a Markov chain, words from
//! their labels, features from the words around. With `--write FILE` the same features go to a file, for another program
//! to be timed beside (`record/peers/crf_suite.py`).
//!
//! ```text
//! cargo run --release -p gibbs-spin --example crf_speed -- [--quick] [--threads N] [--write FILE]
//! ```

use std::collections::HashMap;
use std::io::Write;
use std::time::Instant;

use gibbs_core::key::{Key, Rng};
use gibbs_core::optimisers::lbfgs::Stop;
use gibbs_spin::crf::{FitSettings, Labelled, Sequences, SparseRows, Support, fit};

const LABELS: usize = 9;
const L2: f64 = 1.0;

/// A word of the vocabulary: rank by a power law, so that few words are frequent and most are rare.
fn word(label: usize, n_words: usize, rng: &mut Rng) -> usize {
    let rank = ((n_words as f64).powf(rng.uniform()) - 1.0) as usize;
    // Three words in ten do not depend on the label.
    if rng.uniform() < 0.3 { rank } else { (rank * LABELS + label) % n_words }
}

/// Label, words and names of features of every token.
fn corpus(n_sentences: usize, key: &Key) -> Vec<Vec<(usize, Vec<String>)>> {
    let mut rng = key.rng();
    let n_words = 20_000;
    let mut sentence = || {
        let length = 5 + rng.below(20);
        let mut label = 0;
        let mut tokens = Vec::new();
        for _ in 0..length {
            label = if rng.uniform() < 0.6 { (label * 2 + rng.below(2)) % LABELS } else { rng.below(LABELS) };
            tokens.push((label, word(label, n_words, &mut rng)));
        }
        let at = |t: isize| usize::try_from(t).ok().and_then(|t| tokens.get(t)).map_or(-1, |w| w.1 as i64);
        let features = |t: usize| {
            let (t, mut names) = (t as isize, vec!["1".to_string()]);
            names.extend((-2..=2).map(|o| format!("w[{o}]={}", at(t + o))));
            names.extend([-1, 0].map(|o| format!("w[{o}:]={}|{}", at(t + o), at(t + o + 1))));
            // What stands for endings and shapes: classes of words of several sizes.
            names.extend([7, 31, 211, 1009].map(|m| format!("c{m}={}", at(t) % m)));
            names.extend([-1, 1].map(|o| format!("c[{o}]={}", at(t + o) % 31)));
            names
        };
        (0..length).map(|t| (tokens[t].0, features(t))).collect()
    };
    (0..n_sentences).map(|_| sentence()).collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| arguments.iter().position(|a| a == name).and_then(|i| arguments.get(i + 1));
    let quick = arguments.iter().any(|a| a == "--quick");
    let n_threads: usize = after("--threads").map_or(Ok(1), |n| n.parse())?;
    let text = corpus(if quick { 60 } else { 4_000 }, &Key::from_seed(0));
    if let Some(path) = after("--write") {
        let mut out = std::io::BufWriter::new(std::fs::File::create(path)?);
        for sentence in &text {
            for (label, names) in sentence {
                writeln!(out, "y{label}\t{}", names.join("\t"))?;
            }
            writeln!(out)?;
        }
        out.flush()?;
    }
    let begin = Instant::now();
    let mut index: HashMap<&str, u32> = HashMap::new();
    for name in text.iter().flatten().flat_map(|(_, names)| names) {
        let next = index.len() as u32;
        index.entry(name).or_insert(next);
    }
    let mut rows = SparseRows::new(index.len());
    for (_, names) in text.iter().flatten() {
        rows.push(names.iter().map(|n| (index[n.as_str()], 1.0)))?;
    }
    let labels = text.iter().flatten().map(|(label, _)| *label as u32).collect();
    let lengths: Vec<usize> = text.iter().map(Vec::len).collect();
    let data = Labelled::new(Sequences::new(rows, &lengths)?, labels, LABELS)?;
    println!(
        "{} sentences, {} tokens, {} features; dictionary in {:.2} s",
        lengths.len(),
        data.labels().len(),
        index.len(),
        begin.elapsed().as_secs_f64()
    );

    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build()?;
    let settings = FitSettings {
        l2: L2,
        stop: Stop { max_iterations: 300, gradient_norm: 1e-2, change: 1e-8, ..Stop::default() },
    };
    let begin = Instant::now();
    let mut trace = Vec::new();
    let (crf, found) = pool.install(|| {
        fit(&data, Support::observed(&data), &settings, |look| {
            trace.push((begin.elapsed().as_secs_f64(), look.value));
            true
        })
    })?;
    println!(
        "{} weights, {n_threads} threads: objective {:.4} after {} iterations, {} evaluations, {:.2} s, gradient {:.1e}",
        crf.weights().len(),
        found.value,
        found.iterations,
        found.evaluations,
        begin.elapsed().as_secs_f64(),
        found.gradient_norm
    );
    for tolerance in [1e-2, 1e-3, 1e-4, 1e-5] {
        if let Some((i, (seconds, _))) = trace.iter().enumerate().find(|(_, t)| t.1 <= found.value * (1.0 + tolerance))
        {
            println!("within {tolerance:e} of it: {seconds:.3} s, {} iterations", i + 1);
        }
    }
    Ok(())
}
