//! The Ising model on any graph, with packed spins.

use std::sync::Arc;

use gibbs_core::energy::{Blocks, Energy, Flips};
use gibbs_core::rows::{Discrete, Natural, Rows};
use gibbs_core::scratch::Scratch;

use super::{Field, FieldError, Pair, finite, length};
use crate::Bits;
use crate::graph::{Colouring, Graph};

/// `E(s) = -sum_<ij> J_ij s_i s_j - sum_i h_i s_i` with `s_i = +-1` (+1 is bit 1).
///
/// # Example
/// ```
/// use gibbs_core::{energy::Flips, scratch::Scratch};
/// use gibbs_spin::Bits;
/// use gibbs_spin::field::Ising;
/// let ising = Ising::from_edges(3, &[(0, 1, 1.0), (1, 2, -0.5)], vec![0.0, 0.0, 0.2])?;
/// let mut deltas = [0.0; 3];
/// ising.flip_deltas(&Bits::from_rows(&[[true, true, true]]), &mut deltas, &mut Scratch::default());
/// // Turning the middle spin breaks one bond and mends the other.
/// assert_eq!(deltas[1], 2.0 * (1.0 - 0.5));
/// # Ok::<(), gibbs_spin::field::FieldError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Ising {
    graph: Arc<Graph>,
    colouring: Arc<Colouring>,
    couplings: Vec<f64>,
    fields: Vec<f64>,
}

impl Ising {
    /// From a graph, a coupling an edge and a field a site.
    ///
    /// # Errors
    /// Arrays of the wrong length, numbers that are not finite.
    pub fn new(graph: impl Into<Arc<Graph>>, couplings: Vec<f64>, fields: Vec<f64>) -> Result<Self, FieldError> {
        let graph = graph.into();
        length("couplings", couplings.len(), graph.n_edges())?;
        length("fields", fields.len(), graph.n_sites())?;
        finite("coupling", &couplings)?;
        finite("field", &fields)?;
        let colouring = Arc::new(graph.colouring());
        Ok(Self { graph, colouring, couplings, fields })
    }

    /// From a list of couplings: see [`Graph::weighted`].
    ///
    /// # Errors
    /// What [`Graph::weighted`] refuses; as [`Ising::new`].
    pub fn from_edges(n_sites: usize, edges: &[(usize, usize, f64)], fields: Vec<f64>) -> Result<Self, FieldError> {
        let (graph, couplings) = Graph::weighted(n_sites, edges)?;
        Self::new(graph, couplings, fields)
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// A coupling an edge.
    pub fn couplings(&self) -> &[f64] {
        &self.couplings
    }

    /// A field a site.
    pub fn fields(&self) -> &[f64] {
        &self.fields
    }

    /// The same law over labels 0 and 1: what exact methods and approximate inference take.
    ///
    /// # Panics
    /// Never: the parts were checked.
    pub fn to_field(&self) -> Field {
        let unary = self.fields.iter().flat_map(|h| [-h, *h]).collect();
        Field::new(self.graph.clone(), 2, &Pair::Ising, self.couplings.clone(), unary).expect("checked when made")
    }

    /// `h_i + sum_j J_ij s_j`.
    fn local_field(&self, x: &Bits, row: usize, site: usize) -> f64 {
        let spin = |s: u32| if x.get(row, s as usize) { 1.0 } else { -1.0 };
        let near = self.graph.near(site).iter();
        self.fields[site] + near.map(|n| self.couplings[n.edge as usize] * spin(n.site)).sum::<f64>()
    }
}

impl Energy for Ising {
    type X = Bits;

    fn energy(&self, x: &Bits, out: &mut [f64], _ws: &mut Scratch) {
        assert_eq!((out.len(), x.n_sites()), (x.n_rows(), self.graph.n_sites()), "one place a row, one bit a site");
        for (row, o) in out.iter_mut().enumerate() {
            let spin = |s: usize| if x.get(row, s) { 1.0 } else { -1.0 };
            let edges = self.graph.edges().iter().zip(&self.couplings);
            let pairs: f64 = edges.map(|(&[a, b], j)| j * spin(a as usize) * spin(b as usize)).sum();
            *o = -pairs - self.fields.iter().enumerate().map(|(i, h)| h * spin(i)).sum::<f64>();
        }
    }
}

impl Flips for Ising {
    fn flip_deltas(&self, x: &Bits, out: &mut [f64], _ws: &mut Scratch) {
        let n = self.graph.n_sites().max(1);
        for (row, deltas) in out.chunks_exact_mut(n).enumerate() {
            for (site, d) in deltas.iter_mut().enumerate() {
                let h = self.local_field(x, row, site);
                *d = if x.get(row, site) { 2.0 * h } else { -2.0 * h };
            }
        }
    }
}

impl Blocks for Ising {
    fn n_blocks(&self) -> usize {
        self.colouring.classes.len()
    }

    fn sites(&self, block: usize) -> Vec<usize> {
        self.colouring.classes[block].clone()
    }

    fn natural(&self, x: &Bits, block: usize, out: &mut Natural, _ws: &mut Scratch) {
        let sites = &self.colouring.classes[block];
        out.reset(x.n_rows(), sites.len());
        for (row, logits) in out.logits.chunks_exact_mut(sites.len().max(1)).enumerate() {
            logits.iter_mut().zip(sites).for_each(|(l, &site)| *l = 2.0 * self.local_field(x, row, site));
        }
    }
}
