//! Where reverse chains start.

use std::ops::ControlFlow;

use super::ais::anneal_along;
use crate::kernel::{Kernel, run, unobserved};
use crate::key::{Key, Purpose};
use crate::path::Annealable;
use crate::rows::Rows;
use crate::scratch::Scratch;

/// Draws that many rows.
type Draw<'a, X> = dyn Fn(usize, &Key) -> X + Send + Sync + 'a;

/// Where reverse chains start: samples of the model, and whether they are exact.
pub struct Starts<'a, X> {
    pub(super) name: String,
    pub(super) exact: bool,
    pub(super) draw: Box<Draw<'a, X>>,
}

impl<'a, X> Starts<'a, X> {
    /// Exact, independent samples: by enumeration, coupling from the past, rejection, or because the data were simulated
    /// from the model. A verdict `certified` rests on this word.
    pub fn exact(name: impl Into<String>, draw: impl Fn(usize, &Key) -> X + Send + Sync + 'a) -> Self {
        Self { name: name.into(), exact: true, draw: Box::new(draw) }
    }

    /// Anything else, each row from a chain of its own: the upper side is then a bound only as far as they represent the model.
    pub fn approximate(name: impl Into<String>, draw: impl Fn(usize, &Key) -> X + Send + Sync + 'a) -> Self {
        Self { name: name.into(), exact: false, draw: Box::new(draw) }
    }
}

impl<'a, X: Rows + 'a> Starts<'a, X> {
    /// Ends of chains of `steps` steps that start at `rows` (data, a replay buffer), shuffled and taken in turn.
    ///
    /// Approximate: where chains do not mix they stay near the rows, and the side says what the model weighs *there*.
    pub fn from_rows<P, K>(name: impl Into<String>, kernel: &'a K, path: &'a P, rows: &'a X, steps: u64) -> Self
    where
        P: Annealable<X = X>,
        K: Kernel<P>,
    {
        Self::approximate(name, move |n, key| {
            let mut order: Vec<usize> = (0..rows.n_rows()).collect();
            key.purpose(Purpose::Shuffle).rng().shuffle(&mut order);
            let taken: Vec<usize> = (0..n).map(|i| order[i % order.len()]).collect();
            let mut ws = Scratch::default();
            let mut chain = kernel.init(path, rows.select(&taken), &mut ws);
            let (key, tuning) = (key.purpose(Purpose::Noise), K::Tuning::default());
            run(kernel, path, 1.0, &tuning, &mut chain, steps, &key, &mut ws, &mut unobserved);
            kernel.position(&chain).clone()
        })
    }

    /// Ends of chains that are annealed from the base along `ladder` (which rises from 0 to 1) and then make `steps` steps.
    ///
    /// Approximate: annealing too fast for the kernel leaves chains in the modes that the base leads to.
    pub fn annealed<P, K>(name: impl Into<String>, kernel: &'a K, path: &'a P, ladder: Vec<f64>, steps: u64) -> Self
    where
        P: Annealable<X = X>,
        K: Kernel<P>,
    {
        Self::approximate(name, move |n, key| {
            let mut ws = Scratch::default();
            let mut chain = kernel.init(path, path.sample_base(n, &key.purpose(Purpose::Init)), &mut ws);
            let (climb, walk) = (key.purpose(Purpose::LogZ), key.purpose(Purpose::Noise));
            let go = &mut |_| ControlFlow::Continue(());
            // Only an interruption is an error, and this never interrupts.
            let _ = anneal_along(kernel, path, &ladder, &mut chain, &mut vec![0.0; n], &climb, &mut ws, go);
            let tuning = K::Tuning::default();
            run(kernel, path, 1.0, &tuning, &mut chain, steps, &walk, &mut ws, &mut unobserved);
            kernel.position(&chain).clone()
        })
    }
}
