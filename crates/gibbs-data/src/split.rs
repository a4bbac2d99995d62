//! Division of a table's rows into training, validation and test parts.

use std::path::Path;

use gibbs_core::key::{Key, Purpose};
use serde::{Deserialize, Serialize};

use crate::DataError;

/// Row numbers, from 0, of the three parts. A row is in one part at most; it may be in none.
///
/// # Example
/// ```
/// use gibbs_core::key::Key;
/// use gibbs_data::Split;
/// let s = Split::random(100, 0.15, 0.2, &Key::from_seed(0)).unwrap();
/// assert_eq!((s.train.len(), s.validation.len(), s.test.len()), (68, 12, 20));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Rows that parameters are learned from.
    pub train: Vec<usize>,
    /// Rows that decide when to stop.
    #[serde(default)]
    pub validation: Vec<usize>,
    /// Rows that nothing is decided by.
    pub test: Vec<usize>,
}

/// Split files are lists of numbers: a gigabyte of them is a mistake.
const MAX_FILE: u64 = 1 << 30;

impl Split {
    /// A random division: `test` of all rows are kept for the test, then `validation` of the remaining rows for validation.
    /// The parts are sorted. The key is used under [`Purpose::Split`].
    ///
    /// # Errors
    /// [`DataError::Split`] where a fraction is outside `[0, 1)` or no training row would be left.
    pub fn random(n_rows: usize, validation: f64, test: f64, key: &Key) -> Result<Self, DataError> {
        let mut rows: Vec<usize> = (0..n_rows).collect();
        let key = key.purpose(Purpose::Split);
        let test = take(&mut rows, test, "test", &key.step(0))?;
        let validation = take(&mut rows, validation, "validation", &key.step(1))?;
        let split = Split { train: rows, validation, test };
        split.check(n_rows)?;
        Ok(split)
    }

    /// Moves a random fraction of the training rows to an empty validation part; does nothing if there is one already.
    /// The key is used under [`Purpose::Split`].
    ///
    /// # Errors
    /// [`DataError::Split`] as for [`Split::random`].
    pub fn carve_validation(&mut self, fraction: f64, key: &Key) -> Result<(), DataError> {
        if self.validation.is_empty() {
            self.validation = take(&mut self.train, fraction, "validation", &key.purpose(Purpose::Split).step(1))?;
        }
        Ok(())
    }

    /// Reads `{"train": [..], "test": [..]}` with an optional `"validation"`; other keys are ignored.
    ///
    /// # Errors
    /// [`DataError::Split`] for anything else than lists of whole numbers, for a number that is not below `n_rows`, and
    /// for one that occurs twice.
    ///
    /// # Example
    /// ```
    /// use gibbs_data::Split;
    /// let s = Split::from_json(r#"{"train": [3, 0], "test": [1], "source": "by hand"}"#, 4).unwrap();
    /// assert_eq!((s.train, s.test), (vec![3, 0], vec![1]));
    /// assert!(Split::from_json(r#"{"train": [4], "test": [1]}"#, 4).unwrap_err().to_string().contains("row 4"));
    /// ```
    pub fn from_json(text: &str, n_rows: usize) -> Result<Self, DataError> {
        let split: Split = serde_json::from_str(text).map_err(|e| {
            DataError::Split(format!("{e}; expected {{\"train\": [rows], \"test\": [rows]}}, rows counted from 0"))
        })?;
        split.check(n_rows)?;
        Ok(split)
    }

    /// [`Split::from_json`] on a file.
    ///
    /// # Errors
    /// As [`Split::from_json`], and [`DataError::NotFound`], with the file named.
    pub fn from_file(path: &Path, n_rows: usize) -> Result<Self, DataError> {
        let read = || -> Result<Self, DataError> {
            let size = std::fs::metadata(path)?.len();
            if size > MAX_FILE {
                return Err(DataError::TooLarge { what: "the split file".into(), found: size, limit: MAX_FILE });
            }
            let text = std::fs::read_to_string(path).map_err(DataError::from_read)?;
            Split::from_json(&text, n_rows)
        };
        if !path.exists() {
            return Err(DataError::NotFound { path: path.to_path_buf(), hint: String::new() });
        }
        read().map_err(|e| e.in_file(path))
    }

    /// Checks that the rows exist, that none is in two parts or twice in one, and that there is something to train on.
    ///
    /// # Errors
    /// [`DataError::Split`] with the row and the part.
    pub fn check(&self, n_rows: usize) -> Result<(), DataError> {
        let mut seen: Vec<Option<&str>> = vec![None; n_rows];
        for (part, rows) in self.parts() {
            for &row in rows {
                let Some(place) = seen.get_mut(row) else {
                    return Err(DataError::Split(format!(
                        "{part} names row {row}, but the table's rows are 0 to {}",
                        n_rows.saturating_sub(1)
                    )));
                };
                if let Some(before) = place {
                    return Err(DataError::Split(format!("row {row} is in {before} and again in {part}")));
                }
                *place = Some(part);
            }
        }
        if self.train.is_empty() {
            return Err(DataError::Split(format!(
                "no training rows are left of {n_rows}; make the other parts smaller"
            )));
        }
        Ok(())
    }

    /// The three parts with their names.
    pub fn parts(&self) -> [(&'static str, &[usize]); 3] {
        [("train", &self.train), ("validation", &self.validation), ("test", &self.test)]
    }

    pub(crate) fn retain_below(&mut self, n: usize) {
        for part in [&mut self.train, &mut self.validation, &mut self.test] {
            part.retain(|&r| r < n);
        }
    }
}

/// Takes a random fraction out of `rows`, rounded to whole rows; both remain sorted where `rows` was.
fn take(rows: &mut Vec<usize>, fraction: f64, part: &str, key: &Key) -> Result<Vec<usize>, DataError> {
    if !(0.0..1.0).contains(&fraction) {
        return Err(DataError::Split(format!("the {part} fraction is {fraction}; it must be at least 0 and below 1")));
    }
    let count = (fraction * rows.len() as f64).round() as usize;
    let mut order: Vec<usize> = (0..rows.len()).collect();
    key.rng().shuffle(&mut order);
    let mut chosen = vec![false; rows.len()];
    order[..count].iter().for_each(|&i| chosen[i] = true);
    let taken = rows.iter().zip(&chosen).filter(|(_, c)| **c).map(|(r, _)| *r).collect();
    let mut flags = chosen.iter();
    rows.retain(|_| flags.next().is_none_or(|c| !c));
    Ok(taken)
}
