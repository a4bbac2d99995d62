//! A plain training loop.

use gibbs_core::energy::ScoreParametric;
use gibbs_core::key::Key;
use gibbs_core::objective::Objective;
use gibbs_core::optimisers::{Adam, Optimiser, Schedule};
use gibbs_core::path::Target;
use gibbs_core::rows::Rows;
use gibbs_core::scratch::Scratch;

use crate::energies::Points;

/// Fits by Adam with a rate that falls to zero, on batches of 500 rows taken in turn.
pub fn fit<E, O>(objective: &O, energy: E, data: &Points, steps: u64, rate: f64) -> E
where
    E: ScoreParametric<X = Points>,
    O: Objective<Target<E>>,
{
    let (mut path, mut ws, key) = (Target(energy), Scratch::default(), Key::from_seed(8));
    let mut out = path.0.params().zeros_like();
    let mut adam = Adam::new(&out);
    let mut state = objective.init(&path, data, &key, &mut ws);
    let batch = 500.min(data.n_rows());
    let weights = vec![1.0 / batch as f64; batch];
    for t in 0..steps {
        let start = t as usize * batch % (data.n_rows() - batch + 1);
        let rows = data.slice(start, start + batch);
        objective.gradient(&path, &rows, &weights, &mut state, &mut out, &mut |_| {}, false, &key.step(t), &mut ws);
        let rate = rate * Schedule::Linear.factor(t, steps, 0);
        adam.step(path.0.params_mut(), &out, rate as f32);
    }
    path.0
}
