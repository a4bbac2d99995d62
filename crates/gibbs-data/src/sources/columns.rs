//! Which columns of a source become data, weight and label.

use std::collections::HashMap;

use crate::{DataError, ReadOptions, Table, Values};

/// Positions in the source of the columns that are wanted.
#[derive(Debug)]
pub(crate) struct Roles {
    pub(crate) data: Vec<usize>,
    pub(crate) weight: Option<usize>,
    pub(crate) label: Option<usize>,
}

impl Roles {
    /// Finds the wanted columns by name.
    pub(crate) fn resolve(names: &[String], options: &ReadOptions) -> Result<Self, DataError> {
        let index: HashMap<&str, usize> = names.iter().enumerate().map(|(i, n)| (n.as_str(), i)).collect();
        let find = |name: &String| index.get(name.as_str()).copied().ok_or_else(|| unknown(name, names));
        let weight = options.weight_column.as_ref().map(find).transpose()?;
        let label = options.label_column.as_ref().map(find).transpose()?;
        let mut left_out = vec![false; names.len()];
        for name in &options.drop {
            left_out[find(name)?] = true;
        }
        for i in [weight, label].into_iter().flatten() {
            left_out[i] = true;
        }
        let wanted: Vec<usize> = match &options.columns {
            None => (0..names.len()).collect(),
            Some(list) => list.iter().map(find).collect::<Result<_, _>>()?,
        };
        let mut data = Vec::with_capacity(wanted.len());
        for i in wanted {
            if !left_out[i] {
                left_out[i] = true; // a column named twice is read once
                data.push(i);
            }
        }
        if data.is_empty() {
            return Err(DataError::NoColumns);
        }
        Ok(Roles { data, weight, label })
    }
}

fn unknown(name: &str, names: &[String]) -> DataError {
    let some: Vec<String> = names.iter().take(8).map(|n| short(n)).collect();
    DataError::UnknownColumn {
        name: name.to_string(),
        nearest: crate::nearest(name, names.iter().map(String::as_str)),
        count: names.len(),
        some: some.join(", ") + if names.len() > 8 { ", ..." } else { "" },
    }
}

/// The beginning of a cell, for messages.
pub(crate) fn short(cell: &str) -> String {
    if cell.chars().count() <= 40 { cell.to_string() } else { cell.chars().take(37).collect::<String>() + "..." }
}

/// `x0, x1, ...`, the names of columns that have none.
pub(crate) fn unnamed(n: usize) -> Vec<String> {
    (0..n).map(|c| format!("x{c}")).collect()
}

/// Makes names usable: an empty one gets its number, a repeated one a suffix (`a`, `a.1`).
pub(crate) fn unique(names: Vec<String>) -> Vec<String> {
    let mut count: HashMap<String, usize> = HashMap::new();
    let mut out: Vec<String> = Vec::with_capacity(names.len());
    for (i, name) in names.into_iter().enumerate() {
        let name = if name.trim().is_empty() { format!("x{i}") } else { name.trim().to_string() };
        let mut candidate = name.clone();
        while count.contains_key(&candidate) {
            let n = count.entry(name.clone()).or_insert(0);
            *n += 1;
            candidate = format!("{name}.{n}");
        }
        count.insert(candidate.clone(), 0);
        out.push(candidate);
    }
    out
}

/// A weight: finite and not negative.
pub(crate) fn weight(value: f64, row: usize, column: &str) -> Result<f64, DataError> {
    if value.is_finite() && value >= 0.0 {
        return Ok(value);
    }
    Err(DataError::Role { row, column: column.to_string(), value, wanted: "a weight: finite and at least 0" })
}

/// A label: an integer that a double holds exactly.
pub(crate) fn label(value: f64, row: usize, column: &str) -> Result<i64, DataError> {
    if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 {
        return Ok(value as i64);
    }
    Err(DataError::Role { row, column: column.to_string(), value, wanted: "a label: an integer" })
}

/// Applies the options to a table that was read whole (NPY, IDX, pictures).
pub(crate) fn select(mut table: Table, options: &ReadOptions) -> Result<Table, DataError> {
    let all = options.columns.is_none() && options.drop.is_empty();
    if all && options.weight_column.is_none() && options.label_column.is_none() {
        return Ok(table);
    }
    let roles = Roles::resolve(&table.columns, options)?;
    let row_of = |r: usize| table.first_row + r;
    if let Some(c) = roles.weight {
        let column = (0..table.n_rows).map(|r| weight(table.value(r, c), row_of(r), &table.columns[c]));
        table.weights = Some(column.collect::<Result<_, _>>()?);
    }
    if let Some(c) = roles.label {
        let column = (0..table.n_rows).map(|r| label(table.value(r, c), row_of(r), &table.columns[c]));
        table.labels = Some(column.collect::<Result<_, _>>()?);
    }
    let mut values = Values::new();
    for r in 0..table.n_rows {
        roles.data.iter().for_each(|&c| values.push(table.value(r, c)));
    }
    // The columns no longer make the picture that they were.
    table.shape = table.shape.filter(|_| roles.data.iter().copied().eq(0..table.n_cols()));
    table.columns = roles.data.iter().map(|&c| table.columns[c].clone()).collect();
    table.has_names = true;
    table.values = values;
    Ok(table)
}

/// Rows of columns that are to be written as a table.
pub(super) fn common_length(names: &[&str], columns: &[&[f64]]) -> Result<usize, DataError> {
    let n_rows = columns.first().map_or(0, |c| c.len());
    if names.len() != columns.len() || columns.iter().any(|c| c.len() != n_rows) {
        return Err(DataError::Setting(format!(
            "{} names and columns of lengths {:?} do not make a table",
            names.len(),
            columns.iter().map(|c| c.len()).collect::<Vec<_>>()
        )));
    }
    Ok(n_rows)
}
