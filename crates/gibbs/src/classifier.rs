//! A softmax classifier whose layers start as those of a deep belief net.
//!
//! As an energy of rows and classes: `E(v, y) = log sum_k exp(a_k) - a_y`, with `a` the outputs of the net, is
//! `-log p(y | v)`; its mean over the data is the cross-entropy, and the class of lowest energy is the most probable one.

use std::collections::BTreeMap;

use gibbs_core::dense::Dense;
use gibbs_core::energy::{Energy, Parametric};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::optimisers::{Adam, Optimiser, Schedule};
use gibbs_core::persist::{Persist, TensorMap};
use gibbs_core::scratch::Scratch;
use gibbs_spin::{Bits, Dbn, Rbm};
use gibbs_tensor::tape::TapeError;
use gibbs_tensor::trace::TapeEnergy;
use serde::{Deserialize, Serialize};

use crate::dataset::Prepared;
use crate::error::Error;
use crate::progress::Progress;
use crate::run_dir::RunDir;
use crate::tensors;
use crate::trainers::Batches;

/// Rows that one thread takes at a time: a quarter of the usual batch.
const BLOCK_ROWS: usize = 25;
/// Rows of an update.
pub(crate) const BATCH: usize = 100;
/// Rows classified at once.
const ROWS_AT_ONCE: usize = 1_000;

/// File of a run that holds its classifier.
pub const FILE: &str = "classifier.safetensors";
/// The entry of its metadata that lists the classes.
const CLASSES: &str = "classes";

/// A net from bits to the log-odds of classes.
#[derive(Debug)]
pub struct Classifier {
    energy: TapeEnergy<f32>,
    n_visible: usize,
    /// Labels, one a class, ascending.
    classes: Vec<i64>,
}

/// How a classifier is trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FineTuning {
    /// Passes over the rows.
    pub epochs: u64,
    /// Rate of Adam, falling linearly to zero. The outputs start at zero and no weight moves by more than the rate in an
    /// update, so half of `rate * updates` has to reach as far as the weights must go.
    pub rate: f64,
}

/// Share of rows whose most probable class is their label.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Rows with labels.
    pub n: usize,
    /// Share of them that is classified rightly.
    pub accuracy: f64,
    /// Its standard error over the draw of the rows, `sqrt(p (1 - p) / n)`.
    pub std_err: f64,
}

impl Classifier {
    /// Sigmoid layers with the weights and hidden biases of the net's RBMs, and linear outputs, zero at first, for each of
    /// `classes`.
    ///
    /// # Source
    /// Hinton & Salakhutdinov 2006, DOI 10.1126/science.1127647, supporting material.
    ///
    /// # Errors
    /// Shapes that do not fit, in words.
    pub fn new(net: &Dbn, classes: Vec<i64>) -> Result<Self, TapeError> {
        let rbms: Vec<&Rbm> = net.below().iter().chain([&net.top().target]).collect();
        let (nv, nc) = (net.n_visible(), classes.len());
        let mut energy = TapeEnergy::<f32>::new(nv + nc, &Key::from_seed(0), |x, p| {
            let mut h = x.slice(0, nv);
            let mut width = nv;
            for (i, rbm) in rbms.iter().enumerate() {
                let w = p.constant(&format!("layer{i}.weight"), &[width, rbm.n_hidden()], 0.0);
                let b = p.constant(&format!("layer{i}.bias"), &[rbm.n_hidden()], 0.0);
                h = h.affine(&w, &b).sigmoid();
                width = rbm.n_hidden();
            }
            let w = p.constant("output.weight", &[width, nc], 0.0);
            let b = p.constant("output.bias", &[nc], 0.0);
            let a = h.affine(&w, &b);
            a.log_sum_exp().sum() - (&a * &x.slice(nv, nv + nc)).sum()
        })?
        .with_block_rows(BLOCK_ROWS);
        for (i, rbm) in rbms.iter().enumerate() {
            let params = energy.params_mut();
            params.get_mut(&format!("layer{i}.weight")).copy_from_slice(rbm.weights());
            params.get_mut(&format!("layer{i}.bias")).copy_from_slice(rbm.hidden_bias());
        }
        Ok(Self { energy, n_visible: nv, classes })
    }

