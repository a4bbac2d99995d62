//! Chains of a fitted model: where they end, and whether they can be believed.

use gibbs_core::diagnostics::{Draws, FlipRate, Summary, Thresholds, autocorrelation::autocorrelation};
use gibbs_core::key::{Key, Purpose};
use serde::Serialize;

use crate::batch::Batch;
use crate::models::{Model, SampleObserver, Start, Unobserved};
use crate::progress::Progress;
use crate::report::Level;

/// Chains of each kind of start.
const CHAINS: usize = 16;
/// Chains of short runs, of rows of few columns and of others.
const SHORT_RUNS: [usize; 2] = [500, 64];
/// Columns of rows that are kept in number.
const FEW_COLUMNS: usize = 16;
/// Steps of a short run, as training makes them.
pub const SHORT_RUN: u64 = 60;
/// Steps left out at the beginning.
const WARM_UP: u64 = 500;
/// Steps kept.
const KEPT: u64 = 1_000;
/// Steps between two of which all rows are kept, where rows are short.
const KEPT_EVERY: u64 = 20;
/// Lags of the autocorrelation that is drawn.
const LAGS: usize = 100;
/// A unit that is on less often than this, or off, may well never flip.
const MARGIN: f64 = 0.05;

/// What chains of a model did: half of them started at data rows, half at draws of the base.
#[derive(Clone, Debug)]
pub struct ChainReport {
    /// The energy's summary over all chains.
    pub energy: Summary,
    /// Mean energy of the chains that started at data, and of those that started at draws of the base, nats.
    pub mean_by_start: [f64; 2],
    /// Mean autocorrelation of the energy at lags 0, 1, ...
    pub autocorrelation: Vec<f64>,
    /// Energies of the kept steps, chain after chain.
    pub traces: Vec<f64>,
    /// How often sites flip, of models of bits.
    pub flips: Option<Flips>,
    /// Chains that never moved after warm-up.
    pub stuck_chains: usize,
    /// Where chains from draws of the base stand after [`SHORT_RUN`] steps, and their mean energy there, nats.
    pub short_run: (Batch, f64),
    /// Where all chains stood at some of the kept steps.
    pub kept: Batch,
    /// Where all chains ended.
    pub last: Batch,
    /// The verdict.
    pub verdict: Verdict,
}

/// How often sites flip.
#[derive(Clone, Copy, Debug)]
pub struct Flips {
    /// Share of steps at which a site flips, averaged over sites.
    pub rate: f64,
    /// The smallest such share of a chain.
    pub slowest_chain: f64,
    /// Sites that never flipped although chains disagree about them.
    pub stuck_sites: usize,
}

/// A plain sentence and how good the news is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How good.
    pub level: Level,
    /// The sentence.
    pub sentence: String,
}

/// The numbers of a [`ChainReport`], for `--json`.
#[derive(Clone, Debug, Serialize)]
pub struct ChainNumbers {
    /// Mean energy, nats.
    pub energy: f64,
    /// Its Monte Carlo standard error.
    pub mcse: f64,
    /// Rank-normalised split R-hat of the energy.
    pub rhat: f64,
    /// Effective draws of its centre.
    pub ess_bulk: f64,
    /// Effective draws of its tails.
    pub ess_tail: f64,
    /// See [`Flips::rate`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flip_rate: Option<f64>,
    /// See [`ChainReport::stuck_chains`].
    pub stuck_chains: usize,
    /// See [`Flips::stuck_sites`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stuck_sites: Option<usize>,
    /// The verdict's sentence.
    pub verdict: String,
}

struct Recorder<'a> {
    energies: Vec<Vec<f64>>,
    flips: Option<FlipRate>,
    previous: Batch,
    moved: Vec<bool>,
    kept: Option<Batch>,
    progress: &'a dyn Progress,
}

impl SampleObserver for Recorder<'_> {
    fn observe(&mut self, step: u64, rows: &Batch, energies: &[f64]) -> bool {
        if step >= WARM_UP {
            for (trace, e) in self.energies.iter_mut().zip(energies) {
                trace.push(*e);
            }
            match (&mut self.flips, &self.previous, rows) {
                (Some(flips), Batch::Bits(before), Batch::Bits(now)) => {
                    // The layouts agree by construction: both are the chains' packed rows.
                    let _ = flips.record(before.words(), now.words());
                }
                _ => {
                    for (i, moved) in self.moved.iter_mut().enumerate() {
                        *moved |= !*moved && self.previous.row(i) != rows.row(i);
                    }
                }
            }
        }
        if step >= WARM_UP && step.is_multiple_of(KEPT_EVERY) && rows.n_cols() <= FEW_COLUMNS {
            self.kept = Some(self.kept.take().map_or_else(|| rows.clone(), |kept| kept.followed_by(rows)));
        }
        self.previous = rows.clone();
        self.progress.advance(step + 1);
        !self.progress.stop()
    }

    fn wants_energies(&self, step: u64) -> bool {
        step >= WARM_UP
    }
}

