//! Fields with a few shared parameters, and learning them.

use std::sync::Arc;

use gibbs_core::rows::Rows;
use rayon::prelude::*;

use super::exact::enumeration::{checked_states, gray_code};
use super::{Field, FieldError, Labels, Pair, finite, length, normalise};
use crate::graph::Graph;
use crate::newton::{Concave, Maximum, maximise};

/// A field with one coupling for each kind of edge and one field for each state but the first:
/// `E(x) = -sum_k J_k S_k(x) - sum_(a >= 1) h_a N_a(x)` with `S_k` the sum of `f` over the edges of kind `k` and `N_a` the number
/// of sites in state `a`. Parameters are `[J_0, .., h_1, ..]`; the energy is linear in them, so that likelihood and
/// pseudo-likelihood are concave.
#[derive(Clone, Debug)]
pub struct Tied {
    blank: Field,
    kinds: Vec<u8>,
    n_kinds: usize,
}

impl Tied {
    /// With the kind of every edge, numbered from 0 without gaps.
    ///
    /// # Errors
    /// As [`Field::new`]; a kind that is missing.
    pub fn new(graph: impl Into<Arc<Graph>>, q: usize, pair: &Pair, kinds: Vec<u8>) -> Result<Self, FieldError> {
        let blank = Field::uniform(graph, q, pair, 0.0)?;
        length("kinds of edges", kinds.len(), blank.graph().n_edges())?;
        let n_kinds = kinds.iter().max().map_or(0, |k| usize::from(*k) + 1);
        match (0..n_kinds).find(|k| !kinds.contains(&(*k as u8))) {
            Some(k) => Err(FieldError::Setting {
                what: "a kind without edges",
                value: k as f64,
                wanted: "number them without gaps",
            }),
            None => Ok(Self { blank, kinds, n_kinds }),
        }
    }

    /// Number of parameters.
    pub fn n_params(&self) -> usize {
        self.n_kinds + self.blank.n_states() - 1
    }

    /// The field at some parameters.
    ///
    /// # Errors
    /// A wrong number of parameters, or some that are not finite.
    pub fn field(&self, theta: &[f64]) -> Result<Field, FieldError> {
        length("parameters", theta.len(), self.n_params())?;
        finite("parameter", theta)?;
        let couplings = self.kinds.iter().map(|k| theta[usize::from(*k)]).collect();
        let one: Vec<f64> = std::iter::once(0.0).chain(theta[self.n_kinds..].iter().copied()).collect();
        self.blank.with(couplings, one.repeat(self.blank.n_sites()))
    }

    /// `[S_0, .., N_1, ..]` of one row: `-dE/dtheta`.
    pub fn statistics(&self, x: &[u8]) -> Vec<f64> {
        let mut s = vec![0.0; self.n_params()];
        for (&[a, b], k) in self.blank.graph().edges().iter().zip(&self.kinds) {
            s[usize::from(*k)] += self.blank.pair(usize::from(x[a as usize]))[usize::from(x[b as usize])];
        }
        x.iter().filter(|a| **a > 0).for_each(|a| s[self.n_kinds + usize::from(*a) - 1] += 1.0);
        s
    }

    /// Mean over rows of `sum_i log p(x_i | rest)` with its derivatives (Besag 1975, DOI 10.2307/2987782). Not a likelihood.
    ///
    /// # Errors
    /// Parameters or rows that do not fit.
    pub fn pseudo_log_likelihood(&self, theta: &[f64], x: &Labels) -> Result<Concave, FieldError> {
        length("parameters", theta.len(), self.n_params())?;
        self.check(x)?;
        let blocks: Vec<usize> = (0..self.blank.n_sites()).step_by(4096).collect();
        let mut total = Concave::zero(self.n_params());
        for row in 0..x.n_rows() {
            let parts: Vec<Concave> = blocks.par_iter().map(|&first| self.local(theta, x.row(row), first)).collect();
            parts.iter().for_each(|part| total.add(part, 1.0 / x.n_rows() as f64));
        }
        Ok(total)
    }

