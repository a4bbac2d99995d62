//! The field: couplings on a graph, a law for pairs, and fields of single sites.

use std::sync::Arc;

use gibbs_core::energy::{Blocks, Energy};
use gibbs_core::rows::{Natural, Rows};
use gibbs_core::scratch::Scratch;

use super::{FieldError, Labels, finite, length};
use crate::graph::{Colouring, Graph};

/// What two neighbours have to do with each other: the function `f(a, b)` of a field's energy.
#[derive(Clone, Debug, PartialEq)]
pub enum Pair {
    /// `[a = b]`: the Potts model.
    Potts,
    /// `s_a s_b` with `s_0 = -1`, `s_1 = +1`: the Ising model; two states.
    Ising,
    /// `-min((a - b)^2, limit)`: levels that change smoothly but for edges, which cost no more than `limit`.
    TruncatedQuadratic {
        /// The most that two neighbours cost, in squared levels.
        limit: f64,
    },
    /// Any symmetric function, `q` x `q`.
    Table(Vec<f64>),
}

impl Pair {
    fn table(&self, q: usize) -> Result<Vec<f64>, FieldError> {
        let spin = |a: usize| 2.0 * a as f64 - 1.0;
        let table: Vec<f64> = match self {
            Pair::Ising if q != 2 => return Err(FieldError::States { found: q, wanted: "the Ising model has 2" }),
            Pair::Table(table) => table.clone(),
            _ => (0..q * q)
                .map(|k| (k / q, k % q))
                .map(|(a, b)| match self {
                    Pair::Ising => spin(a) * spin(b),
                    Pair::TruncatedQuadratic { limit } => -(a as f64 - b as f64).powi(2).min(*limit),
                    _ => f64::from(u8::from(a == b)),
                })
                .collect(),
        };
        length("numbers in the pair function", table.len(), q * q)?;
        finite("the pair function at", &table)?;
        match (0..q * q).map(|k| (k / q, k % q)).find(|(a, b)| table[a * q + b] != table[b * q + a]) {
            Some((a, b)) => Err(FieldError::NotSymmetric { a, b }),
            None => Ok(table),
        }
    }
}

/// `E(x) = -sum_<ij> J_ij f(x_i, x_j) - sum_i h_i(x_i)` over sites of `q` states on a graph; nats, temperature 1.
///
/// # Source
/// Besag 1974, "Spatial interaction and the statistical analysis of lattice systems", DOI 10.1111/j.2517-6161.1974.tb00999.x.
///
/// # Example
/// ```
/// use gibbs_spin::field::{Field, Pair};
/// use gibbs_spin::graph::{Boundary, Graph};
/// let grid = Graph::grid(&[3, 3], Boundary::Open)?;
/// let field = Field::uniform(grid, 3, &Pair::Potts, 0.8)?;
/// assert!((field.energy_of(&[1; 9]) + 0.8 * 12.0).abs() < 1e-12);
/// # Ok::<(), gibbs_spin::field::FieldError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Field {
    graph: Arc<Graph>,
    colouring: Arc<Colouring>,
    q: usize,
    pair: Vec<f64>,
    couplings: Vec<f64>,
    unary: Vec<f64>,
}

impl Field {
    /// From its parts: a coupling an edge, and `h_i(a)` as `n_sites` x `q` numbers.
    ///
    /// # Errors
    /// `q` not 2 to 256, arrays of the wrong length, numbers that are not finite, a pair function that is not symmetric.
    pub fn new(
        graph: impl Into<Arc<Graph>>,
        q: usize,
        pair: &Pair,
        couplings: Vec<f64>,
        unary: Vec<f64>,
    ) -> Result<Self, FieldError> {
        let graph = graph.into();
        if !(2..=256).contains(&q) {
            return Err(FieldError::States { found: q, wanted: "give 2 to 256" });
        }
        length("couplings", couplings.len(), graph.n_edges())?;
        length("fields", unary.len(), graph.n_sites() * q)?;
        finite("coupling", &couplings)?;
        finite("field", &unary)?;
        let colouring = Arc::new(graph.colouring());
        Ok(Self { pair: pair.table(q)?, graph, colouring, q, couplings, unary })
    }

