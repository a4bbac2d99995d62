//! The two-sided interval of log Z: healthy models are certified, planted failures are not.

mod common;

use std::ops::ControlFlow;

use common::{Brute, all_rows, draw_exactly, small_rbm};
use gibbs_core::energy::Parametric;
use gibbs_core::kernel::{Evaluated, Kernel};
use gibbs_core::key::Key;
use gibbs_core::log_partition::ladder::stretch;
use gibbs_core::log_partition::{Bracket, Certificate, Concern, LogZError, Progress, Starts, Verdict};
use gibbs_core::path::{Annealable, Geometric};
use gibbs_core::samplers::HeatBath;
use gibbs_core::scratch::Scratch;
use gibbs_spin::rbm::{HIDDEN_BIAS, RbmEval, VISIBLE_BIAS, WEIGHTS};
use gibbs_spin::{Bernoulli, Bits, BlockGibbs, Rbm, RbmPath};

const NV: usize = 8;

fn path(sd: f32, seed: u64) -> RbmPath {
    RbmPath::new(Bernoulli::new(vec![0.0; NV]), small_rbm(NV, 4, sd, seed))
}

fn exact_starts(model: &Rbm) -> Starts<'static, Bits> {
    let marginal = Brute::new(model).marginal();
    Starts::exact("enumeration", move |n, key| draw_exactly(&marginal, NV, n, key.bits() as u64))
}

