//! Paths through several RBMs, and the one whose moments are averages.

use gibbs_core::energy::Parametric;
use gibbs_core::kernel::{Evaluated, Kernel};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::params::ParamMap;
use gibbs_core::path::{Annealable, Path};
use gibbs_core::persist::{Persist, StateError, TensorMap};
use gibbs_core::rows::{ExchangeRows, Rows};
use gibbs_core::scratch::Scratch;
use gibbs_kernels::{activation, bernoulli, bits};

use super::{BlockGibbs, HIDDEN_BIAS, Rbm, RbmEval, RbmPath, VISIBLE_BIAS, WEIGHTS};
use crate::{Bernoulli, Bits};

/// A path from independent bits through RBMs of the same layers, linear in the parameters from each to the next: every
/// `p_beta` is an RBM. With the target as the only knot it is [`RbmPath`].
///
/// The evaluation caches hidden inputs of all knots, so a step costs a product more for each.
///
/// # Source
/// Spline paths: Grosse, Maddison & Salakhutdinov 2013, "Annealing between distributions by averaging moments", NIPS 26,
/// section 4.
#[derive(Clone, Debug)]
pub struct RbmKnots {
    base: Bernoulli,
    /// At equal steps of `beta`; the first is the base with free hidden units, the last the target.
    knots: Vec<Rbm>,
}

/// How [`RbmKnots::moment_averaged`] fits its knots.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MomentAverages {
    /// Knots between base and target.
    pub knots: usize,
    /// Updates of each.
    pub updates: u64,
    /// Chains whose moments are compared with the wanted ones.
    pub n_chains: usize,
    /// Rate of the first update; it falls to zero along a line.
    pub rate: f32,
}

impl Default for MomentAverages {
    /// Three knots, each by 400 updates of 256 chains.
    fn default() -> Self {
        Self { knots: 3, updates: 400, n_chains: 256, rate: 0.2 }
    }
}

impl RbmKnots {
    /// Through `between` to `target`, at equal steps of `beta`.
    ///
    /// # Panics
    /// If layers differ in size.
    pub fn new(base: Bernoulli, between: Vec<Rbm>, target: Rbm) -> Self {
        let mut first = Rbm::zeros(target.n_visible(), target.n_hidden());
        first.params_mut().get_mut(VISIBLE_BIAS).copy_from_slice(base.logits());
        let knots: Vec<Rbm> = std::iter::once(first).chain(between).chain([target]).collect();
        let same = |k: &Rbm| (k.n_visible(), k.n_hidden()) == (knots[0].n_visible(), knots[0].n_hidden());
        assert!(knots.iter().all(same), "knots of the same layers");
        Self { base, knots }
    }

    /// The moment-averaged path of `path`: at knot `beta` the RBM with `E[v h'], E[v], E[h]` of
    /// `(1 - beta) (those of the base) + beta (those of the target)`, found by persistent chains.
    ///
    /// Along the geometric path the target's moments come late and all at once if its modes are far from the base; averaged
    /// ones grow evenly. Whatever the knots, annealing along them is unbiased given them; badly fitted ones only cost effort.
    /// `samples` are those of the target (data, for a machine that was trained on them), drawn independently of the chains
    /// that anneal.
    ///
    /// # Source
    /// Grosse, Maddison & Salakhutdinov 2013, NIPS 26, equation 7 and section 5.2.
    pub fn moment_averaged(path: &RbmPath, samples: &Bits, how: &MomentAverages, key: &Key) -> Self {
        let target = &path.target;
        let (of_base, of_target) = (base_moments(path), moments(target, samples));
        let mut chains = path.sample_base(how.n_chains.max(1), &key.purpose(Purpose::Init));
        let between = (1..=how.knots)
            .map(|k| {
                let beta = k as f64 / (how.knots + 1) as f64;
                let mut wanted = of_base.clone();
                wanted.scale((1.0 - beta) as f32);
                wanted.add_scaled(beta as f32, &of_target);
                // The geometric path's machine is a fair guess.
                let mut guess = Self::new(path.base.clone(), Vec::new(), target.clone()).at(beta);
                fit(&mut guess, &wanted, &mut chains, how, &key.purpose(Purpose::Noise).step(k as u64));
                guess
            })
            .collect();
        Self::new(path.base.clone(), between, target.clone())
    }

