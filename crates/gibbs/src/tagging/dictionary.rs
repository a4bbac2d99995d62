//! Names to numbers: features and labels in the order in which they were first met.

use std::collections::HashMap;

use gibbs_data::conll::Sentences;
use gibbs_spin::crf::{CrfError, Sequences, SparseRows};

use super::Templates;

/// The features and labels that a model knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Dictionary {
    templates: Templates,
    /// Columns of a token that features look at, from the first.
    n_columns: usize,
    features: Vec<String>,
    index: HashMap<String, u32>,
    labels: Vec<String>,
}

impl Dictionary {
    /// Learns the features that are met `min_count` times or more in `text`, and the labels of `all`, which are in the last
    /// column: a label that only held-out sentences have is known, too, though no feature speaks for it.
    pub fn learn(text: &Sentences, all: &Sentences, templates: Templates, min_count: u64) -> Self {
        let n_columns = text.n_columns.saturating_sub(1);
        // Number of the feature by first meeting, and how often it was met.
        let mut met: HashMap<String, (u32, u64)> = HashMap::new();
        let mut names = Vec::new();
        each_token(text, |start, length, t| {
            templates.features(text, n_columns, start, length, t, |f| {
                if let Some((_, count)) = met.get_mut(f) {
                    *count += 1;
                } else {
                    met.insert(f.to_string(), (names.len() as u32, 1));
                    names.push(f.to_string());
                }
            });
        });
        let features = names.into_iter().filter(|f| met[f].1 >= min_count).collect();
        let mut labels: Vec<String> = Vec::new();
        for i in 0..all.n_tokens() {
            let label = &all.token(i)[n_columns];
            if !labels.contains(label) {
                labels.push(label.clone());
            }
        }
        Self::new(templates, n_columns, features, labels)
    }

    /// From its parts, as they are saved.
    pub fn new(templates: Templates, n_columns: usize, features: Vec<String>, labels: Vec<String>) -> Self {
        let index = features.iter().enumerate().map(|(i, f)| (f.clone(), i as u32)).collect();
        Self { templates, n_columns, features, index, labels }
    }

    /// Names of features.
    pub fn features(&self) -> &[String] {
        &self.features
    }

    /// Names of labels.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Columns of a token that features look at.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// Templates of the features.
    pub fn templates(&self) -> Templates {
        self.templates
    }

    /// Feature rows of a text; features that are not known are left out.
    ///
    /// # Errors
    /// Never for a text with the columns that are looked at.
    pub fn rows(&self, text: &Sentences) -> Result<Sequences, CrfError> {
        let mut rows = SparseRows::new(self.features.len());
        let (mut of_token, mut result) = (Vec::new(), Ok(()));
        each_token(text, |start, length, t| {
            of_token.clear();
            self.templates.features(text, self.n_columns, start, length, t, |f| {
                of_token.extend(self.index.get(f).map(|i| (*i, 1.0)));
            });
            if let Err(e) = rows.push(of_token.iter().copied()) {
                result = Err(e);
            }
        });
        result?;
        Sequences::new(rows, &text.lengths)
    }

    /// Numbers of the labels in column `n_columns`; the first token whose label is not known instead.
    pub fn label_numbers(&self, text: &Sentences) -> Result<Vec<u32>, usize> {
        let numbers: HashMap<&str, u32> = self.labels.iter().enumerate().map(|(i, l)| (l.as_str(), i as u32)).collect();
        (0..text.n_tokens()).map(|i| numbers.get(text.token(i)[self.n_columns].as_str()).copied().ok_or(i)).collect()
    }
}

/// Calls `f(start, length, t)` for token `t` of every sentence.
fn each_token(text: &Sentences, mut f: impl FnMut(usize, usize, usize)) {
    let mut start = 0;
    for length in &text.lengths {
        (0..*length).for_each(|t| f(start, *length, t));
        start += length;
    }
}
