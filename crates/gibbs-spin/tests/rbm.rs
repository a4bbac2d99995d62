//! The binary RBM against sums over all its states.

mod common;

use common::{Brute, all_rows, small_rbm};
use gibbs_core::energy::{Energy, Flips, Parametric};
use gibbs_core::key::Key;
use gibbs_core::objective::Objective;
use gibbs_core::objectives::{ContrastiveDivergence, ExactLikelihood};
use gibbs_core::params::ParamMap;
use gibbs_core::rows::Rows;
use gibbs_core::scratch::Scratch;
use gibbs_spin::rbm::{Centring, HIDDEN_BIAS, VISIBLE_BIAS, WEIGHTS, log_z};
use gibbs_spin::{Bernoulli, Bits, BlockGibbs, Rbm, RbmPath};

#[test]
fn energies_and_log_z_equal_brute_force() {
    for (nv, nh, sd) in [(5, 3, 0.5), (3, 6, 2.0), (8, 8, 1.0), (1, 1, 3.0), (10, 2, 4.0)] {
        let model = small_rbm(nv, nh, sd, 1);
        let brute = Brute::new(&model);
        let x = all_rows(nv);
        let mut e = vec![0.0; x.n_rows()];
        model.energy(&x, &mut e, &mut Scratch::default());
        for (found, exact) in e.iter().zip(&brute.free_energy) {
            // f32 inputs of size up to |W| nh: relative rounding of a few 1e-7 on each.
            assert!((found - exact).abs() < 1e-5 * (1.0 + exact.abs()), "{found} {exact}");
        }
        let z = log_z(&model, &|_| true).unwrap();
        assert!((z - brute.log_z).abs() < 1e-5 * (1.0 + brute.log_z.abs()), "{z} {}", brute.log_z);
    }
}

#[test]
fn joint_energies_sum_to_the_free_energy() {
    let model = small_rbm(4, 3, 1.0, 2);
    let (v, h) = (all_rows(4), all_rows(3));
    let mut free = vec![0.0; v.n_rows()];
    model.energy(&v, &mut free, &mut Scratch::default());
    for (i, f) in free.iter().enumerate() {
        let mut joint = vec![0.0; h.n_rows()];
        model.joint_energy(&v.select(&vec![i; h.n_rows()]), &h, &mut joint, &mut Scratch::default());
        let sum: f64 = joint.iter().map(|e| (-e).exp()).sum();
        assert!((f + sum.ln()).abs() < 1e-5);
    }
}

#[test]
fn flips_equal_differences_of_energies() {
    let model = small_rbm(6, 4, 1.5, 3);
    let x = all_rows(6);
    let mut ws = Scratch::default();
    let mut e = vec![0.0; x.n_rows()];
    model.energy(&x, &mut e, &mut ws);
    let mut deltas = vec![0.0; x.n_rows() * 6];
    model.flip_deltas(&x, &mut deltas, &mut ws);
    for row in 0..x.n_rows() {
        for site in 0..6 {
            let exact = e[row ^ (1 << site)] - e[row];
            assert!((deltas[row * 6 + site] - exact).abs() < 1e-4, "{row} {site}");
        }
    }
    // Pseudo-likelihood from conditionals computed from the energies themselves.
    let mut pll = vec![0.0; x.n_rows()];
    model.pseudo_log_likelihood(&x, &mut pll, &mut ws);
    for row in 0..x.n_rows() {
        let exact: f64 = (0..6).map(|s| -(e[row] - e[row ^ (1 << s)]).exp().ln_1p()).sum();
        assert!((pll[row] - exact).abs() < 1e-4);
    }
}

/// Rows and weights of a small data set with unequal weights.
fn data() -> (Bits, Vec<f64>) {
    let x = all_rows(5).select(&[3, 17, 30, 8, 3, 21]);
    (x, vec![0.1, 0.2, 0.3, 0.1, 0.1, 0.2])
}

#[test]
fn exact_gradient_equals_brute_force_in_both_orientations() {
    for nh in [3, 7] {
        let model = small_rbm(5, nh, 1.0, 4);
        let (x, w) = data();
        let path = RbmPath::new(Bernoulli::new(vec![0.0; 5]), model.clone());
        let mut grad = model.params().zeros_like();
        let info = ExactLikelihood.gradient(
            &path,
            &x,
            &w,
            &mut (),
            &mut grad,
            &mut |_| {},
            true,
            &Key::from_seed(0),
            &mut Scratch::default(),
        );
        let brute = Brute::new(&model);
        assert!((info.log_z.unwrap() - brute.log_z).abs() < 1e-5);
        let exact = brute.nll_gradient(&x, &w);
        compare(&grad, &exact, 2e-6);
    }
}

#[test]
fn long_contrastive_divergence_approaches_the_exact_gradient() {
    let model = small_rbm(5, 3, 0.7, 5);
    let (x, w) = data();
    let path = RbmPath::new(Bernoulli::new(vec![0.0; 5]), model.clone());
    let objective = ContrastiveDivergence { kernel: BlockGibbs, n_steps: 200, persistent: true, n_chains: 40_000 };
    let mut ws = Scratch::default();
    let key = Key::from_seed(6);
    let mut state = objective.init(&path, &x, &key.step(0), &mut ws);
    let mut grad = model.params().zeros_like();
    objective.gradient(&path, &x, &w, &mut state, &mut grad, &mut |_| {}, true, &key.step(1), &mut ws);
    // 23 entries, each a mean of 40,000 numbers in [0, 1] of standard deviation <= 1/2: five standard errors.
    compare(&grad, &Brute::new(&model).nll_gradient(&x, &w), 5.0 * 0.5 / 40_000f32.sqrt());
}

