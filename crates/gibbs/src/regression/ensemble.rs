//! Networks from different starting points, with the standardisation of their inputs and outcome.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use gibbs_core::dense::Dense;
use gibbs_core::key::{Key, Purpose};
use gibbs_core::params::ParamMap;
use gibbs_data::{DataError, Scaling, Standardise, Table};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::training::{self, Look, Member, Rowsets};
use super::{Conformal, Forecast, Head, Network, Settings};
use crate::error::Error;
use crate::progress::Progress;

/// What the model knows beside its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// The network.
    pub network: Network,
    /// How inputs are standardised.
    pub inputs: Standardise,
    /// Name of the outcome.
    pub target: String,
    /// Outcome that is 0 on the scale of the network.
    pub shift: f64,
    /// Outcome that is 1 there, less the shift.
    pub scale: f64,
    /// Names of the classes in the order of their numbers, for heads that have them.
    pub classes: Vec<String>,
}

/// An ensemble: the mixture of what its members say.
#[derive(Clone, Debug, PartialEq)]
pub struct Ensemble {
    pub(super) frame: Frame,
    pub(super) members: Vec<ParamMap>,
    pub(super) conformal: Option<Conformal>,
}

/// Rows that a fit takes from a table.
#[derive(Clone, Copy, Debug)]
pub struct Data<'a> {
    /// Inputs, a column each.
    pub inputs: &'a Table,
    /// The outcome of every row: a number, or the number of a class.
    pub outcome: &'a [f64],
    /// Its name.
    pub target: &'a str,
    /// Names of the classes, for heads that have them.
    pub classes: &'a [String],
}

impl<'a> Data<'a> {
    /// Numbers without names, for use from code.
    pub fn new(inputs: &'a Table, outcome: &'a [f64]) -> Self {
        Self { inputs, outcome, target: "y", classes: &[] }
    }

    /// A fault in the outcome of a row, in words with the row as a person counts it.
    pub(super) fn fault(&self, row: usize, what: &str) -> Error {
        let place = if self.inputs.source.is_empty() { String::new() } else { format!("{}: ", self.inputs.source) };
        Error::Table(format!("{place}row {}, column {:?}: {what}", self.inputs.first_row + row, self.target))
    }

    /// Checks outcomes of some rows.
    fn check(&self, head: &Head, rows: &[usize]) -> Result<(), Error> {
        for &row in rows {
            let Some(&y) = self.outcome.get(row) else {
                return Err(Error::Usage(format!(
                    "row {row} is asked for, but there are {} outcomes",
                    self.outcome.len()
                )));
            };
            if y.is_nan() {
                return Err(self.fault(row, "the outcome is missing; fill it in or remove the row"));
            }
            if !y.is_finite() {
                return Err(self.fault(row, &format!("the outcome is {y}; only finite numbers can be predicted")));
            }
            if head.takes_counts() && !(y >= 0.0 && y.fract() == 0.0) {
                let what =
                    format!("the outcome is {y}, and counts are 0, 1, 2, ...; real outcomes take --head gaussian");
                return Err(self.fault(row, &what));
            }
            if let Some(k) = head.n_classes().filter(|k| !(y >= 0.0 && y < *k as f64 && y.fract() == 0.0)) {
                return Err(self.fault(row, &format!("the class is {y}, and classes are numbered from 0 to {}", k - 1)));
            }
        }
        Ok(())
    }
}

/// Shift and scale of outcomes over the training rows, and the unit of counts.
fn outcome_scale(data: &Data<'_>, head: &Head, train: &[usize]) -> Result<(f64, f64, f64), Error> {
    if head.n_classes().is_some() {
        return Ok((0.0, 1.0, 1.0));
    }
    let n = train.len() as f64;
    let mean = train.iter().map(|r| data.outcome[*r]).sum::<f64>() / n;
    if head.takes_counts() {
        // Of zeros alone the rate is small, not zero.
        return Ok((0.0, 1.0, mean.max(0.5 / n)));
    }
    let sd = (train.iter().map(|r| (data.outcome[*r] - mean).powi(2)).sum::<f64>() / n).sqrt();
    if sd <= 1e-12 * mean.abs() {
        return Err(Error::Table(format!(
            "column {:?} is {} in every training row: there is nothing to predict",
            data.target, data.outcome[train[0]]
        )));
    }
    Ok((mean, sd, 1.0))
}