    /// Writes the classifier of a run.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, run: &RunDir) -> Result<(), Error> {
        let mut map = TensorMap::default();
        self.energy.params().save("", &mut map);
        let classes: Vec<String> = self.classes.iter().map(i64::to_string).collect();
        tensors::write(&run.file(FILE), &map, &BTreeMap::from([(CLASSES.to_string(), classes.join(","))]))
    }

    /// Reads the classifier of a run whose model is `net`.
    ///
    /// # Errors
    /// [`Error::Run`] if the run has none or its file is damaged.
    pub fn read(run: &RunDir, net: &Dbn) -> Result<Self, Error> {
        let path = run.file(FILE);
        if !path.exists() {
            return Err(Error::run(
                run.path(),
                "has no classifier: a deep belief net is fine-tuned where its table has labels (--label-column)",
            ));
        }
        let (map, metadata) = tensors::read(&path)?;
        let damaged = |reason: String| Error::run(&path, format!("damaged ({reason})"));
        let list = metadata.get(CLASSES).ok_or_else(|| damaged("it lists no classes".into()))?;
        let classes = list.split(',').map(str::parse).collect::<Result<Vec<i64>, _>>();
        let classes = classes.map_err(|e| damaged(format!("its classes: {e}")))?;
        if !classes.is_sorted_by(|a, b| a < b) {
            return Err(damaged("its classes do not ascend".into()));
        }
        // Before memory is asked for as many classes as the list has.
        let width = net.top().target.n_hidden();
        map.expect("output.weight", Some(&[width, classes.len()])).map_err(|e| damaged(e.to_string()))?;
        let mut found = Self::new(net, classes).map_err(|e| damaged(e.to_string()))?;
        found.energy.params_mut().load("", &map).map_err(|e| damaged(e.to_string()))?;
        match found.energy.params().first_non_finite() {
            Some((name, i)) => Err(damaged(format!("{name}[{i}] is not finite"))),
            None => Ok(found),
        }
    }

    /// Labels, one a class, ascending.
    pub fn classes(&self) -> &[i64] {
        &self.classes
    }

    /// Rows and classes side by side; a class is a group of columns with a single one.
    fn rows(&self, x: &Bits, class: impl Fn(usize) -> Option<usize>) -> Dense<f32> {
        let width = self.n_visible + self.classes.len();
        let n = gibbs_core::rows::Rows::n_rows(x);
        let mut values = vec![0.0; n * width];
        for (i, row) in values.chunks_exact_mut(width).enumerate() {
            (0..self.n_visible).filter(|&j| x.get(i, j)).for_each(|j| row[j] = 1.0);
            if let Some(k) = class(i) {
                row[self.n_visible + k] = 1.0;
            }
        }
        Dense::from_rows(width, values)
    }

    /// The place of a label among the classes.
    pub fn class(&self, label: i64) -> Option<usize> {
        self.classes.binary_search(&label).ok()
    }

    /// Passes of Adam down the cross-entropy. Everything random comes from `key`. Returns `false` if stopped.
    pub fn train(&mut self, x: &Bits, labels: &[i64], how: FineTuning, key: &Key, progress: &dyn Progress) -> bool {
        let mut batches = Batches::new(labels.len(), BATCH, None);
        let total = how.epochs.saturating_mul(batches.per_epoch());
        let mut optimiser = Adam::new(self.energy.params());
        let (mut grad, mut ws) = (self.energy.params().zeros_like(), Scratch::default());
        progress.begin("fine-tuning", total);
        for step in 0..total {
            let (index, weights) = batches.at(step, key);
            let rows = self.rows(&gibbs_core::rows::Rows::select(x, &index), |i| self.class(labels[index[i]]));
            grad.clear();
            self.energy.add_grad(&rows, &weights, &mut grad, &mut ws);
            let rate = how.rate * Schedule::Linear.factor(step, total, 0);
            optimiser.step(self.energy.params_mut(), &grad, rate as f32);
            progress.advance(step + 1);
            if progress.stop() {
                return false;
            }
        }
        progress.end();
        true
    }

    /// `log p(class | row)`, nats: for each class those of all rows.
    pub fn log_probabilities(&self, x: &Bits) -> Vec<Vec<f64>> {
        let (n, mut ws) = (gibbs_core::rows::Rows::n_rows(x), Scratch::default());
        let mut out = vec![Vec::with_capacity(n); self.classes.len()];
        for start in (0..n).step_by(ROWS_AT_ONCE) {
            let piece = x.slice(start, (start + ROWS_AT_ONCE).min(n));
            let mut e = vec![0.0; gibbs_core::rows::Rows::n_rows(&piece)];
            for (k, of_class) in out.iter_mut().enumerate() {
                self.energy.energy(&self.rows(&piece, |_| Some(k)), &mut e, &mut ws);
                of_class.extend(e.iter().map(|e| -e));
            }
        }
        out
    }

    /// The most probable label of each row: that of lowest energy.
    pub fn classify(&self, x: &Bits) -> Vec<i64> {
        let log_p = self.log_probabilities(x);
        let best = |row: usize| {
            let better = |best: usize, k: usize| if log_p[k][row] > log_p[best][row] { k } else { best };
            (1..self.classes.len()).fold(0, better)
        };
        (0..gibbs_core::rows::Rows::n_rows(x)).map(|row| self.classes[best(row)]).collect()
    }

    /// How many labels are hit. A label unseen in training is missed.
    pub fn accuracy(&self, x: &Bits, labels: &[i64]) -> Accuracy {
        let hits = self.classify(x).iter().zip(labels).filter(|(a, b)| a == b).count();
        let (n, p) = (labels.len(), hits as f64 / labels.len() as f64);
        Accuracy { n, accuracy: p, std_err: (p * (1.0 - p) / n as f64).sqrt() }
    }
}

