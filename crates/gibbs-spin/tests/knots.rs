//! Paths through several RBMs: annealing along them, and knots whose moments are averages.

mod common;

use std::ops::ControlFlow;

use common::{Brute, all_rows, draw_exactly, log_weight, small_rbm};
use gibbs_core::energy::Parametric;
use gibbs_core::key::Key;
use gibbs_core::log_partition::Ais;
use gibbs_core::log_partition::ais::linear_ladder;
use gibbs_core::path::Annealable;
use gibbs_core::scratch::Scratch;
use gibbs_spin::rbm::{MomentAverages, RbmKnots};
use gibbs_spin::{Bernoulli, BlockGibbs, Rbm, RbmPath};

fn path(sd: f32, seed: u64) -> RbmPath {
    RbmPath::new(Bernoulli::new(vec![0.3, -0.5, 0.0, 1.0, 0.2]), small_rbm(5, 3, sd, seed))
}

fn ais<P: Annealable<X = gibbs_spin::Bits>>(path: &P, rungs: usize, seed: u64) -> (f64, f64)
where
    BlockGibbs: gibbs_core::kernel::Kernel<P>,
{
    let ais = Ais::new(BlockGibbs, 20_000, linear_ladder(rungs)).unwrap();
    let go = &mut |_, _| ControlFlow::Continue(());
    let (z, _) = ais.estimate(path, &Key::from_seed(seed), &mut Scratch::default(), go).unwrap();
    (z.value, z.std_err)
}

/// Without knots between it is the geometric path; through any knots the weights telescope to the same ends.
#[test]
fn weights_along_knots() {
    let path = path(1.5, 1);
    let rows = all_rows(5);
    let straight = RbmKnots::new(path.base.clone(), Vec::new(), path.target.clone());
    let bent =
        RbmKnots::new(path.base.clone(), vec![small_rbm(5, 3, 1.0, 8), small_rbm(5, 3, 1.0, 9)], path.target.clone());
    assert!((straight.base_log_z() - path.base_log_z()).abs() < 1e-12);
    for (b0, b1) in [(0.0, 1.0), (0.2, 0.7)] {
        let (a, b) = (log_weight(&path, &rows, b0, b1), log_weight(&straight, &rows, b0, b1));
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-4), "{a:?} {b:?}");
    }
    let whole = log_weight(&path, &rows, 0.0, 1.0);
    let mut sum = vec![0.0; 32];
    for pair in [0.0, 0.1, 1.0 / 3.0, 0.5, 0.9, 1.0].windows(2) {
        sum.iter_mut().zip(log_weight(&bent, &rows, pair[0], pair[1])).for_each(|(s, w)| *s += w);
    }
    assert!(sum.iter().zip(&whole).all(|(a, b)| (a - b).abs() < 1e-4), "{sum:?} {whole:?}");
    assert_eq!(bent.at(1.0), path.target);
    assert_eq!(bent.at(1.0 / 3.0).weights(), small_rbm(5, 3, 1.0, 8).weights());
}

/// Through knots that lead elsewhere too: few rungs and many chains, as for the geometric path. Four standard errors, alpha =
/// 6e-5 each.
#[test]
fn log_z_through_any_knots() {
    for seed in 0..2 {
        let path = path(1.2, 10 + seed);
        let exact = Brute::new(&path.target).log_z;
        let bent = RbmKnots::new(path.base.clone(), vec![small_rbm(5, 3, 0.8, 8)], path.target.clone());
        let (value, se) = ais(&bent, 4, seed);
        assert!((value - exact).abs() < 4.0 * se && se < 0.1, "{value} +- {se}, {exact}");
    }
}

/// Moments of an RBM as `E dE/dtheta`, exactly: weights, visible, hidden.
fn exact_moments(model: &Rbm) -> Vec<f64> {
    use gibbs_core::objectives::ExactMoments;
    let mut out = Rbm::zeros(model.n_visible(), model.n_hidden()).params().clone();
    let path = RbmPath::new(Bernoulli::new(vec![0.0; model.n_visible()]), model.clone());
    path.subtract_model_grad(&mut out, &mut Scratch::default());
    out.flat().iter().map(|m| f64::from(*m)).collect()
}

/// The knots of a moment-averaged path have the averages of the two ends' moments. The target's are estimated from 20,000 rows
/// (error 0.004 each), the knots' by chains whose noise the falling rate averages over some hundred updates of 256 chains
/// (below 0.01): 0.05 is four of both together and leaves 0.01 for what is not yet learnt; along the geometric path the middle
/// misses by more.
#[test]
fn moments_are_averages() {
    let path = path(2.0, 4);
    let rows = draw_exactly(&Brute::new(&path.target).marginal(), 5, 20_000, 3);
    let how = MomentAverages::default();
    let averaged = RbmKnots::moment_averaged(&path, &rows, &how, &Key::from_seed(1));
    let straight = RbmKnots::new(path.base.clone(), Vec::new(), path.target.clone());
    let ends = [exact_moments(&straight.at(0.0)), exact_moments(&path.target)];
    let miss = |model: &Rbm, beta: f64| {
        let wanted = ends[0].iter().zip(&ends[1]).map(|(a, b)| (1.0 - beta) * a + beta * b);
        exact_moments(model).iter().zip(wanted).map(|(m, w)| (m - w).abs()).fold(0.0, f64::max)
    };
    for beta in [0.25, 0.5, 0.75] {
        let found = miss(&averaged.at(beta), beta);
        assert!(found < 0.05, "at {beta}: {found}");
    }
    assert!(miss(&straight.at(0.5), 0.5) > 0.1, "{}", miss(&straight.at(0.5), 0.5));
    let exact = Brute::new(&path.target).log_z;
    let (value, se) = ais(&averaged, 8, 5);
    assert!((value - exact).abs() < 4.0 * se, "{value} +- {se}, {exact}");
}