fn go(_: Progress<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Two deep modes: all zeros, with 5 % of the weight, and all ones.
fn bimodal() -> Rbm {
    let (nh, strength) = (8, 2.0f32);
    let mut model = Rbm::zeros(NV, nh);
    let params = model.params_mut();
    params.get_mut(WEIGHTS).fill(strength);
    params.get_mut(VISIBLE_BIAS).fill(-0.5 * strength * nh as f32 + 3.0 / NV as f32);
    params.get_mut(HIDDEN_BIAS).fill(-0.5 * strength * NV as f32);
    model
}

/// Samples of one of the two modes only.
fn one_mode(model: &Rbm, ones: bool) -> impl Fn(usize, &Key) -> Bits + use<> {
    let rows = all_rows(NV);
    let mut marginal = Brute::new(model).marginal();
    for (row, p) in marginal.iter_mut().enumerate() {
        let count = (0..NV).filter(|&k| rows.get(row, k)).count();
        *p = if (count > NV / 2) == ones { *p } else { 0.0 };
    }
    let total: f64 = marginal.iter().sum();
    marginal.iter_mut().for_each(|p| *p /= total);
    move |n, key| draw_exactly(&marginal, NV, n, key.bits() as u64)
}

/// Twenty models: certified, and the interval holds the truth. At 95 % each, three misses or fewer of 20 happen with
/// probability 0.984 and five or fewer with 0.9997.
#[test]
fn healthy_models_are_certified() {
    let (mut certified, mut held) = (0, 0);
    for seed in 0..20 {
        let path = path(1.0, seed);
        let bracket = Bracket::new(BlockGibbs).reversible().until(0.1).unwrap();
        let found = bracket.estimate(&path, &[exact_starts(&path.target)], &Key::from_seed(seed), &mut go).unwrap();
        let exact = Brute::new(&path.target).log_z;
        certified += usize::from(found.verdict == Verdict::Certified);
        held += usize::from(found.lower <= exact && exact <= found.upper);
        assert!(found.width() <= 0.1 && (found.value - exact).abs() < 5.0 * found.std_err, "{} {exact}", found.value);
        assert_eq!((found.ladder[0], found.ladder[found.ladder.len() - 1]), (0.0, 1.0));
        assert!(found.log_z().method.starts_with("forward and reverse AIS from enumeration"));
    }
    assert!(certified >= 18 && held >= 15, "{certified} certified, {held} held the truth");
}

/// A kernel that is not reversible, over the geometric path.
#[test]
fn another_path_and_kernel() {
    let RbmPath { base, target } = path(1.0, 3);
    let exact = Brute::new(&target).log_z;
    let starts = [exact_starts(&target)];
    let geometric = Geometric { base, target };
    let bracket = Bracket::new(HeatBath).starting_with(200, 20).unwrap().until(0.2).unwrap();
    let found = bracket.estimate(&geometric, &starts, &Key::from_seed(2), &mut go).unwrap();
    assert!(found.bennett.is_none() && found.lower <= exact && exact <= found.upper);
    assert!((found.value - exact).abs() < 4.0 * found.std_err, "{} +- {}", found.value, found.std_err); // alpha = 6e-5
}

fn run(path: &RbmPath, starts: &[Starts<'_, Bits>], seed: u64) -> Certificate {
    let bracket = Bracket::new(BlockGibbs).reversible().starting_with(400, 50).unwrap().within(400_000);
    bracket.estimate(path, starts, &Key::from_seed(seed), &mut go).unwrap()
}

/// A bimodal model whose samples lie in its small mode: a fair share of the chains from a base that covers both ends in the
/// large one, so that the sides cross, and the verdict says so even where the caller calls the samples exact. (Samples of one
/// of two modes that the forward chains reach as often as they weigh would do no harm.)
#[test]
fn a_model_sampled_in_one_mode_is_not_to_be_trusted() {
    let model = bimodal();
    let path = RbmPath::new(Bernoulli::new(vec![0.0; NV]), model.clone());
    for (seed, lie) in [(0, true), (1, false)] {
        let starts = if lie {
            Starts::exact("chains in one mode", one_mode(&model, false))
        } else {
            Starts::approximate("chains in one mode", one_mode(&model, false))
        };
        let found = run(&path, &[starts], seed);
        assert_eq!(found.verdict, Verdict::NotToBeTrusted, "{:?}", found.concerns);
        assert!(found.concerns.iter().any(|c| matches!(c, Concern::Crossing { .. })), "{:?}", found.concerns);
        assert!(found.lower > found.upper, "ends are shown as they were obtained");
    }
}

/// Base and samples in the same mode: the sides agree on the wrong value. Nothing can show it but the word `approximate`, or
/// a second starting point.
#[test]
fn agreement_in_one_mode_is_not_certified() {
    let model = bimodal();
    let low = Bernoulli::new(vec![(0.02f32 / 0.98).ln(); NV]);
    let path = RbmPath::new(low, model.clone());
    let zeros = || Starts::approximate("chains from zeros", one_mode(&model, false));
    let alone = run(&path, &[zeros()], 3);
    assert!(alone.verdict < Verdict::Certified, "{:?}", alone.concerns);
    let both = run(&path, &[zeros(), Starts::approximate("chains from ones", one_mode(&model, true))], 3);
    assert_eq!(both.verdict, Verdict::NotToBeTrusted, "{:?}", both.concerns);
    assert!(both.concerns.iter().any(|c| matches!(c, Concern::StartsDisagree { .. })), "{:?}", both.concerns);
    // With samples of both modes the base is what is wrong: the sides stand apart, and the truth lies between them.
    let found = run(&path, &[exact_starts(&model)], 3);
    let exact = Brute::new(&model).log_z;
    assert!(found.verdict < Verdict::Certified && found.lower < exact && exact < found.upper, "{:?}", found.concerns);
}

/// Ten strongly coupled models on one rung, without the budget for more.
#[test]
fn too_few_temperatures_are_not_certified() {
    for seed in 0..10 {
        let path = path(4.0, seed);
        let bracket = Bracket::new(BlockGibbs).reversible().starting_with(400, 1).unwrap().within(1);
        let found = bracket.estimate(&path, &[exact_starts(&path.target)], &Key::from_seed(seed), &mut go).unwrap();
        assert!(found.verdict < Verdict::Certified, "model {seed}: {:?}", found.concerns);
        assert_eq!((found.rounds, found.moves), (1, 800));
    }
}

/// A kernel that hardly ever moves a chain.
#[derive(Clone, Copy)]
struct Frozen;

impl Kernel<RbmPath> for Frozen {
    type Chain = Evaluated<Bits, RbmEval>;
    type Tuning = ();
    type Info = ();

    fn init(&self, path: &RbmPath, x: Bits, ws: &mut Scratch) -> Self::Chain {
        BlockGibbs.init(path, x, ws)
    }

    fn step(&self, _: &RbmPath, _: f64, (): &(), _: &mut Self::Chain, _: &Key, _: &mut Scratch) {}

    fn position<'a>(&self, chain: &'a Self::Chain) -> &'a Bits {
        &chain.x
    }

    fn eval<'a>(&self, chain: &'a Self::Chain) -> &'a RbmEval {
        &chain.eval
    }
}