/// Runs chains from data and from the base and looks at them. `None` if stopped, or if an energy is not finite.
pub fn examine(model: &dyn Model, data: &Batch, seed: u64, progress: &dyn Progress) -> Option<ChainReport> {
    let key = Key::from_seed(seed).purpose(Purpose::Other);
    progress.begin("sampling", WARM_UP + KEPT);
    let start = start(model, data, &key);
    let mut recorder = Recorder {
        energies: vec![Vec::new(); 2 * CHAINS],
        flips: start.bits().and_then(|b| FlipRate::new(2 * CHAINS, b.n_cols()).ok()),
        previous: start.clone(),
        moved: vec![false; 2 * CHAINS],
        kept: None,
        progress,
    };
    let last = model.sample(2 * CHAINS, Start::Rows(&start), 1.0, WARM_UP + KEPT, &key.step(1), &mut recorder);
    if progress.stop() {
        return None;
    }
    let few = data.n_cols() <= FEW_COLUMNS;
    let n_short = SHORT_RUNS[usize::from(!few)];
    let short = model.sample(n_short, Start::Base, 1.0, SHORT_RUN, &key.step(4), &mut Unobserved);
    let short_energy = model.energy(&short).iter().sum::<f64>() / n_short as f64;
    let short_run = (short, short_energy);
    progress.end();
    let traces = recorder.energies.concat();
    let draws = Draws::new(&traces, 2 * CHAINS).ok()?;
    let energy = Summary::of(&draws);
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let half = traces.len() / 2;
    let mean_by_start = [mean(&traces[..half]), mean(&traces[half..])];
    let mut correlation = vec![0.0; LAGS];
    for chain in 0..2 * CHAINS {
        for (c, rho) in correlation.iter_mut().zip(autocorrelation(draws.chain(chain))) {
            *c += rho / (2 * CHAINS) as f64;
        }
    }
    let flips = recorder.flips.as_ref().map(|f| Flips {
        rate: f.mean(),
        slowest_chain: f.per_chain().into_iter().fold(f64::INFINITY, f64::min),
        stuck_sites: f.stuck_sites(MARGIN).len(),
    });
    let stuck_chains = match &recorder.flips {
        Some(flips) => flips.stuck_chains(),
        None => recorder.moved.iter().filter(|m| !**m).count(),
    };
    let verdict = judge(&energy, mean_by_start, stuck_chains, flips.map_or(0, |f| f.stuck_sites));
    Some(ChainReport {
        autocorrelation: correlation,
        flips,
        energy,
        mean_by_start,
        stuck_chains,
        short_run,
        kept: recorder.kept.unwrap_or_else(|| last.clone()),
        last,
        verdict,
        traces,
    })
}

/// Half of the chains start at data rows, half at draws of the base.
fn start(model: &dyn Model, data: &Batch, key: &Key) -> Batch {
    let mut rng = key.step(0).rng();
    let from_data = data.select(&(0..CHAINS).map(|_| rng.below(data.n_rows())).collect::<Vec<_>>());
    let from_base = model.sample(CHAINS, Start::Base, 1.0, 0, &key.step(2), &mut Unobserved);
    from_data.followed_by(&from_base)
}

impl ChainReport {
    /// The numbers alone.
    pub fn numbers(&self) -> ChainNumbers {
        ChainNumbers {
            energy: self.energy.mean,
            mcse: self.energy.mcse_mean,
            rhat: self.energy.rhat,
            ess_bulk: self.energy.ess_bulk,
            ess_tail: self.energy.ess_tail,
            flip_rate: self.flips.map(|f| f.rate),
            stuck_chains: self.stuck_chains,
            stuck_sites: self.flips.map(|f| f.stuck_sites),
            verdict: self.verdict.sentence.clone(),
        }
    }
}

fn judge(energy: &Summary, [from_data, from_base]: [f64; 2], stuck_chains: usize, stuck_sites: usize) -> Verdict {
    let n = energy.n_chains;
    if stuck_chains > 0 {
        return Verdict {
            level: Level::Bad,
            sentence: format!(
                "The chains did not mix: {stuck_chains} of {n} never moved after warm-up. Samples show where chains \
                 started, not the model; a cooler model (--l2) or fewer, longer updates would help."
            ),
        };
    }
    // R-hat below 1.01 and 400 effective draws (Vehtari et al. 2021, section 4), shared by all chains.
    let wanted = Thresholds { ess_per_chain: 400.0 / n as f64, ..Thresholds::default() };
    if energy.verdict(&wanted).is_mixed() && stuck_sites == 0 {
        return Verdict {
            level: Level::Good,
            sentence: format!(
                "The chains mixed: {n} chains from data and from the base agree (R-hat {:.3}), with {:.0} \
                 effective draws of the energy.",
                energy.rhat, energy.ess_bulk
            ),
        };
    }
    // R-hat well above one with different means by start: modes that chains do not leave.
    let apart = (from_data - from_base).abs() > 4.0 * energy.mcse_mean.max(1e-12) && energy.rhat >= 1.05;
    let (level, what) = if apart || energy.rhat >= 1.1 {
        (Level::Bad, "The chains did not mix")
    } else {
        (Level::Warning, "The chains mixed slowly")
    };
    let stuck = if stuck_sites > 0 {
        format!(", and {stuck_sites} units never flipped although chains disagree about them")
    } else {
        String::new()
    };
    Verdict {
        level,
        sentence: format!(
            "{what}: R-hat {:.3} (1.01 is asked for), {:.0} effective draws of the energy; mean energy {from_data:.1} \
             from data and {from_base:.1} from the base{stuck}. Run longer chains before relying on samples.",
            energy.rhat, energy.ess_bulk
        ),
    }
}
