//! Handwritten words as label sequences: three conditional random fields, from pixels to hidden units.
//!
//! ```text
//! cargo run --release -p gibbs-spin --example ocr -- ocr_taskar.mat [pixels|pairs|hidden] [--folds] [--l2 X] ...
//! ```
//! `--quick` takes made-up words instead of a file. `--folds` scores by three-fold cross-validation over the training words
//! and does not look at the test words, which is how settings were chosen.
//!
//! Data: Kassel 1995, as prepared by Taskar, Guestrin & Koller 2003 (NIPS 16): letters of 16 x 8 pixels, words without
//! their first letter.

use std::collections::HashMap;
use std::time::Instant;

use gibbs_core::key::{Key, Purpose};
use gibbs_core::optimisers::lbfgs::Stop;
use gibbs_data::mat::{self, MatArray};
use gibbs_spin::crf::{
    Activation, FitSettings, HiddenChain, HiddenSettings, Labelled, Sequences, SparseRows, Support, fit,
};

const HEIGHT: usize = 16;
const WIDTH: usize = 8;
const PIXELS: usize = HEIGHT * WIDTH;
const LETTERS: usize = 26;

type Failure = Box<dyn std::error::Error>;

/// A letter: whether each pixel is on, column after column.
type Letter = [bool; PIXELS];

/// Words as letters, with their labels.
#[derive(Clone, Default)]
struct Words {
    letters: Vec<Letter>,
    labels: Vec<u32>,
    lengths: Vec<usize>,
}

impl Words {
    fn from_mat(patterns: &MatArray, labels: &MatArray) -> Result<Self, Failure> {
        let mut words = Words::default();
        for (word, labels) in patterns.cells().iter().zip(labels.cells()) {
            if word.shape() != [PIXELS + 1, labels.numbers().len()] {
                return Err(format!("a word of shape {:?} with {} labels", word.shape(), labels.numbers().len()).into());
            }
            for letter in word.numbers().chunks_exact(PIXELS + 1) {
                words.letters.push(std::array::from_fn(|i| letter[i] > 0.0));
            }
            words.labels.extend(labels.numbers().iter().map(|y| *y as u32));
            words.lengths.push(labels.numbers().len());
        }
        Ok(words)
    }

    /// Letters with a stroke pattern each and a tenth of their pixels wrong, in words where a letter is mostly followed
    /// by one of two.
    fn invented(n: usize, key: &Key) -> Self {
        let mut shapes = Key::from_seed(99).rng();
        let shape: Vec<Letter> = (0..LETTERS).map(|_| std::array::from_fn(|_| shapes.uniform() < 0.22)).collect();
        let mut rng = key.rng();
        let mut words = Words::default();
        for _ in 0..n {
            let mut y = rng.below(LETTERS);
            let length = 3 + rng.below(8);
            for _ in 0..length {
                words.labels.push(y as u32);
                words.letters.push(std::array::from_fn(|i| shape[y][i] != (rng.uniform() < 0.1)));
                y = if rng.uniform() < 0.8 { (7 * y + rng.below(2)) % LETTERS } else { rng.below(LETTERS) };
            }
            words.lengths.push(length);
        }
        words
    }

    /// Words whose index leaves this remainder by `folds`, or all others.
    fn fold(&self, remainder: usize, folds: usize, held_out: bool) -> Self {
        let mut words = Words::default();
        let mut start = 0;
        for (i, n) in self.lengths.iter().enumerate() {
            if (i % folds == remainder) == held_out {
                words.letters.extend_from_slice(&self.letters[start..start + n]);
                words.labels.extend_from_slice(&self.labels[start..start + n]);
                words.lengths.push(*n);
            }
            start += n;
        }
        words
    }

    /// Every letter moved by at most a pixel each way, by itself.
    fn shifted(&self, key: &Key) -> Self {
        let mut rng = key.rng();
        let letters = self.letters.iter().map(|letter| moved(letter, rng.below(3), rng.below(3))).collect();
        Self { letters, ..self.clone() }
    }