    /// The machine at `beta`.
    pub fn at(&self, beta: f64) -> Rbm {
        let (k, t) = self.segment(beta);
        let mut model = self.knots[k].clone();
        model.params_mut().scale((1.0 - t) as f32);
        model.params_mut().add_scaled(t as f32, self.knots[k + 1].params());
        model
    }

    /// The knot below `beta` and the share of the way to the next.
    fn segment(&self, beta: f64) -> (usize, f64) {
        let parts = self.knots.len() - 1;
        let at = beta * parts as f64;
        let k = (at as usize).min(parts - 1);
        (k, at - k as f64)
    }

    /// Hidden inputs at `beta`.
    fn blend(&self, eval: &KnotsEval, beta: f64) -> Vec<f32> {
        let (k, t) = self.segment(beta);
        let pairs = eval.0[k].input.iter().zip(&eval.0[k + 1].input);
        pairs.map(|(a, b)| (1.0 - t) as f32 * a + t as f32 * b).collect()
    }

    fn add_log_density(&self, x: &Bits, eval: &KnotsEval, beta: f64, sign: f64, out: &mut [f64]) {
        let (n, nh) = (x.n_rows(), self.knots[0].n_hidden());
        let (k, t) = self.segment(beta);
        let mut sums = vec![0.0; n];
        for (knot, share) in [(k, 1.0 - t), (k + 1, t)] {
            bits::row_dots(x.view(), self.knots[knot].visible_bias(), &mut sums);
            out.iter_mut().zip(&sums).for_each(|(o, s)| *o += sign * share * s);
        }
        activation::softplus_sum(&self.blend(eval, beta), n, nh, 1.0, &mut sums);
        out.iter_mut().zip(&sums).for_each(|(o, s)| *o += sign * s);
    }
}

/// `E dE/dtheta` of rows, which is minus their moments.
fn moments(model: &Rbm, rows: &Bits) -> ParamMap {
    let mut out = Rbm::zeros(model.n_visible(), model.n_hidden()).params().clone();
    let weights = vec![1.0 / rows.n_rows() as f64; rows.n_rows()];
    model.add_grad(rows, &weights, &mut out, &mut Scratch::default());
    out
}

/// The same of the base, whose hidden units are fair.
fn base_moments(path: &RbmPath) -> ParamMap {
    let mut out = Rbm::zeros(path.target.n_visible(), path.target.n_hidden()).params().clone();
    let nh = path.target.n_hidden();
    let [weights, visible, hidden] = out.get_many_mut([WEIGHTS, VISIBLE_BIAS, HIDDEN_BIAS]);
    activation::sigmoid(1.0, path.base.logits(), visible);
    visible.iter_mut().for_each(|p| *p = -*p);
    hidden.fill(-0.5);
    weights.chunks_exact_mut(nh).zip(visible).for_each(|(row, p)| row.fill(0.5 * *p));
    out
}

/// Moves a machine until its chains have the wanted moments.
fn fit(model: &mut Rbm, wanted: &ParamMap, chains: &mut Bits, how: &MomentAverages, key: &Key) {
    let mut ws = Scratch::default();
    for update in 0..how.updates {
        let path = RbmPath::new(Bernoulli::new(vec![0.0; model.n_visible()]), model.clone());
        let mut chain = BlockGibbs.init(&path, chains.clone(), &mut ws);
        BlockGibbs.step(&path, 1.0, &(), &mut chain, &key.step(update), &mut ws);
        *chains = chain.x;
        let mut gradient = wanted.clone();
        gradient.add_scaled(-1.0, &moments(model, chains));
        let rate = how.rate * (1.0 - update as f32 / how.updates as f32);
        model.params_mut().add_scaled(-rate, &gradient);
    }
}

/// Hidden inputs of every knot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KnotsEval(Vec<RbmEval>);

