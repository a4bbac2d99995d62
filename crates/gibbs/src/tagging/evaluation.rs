//! How well labels are found.

use std::collections::BTreeMap;
use std::fmt::Write;

use gibbs_data::DataError;
use gibbs_data::conll::Sentences;
use gibbs_spin::crf::Labelled;
use serde::{Deserialize, Serialize};

use super::spans::{self, SpanScore};
use super::{Tagger, usage};
use crate::error::Error;

/// Precision, recall and F1 beside the counts they come from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spans {
    /// The counts.
    #[serde(flatten)]
    pub counts: SpanScore,
    /// Share of found spans that are right.
    pub precision: f64,
    /// Share of gold spans that were found.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
}

impl From<SpanScore> for Spans {
    fn from(counts: SpanScore) -> Self {
        Self { counts, precision: counts.precision(), recall: counts.recall(), f1: counts.f1() }
    }
}

/// Labels of a model beside those given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Sentences.
    pub sentences: usize,
    /// Tokens.
    pub tokens: usize,
    /// Share of tokens with the right label.
    pub accuracy: f64,
    /// Share of sentences with no wrong label.
    pub sentence_accuracy: f64,
    /// `log p(labels | text)` a token, nats.
    pub log_likelihood: f64,
    /// All spans together, where labels mark spans.
    pub spans: Option<Spans>,
    /// Spans of each type.
    pub by_type: BTreeMap<String, Spans>,
}

impl Evaluation {
    /// Labels `text` with `tagger` and compares with the labels it has.
    ///
    /// # Errors
    /// A label that was not met in training, named with its line, or columns of another number.
    pub fn of(tagger: &Tagger, text: &Sentences) -> Result<Self, Error> {
        let names = tagger.dictionary().labels();
        if !tagger.has_gold(text)? {
            return Err(Error::Usage("the text has no column of labels to compare with".into()));
        }
        let gold = tagger.dictionary().label_numbers(text).map_err(|t| {
            let label = text.token(t)[tagger.dictionary().n_columns()].clone();
            Error::Data(DataError::UnknownLabel { row: text.line(t), label, known: names.join(", ") })
        })?;
        let sequences = tagger.dictionary().rows(text).map_err(usage)?;
        let found = tagger.crf().decode(&sequences).map_err(usage)?;
        let data = Labelled::new(sequences, gold, names.len()).map_err(usage)?;
        let log_likelihood: f64 = tagger.crf().log_likelihood(&data).map_err(usage)?.iter().sum();
        let gold = data.labels();
        let right: Vec<bool> = gold.iter().zip(&found).map(|(a, b)| a == b).collect();
        let whole = |i: &usize| right[data.sequences().positions(*i)].iter().all(|r| *r);
        let named = |labels: &[u32]| labels.iter().map(|y| names[*y as usize].as_str()).collect::<Vec<&str>>();
        let (mut spans, mut by_type) = (None, BTreeMap::new());
        if spans::marks_spans(names.iter().map(String::as_str)) {
            let (total, each) = spans::score(&named(gold), &named(&found), &text.lengths);
            spans = Some(total.into());
            by_type = each.into_iter().map(|(kind, s)| (kind, s.into())).collect();
        }
        Ok(Self {
            sentences: text.lengths.len(),
            tokens: gold.len(),
            accuracy: right.iter().filter(|r| **r).count() as f64 / gold.len() as f64,
            sentence_accuracy: (0..text.lengths.len()).filter(whole).count() as f64 / text.lengths.len() as f64,
            log_likelihood: log_likelihood / gold.len() as f64,
            spans,
            by_type,
        })
    }

    /// A table to read.
    pub fn table(&self) -> String {
        let mut out = format!(
            "{} tokens in {} sentences: accuracy {:.2} %, whole sentences {:.2} %, log-likelihood {:.4} nats a token",
            self.tokens,
            self.sentences,
            100.0 * self.accuracy,
            100.0 * self.sentence_accuracy,
            self.log_likelihood
        );
        if let Some(total) = &self.spans {
            // Writing into a string cannot fail.
            _ = write!(
                out,
                "\n{:<12}{:>8}{:>8}{:>12}{:>9}{:>9}",
                "spans", "gold", "found", "precision", "recall", "F1"
            );
            let rows = std::iter::once(("all", total)).chain(self.by_type.iter().map(|(k, s)| (k.as_str(), s)));
            for (kind, s) in rows {
                _ = write!(
                    out,
                    "\n{kind:<12}{:>8}{:>8}{:>11.2}%{:>8.2}%{:>9.2}",
                    s.counts.gold,
                    s.counts.found,
                    100.0 * s.precision,
                    100.0 * s.recall,
                    100.0 * s.f1
                );
            }
        }
        out
    }
}