    /// Nine copies of every word, all letters of a copy moved alike by at most a pixel each way.
    fn copies(&self) -> Self {
        let mut words = Words::default();
        for shift in 0..9 {
            words.letters.extend(self.letters.iter().map(|letter| moved(letter, shift % 3, shift / 3)));
            words.labels.extend_from_slice(&self.labels);
            words.lengths.extend_from_slice(&self.lengths);
        }
        words
    }

    fn labelled(&self, features: &Features) -> Result<Labelled, Failure> {
        let mut rows = SparseRows::new(features.count());
        for letter in &self.letters {
            rows.push(features.of(letter).into_iter().map(|f| (f, 1.0)))?;
        }
        Ok(Labelled::new(Sequences::new(rows, &self.lengths)?, self.labels.clone(), LETTERS)?)
    }
}

/// A letter moved by `down - 1` and `right - 1` pixels; what leaves the frame is lost.
fn moved(letter: &Letter, down: usize, right: usize) -> Letter {
    std::array::from_fn(|i| {
        let (row, column) = (i % HEIGHT + down, i / HEIGHT + right);
        let inside = (1..=HEIGHT).contains(&row) && (1..=WIDTH).contains(&column);
        inside && letter[(column - 1) * HEIGHT + row - 1]
    })
}

/// Pixels that are on, a constant, and pairs of pixels that are both on and at most so many rows and columns apart.
struct Features {
    down: usize,
    right: usize,
}

impl Features {
    /// Steps from a pixel to the partners that come after it.
    fn steps(&self) -> impl Iterator<Item = (usize, isize)> {
        let down = self.down as isize;
        (0..=self.right).flat_map(move |c| (-down..=down).filter(move |r| c > 0 || *r > 0).map(move |r| (c, r)))
    }

    fn count(&self) -> usize {
        PIXELS + 1 + PIXELS * self.steps().count()
    }

    fn of(&self, letter: &Letter) -> Vec<u32> {
        let mut on: Vec<u32> = (0..PIXELS).filter(|i| letter[*i]).map(|i| i as u32).collect();
        let pixels = on.clone();
        on.push(PIXELS as u32);
        for (k, (column_step, row_step)) in self.steps().enumerate() {
            for i in &pixels {
                let (column, row) = (*i as usize / HEIGHT + column_step, (*i as usize % HEIGHT) as isize + row_step);
                let inside = column < WIDTH && (0..HEIGHT as isize).contains(&row);
                if inside && letter[column * HEIGHT + row as usize] {
                    on.push((PIXELS + 1 + k * PIXELS) as u32 + i);
                }
            }
        }
        on
    }
}

/// Shares of letters and of whole words that are right.
fn shares(data: &Labelled, found: &[u32]) -> (f64, f64) {
    let right: Vec<bool> = found.iter().zip(data.labels()).map(|(a, b)| a == b).collect();
    let n = data.sequences().len();
    let whole = (0..n).filter(|i| right[data.sequences().positions(*i)].iter().all(|r| *r)).count();
    (right.iter().filter(|r| **r).count() as f64 / right.len() as f64, whole as f64 / n as f64)
}

/// The command line after the model: settings by name.
struct Settings(HashMap<String, f64>);

impl Settings {
    fn get(&self, name: &str, default: f64) -> f64 {
        self.0.get(name).copied().unwrap_or(default)
    }
}

