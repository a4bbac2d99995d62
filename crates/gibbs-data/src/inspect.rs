//! What kind of numbers a table holds.

use std::fmt;
use std::ops::Range;

use crate::{Table, Values};

/// The kind of a table, as a model has to know it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// Every value is 0 or 1.
    Binary,
    /// Every value is 0 or 1, and the columns fall into runs of at least two in which each row has exactly one 1.
    OneHot {
        /// The runs, in order; together they are all columns.
        groups: Vec<Range<usize>>,
    },
    /// Every value lies in `[0, 1]`, some strictly between.
    UnitInterval,
    /// Every value is an integer, some neither 0 nor 1.
    Integer {
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
    },
    /// Anything else that is finite.
    Continuous {
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
    },
    /// Some values are missing or infinite; see [`Table::check_finite`].
    Incomplete {
        /// How many.
        count: usize,
    },
}

/// Looks at every value and says what kind of table this is.
///
/// # Example
/// ```
/// use gibbs_data::{inspect, Kind, Table, Values};
/// let t = Table::from_values(3, Values::U8(vec![1, 0, 0, 0, 0, 1])).unwrap();
/// assert_eq!(inspect(&t), Kind::OneHot { groups: vec![0..3] });
/// let t = Table::from_values(2, Values::F64(vec![0.5, 1.0])).unwrap();
/// assert_eq!(inspect(&t).to_string(), "every value lies between 0 and 1");
/// ```
pub fn inspect(table: &Table) -> Kind {
    match &table.values {
        Values::U8(v) => {
            let (min, max) = v.iter().fold((255, 0), |(a, b), &x| (x.min(a), x.max(b)));
            if max > 1 {
                return Kind::Integer { min: f64::from(min), max: f64::from(max) };
            }
            one_hot(v, table.n_cols()).map_or(Kind::Binary, |groups| Kind::OneHot { groups })
        }
        Values::F64(v) => {
            let count = v.iter().filter(|x| !x.is_finite()).count();
            if count > 0 {
                return Kind::Incomplete { count };
            }
            let (min, max) = v.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &x| (a.min(x), b.max(x)));
            if v.iter().all(|&x| x == 0.0 || x == 1.0) {
                let bytes: Vec<u8> = v.iter().map(|&x| x as u8).collect();
                return one_hot(&bytes, table.n_cols()).map_or(Kind::Binary, |groups| Kind::OneHot { groups });
            }
            if v.iter().all(|x| x.fract() == 0.0) {
                Kind::Integer { min, max }
            } else if min >= 0.0 && max <= 1.0 {
                Kind::UnitInterval
            } else {
                Kind::Continuous { min, max }
            }
        }
    }
}

/// The shortest runs from the left in which every row sums to one; `None` where a run passes one or does not close.
/// Columns that are always zero join the run before them at the end of the table.
fn one_hot(cells: &[u8], n_cols: usize) -> Option<Vec<Range<usize>>> {
    let n_rows = cells.len() / n_cols;
    let mut groups: Vec<Range<usize>> = Vec::new();
    let mut sums = vec![0u8; n_rows];
    let (mut start, mut ones) = (0, 0);
    for c in 0..n_cols {
        for (r, sum) in sums.iter_mut().enumerate() {
            let bit = cells[r * n_cols + c];
            *sum += bit;
            ones += usize::from(bit);
            if *sum > 1 {
                return None;
            }
        }
        if ones == n_rows {
            if c == start {
                return None; // one column that is always 1 is no choice
            }
            groups.push(start..c + 1);
            sums.fill(0);
            (start, ones) = (c + 1, 0);
        }
    }
    if ones > 0 {
        return None;
    }
    groups.last_mut()?.end = n_cols;
    Some(groups)
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Binary => write!(f, "every value is 0 or 1"),
            Kind::OneHot { groups } => {
                let sizes: Vec<String> = groups.iter().take(6).map(|g| g.len().to_string()).collect();
                let more = if groups.len() > 6 { ", ..." } else { "" };
                let plural = if groups.len() == 1 { "variable" } else { "variables" };
                write!(f, "one-hot columns: {} {plural} with {}{more} values", groups.len(), sizes.join(", "))
            }
            Kind::UnitInterval => write!(f, "every value lies between 0 and 1"),
            Kind::Integer { min, max } => write!(f, "every value is an integer from {min} to {max}"),
            Kind::Continuous { min, max } => write!(f, "continuous values from {min} to {max}"),
            Kind::Incomplete { count: 1 } => write!(f, "1 value is missing or infinite"),
            Kind::Incomplete { count } => write!(f, "{count} values are missing or infinite"),
        }
    }
}
