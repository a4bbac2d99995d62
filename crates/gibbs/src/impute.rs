//! Missing cells of a table from a model of it: the known cells of a row are held, the others are drawn.

use gibbs_core::diagnostics::{Draws, Summary};
use gibbs_core::key::{Key, Purpose};
use gibbs_data::{Binarise, Table, column_order};
use gibbs_spin::Bits;
use rayon::prelude::*;
use serde::Serialize;

use crate::batch::Batch;
use crate::dataset::Preparation;
use crate::error::Error;
use crate::models::{Model, SampleObserver, Saved, Start, Unobserved};
use crate::options::FitOptions;
use crate::progress::Progress;

/// Chains of a row.
const CHAINS: usize = 16;
/// Steps of every chain that are thrown away: at least this many, and as many as are kept.
const WARM_UP: u64 = 250;
/// Completions of a row up to which they are all weighed: then nothing is drawn.
const MOST_COMPLETIONS: usize = 4_096;
/// R-hat above which chains are said not to have mixed (Vehtari et al. 2021 ask for 1.01 of long runs; some hundreds of
/// draws a chain scatter by 0.01 themselves).
const RHAT: f64 = 1.05;
/// Effective draws below which an interval is not to be believed.
const LEAST_EFFECTIVE: f64 = 100.0;

/// How cells are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImputeOptions {
    /// Draws of a row, over all chains.
    pub draws: usize,
    /// Probability that an interval is to hold.
    pub level: f64,
    /// Seed.
    pub seed: u64,
}

impl Default for ImputeOptions {
    fn default() -> Self {
        Self { draws: 4_000, level: 0.9, seed: 0 }
    }
}

/// What a model says of one missing cell.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cell {
    /// Row, as a person counts it in the file.
    pub row: usize,
    /// Column.
    pub column: String,
    /// The value filled in: the mean of a number, the most probable of several values.
    pub value: String,
    /// Of a number, the ends of the interval in the units of the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// Of a number, its standard deviation given the known cells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sd: Option<f64>,
    /// Of one of several values, the probability of each given the known cells, the most probable first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub probabilities: Vec<(String, f64)>,
    /// Whether the law was summed exactly, not drawn.
    pub exact: bool,
    /// R-hat over the chains, where cells were drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rhat: Option<f64>,
    /// Effective draws.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_draws: Option<f64>,
    /// Whether the chains agree well enough for this to be used.
    pub trusted: bool,
}

/// A completed table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Imputation {
    /// Names of the columns, in the model's order.
    pub columns: Vec<String>,
    /// All cells as text, known ones as they were.
    #[serde(skip)]
    pub rows: Vec<Vec<String>>,
    /// The cells that were missing.
    pub cells: Vec<Cell>,
    /// Rows that had none known.
    pub empty_rows: usize,
    /// What speaks against relying on it, in words.
    pub warnings: Vec<String>,
}

/// Rows of a model with holes.
struct Partial {
    /// The rows; what is not known is arbitrary.
    rows: Batch,
    /// Whether a cell is known, rows x columns of the model.
    known: Vec<bool>,
    /// The known cells as text.
    text: Vec<Vec<Option<String>>>,
    first_row: usize,
}

