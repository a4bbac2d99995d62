//! Inputs and outcome from a table on disk.

use std::path::Path;

use gibbs_data::{Categories, DataError, ReadOptions, Table};

use super::config::HeadKind;
use super::ensemble::{Data, Frame, unseen};
use crate::error::Error;

/// Most classes that a column of outcomes may have.
const MOST_CLASSES: usize = 1_000;

/// Inputs with their outcome.
#[derive(Clone, Debug)]
pub struct Outcomes {
    /// Inputs.
    pub inputs: Table,
    /// Name of the outcome.
    pub target: String,
    /// Outcomes; class numbers where there are classes.
    pub outcome: Vec<f64>,
    /// Names of the classes by number.
    pub classes: Vec<String>,
}

impl Outcomes {
    /// As a fit takes it.
    pub fn data(&self) -> Data<'_> {
        Data { inputs: &self.inputs, outcome: &self.outcome, target: &self.target, classes: &self.classes }
    }
}

/// Whether reading failed for want of a column.
fn is_unknown(e: &DataError) -> bool {
    matches!(e.root(), DataError::UnknownColumn { .. })
}

/// Reads inputs and outcome: the column `target`, and all others or those that `options` names.
///
/// # Errors
/// No such column, a missing value, a class that cannot be one: with row and column.
pub fn read(path: &Path, options: &ReadOptions, target: &str, head: HeadKind) -> Result<Outcomes, Error> {
    let (outcome, classes) = if head.has_classes() {
        let text = column(path, options, target, true)?;
        let levels = Categories::fit(&text, MOST_CLASSES).map_err(|e| e.in_file(path))?.levels.remove(0);
        if head == HeadKind::Ordinal && levels.iter().any(|l| l.parse::<f64>().is_err()) {
            return Err(Error::Table(format!(
                "{}: column {target:?} has classes that are no numbers, so they have no order: number them, or use --head classes",
                path.display()
            )));
        }
        (numbers(&text, &levels)?, levels)
    } else {
        let table = column(path, options, target, false)?;
        table.check_finite().map_err(|e| e.in_file(path))?;
        ((0..table.n_rows).map(|r| table.value(r, 0)).collect(), Vec::new())
    };
    let columns = options.columns.clone().map(|c| c.into_iter().filter(|c| c != target).collect());
    let drop = options.drop.iter().cloned().chain(columns.is_none().then(|| target.to_string())).collect();
    let inputs = gibbs_data::read(path, &ReadOptions { columns, drop, ..options.clone() })?;
    Ok(Outcomes { inputs, target: target.into(), outcome, classes })
}

/// Inputs for a fitted model, and the outcomes where the table has them.
///
/// # Errors
/// Missing columns or values, a class that the model does not know: with row and column.
pub fn read_for(path: &Path, frame: &Frame) -> Result<(Table, Option<Vec<f64>>), Error> {
    let wanted = &frame.inputs;
    let options = ReadOptions::default();
    let inputs = if wanted.has_names {
        gibbs_data::read(path, &ReadOptions { columns: Some(wanted.columns.clone()), ..options.clone() })?
    } else {
        // Without names the outcome is told by its place.
        match gibbs_data::read(path, &ReadOptions { drop: vec![frame.target.clone()], ..options.clone() }) {
            Err(e) if is_unknown(&e) => gibbs_data::read(path, &options)?,
            other => other?,
        }
    };
    let classes = frame.network.head.n_classes().is_some();
    let table = match column(path, &options, &frame.target, classes) {
        Err(Error::Data(e)) if is_unknown(&e) => return Ok((inputs, None)),
        other => other?,
    };
    let outcome = if classes {
        numbers(&table, &frame.classes)?
    } else {
        table.check_finite().map_err(|e| e.in_file(path))?;
        (0..table.n_rows).map(|r| table.value(r, 0)).collect()
    };
    Ok((inputs, Some(outcome)))
}

/// One column of a table.
fn column(path: &Path, options: &ReadOptions, name: &str, text: bool) -> Result<Table, Error> {
    let only = ReadOptions { columns: Some(vec![name.into()]), drop: Vec::new(), text, ..options.clone() };
    Ok(gibbs_data::read(path, &only)?)
}

/// Numbers of the classes of a column of text.
fn numbers(table: &Table, classes: &[String]) -> Result<Vec<f64>, Error> {
    let column = &table.columns[0];
    let number = |row: usize| {
        let at = table.first_row + row;
        let Some(name) = table.text(row, 0) else {
            return Err(Error::Data(DataError::Missing { row: at, column: column.clone() }));
        };
        classes.iter().position(|c| *c == name).map(|k| k as f64).ok_or_else(|| unseen(at, column, &name, classes))
    };
    (0..table.n_rows).map(number).collect()
}
