//! Multistate bridge sampling, SMC samplers and reverse annealing of test rows, on RBMs whose log Z is known exactly.

mod common;

use std::ops::ControlFlow;

use common::{Brute, all_rows, draw_exactly, path_probabilities, small_rbm};
use gibbs_core::kernel::{Evaluated, Kernel};
use gibbs_core::key::Key;
use gibbs_core::log_partition::ais::linear_ladder;
use gibbs_core::log_partition::{Ais, Bias, LogZError, Mbar, Raise, Resampling, Smc};
use gibbs_core::path::{Geometric, Path};
use gibbs_core::samplers::HeatBath;
use gibbs_core::scratch::Scratch;
use gibbs_spin::rbm::RbmEval;
use gibbs_spin::{Bernoulli, Bits, BlockGibbs, RbmPath};

fn path(sd: f32, seed: u64) -> RbmPath {
    RbmPath::new(Bernoulli::new(vec![0.3, -0.5, 0.0, 1.0, 0.2]), small_rbm(5, 3, sd, seed))
}

fn go(_: usize, _: usize) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn mbar_agrees_with_enumeration_and_ais() {
    for seed in 0..4 {
        let path = path(1.5, 10 + seed);
        let exact = Brute::new(&path.target).log_z;
        let mbar = Mbar::new(BlockGibbs, 400, 20, linear_ladder(5)).unwrap();
        let found = mbar.estimate(&path, &Key::from_seed(seed), &mut go).unwrap();
        let z = &found.log_z;
        assert!((z.value - exact).abs() < 4.0 * z.std_err, "{} +- {}, {exact}", z.value, z.std_err); // alpha = 6e-5
        assert!(z.std_err < 0.05 && z.bias == Bias::Unknown && z.warnings.is_empty(), "{z:?}");
        let ais = Ais::new(BlockGibbs, 2_000, linear_ladder(20)).unwrap();
        let (ais, _) = ais.estimate(&path, &Key::from_seed(seed), &mut Scratch::default(), &mut go).unwrap();
        assert!((z.value - ais.value).abs() < 4.0 * z.std_err.hypot(ais.std_err));
        // Another path between the same ends, another kernel.
        let geometric = Geometric { base: path.base.clone(), target: path.target.clone() };
        let found = Mbar::new(HeatBath, 200, 10, linear_ladder(4)).unwrap();
        let z = found.estimate(&geometric, &Key::from_seed(seed), &mut go).unwrap().log_z;
        assert!((z.value - exact).abs() < 4.0 * z.std_err, "{} +- {}, {exact}", z.value, z.std_err);
    }
}

/// 200 repetitions of slowly mixing chains, four steps a rung, of which two dependent ones are kept: the scatter over the
/// claimed error is 1 within `1 / sqrt(400)` = 5 %, and a fifth is four of it.
#[test]
fn the_error_of_mbar_counts_chains() {
    let path = path(1.0, 20);
    let exact = Brute::new(&path.target).log_z;
    let mbar = Mbar::new(BlockGibbs, 60, 8, linear_ladder(3)).unwrap();
    let ratios: Vec<f64> = (0..200)
        .map(|seed| {
            let z = mbar.estimate(&path, &Key::from_seed(seed), &mut go).unwrap().log_z;
            (z.value - exact) / z.std_err
        })
        .collect();
    let square = ratios.iter().map(|r| r * r).sum::<f64>() / 200.0;
    assert!((square.sqrt() - 1.0).abs() < 0.2, "scatter over claim {}", square.sqrt());
}

/// `Z` itself, not its logarithm: the mean over 4,000 islands of six particles, three rungs apart, is the exact value within
/// four standard errors (alpha = 6e-5) for every scheme, whether particles are drawn anew always, sometimes or never.
#[test]
fn z_of_an_smc_sampler_is_unbiased() {
    let path = path(1.5, 10);
    let exact = Brute::new(&path.target).log_z;
    let schemes = [Resampling::Multinomial, Resampling::Stratified, Resampling::Systematic];
    let cases = schemes.iter().map(|s| (*s, 1.0)).chain([(Resampling::Systematic, 0.5), (Resampling::Systematic, 0.0)]);
    for (k, (scheme, threshold)) in cases.enumerate() {
        let smc = Smc::new(BlockGibbs, 4_000, 6, linear_ladder(3)).unwrap();
        let smc = smc.resampling_by(scheme).below(threshold).unwrap();
        let (z, islands) = smc.estimate(&path, &Key::from_seed(k as u64), &mut go).unwrap();
        assert!(
            (z.value - exact).abs() < 4.0 * z.std_err,
            "{scheme:?} {threshold}: {} +- {}, {exact}",
            z.value,
            z.std_err
        );
        assert!(z.std_err < 0.05 && z.bias == Bias::Lower && z.log_weights.len() == 4_000);
        let resampled = islands.iter().map(|i| i.resamplings).sum::<usize>();
        assert!(if threshold == 0.0 { resampled == 0 } else { resampled > 0 }, "{resampled}");
    }
}