/// Completes a table that has the model's columns, some cells empty (or `NA`, `nan`, `?`).
///
/// Where a row has few completions (bits and categories) they are all weighed, which is exact. Else chains run from random
/// completions, and how far they agree is said of every cell.
///
/// # Errors
/// A table that does not fit the model, with row and column; models whose columns cannot be held.
pub fn impute(
    saved: &Saved,
    data: &str,
    options: &FitOptions,
    how: &ImputeOptions,
    progress: &dyn Progress,
) -> Result<Imputation, Error> {
    if !(how.level > 0.0 && how.level < 1.0) {
        return Err(Error::Usage(format!("--level lies between 0 and 1, found {}", how.level)));
    }
    if !(4 * CHAINS..=10_000_000).contains(&how.draws) {
        return Err(Error::Usage(format!("--draws lies in {}..=10000000, found {}", 4 * CHAINS, how.draws)));
    }
    let preparation = &saved.header.preprocess;
    let partial = read_partial(preparation, data, options)?;
    let columns = preparation.columns().to_vec();
    let n_cols = columns.len();
    let incomplete: Vec<usize> =
        (0..partial.rows.n_rows()).filter(|&r| partial.known[r * n_cols..][..n_cols].contains(&false)).collect();
    progress.begin("imputing", incomplete.len() as u64);
    let done = std::sync::atomic::AtomicU64::new(0);
    let key = Key::from_seed(how.seed).purpose(Purpose::Other);
    let laws: Result<Vec<Vec<Cell>>, Error> = incomplete
        .par_iter()
        .map(|&row| {
            if progress.stop() {
                return Err(Error::Interrupted);
            }
            let one = Row { saved, partial: &partial, at: row, columns: &columns, how };
            let cells = one.cells(&key.block(row as u64));
            progress.advance(done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1);
            cells
        })
        .collect();
    progress.end();
    let cells = laws?.concat();
    let mut rows: Vec<Vec<String>> =
        partial.text.iter().map(|r| r.iter().map(|c| c.clone().unwrap_or_default()).collect()).collect();
    for cell in &cells {
        let column = columns.iter().position(|c| *c == cell.column).unwrap_or(0);
        rows[cell.row - partial.first_row][column].clone_from(&cell.value);
    }
    let empty = |r: &&usize| !partial.known[**r * n_cols..][..n_cols].contains(&true);
    let empty_rows = incomplete.iter().filter(empty).count();
    let warnings = warnings(&cells, empty_rows);
    Ok(Imputation { columns, rows, cells, empty_rows, warnings })
}

fn warnings(cells: &[Cell], empty_rows: usize) -> Vec<String> {
    let mut out = Vec::new();
    let doubtful: Vec<&Cell> = cells.iter().filter(|c| !c.trusted).collect();
    if let Some(worst) = doubtful.iter().max_by(|a, b| a.rhat.unwrap_or(0.0).total_cmp(&b.rhat.unwrap_or(0.0))) {
        out.push(format!(
            "{} of {} cells are not to be trusted: chains from different starts disagree, or are too short (worst: row {}, column \
             {:?}, R-hat {:.3}, {:.0} effective draws); take more --draws",
            doubtful.len(),
            cells.len(),
            worst.row,
            worst.column,
            worst.rhat.unwrap_or(f64::NAN),
            worst.effective_draws.unwrap_or(0.0)
        ));
    }
    if empty_rows > 0 {
        out.push(format!("{empty_rows} rows have no known cell: they get what the model says of any row"));
    }
    out
}

/// Reads a table with holes and prepares what is there.
fn read_partial(preparation: &Preparation, data: &str, options: &FitOptions) -> Result<Partial, Error> {
    let mut options = options.clone();
    // The class is a cell like any other here: it may be missing, or its column.
    options.classes = None;
    options.label_column = None;
    let mut table = preparation.read(data, &options)?;
    let seed = options.seed.unwrap_or(0);
    match preparation {
        Preparation::Labelled(l) => {
            let labels = table
                .take_column(&l.column)
                .or_else(|| table.labels.as_ref().map(|labels| labels.iter().map(|&y| y as f64).collect()));
            let labels: Vec<Option<i64>> = match labels {
                Some(values) => values.iter().map(|y| (!y.is_nan()).then_some(*y as i64)).collect(),
                None => vec![None; table.n_rows],
            };
            let bits = prepare(&Preparation::Bits(l.bits.clone()), table, seed)?;
            let rows = bits.rows.bits().map(|x| l.join(x, &labels, bits.first_row)).transpose()?;
            let n = l.bits.columns.len();
            let known = bits.known.chunks_exact(n).zip(&labels).flat_map(|(k, y)| [k, &[y.is_some()]].concat());
            let text = bits.text.into_iter().zip(&labels).map(|(mut cells, y)| {
                cells.push(y.map(|y| y.to_string()));
                cells
            });
            Ok(Partial {
                known: known.collect(),
                text: text.collect(),
                rows: rows.map_or(bits.rows, Batch::Bits),
                first_row: bits.first_row,
            })
        }
        other => prepare(other, table, seed),
    }
}