#[test]
fn a_kernel_that_does_not_mix_is_not_certified() {
    for seed in 0..10 {
        let path = path(3.0, seed);
        let bracket = Bracket::new(Frozen).reversible().within(400_000);
        let found = bracket.estimate(&path, &[exact_starts(&path.target)], &Key::from_seed(seed), &mut go).unwrap();
        assert!(found.verdict < Verdict::Certified, "model {seed}: {:?}", found.concerns);
    }
}

/// Rounds grow until the width is reached; a budget ends them and is said; the caller may end them and gets what there is.
#[test]
fn escalation() {
    let path = path(2.0, 7);
    let starts = || [exact_starts(&path.target)];
    let small = || Bracket::new(BlockGibbs).reversible().starting_with(50, 5).unwrap();
    let key = Key::from_seed(5);
    let narrow = small().until(0.05).unwrap().estimate(&path, &starts(), &key, &mut go).unwrap();
    assert!(narrow.rounds > 2 && narrow.width() <= 0.05, "{} rounds, {}", narrow.rounds, narrow.width());
    assert!(!narrow.concerns.iter().any(|c| matches!(c, Concern::WidthNotReached { .. })));
    let poor = small().until(0.001).unwrap().within(20_000).estimate(&path, &starts(), &key, &mut go).unwrap();
    assert!(poor.moves <= 20_000 && poor.width() > 0.001);
    assert!(poor.concerns.iter().any(|c| matches!(c, Concern::WidthNotReached { .. })), "{:?}", poor.concerns);
    let mut rounds = Vec::new();
    let stopped = small()
        .until(0.001)
        .unwrap()
        .estimate(&path, &starts(), &key, &mut |p: Progress<'_>| {
            rounds.push((p.round, p.last.is_some()));
            if p.round == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!(stopped.rounds, 2);
    assert!(rounds.iter().all(|&(round, last)| last == (round > 0)));
    let at_once = small().estimate(&path, &starts(), &key, &mut |_: Progress<'_>| ControlFlow::Break(()));
    assert_eq!(at_once.unwrap_err(), LogZError::Interrupted);
}

#[test]
fn threads_do_not_change_a_bit() {
    let path = path(2.0, 8);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let bracket = Bracket::new(BlockGibbs).starting_with(300, 10).unwrap().within(1);
        pool.install(|| bracket.estimate(&path, &[exact_starts(&path.target)], &Key::from_seed(1), &mut go).unwrap())
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn misuse_is_told() {
    let path = path(1.0, 9);
    let bracket = || Bracket::new(BlockGibbs);
    let found = bracket().estimate(&path, &[], &Key::from_seed(0), &mut go);
    assert_eq!(found.unwrap_err(), LogZError::NoStarts);
    assert_eq!(bracket().starting_with(1, 10).unwrap_err(), LogZError::Chains(1));
    assert!(
        bracket().starting_with(10, 0).is_err() && bracket().until(0.0).is_err() && bracket().until(f64::NAN).is_err()
    );
    assert!(bracket().with_shape(vec![0.0, 0.7]).is_err());
    let few = Starts::exact("three rows", |_, key: &Key| path.sample_base(3, key));
    assert_eq!(bracket().estimate(&path, &[few], &Key::from_seed(0), &mut go).unwrap_err(), LogZError::Chains(3));
    // A shape is kept at any number of rungs.
    let shaped = bracket().with_shape(vec![0.0, 0.1, 1.0]).unwrap().starting_with(10, 4).unwrap().within(1);
    let found = shaped.estimate(&path, &[exact_starts(&path.target)], &Key::from_seed(0), &mut go).unwrap();
    assert_eq!(found.ladder, stretch(&[0.0, 0.1, 1.0], 4));
}
