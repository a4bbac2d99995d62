//! Heat bath (Gibbs sampling) over blocks of sites.

use crate::kernel::{Evaluated, Kernel};
use crate::key::Key;
use crate::path::PathBlocks;
use crate::persist::Persist;
use crate::rows::{Natural, Redraw};
use crate::scratch::Scratch;

/// Systematic-scan heat bath: redraws block after block from its exact conditional at `beta`.
///
/// Leaves `p_beta` invariant exactly. One step visits every site once.
///
/// # Source
/// Geman & Geman 1984, DOI 10.1109/TPAMI.1984.4767596.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeatBath;

impl<P> Kernel<P> for HeatBath
where
    P: PathBlocks<X: Redraw + Persist>,
{
    type Chain = Evaluated<P::X, P::Eval>;
    type Tuning = ();
    type Info = ();

    fn init(&self, path: &P, x: P::X, ws: &mut Scratch) -> Self::Chain {
        let mut eval = path.empty_eval();
        path.evaluate(&x, &mut eval, ws);
        Evaluated { x, eval }
    }

    fn step(&self, path: &P, beta: f64, (): &(), chain: &mut Self::Chain, key: &Key, ws: &mut Scratch) {
        let mut natural = Natural::default();
        for block in 0..path.n_blocks() {
            path.natural_at(&chain.x, block, beta, &mut natural, ws);
            chain.x.redraw_sites(&path.sites(block), &natural, &key.block(block as u64));
        }
        path.evaluate(&chain.x, &mut chain.eval, ws);
    }

    fn position<'a>(&self, chain: &'a Self::Chain) -> &'a P::X {
        &chain.x
    }

    fn eval<'a>(&self, chain: &'a Self::Chain) -> &'a P::Eval {
        &chain.eval
    }
}
