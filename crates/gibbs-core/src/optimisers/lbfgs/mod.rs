//! L-BFGS: minima of smooth functions whose gradient is exact.
//!
//! The method is that of the crate `argmin` (two-loop recursion, line search of Moré & Thuente 1994,
//! DOI 10.1145/192115.192132), driven step by step so that an iteration can be watched and the best point is never lost.

mod vector;

use std::cell::RefCell;

use argmin::core::{CostFunction, Error, Gradient, IterState, Problem, Solver, State};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;

use vector::{Vector, dot};

/// Evaluations that one line search may take before it counts as failed.
const MAX_SEARCH: u64 = 40;

/// Iterations over which [`Stop::change`] looks back.
const WINDOW: usize = 10;

/// When to stop, whichever comes first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stop {
    /// Iterations at most.
    pub max_iterations: u64,
    /// Euclidean norm of the gradient that counts as zero.
    pub gradient_norm: f64,
    /// Decrease over the last ten iterations, relative to the value, that counts as none; 0 to go on until the gradient
    /// vanishes.
    pub change: f64,
    /// Past steps that the curvature is learnt from.
    pub memory: usize,
}

impl Default for Stop {
    fn default() -> Self {
        Self { max_iterations: 1000, gradient_norm: 1e-6, change: 0.0, memory: 10 }
    }
}

/// Why a minimisation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// The gradient is as small as asked.
    Gradient,
    /// The value no longer falls as much as asked.
    Change,
    /// [`Stop::max_iterations`] are used up.
    Iterations,
    /// No lower point was found along the gradient: as low as rounding allows, or a gradient that is not this function's.
    LineSearch,
    /// Whoever watches asked for it.
    Stopped,
    /// The function is NaN or infinite where it was to start.
    NotFinite,
}

/// The lowest point found.
#[derive(Clone, Debug, PartialEq)]
pub struct Minimum {
    /// Where it is.
    pub at: Vec<f64>,
    /// The value there.
    pub value: f64,
    /// Euclidean norm of the gradient there.
    pub gradient_norm: f64,
    /// Iterations taken.
    pub iterations: u64,
    /// Evaluations of the function, each with its gradient.
    pub evaluations: u64,
    /// Why it ended.
    pub ended: Ended,
}

impl Minimum {
    /// Whether a stopping rule was met that says the minimum is reached.
    pub fn converged(&self) -> bool {
        matches!(self.ended, Ended::Gradient | Ended::Change)
    }
}

/// An iteration, as it is watched.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// Iterations taken.
    pub iteration: u64,
    /// Where the iteration is.
    pub at: &'a [f64],
    /// The value there.
    pub value: f64,
    /// Euclidean norm of the gradient there.
    pub gradient_norm: f64,
}

/// Minimises `f`, which returns its value and writes its gradient, from `start`.
///
/// A line search that fails is tried again from the lowest point without the memory of past steps. Nothing is random and
/// sums have a fixed order: the same `f` gives the same bits at any number of threads.
///
/// # Example
/// ```
/// use gibbs_core::optimisers::lbfgs::{Stop, minimise};
/// // (x - 3)^2 + 10 y^2
/// let f = |x: &[f64], g: &mut [f64]| {
///     g.copy_from_slice(&[2.0 * (x[0] - 3.0), 20.0 * x[1]]);
///     (x[0] - 3.0).powi(2) + 10.0 * x[1].powi(2)
/// };
/// let found = minimise(f, &[0.0, 1.0], &Stop::default());
/// assert!(found.converged() && (found.at[0] - 3.0).abs() < 1e-6 && found.at[1].abs() < 1e-6);
/// ```
///
/// # Source
/// Liu & Nocedal 1989, DOI 10.1007/BF01589116; Nocedal & Wright 2006, algorithm 7.4, DOI 10.1007/978-0-387-40065-5.
pub fn minimise(f: impl FnMut(&[f64], &mut [f64]) -> f64, start: &[f64], stop: &Stop) -> Minimum {
    minimise_watched(f, start, stop, |_| true)
}

