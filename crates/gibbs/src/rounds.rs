//! Finished rounds of `gibbs logz` in the run directory: its weights and ladders, and what a killed run goes on from.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use gibbs_core::log_partition::{Balanced, Finished, Ledger};
use gibbs_core::persist::{Tensor, TensorMap};
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::run_dir::{RunDir, hex};
use crate::tensors;

/// Name of the rounds in a run directory.
pub const ROUNDS: &str = "logz.safetensors";
/// Metadata key: which run the rounds belong to.
const OF: &str = "of";

/// What pilots found out before the first round.
#[derive(Clone, Debug, PartialEq)]
pub struct Pilot {
    /// The ladder's shape, and how much its log weights vary.
    pub balanced: Balanced,
    /// Moves a second.
    pub rate: f64,
    /// Seconds that the pilots took.
    pub seconds: f64,
}

/// The rounds of one run of `gibbs logz`: `shape` and `pilot` (rungs, variance, moves a second, seconds), and of every round
/// `round.K.ladder`, `round.K.seconds` and the log weights `round.K.forward` and `round.K.reverse.I`, all F64. The file is
/// written whole after each of them.
///
/// They belong to the parameters of the model, the version of the program and the settings that they were made with: others
/// begin anew.
#[derive(Debug)]
pub struct Rounds {
    path: PathBuf,
    of: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    map: TensorMap,
    /// Why the last round could not be written.
    failure: Option<Error>,
}

impl Rounds {
    /// The rounds of the model in `run` under `settings`, whatever decides their bits in words; none yet if the run holds those
    /// of others.
    ///
    /// # Errors
    /// If the model or a file of rounds cannot be read.
    pub fn open(run: &RunDir, settings: &str) -> Result<Self, Error> {
        let model = run.file("model.safetensors");
        let bytes = std::fs::read(&model).map_err(Error::io(&model))?;
        let of = format!("{} {} {settings}", env!("CARGO_PKG_VERSION"), hex(&Sha256::digest(&bytes)));
        let path = run.file(ROUNDS);
        let map = if path.exists() {
            let (map, metadata) = tensors::read(&path)?;
            if metadata.get(OF) == Some(&of) { map } else { TensorMap::default() }
        } else {
            TensorMap::default()
        };
        Ok(Self { path, of, state: Mutex::new(State { map, failure: None }) })
    }

    /// What the pilots found, if they ended.
    pub(crate) fn pilot(&self) -> Option<Pilot> {
        let [rungs, variance, rate, seconds] = self.numbers("pilot")?[..] else { return None };
        // Whether it is a ladder is asked where it is used.
        let shape = self.numbers("shape").filter(|s| s.len() >= 2)?;
        let balanced = Balanced { shape, rungs: rungs as usize, variance };
        Some(Pilot { balanced, rate, seconds })
    }

    /// Keeps what the pilots found.
    pub(crate) fn keep_pilot(&self, pilot: &Pilot) -> Result<(), Error> {
        let Balanced { shape, rungs, variance } = &pilot.balanced;
        self.write(&[("shape".into(), shape), ("pilot".into(), &[*rungs as f64, *variance, pilot.rate, pilot.seconds])])
    }

    /// Seconds of the pilots and of all rounds that are kept.
    pub fn seconds(&self) -> f64 {
        let pilot = self.pilot().map_or(0.0, |p| p.seconds);
        pilot + (0..).map_while(|k| self.recall(k)).map(|f| f.seconds).sum::<f64>()
    }

    /// Why a round could not be written, told once.
    pub(crate) fn failure(&self) -> Result<(), Error> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).failure.take().map_or(Ok(()), Err)
    }

    fn numbers(&self, name: &str) -> Option<Vec<f64>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.map.expect(name, None).and_then(|t| t.to_f64(name)).ok()
    }

    fn write(&self, arrays: &[(String, &[f64])]) -> Result<(), Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, values) in arrays {
            state.map.insert(name.clone(), Tensor::from_f64(&[values.len()], values));
        }
        tensors::write(&self.path, &state.map, &BTreeMap::from([(OF.to_string(), self.of.clone())]))
    }
}

impl Ledger for Rounds {
    fn recall(&self, round: usize) -> Option<Finished> {
        let read = |name: &str| self.numbers(&format!("round.{round}.{name}"));
        Some(Finished {
            ladder: read("ladder")?,
            forward: read("forward")?,
            reverse: (0..).map_while(|i| read(&format!("reverse.{i}"))).collect(),
            seconds: *read("seconds")?.first()?,
        })
    }

    fn keep(&self, round: usize, finished: &Finished) -> ControlFlow<()> {
        let Finished { ladder, forward, reverse, seconds } = finished;
        let name = |what: &str| format!("round.{round}.{what}");
        let seconds = [*seconds];
        let mut arrays: Vec<(String, &[f64])> =
            vec![(name("ladder"), ladder), (name("forward"), forward), (name("seconds"), &seconds)];
        arrays.extend(reverse.iter().enumerate().map(|(i, r)| (name(&format!("reverse.{i}")), &r[..])));
        match self.write(&arrays) {
            Ok(()) => ControlFlow::Continue(()),
            Err(e) => {
                self.state.lock().unwrap_or_else(PoisonError::into_inner).failure = Some(e);
                ControlFlow::Break(())
            }
        }
    }
}
