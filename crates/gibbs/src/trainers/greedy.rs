//! Greedy training of a stack of RBMs, one layer after another.

use gibbs_core::key::{Key, Purpose};
use gibbs_core::objective::{Objective, ObjectiveInfo};
use gibbs_core::objectives::ContrastiveDivergence;
use gibbs_core::objectives::contrastive_divergence::Chains;
use gibbs_core::optimisers::{Decay, Optimiser};
use gibbs_core::params::ParamMap;
use gibbs_core::path::Learnable;
use gibbs_core::persist::{Persist, StateError, TensorMap};
use gibbs_core::rows::Rows;
use gibbs_core::scratch::Scratch;
use gibbs_spin::dbm::{Copies, TiedRbm};
use gibbs_spin::rbm::{Centring, VISIBLE_BIAS, WEIGHTS};
use gibbs_spin::{Bernoulli, Bits, BlockGibbs, Rbm, RbmPath};

use super::CENTRING_RATE;
use crate::config::{DeepConfig, FitConfig};

/// Training rows that a stage's first biases and offsets are taken from.
const FITTED_ROWS: usize = 2_000;

type Chain = <BlockGibbs as gibbs_core::kernel::Kernel<RbmPath>>::Chain;

/// Layers trained so far, and the one in training.
pub(super) struct Greedy<'a> {
    config: &'a FitConfig,
    deep: &'a DeepConfig,
    /// Widths of all layers, visible first.
    widths: Vec<usize>,
    copies: Vec<Copies>,
    rows: &'a Bits,
    key: Key,
    done: Vec<TiedRbm>,
    stage: Stage,
}

struct Stage {
    tied: TiedRbm,
    base: Bernoulli,
    grad: ParamMap,
    chains: Chains<Chain>,
    centring: Centring,
    optimiser: Box<dyn Optimiser>,
}

impl<'a> Greedy<'a> {
    /// Before the first update of the first of the stages of `copies`.
    pub(super) fn new(
        config: &'a FitConfig,
        deep: &'a DeepConfig,
        copies: Vec<Copies>,
        rows: &'a Bits,
        key: Key,
        ws: &mut Scratch,
    ) -> Self {
        let widths = std::iter::once(rows.n_cols()).chain(deep.layers.iter().copied()).collect::<Vec<_>>();
        let stage = begin(config, deep, &widths, copies[0], &[], rows, &key, ws);
        Self { config, deep, widths, copies, rows, key, done: Vec::new(), stage }
    }

    /// Ends the stage; begins the next and returns `true`, unless it was the last.
    pub(super) fn next_stage(&mut self, ws: &mut Scratch) -> bool {
        let n = self.done.len() + 1;
        if n == self.copies.len() {
            return false;
        }
        self.done.push(self.stage.tied.clone());
        let copies = self.copies[n];
        self.stage = begin(self.config, self.deep, &self.widths, copies, &self.done, self.rows, &self.key, ws);
        true
    }

    /// One update from visible rows. Returns what it was like, the norm of its gradient, and what is not finite.
    pub(super) fn update(
        &mut self,
        visible: &Bits,
        weights: &[f64],
        rate: f64,
        observe: bool,
        key: &Key,
        ws: &mut Scratch,
    ) -> (ObjectiveInfo, f64, Option<String>) {
        let below = lift(&self.done, visible, &key.purpose(Purpose::Visible));
        let Stage { tied, grad, chains, centring, optimiser, .. } = &mut self.stage;
        let rows = tied.rows(&below);
        let mut after = |phase: &ParamMap| centring.observe(phase);
        let objective = contrastive(self.config, self.deep);
        let info = objective.gradient(tied.path(), &rows, weights, chains, grad, &mut after, observe, key, ws);
        Decay { l2: self.deep.l2 as f32, l1: self.deep.l1 as f32, on: WEIGHTS }.add_grad(tied.path().params(), grad);
        if self.deep.centred {
            centring.apply(&tied.path().target, grad);
        }
        tied.fold(grad);
        optimiser.step(tied.path_mut().params_mut(), grad, rate as f32);
        let wrong = grad.first_non_finite().or(tied.path().params().first_non_finite());
        let wrong = wrong.map(|(name, i)| format!("{name}[{i}] of hidden layer {}", self.done.len() + 1));
        (info, if observe { grad.norm() } else { 0.0 }, wrong)
    }

