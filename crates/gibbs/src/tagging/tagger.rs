//! A fitted tagger, and how it is kept in a file.

use std::collections::BTreeMap;
use std::path::Path;

use gibbs_core::persist::{Tensor, TensorMap};
use gibbs_data::DataError;
use gibbs_data::conll::Sentences;
use gibbs_spin::crf::{Crf, Support};
use serde::{Deserialize, Serialize};

use super::{Dictionary, Templates, usage};
use crate::error::Error;
use crate::tensors;

/// A conditional random field over text, with the names of its features and labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Tagger {
    dictionary: Dictionary,
    crf: Crf,
}

/// What the file says beside its tensors.
#[derive(Serialize, Deserialize)]
struct Header {
    templates: Templates,
    n_columns: usize,
    n_features: usize,
    labels: Vec<String>,
    full: bool,
}

impl Tagger {
    /// From its parts.
    ///
    /// # Panics
    /// If they are of different numbers of features or labels.
    pub fn new(dictionary: Dictionary, crf: Crf) -> Self {
        let support = crf.support();
        assert!(
            support.n_features() == dictionary.features().len() && support.n_labels() == dictionary.labels().len(),
            "a dictionary of this model"
        );
        Self { dictionary, crf }
    }

    /// Names of features and labels.
    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// The conditional random field.
    pub fn crf(&self) -> &Crf {
        &self.crf
    }

    /// Whether a text has a column of labels behind the columns that features look at.
    ///
    /// # Errors
    /// Any other number of columns than with or without labels.
    pub fn has_gold(&self, text: &Sentences) -> Result<bool, Error> {
        let n = self.dictionary.n_columns();
        if text.n_columns == n || text.n_columns == n + 1 {
            return Ok(text.n_columns == n + 1);
        }
        Err(Error::Data(DataError::ColumnCount {
            expected: n + 1,
            found: text.n_columns,
            advice: format!("give the {n} columns in the order of training, with labels behind them or without"),
        }))
    }

    /// The most probable labels of every sentence, one after another.
    ///
    /// # Errors
    /// Columns of another number than in training.
    pub fn tag(&self, text: &Sentences) -> Result<Vec<&str>, Error> {
        self.has_gold(text)?;
        let sequences = self.dictionary.rows(text).map_err(usage)?;
        let labels = self.crf.decode(&sequences).map_err(usage)?;
        Ok(labels.iter().map(|y| self.dictionary.labels()[*y as usize].as_str()).collect())
    }

    /// Writes the model: weights, the labels of every weight, and the names of features as bytes in words of eight.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let support = self.crf.support();
        let header = Header {
            templates: self.dictionary.templates(),
            n_columns: self.dictionary.n_columns(),
            n_features: support.n_features(),
            labels: self.dictionary.labels().to_vec(),
            full: support.is_full(),
        };
        let mut map = TensorMap::default();
        map.insert("weights", Tensor::from_f64(&[self.crf.weights().len()], self.crf.weights()));
        if !header.full {
            let counts: Vec<u64> = (0..header.n_features).map(|f| support.weights_of(f).len() as u64).collect();
            let labels: Vec<u64> = support.labels().iter().map(|y| u64::from(*y)).collect();
            map.insert("label_counts", Tensor::from_u64(&[counts.len()], &counts));
            map.insert("labels", Tensor::from_u64(&[labels.len()], &labels));
        }
        // A name holds no line end: it comes from a cell of a line.
        let mut names =
            self.dictionary.features().iter().flat_map(|f| [f.as_bytes(), b"\n"]).collect::<Vec<_>>().concat();
        names.resize(names.len().next_multiple_of(8), b'\n');
        let words: Vec<u64> = names.as_chunks::<8>().0.iter().map(|b| u64::from_le_bytes(*b)).collect();
        map.insert("features", Tensor::from_u64(&[words.len()], &words));
        let block = serde_json::to_string(&header).map_err(|e| Error::run(path, e.to_string()))?;
        tensors::write(path, &map, &BTreeMap::from([("tagger".to_string(), block)]))
    }

    /// Reads a model that [`Tagger::write`] wrote.
    ///
    /// # Errors
    /// A file that is not one, or is damaged.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let (map, metadata) = tensors::read(path)?;
        let damaged = |reason: String| Error::run(path, format!("damaged ({reason})"));
        let block = metadata
            .get("tagger")
            .ok_or_else(|| Error::run(path, "is no model of label sequences; fit one with `gibbs fit --model crf`"))?;
        let header: Header = serde_json::from_str(block).map_err(|e| damaged(e.to_string()))?;
        let state = |e: gibbs_core::persist::StateError| damaged(e.to_string());
        let words = map.expect("features", None).and_then(|t| t.to_u64("features")).map_err(state)?;
        let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        let text = String::from_utf8(bytes).map_err(|e| damaged(e.to_string()))?;
        let features: Vec<String> = text.lines().take(header.n_features).map(String::from).collect();
        if features.len() != header.n_features {
            return Err(damaged(format!("{} of {} names of features", features.len(), header.n_features)));
        }
        let n_labels = header.labels.len();
        let support = if header.full {
            Support::full(header.n_features, n_labels)
        } else {
            let numbers = |name: &str| map.expect(name, None).and_then(|t| t.to_u64(name)).map_err(state);
            let counts = numbers("label_counts")?;
            let labels = numbers("labels")?.into_iter().map(|y| u32::try_from(y).unwrap_or(u32::MAX)).collect();
            Support::from_parts(n_labels, &counts, labels)
        };
        let support = support.map_err(|e| damaged(e.to_string()))?;
        let weights = map.expect("weights", None).and_then(|t| t.to_f64("weights")).map_err(state)?;
        if n_labels == 0 || support.n_features() != header.n_features {
            return Err(damaged(format!("{n_labels} labels, {} features", support.n_features())));
        }
        let crf = Crf::new(support, weights).map_err(|e| damaged(e.to_string()))?;
        let dictionary = Dictionary::new(header.templates, header.n_columns, features, header.labels);
        Ok(Self { dictionary, crf })
    }
}
