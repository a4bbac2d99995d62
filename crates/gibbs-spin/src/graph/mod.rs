//! Undirected graphs: who is a neighbour of whom.
//!
//! | file | what it holds |
//! |---|---|
//! | [`grids`] | grids in any number of dimensions, and pictures with four or eight neighbours a pixel |
//! | [`regular`] | random graphs of one degree |
//! | [`colouring`] | sites in classes without neighbours inside |
pub mod colouring;
pub mod grids;
pub mod regular;

use std::collections::BTreeMap;

pub use colouring::Colouring;
pub use grids::{Boundary, Connectivity};

/// An undirected graph without self-loops and double edges, in compressed rows.
///
/// Edges are numbered; what is said of an edge (a coupling) is an array with a place for each, so that couplings are
/// symmetric by construction.
///
/// # Example
/// ```
/// use gibbs_spin::graph::Graph;
/// let path = Graph::from_edges(3, &[(0, 1), (1, 2)])?;
/// assert_eq!((path.n_edges(), path.degree(1)), (2, 2));
/// assert!(Graph::from_edges(3, &[(0, 3)]).is_err());
/// # Ok::<(), gibbs_spin::graph::GraphError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    edges: Vec<[u32; 2]>,
    offsets: Vec<usize>,
    near: Vec<Near>,
}

/// A neighbour as its site sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Near {
    /// The neighbour.
    pub site: u32,
    /// Number of the edge.
    pub edge: u32,
    /// Where the neighbour's own entry for this edge stands among all entries: see [`Graph::first`].
    pub back: u32,
}

/// Why a list of edges is no graph.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// An end that does not exist.
    #[error("edge {a}-{b} ends at a node that is missing: there are {n_sites}, numbered from 0")]
    MissingNode {
        /// One end.
        a: usize,
        /// The other.
        b: usize,
        /// Sites of the graph.
        n_sites: usize,
    },
    /// An edge from a site to itself.
    #[error("node {0} has an edge to itself: a coupling of a site with itself belongs into its field")]
    SelfLoop(usize),
    /// The same edge twice in the same direction.
    #[error("edge {a}-{b} comes more than once: add its couplings up first")]
    Duplicate {
        /// One end.
        a: usize,
        /// The other.
        b: usize,
    },
    /// An edge listed in both directions with different couplings.
    #[error("the coupling of {a}-{b} is {first} one way and {second} the other: couplings must be symmetric")]
    NotSymmetric {
        /// One end.
        a: usize,
        /// The other.
        b: usize,
        /// Coupling from `a` to `b`.
        first: f64,
        /// Coupling from `b` to `a`.
        second: f64,
    },
    /// A coupling that is NaN or infinite.
    #[error("the coupling of {a}-{b} is {value}: give a finite number")]
    NotFinite {
        /// One end.
        a: usize,
        /// The other.
        b: usize,
        /// The coupling.
        value: f64,
    },
    /// More sites or edges than are numbered.
    #[error("{sites} sites and {edges} edges: at most 2^31 of either are numbered")]
    TooLarge {
        /// Sites.
        sites: usize,
        /// Edges.
        edges: usize,
    },
    /// A grid that cannot be built.
    #[error("a side of {side} sites: {advice}")]
    Side {
        /// The side.
        side: usize,
        /// What would do.
        advice: &'static str,
    },
    /// A degree that no graph of this size has.
    #[error(
        "no graph of {n_sites} sites has degree {degree} everywhere: sites x degree is even and the degree below the sites"
    )]
    Degree {
        /// Sites.
        n_sites: usize,
        /// Degree asked for.
        degree: usize,
    },
}

impl Graph {
    /// From pairs of sites. An edge may be listed once, or once in each direction.
    ///
    /// # Errors
    /// A missing node, a self-loop, an edge that comes twice the same way.
    pub fn from_edges(n_sites: usize, edges: &[(usize, usize)]) -> Result<Self, GraphError> {
        let edges: Vec<_> = edges.iter().map(|&(a, b)| (a, b, 0.0)).collect();
        Ok(Self::weighted(n_sites, &edges)?.0)
    }

    /// From pairs of sites with their couplings, which come back in the order of the graph's edges. An edge may be listed once,
    /// or once in each direction with the same coupling, as a symmetric matrix lists it.
    ///
    /// # Errors
    /// As [`Graph::from_edges`]; couplings that differ between the directions or are not finite.
    pub fn weighted(n_sites: usize, edges: &[(usize, usize, f64)]) -> Result<(Self, Vec<f64>), GraphError> {
        let mut seen: BTreeMap<(usize, usize), (f64, [bool; 2])> = BTreeMap::new();
        for &(a, b, value) in edges {
            if a.max(b) >= n_sites {
                return Err(GraphError::MissingNode { a, b, n_sites });
            }
            if a == b {
                return Err(GraphError::SelfLoop(a));
            }
            if !value.is_finite() {
                return Err(GraphError::NotFinite { a, b, value });
            }
            let entry = seen.entry((a.min(b), a.max(b))).or_insert((value, [false; 2]));
            let way = usize::from(a > b);
            if entry.1[way] {
                return Err(GraphError::Duplicate { a, b });
            }
            if entry.0 != value {
                return Err(GraphError::NotSymmetric { a: b, b: a, first: entry.0, second: value });
            }
            entry.1[way] = true;
        }
        let pairs = seen.keys().map(|&(a, b)| [a as u32, b as u32]).collect();
        Ok((Self::from_checked(n_sites, pairs)?, seen.into_values().map(|(value, _)| value).collect()))
    }

    /// From edges that are known to be distinct, without loops, and in range.
    fn from_checked(n_sites: usize, edges: Vec<[u32; 2]>) -> Result<Self, GraphError> {
        if n_sites.max(2 * edges.len()) > 1 << 31 {
            return Err(GraphError::TooLarge { sites: n_sites, edges: edges.len() });
        }
        let mut offsets = vec![0; n_sites + 1];
        edges.iter().flatten().for_each(|&s| offsets[s as usize + 1] += 1);
        for i in 0..n_sites {
            offsets[i + 1] += offsets[i];
        }
        let mut next = offsets.clone();
        let mut near = vec![Near { site: 0, edge: 0, back: 0 }; 2 * edges.len()];
        for (e, &[a, b]) in edges.iter().enumerate() {
            let [at_a, at_b] = [a, b].map(|s| {
                next[s as usize] += 1;
                next[s as usize] - 1
            });
            near[at_a] = Near { site: b, edge: e as u32, back: at_b as u32 };
            near[at_b] = Near { site: a, edge: e as u32, back: at_a as u32 };
        }
        Ok(Self { edges, offsets, near })
    }

    /// Number of sites.
    pub fn n_sites(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Number of edges.
    pub fn n_edges(&self) -> usize {
        self.edges.len()
    }

    /// Both ends of every edge.
    pub fn edges(&self) -> &[[u32; 2]] {
        &self.edges
    }

    /// Neighbours of a site.
    pub fn near(&self, site: usize) -> &[Near] {
        &self.near[self.offsets[site]..self.offsets[site + 1]]
    }

    /// Where a site's entries begin among those of all sites, in the order of [`Graph::near`].
    pub fn first(&self, site: usize) -> usize {
        self.offsets[site]
    }

    /// Number of neighbours.
    pub fn degree(&self, site: usize) -> usize {
        self.offsets[site + 1] - self.offsets[site]
    }

    /// The largest number of neighbours.
    pub fn max_degree(&self) -> usize {
        (0..self.n_sites()).map(|i| self.degree(i)).max().unwrap_or(0)
    }
}
