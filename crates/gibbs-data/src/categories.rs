//! From columns of categories to one-hot groups of bits, and back.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::column_order::column_order;
use crate::sources::columns::short;
use crate::{BitTable, DataError, Table};

/// The categories of every column, as the table that was fitted has them; stored with a run and applied to every later
/// table. A column of two categories becomes one bit (the second is 1), one of `k > 2` a group of `k` bits of which
/// one is on.
///
/// # Example
/// ```
/// use gibbs_data::{Categories, ReadOptions, read_bytes};
/// let options = ReadOptions { text: true, ..ReadOptions::default() };
/// let read = |text: &str| read_bytes(text.as_bytes(), "t.csv", &options).unwrap();
/// let table = read("colour,big\nred,no\nblue,yes\ngreen,no\n");
/// let c = Categories::fit(&table, 64).unwrap();
/// assert_eq!(c.widths(), [3, 1]);
/// let bits = c.apply(&table).unwrap();
/// assert_eq!(bits.words[1], 0b1001); // blue, green, red; then yes
/// assert_eq!(c.names(&[true, false, false, true]), ["blue", "yes"]);
/// let error = c.apply(&read("colour,big\npink,no\n")).unwrap_err().to_string();
/// assert!(error.contains("row 2") && error.contains("\"colour\"") && error.contains("\"pink\""));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Categories {
    /// Names of the columns, in the model's order.
    pub columns: Vec<String>,
    /// Whether the names came with the data.
    pub has_names: bool,
    /// Categories of every column: in the order of numbers where all are numbers, else of letters.
    pub levels: Vec<Vec<String>>,
}

impl Categories {
    /// The categories of a table, at most `most` a column.
    ///
    /// # Errors
    /// [`DataError::Missing`] with row and column, [`DataError::Categories`] for a column of one value or too many.
    pub fn fit(table: &Table, most: usize) -> Result<Self, DataError> {
        let mut levels = Vec::with_capacity(table.n_cols());
        for (c, column) in table.columns.iter().enumerate() {
            let mut names: Vec<String> = Vec::new();
            let mut seen = std::collections::HashSet::new();
            for row in 0..table.n_rows {
                let Some(name) = table.text(row, c) else {
                    return Err(DataError::Missing { row: table.first_row + row, column: column.clone() });
                };
                if !seen.contains(&name) {
                    seen.insert(name.clone());
                    names.push(name);
                }
            }
            let count = names.len();
            let refuse = |problem: String| Err(DataError::Categories { column: column.clone(), count, problem });
            if count < 2 {
                return refuse("so there is nothing to choose from".into());
            }
            if count > most {
                return refuse(format!("more than the {most} that make categories"));
            }
            sort(&mut names);
            levels.push(names);
        }
        Ok(Self { columns: table.columns.clone(), has_names: table.has_names, levels })
    }

    /// Width of every column's group of bits.
    pub fn widths(&self) -> Vec<usize> {
        self.levels.iter().map(|l| if l.len() == 2 { 1 } else { l.len() }).collect()
    }

    /// The table as bits, group after group.
    ///
    /// # Errors
    /// [`DataError::ColumnCount`], [`DataError::UnknownColumn`], [`DataError::Missing`], and
    /// [`DataError::UnseenCategory`] with row, column and value.
    pub fn apply(&self, table: &Table) -> Result<BitTable, DataError> {
        let order = column_order(&self.columns, self.has_names, table)?;
        let widths = self.widths();
        let mut bits = BitTable::zeros(table.n_rows, widths.iter().sum());
        let mut start = 0;
        for ((&c, levels), width) in order.iter().zip(&self.levels).zip(widths) {
            let codes: HashMap<&str, usize> = levels.iter().enumerate().map(|(k, l)| (l.as_str(), k)).collect();
            for row in 0..table.n_rows {
                let place = || (table.first_row + row, table.columns[c].clone());
                let Some(name) = table.text(row, c) else {
                    let (row, column) = place();
                    return Err(DataError::Missing { row, column });
                };
                let Some(&code) = codes.get(name.as_str()) else {
                    let (row, column) = place();
                    let more = if levels.len() > 8 { ", ..." } else { "" };
                    let known = levels.iter().take(8).map(|l| short(l)).collect::<Vec<_>>().join(", ") + more;
                    return Err(DataError::UnseenCategory { row, column, value: short(&name), known });
                };
                if width > 1 {
                    bits.set(row, start + code);
                } else if code == 1 {
                    bits.set(row, start);
                }
            }
            start += width;
        }
        Ok(bits)
    }

    /// Names of the categories of a row of bits, one a column.
    ///
    /// # Panics
    /// If there are not as many bits as the groups have.
    pub fn names<'a>(&'a self, row: &[bool]) -> Vec<&'a str> {
        let mut rest = row;
        let name = |(levels, width): (&'a Vec<String>, usize)| {
            let (group, after) = rest.split_at(width);
            rest = after;
            let code = if width == 1 { usize::from(group[0]) } else { group.iter().position(|b| *b).unwrap_or(0) };
            levels[code].as_str()
        };
        self.levels.iter().zip(self.widths()).map(name).collect()
    }
}

/// By value where all are numbers, else by letters.
fn sort(names: &mut [String]) {
    let numbers: Option<Vec<f64>> = names.iter().map(|n| n.parse().ok()).collect();
    match numbers {
        Some(_) => names.sort_by(|a, b| {
            let value = |s: &str| s.parse::<f64>().unwrap_or(f64::NAN);
            value(a).total_cmp(&value(b))
        }),
        None => names.sort(),
    }
}