/// Resampling pays where weights spread: with a sharp model and few rungs the islands' estimates scatter less than those of
/// as many chains that are never drawn anew.
#[test]
fn resampling_pays_where_weights_spread() {
    let path = path(4.0, 3);
    let scatter = |threshold: f64| {
        let smc = Smc::new(BlockGibbs, 200, 100, linear_ladder(40)).unwrap().below(threshold).unwrap();
        smc.estimate(&path, &Key::from_seed(1), &mut go).unwrap().0.std_err
    };
    let (resampled, plain) = (scatter(0.5), scatter(0.0));
    assert!(resampled < plain, "{resampled} {plain}");
}

/// A kernel with a planted mistake: it stays at the temperature before the last.
#[derive(Clone, Copy)]
struct Colder;

impl Kernel<RbmPath> for Colder {
    type Chain = Evaluated<Bits, RbmEval>;
    type Tuning = ();
    type Info = ();

    fn init(&self, path: &RbmPath, x: Bits, ws: &mut Scratch) -> Self::Chain {
        BlockGibbs.init(path, x, ws)
    }

    fn step(&self, path: &RbmPath, beta: f64, (): &(), chain: &mut Self::Chain, key: &Key, ws: &mut Scratch) {
        BlockGibbs.step(path, 0.5 * beta, &(), chain, key, ws);
    }

    fn position<'a>(&self, chain: &'a Self::Chain) -> &'a Bits {
        &chain.x
    }

    fn eval<'a>(&self, chain: &'a Self::Chain) -> &'a RbmEval {
        &chain.eval
    }
}

#[test]
fn a_wrong_kernel_is_caught() {
    let path = path(1.5, 10);
    let exact = Brute::new(&path.target).log_z;
    let smc = Smc::new(Colder, 4_000, 6, linear_ladder(3)).unwrap();
    let (z, _) = smc.estimate(&path, &Key::from_seed(0), &mut go).unwrap();
    assert!((z.value - exact).abs() > 10.0 * z.std_err, "{} +- {}, {exact}", z.value, z.std_err);
    let raise = Raise::new(Colder, 2_000, linear_ladder(3)).unwrap();
    let found = raise.estimate(&path, &all_rows(5), &Key::from_seed(0), &mut go).unwrap();
    let (sum, error) = sum_and_error(&found.log_likelihood, &found.std_err);
    assert!((sum - 1.0).abs() > 10.0 * error, "{sum} +- {error}");
}

/// Of probabilities given by their logarithms and the standard errors of these.
fn sum_and_error(log_p: &[f64], std_err: &[f64]) -> (f64, f64) {
    let error: f64 = log_p.iter().zip(std_err).map(|(l, s)| (l.exp() * s).powi(2)).sum();
    (log_p.iter().map(|l| l.exp()).sum(), error.sqrt())
}

/// The annealing model is a law: with the base's two rungs its probabilities of all rows sum to one, and they are the base
/// moved by the kernels, computed by matrices. Four standard errors each, 33 comparisons: alpha = 2e-3 in all.
#[test]
fn raise_estimates_the_annealing_model() {
    for seed in 0..3 {
        let path = path(0.7, 30 + seed);
        let rows = all_rows(5);
        let ladder = [0.0, 0.4, 1.0];
        let raise = Raise::new(BlockGibbs, 4_000, ladder.to_vec()).unwrap();
        let found = raise.estimate(&path, &rows, &Key::from_seed(seed), &mut go).unwrap();
        let (sum, error) = sum_and_error(&found.log_likelihood, &found.std_err);
        assert!((sum - 1.0).abs() < 4.0 * error && error < 0.02, "{sum} +- {error}");
        let law = ladder[1..].iter().fold(path_probabilities(&path, 0.0), |law, &beta| moved(&path, &law, beta));
        for (i, p) in law.iter().enumerate() {
            let (found, error) = (found.log_likelihood[i], found.std_err[i]);
            assert!((found - p.ln()).abs() < 4.0 * error + 1e-4, "row {i}: {found} +- {error}, {}", p.ln());
        }
    }
}