fn compare(found: &ParamMap, exact: &ParamMap, tolerance: f32) {
    for (name, i, f, e) in entries(found, exact) {
        assert!((f - e).abs() < tolerance, "{name}[{i}]: {f} against {e}");
    }
}

fn entries<'a>(a: &'a ParamMap, b: &'a ParamMap) -> impl Iterator<Item = (&'static str, usize, f32, f32)> + 'a {
    [WEIGHTS, VISIBLE_BIAS, HIDDEN_BIAS]
        .into_iter()
        .flat_map(move |name| a.get(name).iter().zip(b.get(name)).enumerate().map(move |(i, (&x, &y))| (name, i, x, y)))
}

#[test]
fn centred_gradient_is_the_gradient_in_centred_units() {
    let model = small_rbm(5, 3, 1.0, 7);
    let (x, w) = data();
    let brute = Brute::new(&model);
    let plain = brute.nll_gradient(&x, &w);
    let mu: Vec<f32> = x.column_means(Some(&w)).iter().map(|&m| m as f32).collect();
    // A rate of 1 sets the hidden offsets to the data means at once.
    let mut centring = Centring::new(mu.clone(), 3, 1.0);
    let phase = brute.data_phase(&x, &w);
    centring.observe(&phase);
    let lambda: Vec<f32> = phase.get(HIDDEN_BIAS).iter().map(|g| -g).collect();
    let mut found = plain.clone();
    centring.apply(&model, &mut found);
    let (gw, gb, gc) = (plain.get(WEIGHTS), plain.get(VISIBLE_BIAS), plain.get(HIDDEN_BIAS));
    let dw = |i: usize, j: usize| gw[i * 3 + j] - mu[i] * gc[j] - gb[i] * lambda[j];
    for (i, g) in gb.iter().enumerate() {
        for j in 0..3 {
            assert!((found.get(WEIGHTS)[i * 3 + j] - dw(i, j)).abs() < 1e-6);
        }
        let db = g - (0..3).map(|j| dw(i, j) * lambda[j]).sum::<f32>();
        assert!((found.get(VISIBLE_BIAS)[i] - db).abs() < 1e-6);
    }
    for (j, g) in gc.iter().enumerate() {
        let dc = g - (0..5).map(|i| dw(i, j) * mu[i]).sum::<f32>();
        assert!((found.get(HIDDEN_BIAS)[j] - dc).abs() < 1e-6);
    }
}

#[test]
fn tempering_scales_the_joint_energy() {
    let model = small_rbm(4, 3, 1.0, 8);
    let brute = Brute::at(&model, 0.3);
    let z = log_z(&model.tempered(0.3), &|_| true).unwrap();
    assert!((z - brute.log_z).abs() < 1e-5);
}

/// One step from exact draws must leave exact draws. `beta_step` is what the kernel is told, `beta` the truth.
fn one_step_chi_square(beta: f64, beta_step: f64, seed: u64) -> Result<(), String> {
    use gibbs_core::kernel::Kernel;
    let model = small_rbm(4, 3, 1.5, 9);
    let path = RbmPath::new(Bernoulli::new(vec![0.4, -0.3, 0.0, 0.2]), model);
    let probs = common::path_probabilities(&path, beta);
    let n = 40_000;
    let x = common::draw_exactly(&probs, 4, n, seed);
    let mut ws = Scratch::default();
    let mut chain = BlockGibbs.init(&path, x, &mut ws);
    BlockGibbs.step(&path, beta_step, &(), &mut chain, &Key::from_seed(seed), &mut ws);
    gibbs_testkit::chi_square_test(&common::counts(&chain.x), &probs, 1e-4)
}

#[test]
fn block_gibbs_leaves_the_path_invariant() {
    for (i, beta) in [0.0, 0.35, 1.0].into_iter().enumerate() {
        one_step_chi_square(beta, beta, 100 + i as u64).unwrap();
    }
    // The planted mistake: a kernel at the wrong temperature.
    one_step_chi_square(1.0, 0.8, 103).unwrap_err();
}

#[test]
fn results_do_not_depend_on_threads() {
    use gibbs_core::kernel::{Kernel, run, unobserved};
    let go = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let path = RbmPath::new(Bernoulli::new(vec![0.0; 200]), Rbm::random(200, 150, 0.3, &Key::from_seed(1)));
            let mut ws = Scratch::default();
            let start = gibbs_core::energy::Distribution::sample(&path.base, 300, &Key::from_seed(2));
            let mut chain = BlockGibbs.init(&path, start, &mut ws);
            run(&BlockGibbs, &path, 1.0, &(), &mut chain, 5, &Key::from_seed(3), &mut ws, &mut unobserved);
            let mut grad = path.target.params().zeros_like();
            path.target.add_grad(&chain.x, &vec![1.0 / 300.0; 300], &mut grad, &mut ws);
            (chain.x, grad)
        })
    };
    let one = go(1);
    assert_eq!(one, go(2));
    assert_eq!(one, go(16));
}

#[test]
fn exact_sums_do_not_depend_on_threads() {
    let model = small_rbm(30, 14, 0.5, 11);
    let go = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut grad = model.params().zeros_like();
            let path = RbmPath::new(Bernoulli::new(vec![0.0; 30]), model.clone());
            let x = Bits::zeros(3, 30);
            let mut ws = Scratch::default();
            let key = Key::from_seed(0);
            let w = [1.0 / 3.0; 3];
            ExactLikelihood.gradient(&path, &x, &w, &mut (), &mut grad, &mut |_| {}, false, &key, &mut ws);
            (log_z(&model, &|_| true).unwrap().to_bits(), grad)
        })
    };
    assert_eq!(go(1), go(2));
    assert_eq!(go(1), go(16));
}