/// Fills holes with values that the preparation takes.
fn prepare(preparation: &Preparation, mut table: Table, seed: u64) -> Result<Partial, Error> {
    let names = match preparation {
        Preparation::Bits(p) => p.has_names,
        Preparation::Real(s) => s.has_names,
        Preparation::Categories(c) => c.has_names,
        Preparation::Counts(c) => c.has_names,
        Preparation::Labelled(l) => l.bits.has_names,
    };
    let order = column_order(preparation.columns(), names, &table)?;
    let mut fill = vec![0.0; table.n_cols()];
    match preparation {
        Preparation::Bits(p) => {
            if let Binarise::Bernoulli { low, .. } = p.binarise {
                fill.fill(low);
            }
        }
        Preparation::Categories(c) => {
            // A category that is known, whatever the column holds here.
            let levels = table.levels.get_or_insert_with(|| vec![Vec::new(); order.len()]);
            for (levels_known, &at) in c.levels.iter().zip(&order) {
                fill[at] = levels[at].len() as f64;
                levels[at].push(levels_known[0].clone());
            }
        }
        Preparation::Counts(_) => {
            return Err(Error::Usage(
                "counts are modelled given their sum, which a row with holes does not have: nothing to impute".into(),
            ));
        }
        _ => {}
    }
    let (filled, present) = table.filled(|c| fill[c]);
    let n_cols = order.len();
    let known = (0..table.n_rows * n_cols).map(|k| present[k / n_cols * n_cols + order[k % n_cols]]).collect();
    let text = (0..table.n_rows).map(|r| order.iter().map(|&c| table.text(r, c)).collect()).collect();
    Ok(Partial { rows: preparation.apply(&filled, seed)?.rows, known, text, first_row: table.first_row })
}

/// One row to be completed.
struct Row<'a> {
    saved: &'a Saved,
    partial: &'a Partial,
    at: usize,
    columns: &'a [String],
    how: &'a ImputeOptions,
}