    /// One coupling everywhere and no fields.
    ///
    /// # Errors
    /// As [`Field::new`].
    pub fn uniform(graph: impl Into<Arc<Graph>>, q: usize, pair: &Pair, coupling: f64) -> Result<Self, FieldError> {
        let graph = graph.into();
        let (n_edges, n) = (graph.n_edges(), graph.n_sites());
        Self::new(graph, q, pair, vec![coupling; n_edges], vec![0.0; n * q])
    }

    /// The same graph and pairs with other couplings and fields.
    ///
    /// # Errors
    /// Arrays of the wrong length, numbers that are not finite.
    pub fn with(&self, couplings: Vec<f64>, unary: Vec<f64>) -> Result<Self, FieldError> {
        length("couplings", couplings.len(), self.couplings.len())?;
        length("fields", unary.len(), self.unary.len())?;
        finite("coupling", &couplings)?;
        finite("field", &unary)?;
        let (graph, colouring, pair) = (self.graph.clone(), self.colouring.clone(), self.pair.clone());
        Ok(Self { graph, colouring, q: self.q, pair, couplings, unary })
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Its classes.
    pub fn colouring(&self) -> &Arc<Colouring> {
        &self.colouring
    }

    /// Number of states.
    pub fn n_states(&self) -> usize {
        self.q
    }

    /// Number of sites.
    pub fn n_sites(&self) -> usize {
        self.graph.n_sites()
    }

    /// A coupling an edge.
    pub fn couplings(&self) -> &[f64] {
        &self.couplings
    }

    /// `h_i(a)`, `n_sites` x `q`.
    pub fn unary(&self) -> &[f64] {
        &self.unary
    }

    /// `h_i(.)`.
    pub fn unary_of(&self, site: usize) -> &[f64] {
        &self.unary[site * self.q..][..self.q]
    }

    /// `f(a, .)`.
    pub fn pair(&self, a: usize) -> &[f64] {
        &self.pair[a * self.q..][..self.q]
    }

    /// `E(x)` of one row.
    ///
    /// # Panics
    /// If the row has not one label below `q` a site.
    pub fn energy_of(&self, x: &[u8]) -> f64 {
        assert_eq!(x.len(), self.n_sites(), "one label a site");
        let at = |s: u32| usize::from(x[s as usize]);
        let edges = self.graph.edges().iter().zip(&self.couplings);
        let pairs: f64 = edges.map(|(&[a, b], j)| j * self.pair[at(a) * self.q + at(b)]).sum();
        let sites: f64 = x.iter().enumerate().map(|(i, a)| self.unary[i * self.q + usize::from(*a)]).sum();
        -pairs - sites
    }

    /// `out[a] = beta (h_i(a) + sum_j J_ij f(a, x_j))`: the log weights of a site's states given its neighbours.
    pub fn log_weights(&self, x: &[u8], site: usize, beta: f64, out: &mut [f64]) {
        out.copy_from_slice(self.unary_of(site));
        for near in self.graph.near(site) {
            let j = self.couplings[near.edge as usize];
            let pair = self.pair(usize::from(x[near.site as usize]));
            out.iter_mut().zip(pair).for_each(|(o, f)| *o += j * f);
        }
        if beta != 1.0 {
            out.iter_mut().for_each(|o| *o *= beta);
        }
    }
}

impl Energy for Field {
    type X = Labels;

    fn energy(&self, x: &Labels, out: &mut [f64], _ws: &mut Scratch) {
        assert_eq!(out.len(), x.n_rows(), "one place a row");
        out.iter_mut().enumerate().for_each(|(i, o)| *o = self.energy_of(x.row(i)));
    }
}

impl Blocks for Field {
    fn n_blocks(&self) -> usize {
        self.colouring.classes.len()
    }

    fn sites(&self, block: usize) -> Vec<usize> {
        self.colouring.classes[block].clone()
    }

    fn natural(&self, x: &Labels, block: usize, out: &mut Natural, _ws: &mut Scratch) {
        let (sites, free) = (&self.colouring.classes[block], self.q - 1);
        out.reset(x.n_rows(), sites.len() * free);
        let mut log_weights = vec![0.0; self.q];
        for (row, naturals) in out.logits.chunks_exact_mut(out.width.max(1)).enumerate() {
            for (&site, logits) in sites.iter().zip(naturals.chunks_exact_mut(free)) {
                self.log_weights(x.row(row), site, 1.0, &mut log_weights);
                logits.iter_mut().zip(&log_weights[1..]).for_each(|(l, w)| *l = w - log_weights[0]);
            }
        }
    }
}
