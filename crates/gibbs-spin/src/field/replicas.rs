//! 64 replicas of an Ising model of one coupling on any graph, a word a site.

use std::sync::Arc;

use gibbs_core::key::{Key, Purpose};
use gibbs_kernels::multispin::graph::{self, Layout, MAX_DEGREE};
use gibbs_kernels::multispin::threshold;
use gibbs_kernels::rng::Lanes;

use super::{FieldError, finite};
use crate::graph::Graph;

/// `p(s) prop exp(J sum_<ij> s_i s_j + h sum_i s_i)` on a graph of at most 15 neighbours a site, 64 independent states at once.
///
/// A sweep is chromatic heat bath with a 32-bit random number for every spin; all 64 replicas cost what one does. Fields and couplings that differ from site to site are [`super::Ising`]'s.
///
/// # Example
/// ```
/// use gibbs_core::key::Key;
/// use gibbs_spin::field::IsingReplicas;
/// use gibbs_spin::graph::Graph;
/// let graph = Graph::regular(500, 6, &Key::from_seed(1))?;
/// let mut replicas = IsingReplicas::random(graph, &Key::from_seed(2))?;
/// replicas.sweep(0.05, 0.0, 50, &Key::from_seed(3))?;
/// // Above its transition the graph is a tree to a spin: neighbours agree by tanh J = 0.05 on average.
/// let mean = replicas.bonds().iter().sum::<i64>() as f64 / 64.0 / 1500.0;
/// assert!((mean - 0.05).abs() < 0.02, "{mean}");
/// # Ok::<(), gibbs_spin::field::FieldError>(())
/// ```
#[derive(Clone, Debug)]
pub struct IsingReplicas {
    graph: Arc<Graph>,
    layout: Arc<Layout>,
    words: Vec<u64>,
}

impl IsingReplicas {
    /// Fair independent spins.
    ///
    /// # Errors
    /// A site of more than 15 neighbours.
    pub fn random(graph: impl Into<Arc<Graph>>, key: &Key) -> Result<Self, FieldError> {
        let graph = graph.into();
        if graph.max_degree() > MAX_DEGREE {
            let (value, wanted) = (graph.max_degree() as f64, "packed replicas count to 15; use Ising");
            return Err(FieldError::Setting { what: "the largest number of neighbours", value, wanted });
        }
        let near: Vec<Vec<u32>> =
            (0..graph.n_sites()).map(|i| graph.near(i).iter().map(|n| n.site).collect()).collect();
        let layout = Layout::new(&graph.colouring().classes, |i| &near[i]);
        let mut lanes = Lanes::new(key.purpose(Purpose::Init).bits(), 0);
        let words = (0..layout.n_words())
            .map(|_| {
                let x = lanes.next_u32s();
                u64::from(x[0]) << 32 | u64::from(x[1])
            })
            .collect();
        Ok(Self { graph, layout: Arc::new(layout), words })
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// `n` sweeps at coupling `J` and field `h`.
    ///
    /// # Errors
    /// Numbers that are not finite.
    pub fn sweep(&mut self, coupling: f64, field: f64, n: u64, key: &Key) -> Result<(), FieldError> {
        finite("coupling and field:", &[coupling, field])?;
        let up = |degree: usize, k: usize| {
            let local = coupling * (2.0 * k as f64 - degree as f64) + field;
            threshold(1.0 / (1.0 + (-2.0 * local).exp()))
        };
        let table: Vec<Vec<u32>> = (0..=MAX_DEGREE).map(|d| (0..=d).map(|k| up(d, k)).collect()).collect();
        graph::sweeps(&self.layout, &mut self.words, &table, n, |t| key.step(t).bits());
        Ok(())
    }

    /// Spins of a site, replica `r` in bit `r`.
    pub fn spins(&self, site: usize) -> u64 {
        self.words[self.layout.place(site)]
    }

    /// `sum_<ij> s_i s_j` of every replica.
    pub fn bonds(&self) -> [i64; 64] {
        let mut differ = [0i64; 64];
        for &[a, b] in self.graph.edges() {
            let word = self.spins(a as usize) ^ self.spins(b as usize);
            differ.iter_mut().enumerate().for_each(|(r, d)| *d += (word >> r & 1) as i64);
        }
        differ.map(|d| self.graph.n_edges() as i64 - 2 * d)
    }

    /// `sum_i s_i` of every replica.
    pub fn magnetisations(&self) -> [i64; 64] {
        let mut ups = [0i64; 64];
        for site in 0..self.graph.n_sites() {
            let word = self.spins(site);
            ups.iter_mut().enumerate().for_each(|(r, u)| *u += (word >> r & 1) as i64);
        }
        ups.map(|u| 2 * u - self.graph.n_sites() as i64)
    }
}