impl Ensemble {
    /// Trains an ensemble on the rows `train` of a table, watching `watch` if there are any.
    ///
    /// Members have keys of their own and are trained side by side: the same key gives the same bits at any number of threads.
    ///
    /// # Errors
    /// Fewer than two rows, a constant column or outcome, values that are missing, infinite or out of range (with row and
    /// column), settings without meaning, or training that diverged.
    ///
    /// # Example
    /// ```
    /// use gibbs::core::key::Key;
    /// use gibbs::data::{Table, Values};
    /// use gibbs::progress::Silent;
    /// use gibbs::regression::ensemble::{Data, Ensemble};
    /// use gibbs::regression::{Head, Settings};
    ///
    /// let x: Vec<f64> = (0..200).map(|i| f64::from(i) / 100.0 - 1.0).collect();
    /// let y: Vec<f64> = x.iter().map(|x| 3.0 * x + 1.0).collect();
    /// let table = Table::from_values(1, Values::F64(x)).unwrap();
    /// let rows: Vec<usize> = (0..200).collect();
    /// let settings = Settings { members: 2, ..Settings::default() };
    /// let head = Head::Gaussian { beta: 0.0 };
    /// let key = Key::from_seed(0);
    /// let (model, _) = Ensemble::fit(&Data::new(&table, &y), head, &settings, &rows, &[], &key, &Silent)?;
    /// let forecast = &model.forecasts(&table)?[150];
    /// assert!((forecast.mean() - 2.5).abs() < 0.3);
    /// # Ok::<(), gibbs::error::Error>(())
    /// ```
    pub fn fit(
        data: &Data<'_>,
        head: Head,
        settings: &Settings,
        train: &[usize],
        watch: &[usize],
        key: &Key,
        progress: &dyn Progress,
    ) -> Result<(Self, Vec<Look>), Error> {
        let frame = Frame::new(data, head, settings, train, watch)?;
        let (shift, scale) = (frame.shift, frame.scale);
        let x = frame.inputs.apply(data.inputs, key)?;
        let learn = frame.beside(&x, data.outcome, train);
        let watch_rows = Dense::from_rows(frame.network.n_inputs, frame.select(&x, watch));
        let watch_outcome: Vec<f64> = watch.iter().map(|r| (data.outcome[*r] - shift) / scale).collect();
        let rows = Rowsets { learn: &learn, watch: &watch_rows, watch_outcome: &watch_outcome };

        progress.begin("training", settings.epochs * settings.members as u64);
        let (done, stopped) = (AtomicU64::new(0), AtomicBool::new(false));
        let epoch = || {
            progress.advance(done.fetch_add(1, Ordering::Relaxed) + 1);
            if progress.stop() {
                stopped.store(true, Ordering::Relaxed);
            }
            !stopped.load(Ordering::Relaxed)
        };
        let train = |m: usize| training::train(&frame.network, settings, &rows, m, &key.block(m as u64), &epoch);
        let members: Vec<Member> =
            (0..settings.members).into_par_iter().with_max_len(1).map(train).collect::<Result<_, _>>()?;
        progress.end();
        let looks = members.iter().flat_map(|m| m.looks.iter().copied()).collect();
        let members = members.into_iter().map(|m| m.params).collect();
        Ok((Self { frame, members, conformal: None }, looks))
    }

    /// What the model knows beside its weights.
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// Parameters of every member.
    pub fn members(&self) -> &[ParamMap] {
        &self.members
    }

    /// Intervals or sets of a promised coverage, if [`Ensemble::calibrate`] was called.
    pub fn conformal(&self) -> Option<&Conformal> {
        self.conformal.as_ref()
    }

    /// Makes intervals or sets of coverage `level` from rows that training did not see.
    ///
    /// # Errors
    /// Rows that cannot be forecast, or a level not strictly between 0 and 1.
    pub fn calibrate(&mut self, data: &Data<'_>, rows: &[usize], level: f64) -> Result<(), Error> {
        data.check(&self.frame.network.head, rows)?;
        let forecasts = self.forecasts_of(data.inputs, rows)?;
        let outcome: Vec<f64> = rows.iter().map(|r| data.outcome[*r]).collect();
        self.conformal = Some(Conformal::fit(&forecasts, &outcome, level)?);
        Ok(())
    }

    /// The forecast of every row of a table.
    ///
    /// # Errors
    /// Columns that are not those of the fit, missing or infinite values, with row and column.
    pub fn forecasts(&self, inputs: &Table) -> Result<Vec<Forecast>, Error> {
        self.forecasts_of(inputs, &(0..inputs.n_rows).collect::<Vec<_>>())
    }

    /// The forecasts of some rows.
    ///
    /// # Errors
    /// As [`Ensemble::forecasts`].
    pub fn forecasts_of(&self, inputs: &Table, rows: &[usize]) -> Result<Vec<Forecast>, Error> {
        let mut by_member = self.member_forecasts(inputs, rows)?;
        if by_member.len() == 1 {
            return Ok(by_member.remove(0));
        }
        let pool = |i: usize| Forecast::pooled(by_member.iter().map(|m| m[i].clone()).collect());
        Ok((0..rows.len()).map(pool).collect())
    }