impl Row<'_> {
    fn model(&self) -> &dyn Model {
        self.saved.model.as_ref()
    }

    /// Whether each column is known.
    fn known(&self) -> &[bool] {
        &self.partial.known[self.at * self.columns.len()..][..self.columns.len()]
    }

    /// Units of every column, and whether the column is known.
    fn units(&self) -> Vec<(std::ops::Range<usize>, bool)> {
        let mut start = 0;
        let widths = self.saved.header.preprocess.widths();
        let place = |(w, k): (usize, &bool)| {
            start += w;
            (start - w..start, *k)
        };
        widths.into_iter().zip(self.known()).map(place).collect()
    }

    fn cells(&self, key: &Key) -> Result<Vec<Cell>, Error> {
        match self.completions() {
            Some(rows) => Ok(self.weighed(&rows)),
            None => self.drawn(key),
        }
    }

    /// All completions of a row of bits and groups, if there are few.
    fn completions(&self) -> Option<Bits> {
        let row = self.partial.rows.bits()?.slice(self.at, self.at + 1);
        let free: Vec<_> = self.units().into_iter().filter(|(_, known)| !known).map(|(r, _)| r).collect();
        let states = |r: &std::ops::Range<usize>| r.len().max(2);
        let n = free.iter().try_fold(1usize, |n, r| n.checked_mul(states(r)).filter(|n| *n <= MOST_COMPLETIONS))?;
        let mut rows = gibbs_core::rows::Rows::select(&row, &vec![0; n]);
        for s in 0..n {
            let mut rest = s;
            for r in &free {
                let state = rest % states(r);
                rest /= states(r);
                set_state(&mut rows, s, r, state);
            }
        }
        Some(rows)
    }

    /// Exact laws from the energies of all completions.
    fn weighed(&self, rows: &Bits) -> Vec<Cell> {
        let energies = self.model().energy(&Batch::Bits(rows.clone()));
        let lowest = energies.iter().copied().fold(f64::INFINITY, f64::min);
        let weights: Vec<f64> = energies.iter().map(|e| (lowest - e).exp()).collect();
        let total: f64 = weights.iter().sum();
        self.missing()
            .map(|(column, units)| {
                let mut law = vec![0.0; units.len().max(2)];
                for (s, w) in weights.iter().enumerate() {
                    law[state(rows, s, &units)] += w / total;
                }
                self.chosen(column, &units, &law, None)
            })
            .collect()
    }

    /// The columns that are missing, with their units.
    fn missing(&self) -> impl Iterator<Item = (usize, std::ops::Range<usize>)> + '_ {
        self.units().into_iter().enumerate().filter(|(_, (_, known))| !known).map(|(c, (r, _))| (c, r))
    }

    /// Laws from chains that start at draws of the base with the known cells put in.
    fn drawn(&self, key: &Key) -> Result<Vec<Cell>, Error> {
        let known: Vec<bool> = self.units().into_iter().flat_map(|(r, k)| vec![k; r.len()]).collect();
        let random = self.model().sample(CHAINS, Start::Base, 1.0, 0, &key.step(0), &mut Unobserved);
        let same = self.partial.rows.select(&[self.at; CHAINS]);
        let start = match (random, same) {
            (Batch::Bits(mut x), Batch::Bits(row)) => {
                x.overwrite(&row, &known);
                Batch::Bits(x)
            }
            (Batch::Real(mut x), Batch::Real(row)) => {
                use gibbs_core::rows::Continuous;
                for (k, (x, v)) in x.values_mut().iter_mut().zip(row.values()).enumerate() {
                    if known[k % known.len()] {
                        *x = *v;
                    }
                }
                Batch::Real(x)
            }
            _ => unreachable!("rows of the model's own kind"),
        };
        let kept = (self.how.draws / CHAINS) as u64;
        let warm_up = WARM_UP.max(kept);
        let mut record = Record { warm_up, columns: self.missing().collect(), values: Vec::new() };
        record.values = vec![Vec::with_capacity(self.how.draws); record.columns.len()];
        self.model().sample_given(&start, &known, warm_up + kept, &key.step(1), &mut record)?;
        Ok(self
            .missing()
            .zip(record.values)
            .map(|((c, units), by_step)| self.summarised(c, &units, &by_step))
            .collect())
    }

    /// One cell from its draws, step after step.
    fn summarised(&self, column: usize, units: &std::ops::Range<usize>, by_step: &[f64]) -> Cell {
        let kept = by_step.len() / CHAINS;
        let chains: Vec<f64> = (0..CHAINS).flat_map(|c| (0..kept).map(move |t| by_step[t * CHAINS + c])).collect();
        if self.partial.rows.bits().is_none() {
            return self.number(column, &chains);
        }
        let mut law = vec![0.0; units.len().max(2)];
        chains.iter().for_each(|&s| law[s as usize] += 1.0 / chains.len() as f64);
        let most = law.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(k, _)| k);
        let indicator: Vec<f64> = chains.iter().map(|&s| f64::from(u8::from(s as usize == most))).collect();
        self.chosen(column, units, &law, Some(mixing(&indicator)))
    }

    /// A cell that is a number.
    fn number(&self, column: usize, chains: &[f64]) -> Cell {
        let (shift, scale) = match &self.saved.header.preprocess {
            Preparation::Real(s) => (s.shift[column], s.scale[column]),
            _ => (0.0, 1.0),
        };
        let mut sorted: Vec<f64> = chains.iter().map(|z| shift + scale * z).collect();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len() as f64;
        let mean = sorted.iter().sum::<f64>() / n;
        let variance = sorted.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let at = |p: f64| sorted[((p * n) as usize).min(sorted.len() - 1)];
        let tail = 0.5 * (1.0 - self.how.level);
        let (rhat, effective, trusted) = mixing(chains);
        Cell {
            interval: Some([at(tail), at(1.0 - tail)]),
            sd: Some(variance.sqrt()),
            rhat: Some(rhat),
            effective_draws: Some(effective),
            trusted,
            ..self.cell(column, (mean as f32).to_string())
        }
    }

    /// A cell that is one of several values, from their probabilities.
    fn chosen(
        &self,
        column: usize,
        units: &std::ops::Range<usize>,
        law: &[f64],
        mixing: Option<(f64, f64, bool)>,
    ) -> Cell {
        let mut row = Bits::zeros(1, self.model().n_columns());
        let mut named: Vec<(String, f64)> = (0..law.len())
            .map(|k| {
                set_state(&mut row, 0, units, k);
                (self.saved.header.preprocess.cells(&Batch::Bits(row.clone()), 0)[column].clone(), law[k])
            })
            .collect();
        named.sort_by(|a, b| b.1.total_cmp(&a.1));
        Cell {
            probabilities: named.clone(),
            exact: mixing.is_none(),
            rhat: mixing.map(|m| m.0),
            effective_draws: mixing.map(|m| m.1),
            trusted: mixing.is_none_or(|m| m.2),
            ..self.cell(column, named.swap_remove(0).0)
        }
    }

    fn cell(&self, column: usize, value: String) -> Cell {
        Cell {
            row: self.partial.first_row + self.at,
            column: self.columns[column].clone(),
            value,
            interval: None,
            sd: None,
            probabilities: Vec::new(),
            exact: false,
            rhat: None,
            effective_draws: None,
            trusted: true,
        }
    }
}