/// Fine-tunes a classifier on the training rows that starts from `net`; its accuracy is that on rows that were held out.
/// `None` if the data has no labels, or no part that was held out.
///
/// # Errors
/// [`Error::Usage`] for labels of a single class; [`Error::Interrupted`].
pub fn fine_tuned(
    net: &Dbn,
    data: &Prepared,
    how: FineTuning,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Option<(Classifier, Accuracy)>, Error> {
    let (Some(x), Some(labels)) = (data.train.rows.bits(), &data.train.labels) else { return Ok(None) };
    let held_out = [&data.test, &data.validation].into_iter().find(|p| p.rows.n_rows() > 0);
    let Some((test, test_labels)) = held_out.and_then(|p| Some((p.rows.bits()?, p.labels.as_ref()?))) else {
        return Ok(None);
    };
    let mut classes = labels.clone();
    classes.sort_unstable();
    classes.dedup();
    if classes.len() < 2 {
        return Err(Error::Usage(format!("all labels of the training rows are {}: nothing to tell apart", classes[0])));
    }
    let mut classifier = Classifier::new(net, classes).map_err(|e| Error::Usage(e.to_string()))?;
    let key = Key::from_seed(seed).purpose(Purpose::Other);
    if !classifier.train(x, labels, how, &key, progress) {
        return Err(Error::Interrupted);
    }
    let accuracy = classifier.accuracy(test, test_labels);
    Ok(Some((classifier, accuracy)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;
    use gibbs_spin::{Bernoulli, RbmPath};

    fn net() -> Dbn {
        let key = Key::from_seed(1);
        let top = Rbm::random(5, 4, 0.8, &key.step(1));
        let path = RbmPath::new(Bernoulli::new(vec![0.0; 5]), top);
        Dbn::new(vec![Rbm::random(6, 5, 0.8, &key.step(0))], path).unwrap()
    }

    fn all_rows() -> Bits {
        let rows: Vec<Vec<bool>> = (0..64usize).map(|i| (0..6).map(|k| i >> k & 1 == 1).collect()).collect();
        Bits::from_rows(&rows)
    }

    /// Its outputs are linear in the net's features: with weights that pick one feature the energies are those of that.
    #[test]
    fn layers_start_as_those_of_the_net() {
        let (net, x) = (net(), all_rows());
        let mut c = Classifier::new(&net, vec![-1, 7]).unwrap();
        c.energy.params_mut().get_mut("output.weight")[2 * 2 + 1] = 3.0;
        let features = net.features(&x);
        let mut e = vec![0.0; 64];
        c.energy.energy(&c.rows(&x, |_| Some(1)), &mut e, &mut Scratch::default());
        for (e, f) in e.iter().zip(features.chunks_exact(4)) {
            let a = 3.0 * f64::from(f[2]);
            assert!((e - (a.exp().ln_1p() - a)).abs() < 1e-5, "{e}");
        }
    }

    /// The cross-entropy of rows and labels in doubles, straight from its definition, at parameters `theta`.
    fn cross_entropy(c: &Classifier, theta: &[f64], x: &Bits, labels: &[i64], weights: &[f64]) -> f64 {
        let mut total = 0.0;
        for (i, (label, weight)) in labels.iter().zip(weights).enumerate() {
            let mut h: Vec<f64> = (0..c.n_visible).map(|j| f64::from(u8::from(x.get(i, j)))).collect();
            let mut at = 0;
            // Weights and biases follow each other, layer by layer.
            for pair in c.energy.params().entries().chunks(2) {
                let (rows, cols) = (pair[0].shape[0], pair[0].shape[1]);
                let (w, b) = (&theta[at..at + rows * cols], &theta[at + rows * cols..][..cols]);
                at += rows * cols + cols;
                let a = (0..cols).map(|k| b[k] + (0..rows).map(|j| h[j] * w[j * cols + k]).sum::<f64>());
                h = if pair[0].name.starts_with("output") {
                    a.collect()
                } else {
                    a.map(|a| 1.0 / (1.0 + (-a).exp())).collect()
                };
            }
            let log_sum = h.iter().map(|a| a.exp()).sum::<f64>().ln();
            total += weight * (log_sum - h[c.class(*label).unwrap()]);
        }
        total
    }

    /// Against central differences in doubles: their own error is about `step^2`, that of single precision 1e-6 of the sums.
    #[test]
    fn the_gradient_is_that_of_the_cross_entropy() {
        let x = all_rows();
        let labels: Vec<i64> = (0..64i64).map(|i| [-1, 3, 7][(i % 3) as usize]).collect();
        let weights: Vec<f64> = (0..64).map(|i| (1.0 + f64::from(i % 4)) / 160.0).collect();
        let mut c = Classifier::new(&net(), vec![-1, 3, 7]).unwrap();
        let mut rng = Key::from_seed(5).rng();
        c.energy.params_mut().flat_mut().iter_mut().for_each(|t| *t += rng.normal() as f32);
        let mut grad = c.energy.params().zeros_like();
        let rows = c.rows(&x, |i| c.class(labels[i]));
        c.energy.add_grad(&rows, &weights, &mut grad, &mut Scratch::default());
        let mut theta: Vec<f64> = c.energy.params().flat().iter().map(|t| f64::from(*t)).collect();
        let step = 1e-4;
        for (k, found) in grad.flat().iter().enumerate() {
            let middle = theta[k];
            theta[k] = middle + step;
            let above = cross_entropy(&c, &theta, &x, &labels, &weights);
            theta[k] = middle - step;
            let below = cross_entropy(&c, &theta, &x, &labels, &weights);
            theta[k] = middle;
            let wanted = (above - below) / (2.0 * step);
            assert!((f64::from(*found) - wanted).abs() < 2e-6, "parameter {k}: {found}, differences say {wanted}");
        }
    }

    #[test]
    fn it_learns_a_majority_and_says_how_well() {
        let x = all_rows();
        let labels: Vec<i64> = (0..64i64).map(|i| if i.count_ones() > 2 { 7 } else { -1 }).collect();
        let mut c = Classifier::new(&net(), vec![-1, 7]).unwrap();
        let before = c.accuracy(&x, &labels);
        assert!(c.train(&x, &labels, FineTuning { epochs: 1_500, rate: 0.02 }, &Key::from_seed(0), &Silent));
        let after = c.accuracy(&x, &labels);
        assert!(before.accuracy < 0.7 && after.accuracy > 0.95, "{before:?} {after:?}");
        assert_eq!(c.accuracy(&x, &[99; 64]).accuracy, 0.0);
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("run"), false).unwrap();
        c.write(&run).unwrap();
        let read = Classifier::read(&run, &net()).unwrap();
        assert_eq!((read.classes(), read.log_probabilities(&x)), (c.classes(), c.log_probabilities(&x)));
        let log_p = read.log_probabilities(&x);
        assert!((0..64).all(|i| (log_p[0][i].exp() + log_p[1][i].exp() - 1.0).abs() < 1e-6));
        // A file of another net, and one cut short.
        let other = Dbn::new(Vec::new(), RbmPath::new(Bernoulli::new(vec![0.0; 6]), Rbm::zeros(6, 4))).unwrap();
        assert!(Classifier::read(&run, &other).unwrap_err().to_string().contains("damaged"));
        let bytes = std::fs::read(run.file(FILE)).unwrap();
        std::fs::write(run.file(FILE), &bytes[..bytes.len() / 2]).unwrap();
        assert!(Classifier::read(&run, &net()).is_err());
    }
}
