//! Chains of a fitted model: where they end, and whether they can be believed.

use gibbs_core::diagnostics::{Draws, FlipRate, Summary, Thresholds, autocorrelation::autocorrelation};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::rows::Rows;
use gibbs_spin::Bits;
use serde::Serialize;

use crate::models::{Model, SampleObserver, Start, Unobserved};
use crate::progress::Progress;
use crate::report::Level;

/// Chains of each kind of start.
const CHAINS: usize = 16;
/// Steps left out at the beginning.
const WARM_UP: u64 = 500;
/// Steps kept.
const KEPT: u64 = 1_000;
/// Lags of the autocorrelation that is drawn.
const LAGS: usize = 100;
/// A unit that is on less often than this, or off, may well never flip.
const MARGIN: f64 = 0.05;

/// What chains of a model did: half of them started at data rows, half at independent bits.
#[derive(Clone, Debug)]
pub struct ChainReport {
    /// The energy's summary over all chains.
    pub energy: Summary,
    /// Mean energy of the chains that started at data, and of those that started at independent bits, nats.
    pub mean_by_start: [f64; 2],
    /// Mean autocorrelation of the energy at lags 0, 1, ...
    pub autocorrelation: Vec<f64>,
    /// Energies of the kept steps, chain after chain.
    pub traces: Vec<f64>,
    /// Share of steps at which a site flips, averaged over sites.
    pub flip_rate: f64,
    /// The smallest such share of a chain.
    pub slowest_chain: f64,
    /// Chains none of whose sites flipped.
    pub stuck_chains: usize,
    /// Sites that never flipped although chains disagree about them.
    pub stuck_sites: usize,
    /// Where all chains ended.
    pub last: Bits,
    /// The verdict.
    pub verdict: Verdict,
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
    /// See [`ChainReport::flip_rate`].
    pub flip_rate: f64,
    /// See [`ChainReport::stuck_chains`].
    pub stuck_chains: usize,
    /// See [`ChainReport::stuck_sites`].
    pub stuck_sites: usize,
    /// The verdict's sentence.
    pub verdict: String,
}

struct Recorder<'a> {
    energies: Vec<Vec<f64>>,
    flips: FlipRate,
    previous: Vec<u64>,
    progress: &'a dyn Progress,
}

impl SampleObserver for Recorder<'_> {
    fn observe(&mut self, step: u64, rows: &Bits, energies: &[f64]) -> bool {
        if step >= WARM_UP {
            for (trace, e) in self.energies.iter_mut().zip(energies) {
                trace.push(*e);
            }
            // The layouts agree by construction: both are the chains' packed rows.
            let _ = self.flips.record(&self.previous, rows.words());
        }
        self.previous.clear();
        self.previous.extend_from_slice(rows.words());
        self.progress.advance(step + 1);
        !self.progress.stop()
    }
}

/// Runs chains from data and from independent bits and looks at them. `None` if stopped, or if an energy is not finite.
pub fn examine(model: &dyn Model, data: &Bits, seed: u64, progress: &dyn Progress) -> Option<ChainReport> {
    let key = Key::from_seed(seed).purpose(Purpose::Other);
    progress.begin("sampling", WARM_UP + KEPT);
    let start = start(model, data, &key);
    let mut recorder = Recorder {
        energies: vec![Vec::new(); 2 * CHAINS],
        flips: FlipRate::new(2 * CHAINS, model.n_columns()).ok()?,
        previous: start.words().to_vec(),
        progress,
    };
    let last = model.sample(2 * CHAINS, Start::Rows(&start), 1.0, WARM_UP + KEPT, &key.step(1), &mut recorder);
    if progress.stop() {
        return None;
    }
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
    let (stuck_chains, stuck_sites) = (recorder.flips.stuck_chains(), recorder.flips.stuck_sites(MARGIN).len());
    let slowest_chain = recorder.flips.per_chain().into_iter().fold(f64::INFINITY, f64::min);
    let verdict = judge(&energy, mean_by_start, stuck_chains, stuck_sites);
    Some(ChainReport {
        autocorrelation: correlation,
        flip_rate: recorder.flips.mean(),
        slowest_chain,
        energy,
        mean_by_start,
        stuck_chains,
        stuck_sites,
        last,
        verdict,
        traces,
    })
}

/// Half of the chains start at data rows, half at draws of the base.
fn start(model: &dyn Model, data: &Bits, key: &Key) -> Bits {
    let mut rng = key.step(0).rng();
    let from_data = data.select(&(0..CHAINS).map(|_| rng.below(data.n_rows())).collect::<Vec<_>>());
    let from_base = model.sample(CHAINS, Start::Base, 1.0, 0, &key.step(2), &mut Unobserved);
    let words = [from_data.words(), from_base.words()].concat();
    Bits::from_words(2 * CHAINS, model.n_columns(), words)
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
            flip_rate: self.flip_rate,
            stuck_chains: self.stuck_chains,
            stuck_sites: self.stuck_sites,
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
                "The chains mixed: {n} chains from data and from independent bits agree (R-hat {:.3}), with {:.0} \
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
             from data and {from_base:.1} from independent bits{stuck}. Run longer chains before relying on samples.",
            energy.rhat, energy.ess_bulk
        ),
    }
}
