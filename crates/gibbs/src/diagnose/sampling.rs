//! The chains that the doctor looks at: the model's own, tempered ones, or those of a named sampler.

use gibbs_core::dense::Dense;
use gibbs_core::energy::{Energy, Gradient};
use gibbs_core::ensemble::Ensemble;
use gibbs_core::kernel::{Kernel, MoveInfo, StepTuning};
use gibbs_core::key::Key;
use gibbs_core::path::Target;
use gibbs_core::rows::Continuous;
use gibbs_core::samplers::{Hmc, Langevin, Mala, MetropolisChain, SamplerError, SwapStatistics};
use gibbs_core::scratch::Scratch;

use super::recorder::Recorder;
use super::{CHAINS, DiagnoseOptions};
use crate::batch::Batch;
use crate::config::SamplerKind;
use crate::error::Error;
use crate::models::{Model, SampleObserver, Start};

/// Leapfrog steps of a Hamiltonian trajectory.
const LEAPFROG: u64 = 10;

/// What the chains' own kernels tell of a run.
#[derive(Default)]
pub(super) struct Ran {
    /// What the steps of a named sampler did after warm-up.
    pub(super) moves: Option<MoveInfo>,
    /// Swaps of tempered chains.
    pub(super) swaps: Option<SwapStatistics>,
}

/// Runs the chains; returns what their steps did after warm-up.
pub(super) fn run(
    model: &dyn Model,
    start: &Batch,
    how: &DiagnoseOptions,
    key: &Key,
    recorder: &mut Recorder<'_>,
) -> Result<Ran, Error> {
    let total = how.warm_up + how.steps;
    if let Some(levels) = how.tempering {
        let swaps = model.temper(levels, start, total, key, recorder)?;
        return Ok(Ran { moves: None, swaps: Some(swaps) });
    }
    let usage = |e: SamplerError| Error::Usage(format!("--sampler: {e}"));
    let (Some(kind), Some(step), Batch::Real(x)) = (how.sampler, how.step_size, start) else {
        model.sample(2 * CHAINS, Start::Rows(start), 1.0 / how.temperature, total, key, recorder);
        return Ok(Ran::default());
    };
    let path = Target(RealRows(model));
    let beta = 1.0 / how.temperature;
    let lengths = (how.warm_up, total);
    let moves = match kind {
        SamplerKind::Langevin => {
            let kernel = Langevin::new(step).and_then(|k| k.with_temperature(how.temperature)).map_err(usage)?;
            drive(&kernel, &path, 1.0, x, lengths, key, recorder, |_| &[])
        }
        SamplerKind::Hmc => {
            let kernel = Hmc::new(step, LEAPFROG).map_err(usage)?;
            drive(&kernel, &path, beta, x, lengths, key, recorder, MetropolisChain::total_energies)
        }
        SamplerKind::Mala => drive(&Mala::new(step).map_err(usage)?, &path, beta, x, lengths, key, recorder, |_| &[]),
    };
    Ok(Ran { moves: Some(moves), swaps: None })
}

/// Chains of a named sampler; `totals` gives the total energies of Hamiltonian ones.
#[expect(clippy::too_many_arguments, reason = "what runs, where from, how long, and what is seen of it")]
fn drive<'a, K>(
    kernel: &K,
    path: &Target<RealRows<'a>>,
    beta: f64,
    x: &Dense<f32>,
    (warm_up, total): (u64, u64),
    key: &Key,
    recorder: &mut Recorder<'_>,
    totals: impl Fn(&K::Chain) -> &[f64],
) -> MoveInfo
where
    K: Kernel<Target<RealRows<'a>>, Tuning = StepTuning, Info = MoveInfo>,
{
    let mut chains = Ensemble::start(kernel, path, x);
    let mut joined = MoveInfo::default();
    for t in 0..total {
        let infos = chains.advance(kernel, path, beta, &StepTuning::default(), 1, &key.step(t));
        if t >= warm_up {
            joined = infos.into_iter().fold(joined, MoveInfo::join);
            recorder.observe_totals(chains.blocks().iter().map(&totals));
        }
        let values = chains.blocks().iter().flat_map(|c| kernel.position(c).values().iter().copied());
        let rows = Batch::Real(Dense::from_rows(x.n_cols(), values.collect()));
        let energies = path.0.0.energy(&rows);
        if !recorder.observe(t, &rows, &energies) {
            break;
        }
    }
    joined
}

/// A model of real rows as an energy for any kernel.
#[derive(Clone, Copy)]
pub(super) struct RealRows<'a>(pub(super) &'a dyn Model);

impl Energy for RealRows<'_> {
    type X = Dense<f32>;

    fn energy(&self, x: &Dense<f32>, out: &mut [f64], _: &mut Scratch) {
        out.copy_from_slice(&self.0.energy(&Batch::Real(x.clone())));
    }
}

impl Gradient for RealRows<'_> {
    fn energy_grad(&self, x: &Dense<f32>, e: &mut [f64], g: &mut Dense<f32>, ws: &mut Scratch) {
        self.energy(x, e, ws);
        self.grad(x, g, ws);
    }

    fn grad(&self, x: &Dense<f32>, g: &mut Dense<f32>, _: &mut Scratch) {
        let gradient = self.0.gradient(&Batch::Real(x.clone()));
        g.values_mut().copy_from_slice(&gradient.expect("models of real rows have a gradient"));
    }
}
