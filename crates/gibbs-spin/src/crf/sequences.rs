//! Feature rows divided into sequences, and their labels.

use std::ops::Range;

use super::{CrfError, SparseRows, sized};

/// Feature rows, one a position, divided into sequences.
#[derive(Clone, Debug, PartialEq)]
pub struct Sequences {
    rows: SparseRows,
    offsets: Vec<usize>,
}

impl Sequences {
    /// Divides `rows` into sequences of these lengths; a length may be 0.
    ///
    /// # Errors
    /// If the lengths do not sum to the number of rows.
    pub fn new(rows: SparseRows, lengths: &[usize]) -> Result<Self, CrfError> {
        let mut offsets = vec![0usize];
        let mut end = 0usize;
        for n in lengths {
            end = end.saturating_add(*n);
            offsets.push(end);
        }
        sized("positions of all sequences", end, rows.n_rows())?;
        Ok(Self { rows, offsets })
    }

    /// The feature rows of all positions.
    pub fn rows(&self) -> &SparseRows {
        &self.rows
    }

    /// Number of sequences.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is no sequence.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Positions of all sequences together.
    pub fn n_positions(&self) -> usize {
        self.rows.n_rows()
    }

    /// The positions of a sequence.
    ///
    /// # Panics
    /// If there is no such sequence.
    pub fn positions(&self, sequence: usize) -> Range<usize> {
        self.offsets[sequence]..self.offsets[sequence + 1]
    }

    /// The sequences at `index`, in that order.
    ///
    /// # Panics
    /// If an index is not below [`Sequences::len`].
    pub fn select(&self, index: &[usize]) -> Self {
        let mut offsets = vec![0];
        for i in index {
            offsets.push(offsets[offsets.len() - 1] + self.positions(*i).len());
        }
        Self { rows: self.rows.select(index.iter().flat_map(|i| self.positions(*i))), offsets }
    }

    /// Fixed blocks of whole sequences with about `entries` feature entries each: what one thread takes at a time.
    pub(crate) fn blocks(&self, entries: usize) -> Vec<Range<usize>> {
        let mut blocks = Vec::new();
        let mut start = 0;
        for i in 0..self.len() {
            let rows = self.offsets[start]..self.offsets[i + 1];
            if self.rows.entries_of(rows.clone()) + rows.len() >= entries {
                blocks.push(start..i + 1);
                start = i + 1;
            }
        }
        if start < self.len() {
            blocks.push(start..self.len());
        }
        blocks
    }
}

/// Sequences with a label at every position.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    sequences: Sequences,
    labels: Vec<u32>,
    n_labels: usize,
}

impl Labelled {
    /// `labels[t]` is the label of position `t` over all sequences, below `n_labels`.
    ///
    /// # Errors
    /// Another number of labels than positions, or a label out of range.
    pub fn new(sequences: Sequences, labels: Vec<u32>, n_labels: usize) -> Result<Self, CrfError> {
        sized("labels", labels.len(), sequences.n_positions())?;
        if let Some(position) = labels.iter().position(|y| *y as usize >= n_labels) {
            return Err(CrfError::Label { position, label: labels[position], n_labels });
        }
        Ok(Self { sequences, labels, n_labels })
    }

    /// The sequences.
    pub fn sequences(&self) -> &Sequences {
        &self.sequences
    }

    /// Labels of all positions.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Number of labels there are.
    pub fn n_labels(&self) -> usize {
        self.n_labels
    }

    /// The sequences at `index`, in that order, with their labels.
    ///
    /// # Panics
    /// If an index is out of range.
    pub fn select(&self, index: &[usize]) -> Self {
        let labels = index.iter().flat_map(|i| self.labels[self.sequences.positions(*i)].iter().copied()).collect();
        Self { sequences: self.sequences.select(index), labels, n_labels: self.n_labels }
    }
}
