//! `log Z` followed through training: what a look at the log-likelihood costs once the look before it is known.

use gibbs_core::dense::Dense;
use gibbs_core::key::{Key, Purpose};
use gibbs_core::log_partition::{Bias, Certificate, Ends, LogZ, LogZError, Verdict};
use gibbs_core::persist::{Persist, StateError, Tensor, TensorMap};
use gibbs_spin::Bits;

use crate::batch::Batch;
use crate::bracket::BracketOptions;
use crate::error::Error;
use crate::models::{self, Model, ModelHeader, Start, Unobserved};
use crate::progress::Progress;

/// Samples of the model that are kept from look to look.
const CHAINS: usize = 512;
/// Steps that bring them from one look's model to the next one's.
const STEPS: u64 = 50;
/// Steps of the chains that make the first of them, from data.
const FIRST_STEPS: u64 = 500;
/// Chains a side of an interval, and temperatures at least.
const SIZE: (usize, usize) = (100, 50);
/// Moves that the interval of the ratio to the model of the look before may cost.
const RATIO_MOVES: u64 = 200_000;
/// Moves that an interval from the base may cost.
const BASE_MOVES: u64 = 2_000_000;
/// Width that both aim at, nats.
const WIDTH: f64 = 0.2;
/// An interval this many times as wide as the one from the base that it began with is begun anew.
const WORN: f64 = 2.0;
/// So is one that was followed over this many looks, whatever it says of itself.
const LONGEST: u64 = 24;

/// The model of the last look, samples of it, and what is known of its `log Z`.
#[derive(Clone, Debug)]
struct Known {
    model: TensorMap,
    chains: Batch,
    /// `log Z`, its standard error, and how far its interval reaches below and above.
    value: f64,
    std_err: f64,
    reach: [f64; 2],
    /// Width of the interval that it began with.
    began: f64,
    /// Looks since then.
    looks: u64,
    verdict: Verdict,
}

/// `log Z` at the looks of a fit, from both sides.
///
/// The first look runs both sides from the model's base. A later one asks for the *ratio* to the model of the look before,
/// forward chains from the samples kept of that model and reverse chains from the same after some steps under the new one:
/// models that a few updates lie between are far closer to each other than to any base. Ratios add up; their errors, which come
/// from different draws, add in squares. An interval that has doubled, was followed for 24 looks, or whose
/// ratio is not to be trusted, is begun anew from the base, with reverse chains from the samples that are kept. So are the
/// intervals of kinds of models that share no path with each other.
///
/// All of its state is saved with the training's: a fit that goes on sees the same bits.
#[derive(Debug, Default)]
pub(crate) struct Monitor {
    known: Option<Known>,
}

impl Monitor {
    /// `log Z` of `model` with both ends; `rows` are of its data, and `header` says how its kind is saved.
    pub(crate) fn look(
        &mut self,
        model: &dyn Model,
        header: &ModelHeader,
        rows: &Batch,
        key: &Key,
        progress: &dyn Progress,
    ) -> Result<LogZ, Error> {
        let key = key.purpose(Purpose::LogZ);
        let followed = match &self.known {
            Some(before) => follow(before, model, header, &key.step(0), progress)?,
            None => None,
        };
        let mut now = match followed {
            Some(now) => now,
            None => self.anew(model, rows, &key.step(1), progress)?,
        };
        let start = self.known.as_ref().map_or(Start::Rows(rows), |k| Start::Rows(&k.chains));
        let steps = if self.known.is_some() { STEPS } else { FIRST_STEPS };
        now.chains = model.sample(CHAINS, start, 1.0, steps, &key.step(2), &mut Unobserved);
        let log_z = now.log_z();
        self.known = Some(now);
        Ok(log_z)
    }

    /// From the base.
    fn anew(&self, model: &dyn Model, rows: &Batch, key: &Key, progress: &dyn Progress) -> Result<Known, Error> {
        let (rows, steps) = self.known.as_ref().map_or((rows, FIRST_STEPS), |k| (&k.chains, STEPS));
        let found = model.bracket(&options(BASE_MOVES, steps), Some(rows), key, progress)?;
        let reach = reach(&found);
        Ok(Known {
            model: model.tensors(),
            chains: rows.slice(0, 0),
            value: found.value,
            std_err: found.std_err,
            reach,
            began: reach[0] + reach[1],
            looks: 0,
            verdict: found.verdict,
        })
    }