    /// The terms of 4096 sites.
    fn local(&self, theta: &[f64], x: &[u8], first: usize) -> Concave {
        let (q, n_params, graph) = (self.blank.n_states(), self.n_params(), self.blank.graph());
        let mut out = Concave::zero(n_params);
        let (mut s, mut p) = (vec![0.0; q * n_params], vec![0.0; q]);
        for site in first..(first + 4096).min(graph.n_sites()) {
            s.fill(0.0);
            for near in graph.near(site) {
                let (kind, pair) =
                    (usize::from(self.kinds[near.edge as usize]), self.blank.pair(usize::from(x[near.site as usize])));
                pair.iter().enumerate().for_each(|(a, f)| s[a * n_params + kind] += f);
            }
            (1..q).for_each(|a| s[a * n_params + self.n_kinds + a - 1] = 1.0);
            for (p, s) in p.iter_mut().zip(s.chunks_exact(n_params)) {
                *p = theta.iter().zip(s).map(|(t, s)| t * s).sum();
            }
            let own = usize::from(x[site]);
            let chosen = p[own];
            out.value += chosen - super::log_sum_exp(&p);
            normalise(&mut p);
            out.add_softmax(&p, &s, own, 1.0);
        }
        out
    }

    /// Parameters of the largest pseudo-likelihood, by Newton's method.
    ///
    /// # Errors
    /// Rows that do not fit.
    pub fn fit_pseudo_likelihood(&self, x: &Labels) -> Result<Maximum, FieldError> {
        self.check(x)?;
        maximise(vec![0.0; self.n_params()], |theta| self.pseudo_log_likelihood(theta, x))
    }

    /// Mean log-likelihood of the rows with its derivatives, `log Z` by enumeration.
    ///
    /// # Errors
    /// Parameters or rows that do not fit; more than 2^22 states.
    pub fn log_likelihood(&self, theta: &[f64], x: &Labels) -> Result<Concave, FieldError> {
        length("parameters", theta.len(), self.n_params())?;
        self.check(x)?;
        let (q, n, n_params) = (self.blank.n_states(), self.blank.n_sites(), self.n_params());
        let mut p = Vec::with_capacity(checked_states(q, n)?);
        let mut all = Vec::with_capacity(p.capacity() * n_params);
        gray_code(q, n, |x, _| {
            let s = self.statistics(x);
            p.push(theta.iter().zip(&s).map(|(t, s)| t * s).sum::<f64>());
            all.extend(s);
        });
        let log_z = super::log_sum_exp(&p);
        normalise(&mut p);
        let mut out = Concave::zero(n_params);
        // The first state stands in for the data, whose own statistics are put in its place.
        out.add_softmax(&p, &all, 0, 1.0);
        out.gradient.iter_mut().zip(&all).for_each(|(g, s)| *g -= s);
        for row in 0..x.n_rows() {
            let s = self.statistics(x.row(row));
            out.gradient.iter_mut().zip(&s).for_each(|(g, s)| *g += s / x.n_rows() as f64);
            out.value += theta.iter().zip(&s).map(|(t, s)| t * s).sum::<f64>() / x.n_rows() as f64;
        }
        out.value -= log_z;
        Ok(out)
    }

    /// Parameters of the largest likelihood, by Newton's method on exact sums.
    ///
    /// # Errors
    /// Rows that do not fit; more than 2^22 states.
    pub fn fit_likelihood(&self, x: &Labels) -> Result<Maximum, FieldError> {
        self.check(x)?;
        maximise(vec![0.0; self.n_params()], |theta| self.log_likelihood(theta, x))
    }

    fn check(&self, x: &Labels) -> Result<(), FieldError> {
        length("sites a row", x.n_sites(), self.blank.n_sites())?;
        if x.n_rows() == 0 {
            return Err(FieldError::Length { what: "rows", found: 0, expected: 1 });
        }
        let (q, found) = (self.blank.n_states(), x.n_states());
        if found == q { Ok(()) } else { Err(FieldError::States { found, wanted: "the field has another number" }) }
    }
}