    /// What each member says by itself.
    ///
    /// # Errors
    /// As [`Ensemble::forecasts`].
    pub fn member_forecasts(&self, inputs: &Table, rows: &[usize]) -> Result<Vec<Vec<Forecast>>, Error> {
        let frame = &self.frame;
        // No noise is added: the key draws nothing.
        let x = frame.inputs.apply(inputs, &Key::from_seed(0).purpose(Purpose::Noise))?;
        let x = Dense::from_rows(frame.network.n_inputs, frame.select(&x, rows));
        let one = |params: &ParamMap| training::forecasts(&frame.network, params, &x, frame.shift, frame.scale);
        self.members.iter().map(one).collect()
    }
}

impl Frame {
    /// All that is known before training, and every reason not to begin: see [`Ensemble::fit`].
    pub(super) fn new(
        data: &Data<'_>,
        head: Head,
        settings: &Settings,
        train: &[usize],
        watch: &[usize],
    ) -> Result<Self, Error> {
        head.check().map_err(Error::Usage)?;
        check(settings)?;
        if train.len() < 2 {
            return Err(Error::Table(format!(
                "{} training rows: a law is learnt from two or more, better a hundred",
                train.len()
            )));
        }
        data.check(&head, train)?;
        data.check(&head, watch)?;
        let inputs = Standardise::fit(data.inputs, train, Scaling::Standard, None)?;
        let (shift, scale, unit) = outcome_scale(data, &head, train)?;
        let network = Network { mlp: settings.mlp.clone(), head, n_inputs: inputs.n_cols(), unit };
        let (target, classes) = (data.target.to_string(), data.classes.to_vec());
        Ok(Self { network, inputs, target, shift, scale, classes })
    }

    /// Standardised inputs of some rows.
    fn select(&self, x: &[f64], rows: &[usize]) -> Vec<f32> {
        let d = self.network.n_inputs;
        rows.iter().flat_map(|r| x[r * d..(r + 1) * d].iter().map(|v| *v as f32)).collect()
    }

    /// Inputs and outcome side by side, as [`Network::energy`] takes them.
    fn beside(&self, x: &[f64], outcome: &[f64], rows: &[usize]) -> Dense<f32> {
        let (d, t) = (self.network.n_inputs, self.network.head.n_targets());
        let mut values = Vec::with_capacity(rows.len() * (d + t));
        for &r in rows {
            values.extend(x[r * d..(r + 1) * d].iter().map(|v| *v as f32));
            if t == 1 {
                values.push(((outcome[r] - self.shift) / self.scale) as f32);
            } else {
                let class = outcome[r] as usize;
                values.extend((0..t).map(|k| f32::from(u8::from(k == class))));
            }
        }
        Dense::from_rows(d + t, values)
    }
}

fn check(s: &Settings) -> Result<(), Error> {
    let wrong = |what: String| Err(Error::Usage(what));
    if !(1..=10_000).contains(&s.members) {
        return wrong(format!("--members lies in 1..=10000, found {}", s.members));
    }
    if s.epochs == 0 || s.batch_size == 0 {
        return wrong("--epochs and --batch-size are 1 or more".into());
    }
    if s.mlp.hidden.iter().any(|w| !(1..=1 << 16).contains(w)) || s.mlp.hidden.len() > 64 {
        return wrong(format!("--layers are up to 64 widths from 1 to 65536, found {:?}", s.mlp.hidden));
    }
    let positive = |x: f64| x > 0.0 && x.is_finite();
    if !positive(s.learning_rate) {
        return wrong(format!("--learning-rate is positive and finite, found {}", s.learning_rate));
    }
    for (flag, x) in [("--weight-decay", s.weight_decay), ("--clip", s.clip)] {
        if x != 0.0 && !positive(x) {
            return wrong(format!("{flag} is 0 or more, and finite, found {x}"));
        }
    }
    Ok(())
}

impl From<gibbs_stats::scores::ScoreError> for Error {
    fn from(e: gibbs_stats::scores::ScoreError) -> Self {
        Error::Table(e.to_string())
    }
}

/// A class that the model was not fitted with, as data errors say it.
pub(super) fn unseen(row: usize, column: &str, value: &str, known: &[String]) -> Error {
    Error::Data(DataError::UnseenCategory {
        row,
        column: column.into(),
        value: value.into(),
        known: known.iter().take(8).cloned().collect::<Vec<_>>().join(", "),
    })
}
