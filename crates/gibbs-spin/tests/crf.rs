//! Chains against sums over all label sequences, gradients against differences, and fits against their own optimality.

use gibbs_core::key::Key;
use gibbs_core::optimisers::lbfgs::Stop;
use gibbs_spin::crf::{
    Activation, Chain, CrfError, FitSettings, HiddenChain, HiddenSettings, Labelled, Objective, Sequences, SparseRows,
    Support, Transitions, fit,
};
use gibbs_testkit::{check_gradient, chi_square_test};

fn numbers(n: usize, scale: f64, seed: u64) -> Vec<f64> {
    let mut rng = Key::from_seed(seed).rng();
    (0..n).map(|_| scale * rng.normal()).collect()
}

/// Every labelling of a chain, in order of the number it is in base `n`, first position first, and its probability's
/// weight.
struct All {
    labellings: Vec<Vec<u32>>,
    log_weights: Vec<f64>,
}

impl All {
    /// Shares nothing with the chain but the definition of its score.
    fn new(n: usize, weights: &[f64], scores: &[f64]) -> Self {
        let length = scores.len() / n;
        let labelling = |mut k: usize| {
            let mut y = vec![0u32; length];
            for y in y.iter_mut().rev() {
                (*y, k) = ((k % n) as u32, k / n);
            }
            y
        };
        let labellings: Vec<Vec<u32>> = (0..n.pow(length as u32)).map(labelling).collect();
        let score = |y: &Vec<u32>| -> f64 {
            let node = |t: usize| scores[t * n + y[t] as usize];
            let edge = |t: usize| weights[y[t - 1] as usize * n + y[t] as usize];
            (0..length).map(node).sum::<f64>() + (1..length).map(edge).sum::<f64>()
        };
        let log_weights = labellings.iter().map(score).collect();
        Self { labellings, log_weights }
    }

    fn log_z(&self) -> f64 {
        let max = self.log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        max + self.log_weights.iter().map(|w| (w - max).exp()).sum::<f64>().ln()
    }

    fn probabilities(&self) -> Vec<f64> {
        let log_z = self.log_z();
        self.log_weights.iter().map(|w| (w - log_z).exp()).collect()
    }

    fn best(&self) -> (&[u32], f64) {
        let top = (0..self.log_weights.len()).max_by(|a, b| self.log_weights[*a].total_cmp(&self.log_weights[*b]));
        (&self.labellings[top.unwrap()], self.log_weights[top.unwrap()])
    }
}

/// Scales from gentle to 300 nats, where scaled probabilities underflow and logarithms take over.
#[test]
fn chains_are_their_sums() {
    for (n, length, scale) in [(1, 4, 1.0), (2, 8, 1.0), (3, 6, 3.0), (4, 5, 30.0), (5, 4, 300.0), (26, 2, 1.0)] {
        let (weights, scores) = (numbers(n * n, scale, 1), numbers(length * n, scale, 2));
        let transitions = Transitions::new(n, &weights);
        let chain = Chain::new(&transitions, &scores).unwrap();
        let all = All::new(n, &weights, &scores);
        let near = |a: f64, b: f64| (a - b).abs() < 1e-11 * (1.0 + scale);
        assert!(near(chain.log_z(), all.log_z()), "{n} {length} {scale}");
        let (best, score) = chain.viterbi();
        assert!(best == all.best().0 && near(score, all.best().1) && near(chain.score(&best), score));
        let p = all.probabilities();
        let found = chain.marginals();
        let share = |wanted: &dyn Fn(&[u32]) -> bool| -> f64 {
            all.labellings.iter().zip(&p).filter(|(y, _)| wanted(y)).map(|(_, p)| p).sum()
        };
        for t in 0..length {
            for i in 0..n {
                assert!(near(found.nodes[t * n + i], share(&|y| y[t] as usize == i)));
                for j in 0..n {
                    let pair = |y: &[u32]| t > 0 && y[t - 1] as usize == i && y[t] as usize == j;
                    assert!(t == 0 || near(found.edges[((t - 1) * n + i) * n + j], share(&pair)));
                }
            }
        }
    }
}

