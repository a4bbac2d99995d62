//! The deep belief net against sums over all its states.

mod common;

use common::{all_rows, counts, small_rbm};
use gibbs_core::energy::{Energy, Parametric};
use gibbs_core::key::Key;
use gibbs_core::rows::Rows;
use gibbs_core::scratch::Scratch;
use gibbs_spin::rbm::{HIDDEN_BIAS, VISIBLE_BIAS, WEIGHTS, log_z};
use gibbs_spin::{Bernoulli, Dbn, Rbm, RbmPath};
use gibbs_testkit::chi_square_test;

fn flat(rbm: Rbm) -> RbmPath {
    RbmPath::new(Bernoulli::new(vec![0.0; rbm.n_visible()]), rbm)
}

fn transposed(rbm: &Rbm) -> Rbm {
    let (nv, nh) = (rbm.n_visible(), rbm.n_hidden());
    let mut out = Rbm::zeros(nh, nv);
    let w: Vec<f32> = (0..nv * nh).map(|k| rbm.weights()[k % nv * nh + k / nv]).collect();
    out.params_mut().get_mut(WEIGHTS).copy_from_slice(&w);
    out.params_mut().get_mut(VISIBLE_BIAS).copy_from_slice(rbm.hidden_bias());
    out.params_mut().get_mut(HIDDEN_BIAS).copy_from_slice(rbm.visible_bias());
    out
}

/// `p(row | inputs)` of independent bits.
fn bernoulli(inputs: &[f32], state: usize) -> f64 {
    let p = |x: f32| 1.0 / (1.0 + (-f64::from(x)).exp());
    inputs.iter().enumerate().map(|(j, &x)| if state >> j & 1 == 1 { p(x) } else { 1.0 - p(x) }).product()
}

/// `log p(v)` and the exact bound of every row of a net of one directed layer.
fn exact(first: &Rbm, top: &Rbm) -> (Vec<f64>, Vec<f64>) {
    let (nv, nh) = (first.n_visible(), first.n_hidden());
    let (v, h) = (all_rows(nv), all_rows(nh));
    let mut prior = vec![0.0; 1 << nh];
    top.energy(&h, &mut prior, &mut Scratch::default());
    let z = log_z(top, &|_| true).unwrap();
    let mut down = vec![0.0; (1 << nh) * nv];
    first.visible_input(&h, &mut down);
    let mut up = vec![0.0; (1 << nv) * nh];
    first.hidden_input(&v, &mut up);
    let joint = |v: usize, h: usize| bernoulli(&down[h * nv..][..nv], v).ln() - prior[h] - z;
    let likelihood = |v: usize| (0..1 << nh).map(|h| joint(v, h).exp()).sum::<f64>().ln();
    let bound = |v: usize| {
        let q = |h: usize| bernoulli(&up[v * nh..][..nh], h);
        (0..1 << nh).map(|h| q(h) * (joint(v, h) - q(h).ln())).sum::<f64>()
    };
    ((0..1 << nv).map(likelihood).collect(), (0..1 << nv).map(bound).collect())
}