/// Trains on one part, scores on the other: shares of letters and words, and log-likelihood a letter, nats.
fn run(model: &str, train: &Words, test: &Words, settings: &Settings, quick: bool) -> Result<[f64; 3], Failure> {
    let begin = Instant::now();
    let per_letter = |l: Vec<f64>| l.iter().sum::<f64>() / test.letters.len() as f64;
    if model == "hidden" {
        let features = Features { down: 0, right: 0 };
        let (learn, check) = (train.labelled(&features)?, test.labelled(&features)?);
        let how = HiddenSettings {
            n_hidden: settings.get("hidden", 256.0) as usize,
            activation: if settings.get("tanh", 0.0) > 0.0 { Activation::Tanh } else { Activation::Relu },
            learning_rate: settings.get("rate", 2e-3),
            n_epochs: settings.get("epochs", if quick { 5.0 } else { 100.0 }) as u64,
            batch_size: settings.get("batch", 16.0) as usize,
            l2: settings.get("l2", 1.0),
            dropout: settings.get("dropout", 0.5),
        };
        let key = Key::from_seed(settings.get("seed", 0.0) as u64);
        let shifts = key.purpose(Purpose::Generate);
        let augment = |epoch| train.shifted(&shifts.step(epoch)).labelled(&features).ok();
        let mut last = 0.0;
        let chain = HiddenChain::fit(&learn, &how, &key, augment, |_, loss| {
            last = loss;
            true
        })?;
        println!("  {how:?}: loss {last:.3} a word, {:.1} s", begin.elapsed().as_secs_f64());
        let (letters, words) = shares(&check, &chain.decode(check.sequences())?);
        return Ok([letters, words, per_letter(chain.log_likelihood(&check)?)]);
    }
    let reach = if model == "pairs" { 2.0 } else { 0.0 };
    let features =
        Features { down: settings.get("down", reach) as usize, right: settings.get("right", reach) as usize };
    let copies = (settings.get("shifts", 0.0) > 0.0).then(|| train.copies());
    let (learn, check) = (copies.as_ref().unwrap_or(train).labelled(&features)?, test.labelled(&features)?);
    let how = FitSettings {
        l2: settings.get("l2", 1.0),
        stop: Stop { gradient_norm: settings.get("gradient", 1e-3), max_iterations: 3000, ..Stop::default() },
    };
    let (crf, found) = fit(&learn, Support::full(features.count(), LETTERS)?, &how, |_| true)?;
    println!(
        "  {} features, {} weights, lambda {}: objective {:.4}, |gradient| {:.1e}, {} iterations, {} evaluations, {:?}, {:.2} s",
        features.count(),
        crf.weights().len(),
        how.l2,
        found.value,
        found.gradient_norm,
        found.iterations,
        found.evaluations,
        found.ended,
        begin.elapsed().as_secs_f64()
    );
    let (letters, words) = shares(&check, &crf.decode(check.sequences())?);
    let (by_position, _) = shares(&check, &crf.decode_positions(check.sequences())?);
    println!("  letters by highest marginal {:.2} %", 100.0 * by_position);
    Ok([letters, words, per_letter(crf.log_likelihood(&check)?)])
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|a| a == name);
    let quick = has("--quick");
    let (train, test) = if quick {
        (Words::invented(60, &Key::from_seed(1)), Words::invented(60, &Key::from_seed(2)))
    } else {
        let path = arguments.first().ok_or("name the file ocr_taskar.mat, or say --quick")?;
        let arrays: HashMap<String, MatArray> = mat::read_bytes(&std::fs::read(path)?, 1 << 30)?.into_iter().collect();
        let part = |name: &str| arrays.get(name).ok_or_else(|| format!("{path} holds no {name}"));
        (
            Words::from_mat(part("patterns_train")?, part("labels_train")?)?,
            Words::from_mat(part("patterns_test")?, part("labels_test")?)?,
        )
    };
    let settings =
        arguments.windows(2).filter_map(|p| Some((p[0].strip_prefix("--")?.to_string(), p[1].parse().ok()?)));
    let settings = Settings(settings.collect());
    let models: Vec<&str> = ["pixels", "pairs", "hidden"].into_iter().filter(|m| has(m)).collect();
    let models = if models.is_empty() { vec!["pixels", "pairs", "hidden"] } else { models };
    for model in models {
        println!("{model}: {} words to learn from", train.lengths.len());
        let scores: Vec<[f64; 3]> = if has("--folds") {
            let fold = |k| run(model, &train.fold(k, 3, false), &train.fold(k, 3, true), &settings, quick);
            (0..3).map(fold).collect::<Result<_, _>>()?
        } else {
            vec![run(model, &train, &test, &settings, quick)?]
        };
        let mean = |k: usize| scores.iter().map(|s| s[k]).sum::<f64>() / scores.len() as f64;
        println!(
            "  {}: letters {:.2} %, words {:.2} %, log-likelihood {:.4} nats a letter",
            if has("--folds") { "held out of three folds" } else { "test" },
            100.0 * mean(0),
            100.0 * mean(1),
            mean(2)
        );
    }
    Ok(())
}