/// R-hat, effective draws, and whether the chains agree. A cell that is the same in every draw is certain; chains that each stay
/// at a value of their own are not.
fn mixing(chains: &[f64]) -> (f64, f64, bool) {
    if chains.iter().all(|v| *v == chains[0]) {
        return (1.0, chains.len() as f64, true);
    }
    match Draws::new(chains, CHAINS) {
        Ok(draws) => {
            let s = Summary::of(&draws);
            (s.rhat, s.ess_bulk, s.rhat < RHAT && s.ess_bulk > LEAST_EFFECTIVE)
        }
        Err(_) => (f64::NAN, 0.0, false),
    }
}

/// State of a group of units in a row.
fn state(x: &Bits, row: usize, units: &std::ops::Range<usize>) -> usize {
    match units.len() {
        1 => usize::from(x.get(row, units.start)),
        _ => units.clone().position(|u| x.get(row, u)).unwrap_or(0),
    }
}

fn set_state(x: &mut Bits, row: usize, units: &std::ops::Range<usize>, state: usize) {
    match units.len() {
        1 => x.set(row, units.start, state == 1),
        _ => units.clone().enumerate().for_each(|(k, u)| x.set(row, u, k == state)),
    }
}

/// Values of the missing columns in all chains, step after step.
struct Record {
    warm_up: u64,
    columns: Vec<(usize, std::ops::Range<usize>)>,
    values: Vec<Vec<f64>>,
}

impl SampleObserver for Record {
    fn observe(&mut self, step: u64, rows: &Batch, _energies: &[f64]) -> bool {
        if step >= self.warm_up {
            for ((_, units), values) in self.columns.iter().zip(&mut self.values) {
                for chain in 0..rows.n_rows() {
                    values.push(match rows {
                        Batch::Bits(x) => state(x, chain, units) as f64,
                        Batch::Real(x) => f64::from(gibbs_core::rows::Continuous::row(x, chain)[units.start]),
                    });
                }
            }
        }
        true
    }
}