impl Persist for KnotsEval {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        self.0.iter().enumerate().for_each(|(k, e)| e.save(&format!("{prefix}{k}."), to));
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        self.0.iter_mut().enumerate().try_for_each(|(k, e)| e.load(&format!("{prefix}{k}."), from))
    }
}

impl ExchangeRows for KnotsEval {
    fn exchange_rows(&mut self, other: &mut Self, which: &[bool]) {
        self.0.iter_mut().zip(&mut other.0).for_each(|(a, b)| a.exchange_rows(b, which));
    }
}

impl Path for RbmKnots {
    type X = Bits;
    type Eval = KnotsEval;

    fn evaluate(&self, x: &Bits, out: &mut KnotsEval, _ws: &mut Scratch) {
        out.0.resize(self.knots.len(), RbmEval::default());
        for (knot, eval) in self.knots.iter().zip(&mut out.0) {
            eval.input.resize(x.n_rows() * knot.n_hidden(), 0.0);
        }
        // The first has no weights, and its inputs stay zero.
        for (knot, eval) in self.knots.iter().zip(&mut out.0).skip(1) {
            knot.hidden_input(x, &mut eval.input);
        }
    }

    fn empty_eval(&self) -> KnotsEval {
        KnotsEval(vec![RbmEval::default(); self.knots.len()])
    }

    fn add_log_weight(&self, x: &Bits, eval: &KnotsEval, b0: f64, b1: f64, out: &mut [f64]) {
        self.add_log_density(x, eval, b1, 1.0, out);
        self.add_log_density(x, eval, b0, -1.0, out);
    }

    fn target_energy(&self, x: &Bits, eval: &KnotsEval, out: &mut [f64]) {
        out.fill(0.0);
        self.add_log_density(x, eval, 1.0, -1.0, out);
    }
}

impl Annealable for RbmKnots {
    fn sample_base(&self, n: usize, key: &Key) -> Bits {
        use gibbs_core::energy::Distribution;
        self.base.sample(n, key)
    }

    fn base_log_z(&self) -> f64 {
        self.base.log_normaliser() + self.knots[0].n_hidden() as f64 * std::f64::consts::LN_2
    }
}

impl Kernel<RbmKnots> for BlockGibbs {
    type Chain = Evaluated<Bits, KnotsEval>;
    type Tuning = ();
    type Info = ();

    fn init(&self, path: &RbmKnots, x: Bits, ws: &mut Scratch) -> Self::Chain {
        let mut eval = path.empty_eval();
        path.evaluate(&x, &mut eval, ws);
        Evaluated { x, eval }
    }

    fn step(&self, path: &RbmKnots, beta: f64, (): &(), chain: &mut Self::Chain, key: &Key, ws: &mut Scratch) {
        let (n, nv, nh) = (chain.x.n_rows(), path.knots[0].n_visible(), path.knots[0].n_hidden());
        let mut h = Bits::zeros(n, nh);
        let hidden = key.purpose(Purpose::Hidden).bits();
        bernoulli::draw(&path.blend(&chain.eval, beta), n, nh, 1.0, hidden, h.words_mut());
        let (k, t) = path.segment(beta);
        let (mut input, mut part) = (ws.take_f32(n * nv), ws.take_f32(n * nv));
        path.knots[k].visible_input(&h, &mut input);
        path.knots[k + 1].visible_input(&h, &mut part);
        input.iter_mut().zip(&part).for_each(|(a, b)| *a = (1.0 - t) as f32 * *a + t as f32 * b);
        bernoulli::draw(&input, n, nv, 1.0, key.purpose(Purpose::Visible).bits(), chain.x.words_mut());
        ws.give_f32(input);
        ws.give_f32(part);
        path.evaluate(&chain.x, &mut chain.eval, ws);
    }

    fn position<'a>(&self, chain: &'a Self::Chain) -> &'a Bits {
        &chain.x
    }

    fn eval<'a>(&self, chain: &'a Self::Chain) -> &'a KnotsEval {
        &chain.eval
    }
}