    /// The RBMs so far, that in training last.
    pub(super) fn stack(&self) -> Vec<Rbm> {
        self.done.iter().chain([&self.stage.tied]).map(TiedRbm::rbm).collect()
    }

    /// The base of the RBM in training.
    pub(super) fn base(&self) -> &Bernoulli {
        &self.stage.base
    }

    pub(super) fn save(&self, map: &mut TensorMap) {
        for (i, tied) in self.done.iter().enumerate() {
            tied.path().params().save(&format!("stack.{i}."), map);
        }
        let stage = &self.stage;
        stage.tied.path().params().save("stage.", map);
        stage.chains.save("stage.chains.", map);
        stage.optimiser.save("stage.optimiser.", map);
        stage.centring.save("stage.centring.", map);
    }

    /// Takes up a saved state that is in stage `n`.
    pub(super) fn load(&mut self, n: usize, map: &TensorMap, ws: &mut Scratch) -> Result<(), StateError> {
        for i in 0..n.min(self.copies.len() - 1) {
            self.stage.tied.path_mut().params_mut().load(&format!("stack.{i}."), map)?;
            self.next_stage(ws);
        }
        let stage = &mut self.stage;
        stage.tied.path_mut().params_mut().load("stage.", map)?;
        stage.chains.load("stage.chains.", map)?;
        stage.optimiser.load("stage.optimiser.", map)?;
        stage.centring.load("stage.centring.", map)
    }
}

/// Rows of the layer that the next stage is trained on.
fn lift(done: &[TiedRbm], visible: &Bits, key: &Key) -> Bits {
    done.iter().enumerate().fold(visible.clone(), |below, (i, tied)| tied.up(&below, &key.block(i as u64)))
}

#[expect(clippy::too_many_arguments, reason = "what a stage is made from")]
fn begin(
    config: &FitConfig,
    deep: &DeepConfig,
    widths: &[usize],
    copies: Copies,
    done: &[TiedRbm],
    rows: &Bits,
    key: &Key,
    ws: &mut Scratch,
) -> Stage {
    let n = done.len();
    let key = key.purpose(Purpose::Other).step(n as u64);
    let below = lift(done, &rows.slice(0, rows.n_rows().min(FITTED_ROWS)), &key.purpose(Purpose::Visible));
    let base = Bernoulli::from_data(&below, None);
    let mut rbm = Rbm::random(widths[n], widths[n + 1], deep.init_sd as f32, &key);
    gibbs_core::energy::Parametric::params_mut(&mut rbm).get_mut(VISIBLE_BIAS).copy_from_slice(base.logits());
    let tied = TiedRbm::new(&base, &rbm, copies);
    let mu: Vec<f32> = below.column_means(None).iter().map(|&m| m as f32).collect();
    let params = tied.path().params();
    let start = tied.rows(&below);
    Stage {
        grad: params.zeros_like(),
        chains: contrastive(config, deep).init(tied.path(), &start, &key.purpose(Purpose::Init), ws),
        // Offsets of a hidden layer follow what the stages below make of the rows.
        centring: Centring::new(mu.repeat(copies.visible), tied.path().target.n_hidden(), CENTRING_RATE)
            .following_from(if n == 0 { mu.len() * copies.visible } else { 0 }),
        optimiser: super::optimiser(config, 0.0, params),
        base,
        tied,
    }
}

fn contrastive(config: &FitConfig, deep: &DeepConfig) -> ContrastiveDivergence<BlockGibbs> {
    let n_chains = config.learning.n_chains;
    ContrastiveDivergence { kernel: BlockGibbs, n_steps: deep.gibbs_steps, persistent: true, n_chains }
}