/// Chi-square over all 81 labellings at alpha = 1e-4; the same draws are refused as draws of a chain whose transitions
/// are turned round.
#[test]
fn samples_are_exact() {
    let (weights, scores) = (numbers(9, 1.0, 3), numbers(12, 1.0, 4));
    let transitions = Transitions::new(3, &weights);
    let chain = Chain::new(&transitions, &scores).unwrap();
    let mut counts = vec![0u64; 81];
    for y in chain.sample(40_000, &Key::from_seed(5)) {
        counts[y.iter().fold(0, |k, y| 3 * k + *y as usize)] += 1;
    }
    chi_square_test(&counts, &All::new(3, &weights, &scores).probabilities(), 1e-4).unwrap();
    let turned: Vec<f64> = (0..9).map(|k| weights[3 * (k % 3) + k / 3]).collect();
    assert!(chi_square_test(&counts, &All::new(3, &turned, &scores).probabilities(), 1e-4).is_err());
}

/// Five sequences, one of them empty and one of a single position, some features in no row.
fn data() -> Labelled {
    let lengths = [4, 1, 0, 6, 3];
    let mut rng = Key::from_seed(6).rng();
    let mut rows = SparseRows::new(7);
    for _ in 0..14 {
        let entries: Vec<(u32, f32)> =
            (0..3).map(|_| (rng.below(6) as u32, (rng.below(5) as f32 - 2.0) / 2.0)).collect();
        rows.push(entries).unwrap();
    }
    let labels = (0..14).map(|_| rng.below(3) as u32).collect();
    Labelled::new(Sequences::new(rows, &lengths).unwrap(), labels, 3).unwrap()
}

#[test]
fn the_gradient_is_that_of_the_objective() {
    let data = data();
    for support in [Support::full(7, 3).unwrap(), Support::observed(&data)] {
        let mut objective = Objective::new(&data, &support, 0.7).unwrap();
        let weights = numbers(objective.n_weights(), 0.8, 7);
        let mut gradient = vec![0.0; weights.len()];
        objective.value_and_gradient(&weights, &mut gradient);
        let value = |w: &[f64]| {
            let mut objective = Objective::new(&data, &support, 0.7).unwrap();
            objective.value_and_gradient(w, &mut vec![0.0; w.len()])
        };
        check_gradient(value, &weights, &gradient).unwrap();
        // A missing penalty, and transitions the wrong way round, are seen.
        let mut wrong = gradient.clone();
        wrong[0] -= 0.7 * weights[0];
        assert!(check_gradient(value, &weights, &wrong).is_err());
        let mut wrong = gradient;
        let at = support.n_weights();
        wrong.swap(at + 1, at + 3);
        assert!(check_gradient(value, &weights, &wrong).is_err());
    }
}

/// The objective is the sum of what the model says of the sequences, and that is the sum over all labellings.
#[test]
fn the_objective_is_the_likelihood() {
    let data = data();
    let support = Support::full(7, 3).unwrap();
    let (crf, found) = fit(&data, support, &FitSettings { l2: 0.5, ..FitSettings::default() }, |_| true).unwrap();
    let likelihood = crf.log_likelihood(&data).unwrap();
    let penalty: f64 = crf.weights().iter().map(|w| 0.25 * w * w).sum();
    assert!((penalty - likelihood.iter().sum::<f64>() - found.value).abs() < 1e-10);
    let positions = data.sequences().positions(3);
    let scores = crf.scores(data.sequences(), positions.clone()).unwrap();
    let all = All::new(3, crf.transitions().weights(), &scores);
    let at = all.labellings.iter().position(|y| y[..] == data.labels()[positions.clone()]).unwrap();
    assert!((all.log_weights[at] - all.log_z() - likelihood[3]).abs() < 1e-12);
    assert_eq!(crf.decode(data.sequences()).unwrap()[positions], *all.best().0);
    // At the optimum of a convex objective any direction leads up.
    assert!(found.converged() && found.gradient_norm < 1e-3, "{found:?}");
    let mut objective = Objective::new(&data, crf.support(), 0.5).unwrap();
    for seed in 0..20 {
        let step = numbers(crf.weights().len(), 0.05, seed);
        let moved: Vec<f64> = crf.weights().iter().zip(&step).map(|(w, s)| w + s).collect();
        assert!(objective.value_and_gradient(&moved, &mut vec![0.0; moved.len()]) > found.value);
    }
}

#[test]
fn hidden_units_have_the_right_gradient() {
    let data = data();
    for activation in [Activation::Tanh, Activation::Relu] {
        let mut chain = HiddenChain::random(7, 4, 3, activation, &Key::from_seed(1)).unwrap();
        let params: Vec<f64> = numbers(chain.params().len(), 0.9, 9);
        chain.set_params(&params).unwrap();
        let index = [0, 1, 2, 3, 4];
        let mut gradient = vec![0.0; params.len()];
        let value = chain.value_and_gradient(&data, &index, &mut gradient).unwrap();
        assert!((value + chain.log_likelihood(&data).unwrap().iter().sum::<f64>()).abs() < 1e-12);
        let at = |p: &[f64]| {
            let mut chain = chain.clone();
            chain.set_params(p).unwrap();
            chain.value_and_gradient(&data, &index, &mut vec![0.0; p.len()]).unwrap()
        };
        check_gradient(at, &params, &gradient).unwrap();
        gradient[28] += 1e-3;
        assert!(check_gradient(at, &params, &gradient).is_err());
    }
}

