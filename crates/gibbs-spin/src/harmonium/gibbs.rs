//! Block Gibbs sampling of a harmonium along its path, with units held or not.

use gibbs_core::kernel::{Evaluated, Kernel};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::path::Path;
use gibbs_core::rows::Rows;
use gibbs_core::scratch::Scratch;

use super::{HarmoniumEval, HarmoniumPath, Hidden, Visible};
use crate::BlockGibbs;

/// All hidden units given the visible ones, then all visible units given the hidden ones, each block exactly from its
/// conditional at `beta`. Leaves the joint `p_beta(v, h)` invariant.
impl<V: Visible, H: Hidden> Kernel<HarmoniumPath<V, H>> for BlockGibbs {
    type Chain = Evaluated<V::X, HarmoniumEval>;
    type Tuning = ();
    type Info = ();

    fn init(&self, path: &HarmoniumPath<V, H>, x: V::X, ws: &mut Scratch) -> Self::Chain {
        let mut eval = path.empty_eval();
        path.evaluate(&x, &mut eval, ws);
        Evaluated { x, eval }
    }

    fn step(
        &self,
        path: &HarmoniumPath<V, H>,
        beta: f64,
        (): &(),
        chain: &mut Self::Chain,
        key: &Key,
        ws: &mut Scratch,
    ) {
        let target = &path.target;
        let n = chain.x.n_rows();
        let mut wh = ws.take_f32(n * target.n_visible());
        let hidden = key.purpose(Purpose::Hidden);
        H::draw_and_project(&chain.eval.input, n, target.n_hidden, beta, target.weights(), &hidden, &mut wh, ws);
        let visible = key.purpose(Purpose::Visible);
        target.visible.draw(&path.base, &target.params, beta, &wh, &visible, &mut chain.x);
        ws.give_f32(wh);
        path.evaluate(&chain.x, &mut chain.eval, ws);
    }

    fn position<'a>(&self, chain: &'a Self::Chain) -> &'a V::X {
        &chain.x
    }

    fn eval<'a>(&self, chain: &'a Self::Chain) -> &'a HarmoniumEval {
        &chain.eval
    }
}
