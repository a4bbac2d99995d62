//! Block Gibbs sampling of an RBM along its path.

use gibbs_core::kernel::{Evaluated, Kernel};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::path::Path;
use gibbs_core::samplers::Reversible;
use gibbs_core::scratch::Scratch;
use gibbs_kernels::{bernoulli, bit_gemm};

use super::{RbmEval, RbmPath};
use crate::Bits;

/// Alternating block Gibbs at `beta`: all hidden units given the visible ones, then all visible units given the
/// hidden ones, each block exactly from its conditional.
///
/// Leaves the joint `p_beta(v, h)` invariant. Two matrix products a step, both with a 0/1 operand; the hidden draw
/// reads the cached inputs of the last step.
///
/// # Source
/// Geman & Geman 1984, DOI 10.1109/TPAMI.1984.4767596; Hinton 2002, DOI 10.1162/089976602760128018.
#[derive(Clone, Copy, Debug, Default)]
pub struct BlockGibbs;

impl BlockGibbs {
    /// `v ~ p_beta(v | h)`, then the new hidden inputs.
    fn redraw_visible(path: &RbmPath, beta: f64, h: &Bits, chain: &mut Chain, key: &Key, ws: &mut Scratch) {
        let mut bias = ws.take_f32(path.target.n_visible());
        path.visible_bias_at(beta, &mut bias);
        let transposed = path.target.matrix().t();
        let key = key.purpose(Purpose::Visible).bits();
        bit_gemm::bit_gemm_bernoulli(h.view(), transposed, beta as f32, &bias, key, chain.x.words_mut());
        ws.give_f32(bias);
        path.evaluate(&chain.x, &mut chain.eval, ws);
    }

    fn hidden_buffer(path: &RbmPath, n: usize, ws: &mut Scratch) -> Bits {
        let nh = path.target.n_hidden();
        Bits::from_words(n, nh, ws.take_u64(n * nh.div_ceil(64)))
    }
}

type Chain = Evaluated<Bits, RbmEval>;

impl Kernel<RbmPath> for BlockGibbs {
    type Chain = Chain;
    type Tuning = ();
    type Info = ();

    fn init(&self, path: &RbmPath, x: Bits, ws: &mut Scratch) -> Chain {
        let mut eval = path.empty_eval();
        path.evaluate(&x, &mut eval, ws);
        Evaluated { x, eval }
    }

    fn step(&self, path: &RbmPath, beta: f64, (): &(), chain: &mut Chain, key: &Key, ws: &mut Scratch) {
        use gibbs_core::rows::Rows;
        let n = chain.x.n_rows();
        let mut h = Self::hidden_buffer(path, n, ws);
        let hidden_key = key.purpose(Purpose::Hidden).bits();
        bernoulli::draw(&chain.eval.input, n, path.target.n_hidden(), beta as f32, hidden_key, h.words_mut());
        Self::redraw_visible(path, beta, &h, chain, key, ws);
        ws.give_u64(h.into_words());
    }

    fn anneal(
        &self,
        path: &RbmPath,
        (b0, b1): (f64, f64),
        (): &(),
        chain: &mut Chain,
        log_weights: &mut [f64],
        key: &Key,
        ws: &mut Scratch,
    ) {
        use gibbs_core::rows::Rows;
        let n = chain.x.n_rows();
        path.add_visible_weight(&chain.x, b0, b1, log_weights);
        let mut h = Self::hidden_buffer(path, n, ws);
        // One pass over the hidden inputs serves the weight (softplus at both ends) and the draw (sigmoid at b1).
        bernoulli::draw_with_increment(
            &chain.eval.input,
            n,
            path.target.n_hidden(),
            b0 as f32,
            b1 as f32,
            key.purpose(Purpose::Hidden).bits(),
            h.words_mut(),
            log_weights,
        );
        Self::redraw_visible(path, b1, &h, chain, key, ws);
        ws.give_u64(h.into_words());
    }

    fn position<'a>(&self, chain: &'a Chain) -> &'a Bits {
        &chain.x
    }

    fn eval<'a>(&self, chain: &'a Chain) -> &'a RbmEval {
        &chain.eval
    }
}

/// Alternating draws of two blocks are reversible as seen on one of them.
impl Reversible<RbmPath> for BlockGibbs {}