#[test]
fn the_bound_is_below_the_likelihood_and_tight_for_a_mirrored_top() {
    let first = small_rbm(4, 3, 1.0, 1);
    let (v, n_draws) = (all_rows(4), 4_000);
    for (top, tight) in [(small_rbm(3, 3, 1.0, 2), false), (transposed(&first), true)] {
        let (likelihood, bound) = exact(&first, &top);
        let net = Dbn::new(vec![first.clone()], flat(top.clone())).unwrap();
        let z = log_z(&top, &|_| true).unwrap();
        let found = net.bound(&v, n_draws, &Key::from_seed(3));
        for row in 0..16 {
            assert!(bound[row] <= likelihood[row] + 1e-6);
            // Under a mirrored top q is the posterior (Hinton et al. 2006): the bound is the likelihood, that of the RBM.
            assert!(!tight || (bound[row] - likelihood[row]).abs() < 1e-5);
            // A term of a draw lies within 20 nats of the others here: five standard errors of 4,000 draws are below 0.4
            // for a standard deviation of 5; the planted mistake, no entropy of three units, is larger in the mean.
            assert!((found[row] - z - bound[row]).abs() < 0.4, "{row}: {} {}", found[row] - z, bound[row]);
        }
        let off = |shift: f64| (0..16).map(|r| found[r] - shift - z - bound[r]).sum::<f64>() / 16.0;
        assert!(off(0.0).abs() < 0.1 && off(1.0).abs() > 0.1);
    }
    let alone = Dbn::new(Vec::new(), flat(first.clone())).unwrap();
    let mut free = vec![0.0; 16];
    first.energy(&v, &mut free, &mut Scratch::default());
    let negative: Vec<f64> = free.iter().map(|f| -f).collect();
    assert_eq!(alone.bound(&v, 7, &Key::from_seed(0)), negative);
    assert!(Dbn::new(vec![first.clone()], flat(first)).is_err());
}

#[test]
fn draws_downwards_are_the_nets() {
    let (first, top) = (small_rbm(3, 2, 1.2, 4), small_rbm(2, 2, 1.2, 5));
    let mut prior = vec![0.0; 4];
    top.energy(&all_rows(2), &mut prior, &mut Scratch::default());
    let z = log_z(&top, &|_| true).unwrap();
    let p_top: Vec<f64> = prior.iter().map(|f| (-f - z).exp()).collect();
    let likelihood: Vec<f64> = exact(&first, &top).0.iter().map(|l| l.exp()).collect();
    let total: f64 = likelihood.iter().sum();
    assert!((total - 1.0).abs() < 1e-5);
    let probs: Vec<f64> = likelihood.iter().map(|p| p / total).collect();
    let total: f64 = p_top.iter().sum();
    let p_top: Vec<f64> = p_top.iter().map(|p| p / total).collect();
    let h = common::draw_exactly(&p_top, 2, 40_000, 6);
    let net = Dbn::new(vec![first], flat(top)).unwrap();
    chi_square_test(&counts(&net.down(&h, &Key::from_seed(7))), &probs, 1e-4).unwrap();
    let wrong = common::draw_exactly(&[0.25; 4], 2, 40_000, 6);
    chi_square_test(&counts(&net.down(&wrong, &Key::from_seed(7))), &probs, 1e-4).unwrap_err();
}

#[test]
fn features_are_means_of_means_and_threads_change_nothing() {
    let (first, top) = (small_rbm(5, 4, 0.7, 8), small_rbm(4, 3, 0.7, 9));
    let net = Dbn::new(vec![first.clone()], flat(top.clone())).unwrap();
    assert_eq!(net.widths(), [5, 4, 3]);
    let v = all_rows(5).select(&(0..300).map(|i| i % 32).collect::<Vec<_>>());
    let go = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let key = Key::from_seed(2);
            (net.features(&v), net.bound(&v, 3, &key), net.up(&v, &key), net.down(&net.up(&v, &key), &key))
        })
    };
    let one = go(1);
    assert!(one == go(2) && one == go(16));
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let row = 13;
    let mut means = vec![];
    for j in 0..4 {
        let x: f64 = (0..5).filter(|i| v.get(row, *i)).map(|i| f64::from(first.weights()[i * 4 + j])).sum();
        means.push(sigmoid(x + f64::from(first.hidden_bias()[j])));
    }
    for k in 0..3 {
        let x: f64 = means.iter().enumerate().map(|(j, m)| m * f64::from(top.weights()[j * 3 + k])).sum();
        let exact = sigmoid(x + f64::from(top.hidden_bias()[k]));
        assert!((f64::from(one.0[row * 3 + k]) - exact).abs() < 1e-5);
    }
}
