//! Replica exchange between a model's base and the model.

use gibbs_core::kernel::Kernel;
use gibbs_core::key::{Key, Purpose};
use gibbs_core::log_partition::ais::linear_ladder;
use gibbs_core::path::Annealable;
use gibbs_core::rows::{ExchangeRows, Rows};
use gibbs_core::samplers::{PerLevel, SamplerError, SwapStatistics, Tempering, even_ladder};
use gibbs_core::scratch::Scratch;

/// Short runs that fit the ladder, and rounds of swaps in each.
const FITS: u64 = 4;
const FIT_ROUNDS: u64 = 100;

/// Runs `n_levels` levels of every chain of `x` along a path, at inverse temperatures between which swaps are equally often
/// refused, for `steps` rounds of one move and one swap; `watch` sees the number of a round, positions and energies of the
/// coldest level, and may end the run.
pub(super) fn temper<P, K>(
    path: &P,
    kernel: &K,
    x: &P::X,
    n_levels: usize,
    steps: u64,
    key: &Key,
    mut watch: impl FnMut(u64, &P::X, &[f64]) -> bool,
) -> Result<SwapStatistics, SamplerError>
where
    P: Annealable,
    K: Kernel<P, Chain: ExchangeRows> + Clone,
{
    let (ws, tuning) = (&mut Scratch::default(), PerLevel::default());
    let mut ladder = linear_ladder(n_levels - 1);
    let fits = key.purpose(Purpose::Init);
    for fit in 0..FITS {
        let (tempering, key) = (Tempering::new(kernel.clone(), ladder.clone())?, fits.step(fit));
        let mut chain = tempering.init(path, x.clone(), ws);
        (0..FIT_ROUNDS).for_each(|t| {
            tempering.step(path, 1.0, &tuning, &mut chain, &key.step(t), ws);
        });
        ladder = even_ladder(&ladder, &chain.swaps().rates(), n_levels);
    }
    let (tempering, moves) = (Tempering::new(kernel.clone(), ladder)?, key.purpose(Purpose::Noise));
    let mut chain = tempering.init(path, x.clone(), ws);
    let mut energies = vec![0.0; x.n_rows()];
    for t in 0..steps {
        tempering.step(path, 1.0, &tuning, &mut chain, &moves.step(t), ws);
        let (x, eval) = (tempering.position(&chain), tempering.eval(&chain));
        path.target_energy(x, eval, &mut energies);
        if !watch(t, x, &energies) {
            break;
        }
    }
    Ok(chain.swaps().clone())
}