/// Labels are whether an odd number of two features is on: no linear score knows, hidden units do.
#[test]
fn hidden_units_learn_what_a_linear_score_cannot() {
    let mut rng = Key::from_seed(2).rng();
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..300 {
        let (a, b) = (rng.below(2), rng.below(2));
        values.extend([a as f32, b as f32, 1.0]);
        labels.push((a ^ b) as u32);
    }
    let sequences = Sequences::new(SparseRows::from_dense(&values, 3).unwrap(), &[3; 100]).unwrap();
    let data = Labelled::new(sequences, labels, 2).unwrap();
    let settings = HiddenSettings {
        n_hidden: 16,
        n_epochs: 60,
        learning_rate: 0.02,
        dropout: 0.0,
        l2: 0.01,
        ..Default::default()
    };
    let train = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| HiddenChain::fit(&data, &settings, &Key::from_seed(3), |_| None, |_, _| true).unwrap())
    };
    let chain = train(1);
    assert_eq!(chain, train(3));
    let wrong = chain.decode(data.sequences()).unwrap().iter().zip(data.labels()).filter(|(a, b)| a != b).count();
    assert_eq!(wrong, 0);
}

#[test]
fn threads_do_not_matter() {
    let mut rng = Key::from_seed(8).rng();
    let mut rows = SparseRows::new(300);
    for _ in 0..3000 {
        rows.push((0..30).map(|_| (rng.below(300) as u32, 1.0)).collect::<Vec<_>>()).unwrap();
    }
    let labels = (0..3000).map(|_| rng.below(5) as u32).collect();
    let data = Labelled::new(Sequences::new(rows, &[10; 300]).unwrap(), labels, 5).unwrap();
    let run = |threads: usize, support: Support| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let settings = FitSettings { l2: 1.0, stop: Stop { max_iterations: 5, ..Stop::default() } };
        pool.install(|| {
            let (crf, found) = fit(&data, support, &settings, |_| true).unwrap();
            (crf.decode(data.sequences()).unwrap(), crf.sample(data.sequences(), &Key::from_seed(1)).unwrap(), found)
        })
    };
    for support in [Support::full(300, 5).unwrap(), Support::observed(&data)] {
        assert_eq!(run(1, support.clone()), run(3, support));
    }
}

#[test]
fn misuse_is_named() {
    let rows = SparseRows::from_dense(&[1.0, 0.0, 0.0, 1.0], 2).unwrap();
    assert!(SparseRows::from_dense(&[1.0, f32::NAN], 2).unwrap_err().to_string().contains("NaN"));
    assert!(SparseRows::from_dense(&[1.0, 0.0, 0.0], 2).unwrap_err().to_string().contains("3 where 2"));
    assert!(Sequences::new(rows.clone(), &[1]).unwrap_err().to_string().contains("positions"));
    let sequences = Sequences::new(rows, &[2]).unwrap();
    let unknown = Labelled::new(sequences.clone(), vec![0, 2], 2).unwrap_err();
    assert_eq!(unknown, CrfError::Label { position: 1, label: 2, n_labels: 2 });
    let data = Labelled::new(sequences, vec![0, 1], 2).unwrap();
    let negative = FitSettings { l2: -1.0, ..FitSettings::default() };
    assert!(fit(&data, Support::full(2, 2).unwrap(), &negative, |_| true).is_err());
    assert!(fit(&data, Support::full(3, 2).unwrap(), &FitSettings::default(), |_| true).is_err());
    let transitions = Transitions::new(2, &[0.0, f64::NAN, 0.0, 0.0]);
    assert!(Chain::new(&transitions, &[0.0, 0.0]).unwrap_err().to_string().contains("transition weight 1"));
    assert!(Support::from_parts(2, &[2, 1], vec![0, 1, 5]).is_err());
    assert!(Support::from_parts(2, &[2, u64::MAX], vec![0, 1]).is_err());
    assert!(Support::from_parts(2, &[2, 1], vec![1, 0, 0]).is_err());
    assert_eq!(Support::from_parts(2, &[1, 1], vec![0, 1]).unwrap(), Support::observed(&data));
}