/// `law` after one step of block Gibbs at `beta`, by sums over hidden states.
fn moved(path: &RbmPath, law: &[f64], beta: f64) -> Vec<f64> {
    let (nv, nh) = (path.target.n_visible(), path.target.n_hidden());
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let bit = |s: usize, k: usize| (s >> k & 1) as f64;
    let weight = |i: usize, j: usize| f64::from(path.target.weights()[i * nh + j]);
    let bernoulli = |state: usize, logits: &[f64]| -> f64 {
        logits.iter().enumerate().map(|(k, l)| if state >> k & 1 == 1 { sigmoid(*l) } else { sigmoid(-l) }).product()
    };
    let hidden_logits = |v: usize| -> Vec<f64> {
        let input =
            |j: usize| f64::from(path.target.hidden_bias()[j]) + (0..nv).map(|i| bit(v, i) * weight(i, j)).sum::<f64>();
        (0..nh).map(|j| beta * input(j)).collect()
    };
    let visible_logits = |h: usize| -> Vec<f64> {
        let own = |i: usize| {
            let (a, b) = (f64::from(path.base.logits()[i]), f64::from(path.target.visible_bias()[i]));
            (1.0 - beta) * a + beta * (b + (0..nh).map(|j| bit(h, j) * weight(i, j)).sum::<f64>())
        };
        (0..nv).map(own).collect()
    };
    let hidden: Vec<f64> =
        (0..1 << nh).map(|h| law.iter().enumerate().map(|(v, p)| p * bernoulli(h, &hidden_logits(v))).sum()).collect();
    (0..1 << nv).map(|v| hidden.iter().enumerate().map(|(h, p)| p * bernoulli(v, &visible_logits(h))).sum()).collect()
}

/// Conservative in expectation: over rows drawn from the model the mean with one chain a row lies below the exact mean
/// log-likelihood of the same rows, by four standard errors of the difference with few rungs; with many it comes close.
#[test]
fn raise_is_conservative_and_closes_in() {
    let path = path(2.0, 40);
    let brute = Brute::new(&path.target);
    let rows = draw_exactly(&brute.marginal(), 5, 4_000, 9);
    let mut eval = path.empty_eval();
    path.evaluate(&rows, &mut eval, &mut Scratch::default());
    let mut exact = vec![0.0; 4_000];
    path.target_energy(&rows, &eval, &mut exact);
    let gap = |rungs: usize| {
        let raise = Raise::new(BlockGibbs, 1, linear_ladder(rungs)).unwrap();
        let found = raise.estimate(&path, &rows, &Key::from_seed(3), &mut go).unwrap();
        let gaps: Vec<f64> = found.log_likelihood.iter().zip(&exact).map(|(l, e)| l + e + brute.log_z).collect();
        let mean = gaps.iter().sum::<f64>() / 4_000.0;
        let variance = gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / 3_999.0;
        (mean, (variance / 4_000.0).sqrt())
    };
    let (few, many) = (gap(5), gap(400));
    assert!(few.0 < -4.0 * few.1, "{few:?}");
    assert!(many.0.abs() < 0.1 * few.0.abs() && many.0 < 4.0 * many.1, "{few:?} {many:?}");
}

#[test]
fn threads_do_not_change_a_bit() {
    let path = path(2.0, 8);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let key = || Key::from_seed(1);
            let smc =
                Smc::new(BlockGibbs, 5, 50, linear_ladder(8)).unwrap().estimate(&path, &key(), &mut go).unwrap().0;
            let mbar =
                Mbar::new(BlockGibbs, 300, 4, linear_ladder(4)).unwrap().estimate(&path, &key(), &mut go).unwrap();
            let raise = Raise::new(BlockGibbs, 9, linear_ladder(4)).unwrap();
            (smc, mbar, raise.estimate(&path, &all_rows(5), &key(), &mut go).unwrap())
        })
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn misuse_is_told() {
    let ladder = || linear_ladder(3);
    assert_eq!(Smc::new(BlockGibbs, 1, 10, ladder()).unwrap_err(), LogZError::Chains(1));
    assert_eq!(Smc::new(BlockGibbs, 10, 1, ladder()).unwrap_err(), LogZError::Chains(1));
    assert!(Smc::new(BlockGibbs, 10, 10, ladder()).unwrap().below(f64::NAN).is_err());
    assert!(Smc::new(BlockGibbs, 10, 10, vec![0.0, 0.5]).is_err());
    assert_eq!(Mbar::new(BlockGibbs, 1, 10, ladder()).unwrap_err(), LogZError::Chains(1));
    assert!(
        Mbar::new(BlockGibbs, 10, 0, ladder()).is_err()
            && Mbar::new(BlockGibbs, 100, 1, linear_ladder(10_000)).is_err()
    );
    assert!(Raise::new(BlockGibbs, 0, ladder()).is_err() && Raise::new(BlockGibbs, 1, vec![0.0]).is_err());
    let (path, stop) = (path(1.0, 1), &mut |_: usize, _: usize| ControlFlow::Break(()));
    let key = Key::from_seed(0);
    let smc = Smc::new(BlockGibbs, 2, 2, ladder()).unwrap().estimate(&path, &key, stop);
    assert_eq!(smc.unwrap_err(), LogZError::Interrupted);
    let raise = Raise::new(BlockGibbs, 1, ladder()).unwrap().estimate(&path, &all_rows(5), &key, stop);
    assert_eq!(raise.unwrap_err(), LogZError::Interrupted);
    let mbar = Mbar::new(BlockGibbs, 2, 1, ladder()).unwrap().estimate(&path, &key, stop);
    assert_eq!(mbar.unwrap_err(), LogZError::Interrupted);
}
