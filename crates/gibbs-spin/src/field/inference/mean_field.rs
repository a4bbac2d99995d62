//! The product distribution nearest to a field.

use rayon::prelude::*;

use super::super::{Field, FieldError, finite, length, normalise};
use super::{Convergence, checked_damping, checked_tolerance};

/// Naive mean field: `q_i(a) prop exp(h_i(a) + sum_j J_ij sum_b f(a, b) q_j(b))`, class after class of the colouring.
///
/// Without damping every step raises the bound `log Z >= -E_q[E] + H(q)`; it is a local optimum that is found.
///
/// # Source
/// Jordan, Ghahramani, Jaakkola & Saul 1999, "An introduction to variational methods for graphical models",
/// DOI 10.1023/A:1007665907178.
///
/// # Example
/// ```
/// use gibbs_spin::field::{Elimination, Field, Pair, inference::MeanField};
/// use gibbs_spin::graph::{Boundary, Graph};
/// let field = Field::uniform(Graph::grid(&[4, 4], Boundary::Open)?, 2, &Pair::Ising, 0.2)?;
/// let fit = MeanField::default().run(&field, None)?;
/// assert!(fit.convergence.converged && fit.bound <= Elimination::new(&field)?.log_z());
/// # Ok::<(), gibbs_spin::field::FieldError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanField {
    /// Share of the old marginals that is kept, 0 or more and below 1.
    pub damping: f64,
    /// It has converged when no probability of a sweep changes by more.
    pub tolerance: f64,
    /// The most sweeps.
    pub max_iterations: u64,
}

impl Default for MeanField {
    fn default() -> Self {
        Self { damping: 0.0, tolerance: 1e-6, max_iterations: 500 }
    }
}

/// What mean field found.
#[derive(Clone, Debug, PartialEq)]
pub struct MeanFieldFit {
    /// `q_i(a)`, `n_sites` x `q`.
    pub marginals: Vec<f64>,
    /// Lower bound of `log Z`, nats.
    pub bound: f64,
    /// How it ended.
    pub convergence: Convergence,
}

impl MeanField {
    /// Iterates from `start` (`n_sites` x `q` probabilities), or from the sites without their neighbours.
    ///
    /// # Errors
    /// Settings out of range, a start of the wrong length or that is not finite.
    pub fn run(&self, field: &Field, start: Option<&[f64]>) -> Result<MeanFieldFit, FieldError> {
        let (keep, tolerance) = (checked_damping(self.damping)?, checked_tolerance(self.tolerance)?);
        let q = field.n_states();
        let mut m = start.map_or_else(|| field.unary().to_vec(), <[f64]>::to_vec);
        length("probabilities", m.len(), field.unary().len())?;
        finite("probability", &m)?;
        if start.is_none() {
            m.chunks_exact_mut(q).for_each(normalise);
        }
        let mut end = Convergence { iterations: 0, last_change: f64::INFINITY, converged: false };
        while !end.converged && end.iterations < self.max_iterations {
            end.last_change = 0.0;
            for sites in &field.colouring().classes {
                let new: Vec<f64> = sites.par_chunks(1024).flat_map_iter(|sites| class(field, sites, &m)).collect();
                for (&site, new) in sites.iter().zip(new.chunks_exact(q)) {
                    for (old, new) in m[site * q..].iter_mut().zip(new) {
                        let next = keep * *old + (1.0 - keep) * new;
                        end.last_change = end.last_change.max((next - *old).abs());
                        *old = next;
                    }
                }
            }
            end.iterations += 1;
            end.converged = end.last_change <= tolerance;
        }
        Ok(MeanFieldFit { bound: bound(field, &m), marginals: m, convergence: end })
    }
}

/// New marginals of sites that are no neighbours.
fn class(field: &Field, sites: &[usize], m: &[f64]) -> Vec<f64> {
    let q = field.n_states();
    let mut out = Vec::with_capacity(sites.len() * q);
    for &site in sites {
        let at = out.len();
        out.extend_from_slice(field.unary_of(site));
        let weights = &mut out[at..];
        for near in field.graph().near(site) {
            let j = field.couplings()[near.edge as usize];
            let other = &m[near.site as usize * q..][..q];
            for (a, w) in weights.iter_mut().enumerate() {
                *w += j * field.pair(a).iter().zip(other).map(|(f, p)| f * p).sum::<f64>();
            }
        }
        normalise(weights);
    }
    out
}

/// `-E_q[E] + H(q)` of a product of marginals: a lower bound of `log Z` whatever they are.
pub fn bound(field: &Field, m: &[f64]) -> f64 {
    let q = field.n_states();
    let of = |s: u32| &m[s as usize * q..][..q];
    let mut total: f64 = m.iter().zip(field.unary()).map(|(p, h)| if *p > 0.0 { p * (h - p.ln()) } else { 0.0 }).sum();
    for (&[a, b], j) in field.graph().edges().iter().zip(field.couplings()) {
        let mean = |s: usize| field.pair(s).iter().zip(of(b)).map(|(f, p)| f * p).sum::<f64>();
        total += j * of(a).iter().enumerate().map(|(s, p)| p * mean(s)).sum::<f64>();
    }
    total
}
