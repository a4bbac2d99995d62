//! Patterns from a table, stored in an associative memory, and queries from another, recalled.

use std::path::Path;

use gibbs_core::dense::Dense;
use gibbs_core::key::Key;
use gibbs_core::rows::{Continuous, Rows};
use gibbs_data::{ReadOptions, Table, read};
use gibbs_spin::Bits;
use gibbs_spin::memory::{self, DenseMemory, Hopfield, Interaction, MemoryError, Modern, Recaller, Update};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// How patterns are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Hebb's rule: couplings by agreement; some 0.138 patterns a spin
    Hebbian,
    /// Projection: independent patterns are fixed points, correlated or not
    Projection,
    /// Storkey's rule: local as Hebb's, with larger capacity
    Storkey,
    /// Dense memory with a polynomial of --degree
    Polynomial,
    /// Dense memory with an exponential of sharpness --beta
    #[default]
    Exponential,
    /// Continuous memory over real numbers: softmax attention of sharpness --beta
    Modern,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub struct RecallOptions {
    /// How patterns are stored.
    pub rule: Rule,
    /// Degree of the polynomial.
    pub degree: u32,
    /// Sharpness of the exponential and of the continuous memory; 1 unless given.
    pub beta: Option<f64>,
    /// All spins at once instead of one after another.
    pub synchronous: bool,
    /// Sweeps at most.
    pub max_sweeps: u32,
    /// Seed of the order of spins.
    pub seed: u64,
}

/// Where one query ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recalled {
    /// The query's row as a person counts it.
    pub row: usize,
    /// The nearest stored pattern: its row as a person counts it.
    pub pattern: usize,
    /// Overlap with it in [-1, 1]: `xi . s / N` of spins, the cosine of real rows.
    pub overlap: f64,
    /// Sweeps (updates, for the continuous memory) until nothing changed.
    pub sweeps: u32,
    /// Whether the state is a fixed point.
    pub converged: bool,
    /// Its energy.
    pub energy: f64,
}

/// Where the queries ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecallReport {
    /// How patterns were stored.
    pub rule: Rule,
    /// Patterns.
    pub patterns: usize,
    /// Columns of a pattern.
    pub columns: usize,
    /// A line a query.
    pub queries: Vec<Recalled>,
    /// What speaks against the result.
    pub warnings: Vec<String>,
}

/// Recalled rows in the units of the table they came from, row-major.
pub type RecalledRows = Vec<f64>;

/// Stores the rows of `patterns`, recalls the rows of `queries`; returns what was found, the recalled rows in the values of
/// the queries' table (row-major), and the names of its columns.
///
/// Tables hold bits (0 and 1), spins (-1 and 1), or, for [`Rule::Modern`], any finite numbers.
pub fn recall(
    patterns: &Path,
    queries: &Path,
    options: &RecallOptions,
) -> Result<(RecallReport, RecalledRows, Vec<String>), Error> {
    let options_of_read = ReadOptions::default();
    let (stored, asked) = (read(patterns, &options_of_read)?, read(queries, &options_of_read)?);
    stored.check_finite()?;
    asked.check_finite()?;
    if stored.n_cols() != asked.n_cols() {
        return Err(Error::Usage(format!(
            "{} has {} columns and {} has {}: patterns and queries have the same columns",
            patterns.display(),
            stored.n_cols(),
            queries.display(),
            asked.n_cols()
        )));
    }
    if options.max_sweeps == 0 {
        return Err(Error::Usage("--max-sweeps is 1 or more".into()));
    }
    let (lines, rows) = if options.rule == Rule::Modern {
        recall_real(&stored, &asked, options)?
    } else {
        recall_bits((patterns, &stored), (queries, &asked), options)?
    };
    let mut warnings = Vec::new();
    let load = stored.n_rows as f64 / stored.n_cols() as f64;
    if options.rule == Rule::Hebbian && load > 0.138 {
        warnings.push(format!(
            "{load:.3} patterns a spin are more than Hebb's rule holds (some 0.138): try --rule projection or exponential"
        ));
    }
    let open = lines.iter().filter(|l| !l.converged).count();
    if open > 0 {
        warnings.push(format!("{open} queries had not come to rest after {} sweeps", options.max_sweeps));
    }
    let report = RecallReport {
        rule: options.rule,
        patterns: stored.n_rows,
        columns: stored.n_cols(),
        queries: lines,
        warnings,
    };
    Ok((report, rows, asked.columns.clone()))
}

fn usage(error: &MemoryError) -> Error {
    Error::Usage(error.to_string())
}

