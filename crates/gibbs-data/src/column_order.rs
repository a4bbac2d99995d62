//! The columns of a table in the order that a model was fitted with.

use crate::{DataError, Table};

/// For each of `columns`, its position in the table: by name where both sides have names, else in order.
///
/// # Errors
/// [`DataError::ColumnCount`] for another number of columns, [`DataError::UnknownColumn`] for a missing one.
pub fn column_order(columns: &[String], has_names: bool, table: &Table) -> Result<Vec<usize>, DataError> {
    let (expected, found) = (columns.len(), table.n_cols());
    if found != expected {
        let by_name = has_names && table.has_names;
        let advice = if found > expected && by_name {
            let extra: Vec<&str> =
                table.columns.iter().filter(|c| !columns.contains(c)).take(5).map(String::as_str).collect();
            format!("not among the model's: {}; rename or remove columns", extra.join(", "))
        } else if found > expected {
            "columns without names are told by their places: give exactly the model's, in order".to_string()
        } else {
            "give a table with all of the model's columns".to_string()
        };
        return Err(DataError::ColumnCount { expected, found, advice });
    }
    if !(has_names && table.has_names) || columns == table.columns {
        return Ok((0..expected).collect());
    }
    let position: std::collections::HashMap<&str, usize> =
        table.columns.iter().enumerate().map(|(i, c)| (c.as_str(), i)).collect();
    let unknown = |name: &String| DataError::UnknownColumn {
        name: name.clone(),
        nearest: crate::nearest(name, table.columns.iter().map(String::as_str)),
        count: table.n_cols(),
        some: table.columns.iter().take(8).cloned().collect::<Vec<_>>().join(", "),
    };
    columns.iter().map(|name| position.get(name.as_str()).copied().ok_or_else(|| unknown(name))).collect()
}