    pub(crate) fn save(&self, to: &mut TensorMap) {
        let Some(k) = &self.known else { return };
        k.model.iter().for_each(|(name, tensor)| to.insert(format!("monitor.model.{name}"), tensor.clone()));
        match &k.chains {
            Batch::Bits(x) => x.save("monitor.chains.", to),
            Batch::Real(x) => x.save("monitor.chains.", to),
        }
        to.insert_u64("monitor.columns", k.chains.n_cols() as u64);
        let verdict = VERDICTS.iter().position(|v| *v == k.verdict).unwrap_or(0);
        let numbers = [k.value, k.std_err, k.reach[0], k.reach[1], k.began, k.looks as f64, verdict as f64];
        to.insert("monitor.log_z", Tensor::from_f64(&[numbers.len()], &numbers));
    }

    pub(crate) fn load(from: &TensorMap) -> Result<Self, StateError> {
        if from.get("monitor.log_z").is_none() {
            return Ok(Self::default());
        }
        let mut model = TensorMap::default();
        for (name, tensor) in from.iter() {
            if let Some(own) = name.strip_prefix("monitor.model.") {
                model.insert(own, tensor.clone());
            }
        }
        let columns = from.expect_u64("monitor.columns")? as usize;
        let chains = if from.get("monitor.chains.bits").is_some() {
            let mut x = Bits::zeros(0, columns);
            x.load("monitor.chains.", from)?;
            Batch::Bits(x)
        } else {
            let mut x = Dense::zeros(0, columns);
            x.load("monitor.chains.", from)?;
            Batch::Real(x)
        };
        let name = "monitor.log_z";
        let damaged = |reason: &str| StateError::Invalid { name: name.into(), reason: reason.into() };
        let [value, std_err, below, above, began, looks, verdict] = from.expect(name, None)?.to_f64(name)?[..] else {
            return Err(damaged("seven numbers are wanted"));
        };
        if chains.n_rows() == 0 {
            return Err(damaged("no chains are with it"));
        }
        let verdict = *VERDICTS.get(verdict as usize).ok_or_else(|| damaged("no such verdict"))?;
        let looks = looks as u64;
        let known = Known { model, chains, value, std_err, reach: [below, above], began, looks, verdict };
        Ok(Self { known: Some(known) })
    }
}

const VERDICTS: [Verdict; 3] = [Verdict::NotToBeTrusted, Verdict::Plausible, Verdict::Certified];

impl Known {
    fn log_z(&self) -> LogZ {
        let method = match self.looks {
            0 => "forward and reverse AIS".to_string(),
            n => format!("forward and reverse AIS, and the ratios of {n} looks since"),
        };
        let mut z = LogZ::exact(self.value, method);
        z.bias = Bias::Unknown;
        z.std_err = self.std_err;
        let (lower, upper) = (self.value - self.reach[0], self.value + self.reach[1]);
        z.ends = Some(Ends { lower, upper, verdict: self.verdict });
        z
    }
}

/// The model of the look before and the ratio to it; `None` where that cannot be had or is not to be trusted.
fn follow(
    before: &Known,
    model: &dyn Model,
    header: &ModelHeader,
    key: &Key,
    progress: &dyn Progress,
) -> Result<Option<Known>, Error> {
    if before.looks + 1 >= LONGEST || before.verdict == Verdict::NotToBeTrusted {
        return Ok(None);
    }
    let Ok(last) = models::from_tensors(header, &before.model) else { return Ok(None) };
    let how = options(RATIO_MOVES, STEPS);
    let Some(found) = last.ratio(model, &how, Some(&before.chains), key, progress) else { return Ok(None) };
    let found = match found {
        Err(e @ (Error::Interrupted | Error::LogZ(LogZError::Interrupted))) => return Err(e),
        // A ratio that cannot be had is no reason to stop: the base may do.
        Err(_) => return Ok(None),
        Ok(found) => found,
    };
    let step = reach(&found);
    let reach = [0, 1].map(|side| before.reach[side].hypot(step[side]));
    if found.verdict == Verdict::NotToBeTrusted || reach[0] + reach[1] > WORN * before.began.max(WIDTH) {
        return Ok(None);
    }
    Ok(Some(Known {
        model: model.tensors(),
        chains: before.chains.slice(0, 0),
        value: before.value + found.value,
        std_err: before.std_err.hypot(found.std_err),
        reach,
        began: before.began,
        looks: before.looks + 1,
        verdict: before.verdict.min(found.verdict),
    }))
}

fn options(moves: u64, start_steps: u64) -> BracketOptions {
    let (n_chains, n_temperatures) = SIZE;
    BracketOptions { width: WIDTH, moves, n_chains, n_temperatures, start_steps, ..BracketOptions::default() }
}

/// How far an interval reaches below and above its value: two standard errors of it at least, also where its sides cross.
fn reach(found: &Certificate) -> [f64; 2] {
    [found.value - found.lower, found.upper - found.value].map(|r| r.max(2.0 * found.std_err))
}