/// Bits of a table, and whether it holds spins.
fn bits(path: &Path, table: &Table) -> Result<(Bits, bool), Error> {
    let n = table.n_cols();
    let mut x = Bits::zeros(table.n_rows, n);
    let spins = (0..table.values.len()).any(|k| table.values.get(k) == -1.0);
    for k in 0..table.values.len() {
        let value = table.values.get(k);
        let up = value == 1.0;
        if !up && value != if spins { -1.0 } else { 0.0 } {
            let (row, column) = table.locate(k);
            let wanted = if spins { "-1 or 1, as other cells are" } else { "0 or 1" };
            return Err(Error::Usage(format!(
                "{}: row {row}, column {column:?}: {value} is not {wanted}; --rule modern takes any numbers",
                path.display()
            )));
        }
        x.set(k / n, k % n, up);
    }
    Ok((x, spins))
}

fn recall_bits(
    (patterns_path, patterns_table): (&Path, &Table),
    (queries_path, queries_table): (&Path, &Table),
    options: &RecallOptions,
) -> Result<(Vec<Recalled>, RecalledRows), Error> {
    let (patterns, _) = bits(patterns_path, patterns_table)?;
    let (queries, spins) = bits(queries_path, queries_table)?;
    let update = if options.synchronous { Update::Synchronous } else { Update::Asynchronous };
    let key = Key::from_seed(options.seed);
    let pairwise = |rule| -> Result<memory::Recall, Error> {
        let memory = Hopfield::store(rule, &patterns).map_err(|e| usage(&e))?;
        Ok(Recaller::new(&memory).recall(&queries, update, options.max_sweeps, &key))
    };
    let dense = |interaction| -> Result<memory::Recall, Error> {
        let memory = DenseMemory::new(interaction, patterns.clone()).map_err(|e| usage(&e))?;
        Ok(memory.recall(&queries, update, options.max_sweeps, &key))
    };
    let found = match options.rule {
        Rule::Hebbian => pairwise(memory::Rule::Hebbian)?,
        Rule::Projection => pairwise(memory::Rule::Projection)?,
        Rule::Storkey => pairwise(memory::Rule::Storkey)?,
        Rule::Polynomial => dense(Interaction::Polynomial(options.degree))?,
        Rule::Exponential | Rule::Modern => dense(Interaction::Exponential { beta: options.beta.unwrap_or(1.0) })?,
    };
    let lines = (0..queries.n_rows())
        .map(|i| {
            let (at, overlap) = memory::nearest(&patterns, &found.states, i);
            Recalled {
                row: queries_table.first_row + i,
                pattern: patterns_table.first_row + at,
                overlap,
                sweeps: found.sweeps[i],
                converged: found.converged[i],
                energy: found.energies[i],
            }
        })
        .collect();
    let low = if spins { -1.0 } else { 0.0 };
    let rows = found.states.to_bytes().iter().map(|b| if *b == 1 { 1.0 } else { low }).collect();
    Ok((lines, rows))
}

fn recall_real(
    patterns_table: &Table,
    queries_table: &Table,
    options: &RecallOptions,
) -> Result<(Vec<Recalled>, RecalledRows), Error> {
    let real = |t: &Table| {
        Dense::from_rows(t.n_cols(), (0..t.values.len()).map(|k| t.values.get(k) as f32).collect::<Vec<f32>>())
    };
    let (patterns, queries) = (real(patterns_table), real(queries_table));
    let beta = options.beta.unwrap_or(1.0);
    let memory = Modern::new(patterns, beta).map_err(|e| usage(&e))?;
    let patterns = memory.patterns();
    // A few roundings of the largest coordinate.
    let largest = patterns.values().iter().fold(0.0f32, |m, v| m.max(v.abs()));
    let found = memory.recall(&queries, 1e-5 * largest.max(f32::MIN_POSITIVE), options.max_sweeps);
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let lines = (0..queries.n_rows())
        .map(|i| {
            let x = found.states.row(i);
            let distance = |mu: usize| {
                let p = patterns.row(mu);
                dot(p, p) - 2.0 * dot(p, x)
            };
            let at = (0..patterns.n_rows()).min_by(|a, b| distance(*a).total_cmp(&distance(*b))).unwrap_or(0);
            let p = patterns.row(at);
            let norm = (dot(p, p) * dot(x, x)).sqrt();
            Recalled {
                row: queries_table.first_row + i,
                pattern: patterns_table.first_row + at,
                overlap: if norm > 0.0 { dot(p, x) / norm } else { 0.0 },
                sweeps: found.updates[i],
                converged: found.converged[i],
                energy: found.energies[i],
            }
        })
        .collect();
    Ok((lines, found.states.values().iter().map(|v| f64::from(*v)).collect()))
}