/// As [`minimise`]; `watch` sees every iteration and ends the work by returning `false`.
pub fn minimise_watched(
    mut f: impl FnMut(&[f64], &mut [f64]) -> f64,
    start: &[f64],
    stop: &Stop,
    mut watch: impl FnMut(&Look<'_>) -> bool,
) -> Minimum {
    let counted =
        RefCell::new(Counted { f: &mut f, scale: 1.0, last: None, best: None, evaluations: 0, limit: u64::MAX });
    let start = Vector::new(start.to_vec());
    let (mut iterations, mut values) = (0, Vec::new());
    let end = |iterations, ended| counted.borrow().minimum(iterations, ended, &start);

    let first = counted.borrow_mut().evaluate(&start);
    let Ok(Point { gradient, .. }) = first else {
        return end(0, Ended::NotFinite);
    };
    // Without curvature the first step is the whole gradient: scaled so that it has length one.
    let norm = dot(gradient.as_slice(), gradient.as_slice()).sqrt();
    counted.borrow_mut().rescale(if norm > 1.0 { 1.0 / norm } else { 1.0 });
    loop {
        let from = iterations;
        // A fresh solver, which remembers no step, at the lowest point known.
        let best = counted.borrow().best.clone().map_or_else(|| start.clone(), |b| b.x);
        let mut solver = LBFGS::new(MoreThuenteLineSearch::new(), stop.memory.max(1));
        let mut problem = Problem::new(Evaluate(&counted));
        let Ok((mut state, _)) = solver.init(&mut problem, IterState::new().param(best)) else {
            return end(iterations, Ended::LineSearch);
        };
        loop {
            let look = counted.borrow().best_unscaled();
            if look.1 <= stop.gradient_norm {
                return end(iterations, Ended::Gradient);
            }
            if iterations >= stop.max_iterations {
                return end(iterations, Ended::Iterations);
            }
            values.push(look.0);
            if stop.change > 0.0 && values.len() > WINDOW {
                let before = values[values.len() - 1 - WINDOW];
                if before - look.0 <= stop.change * look.0.abs() {
                    return end(iterations, Ended::Change);
                }
            }
            counted.borrow_mut().allow(MAX_SEARCH);
            let lowest = counted.borrow().best_value();
            match solver.next_iter(&mut problem, state) {
                Ok((next, _)) if !next.terminated() && next.get_cost() < lowest => state = next,
                _ => break,
            }
            state.update();
            state.increment_iter();
            iterations += 1;
            let counted = counted.borrow();
            let (value, gradient_norm) = counted.best_unscaled();
            let at = counted.best.as_ref().map_or(start.as_slice(), |b| b.x.as_slice());
            if !watch(&Look { iteration: iterations, at, value, gradient_norm }) {
                return counted.minimum(iterations, Ended::Stopped, &start);
            }
        }
        // The search failed at its first step from here, where the direction was the gradient's own: nothing is left.
        if iterations == from {
            return end(iterations, Ended::LineSearch);
        }
    }
}

/// A point that was evaluated; value and gradient are scaled.
#[derive(Clone)]
struct Point {
    x: Vector,
    value: f64,
    gradient: Vector,
}

/// The function, with what it gave last and where it was lowest.
struct Counted<'f> {
    f: &'f mut dyn FnMut(&[f64], &mut [f64]) -> f64,
    scale: f64,
    last: Option<Point>,
    best: Option<Point>,
    evaluations: u64,
    limit: u64,
}

impl Counted<'_> {
    /// Value and gradient; an error where they are not numbers or the search has used up its evaluations.
    fn evaluate(&mut self, x: &Vector) -> Result<Point, Error> {
        if let Some(last) = self.last.as_ref().filter(|p| p.x.is(x)) {
            return Ok(last.clone());
        }
        if self.evaluations >= self.limit {
            return Err(Error::msg("the line search takes too many evaluations"));
        }
        let mut gradient = vec![0.0; x.as_slice().len()];
        let value = self.scale * (self.f)(x.as_slice(), &mut gradient);
        self.evaluations += 1;
        gradient.iter_mut().for_each(|g| *g *= self.scale);
        // A NaN or an infinity times zero is NaN and stays in the sum.
        if !value.is_finite() || gradient.iter().map(|g| g * 0.0).sum::<f64>() != 0.0 {
            return Err(Error::msg("the function or its gradient is not finite"));
        }
        let point = Point { x: x.clone(), value, gradient: Vector::new(gradient) };
        if self.best.as_ref().is_none_or(|b| value < b.value) {
            self.best = Some(point.clone());
        }
        self.last = Some(point.clone());
        Ok(point)
    }

    fn rescale(&mut self, scale: f64) {
        self.scale = scale;
        let scaled = |p: &Point| Point {
            x: p.x.clone(),
            value: scale * p.value,
            gradient: Vector::new(p.gradient.as_slice().iter().map(|g| scale * g).collect()),
        };
        self.best = self.best.as_ref().map(scaled);
        self.last = self.best.clone();
    }

    fn allow(&mut self, more: u64) {
        self.limit = self.evaluations + more;
    }

    fn best_value(&self) -> f64 {
        self.best.as_ref().map_or(f64::INFINITY, |b| b.value)
    }

    /// Value and norm of the gradient at the lowest point, in the function's own units.
    fn best_unscaled(&self) -> (f64, f64) {
        self.best.as_ref().map_or((f64::NAN, f64::NAN), |b| {
            (b.value / self.scale, dot(b.gradient.as_slice(), b.gradient.as_slice()).sqrt() / self.scale)
        })
    }

    fn minimum(&self, iterations: u64, ended: Ended, start: &Vector) -> Minimum {
        let (value, gradient_norm) = self.best_unscaled();
        let at = self.best.as_ref().map_or(start, |b| &b.x).as_slice().to_vec();
        Minimum { at, value, gradient_norm, iterations, evaluations: self.evaluations, ended }
    }
}

/// The function as `argmin` asks for it: value and gradient apart, though they are computed together.
struct Evaluate<'a, 'f>(&'a RefCell<Counted<'f>>);

impl CostFunction for Evaluate<'_, '_> {
    type Param = Vector;
    type Output = f64;

    fn cost(&self, x: &Vector) -> Result<f64, Error> {
        Ok(self.0.borrow_mut().evaluate(x)?.value)
    }
}

impl Gradient for Evaluate<'_, '_> {
    type Param = Vector;
    type Gradient = Vector;

    fn gradient(&self, x: &Vector) -> Result<Vector, Error> {
        Ok(self.0.borrow_mut().evaluate(x)?.gradient)
    }
}
