//! Loopy belief propagation.

use rayon::prelude::*;

use super::super::{Field, FieldError, log_sum_exp, normalise};
use super::{Convergence, checked_damping, checked_tolerance};

/// The most numbers that messages may hold.
const LIMIT: f64 = (1u64 << 28) as f64;

/// Sum-product messages `m_ij(b) prop sum_a exp(J_ij f(a, b) + h_i(a)) prod_(k != j) m_ki(a)`, kept as logarithms, all renewed
/// at once.
///
/// Exact on trees after as many iterations as the tree is long. With loops it need not converge, and where it does its
/// marginals are those of the Bethe approximation: too sure of themselves where couplings are strong. Damping mixes the
/// logarithms of old and new messages.
///
/// # Source
/// Pearl 1988, *Probabilistic Reasoning in Intelligent Systems*; Yedidia, Freeman & Weiss 2005, "Constructing free-energy
/// approximations and generalized belief propagation algorithms", DOI 10.1109/TIT.2005.850085.
///
/// # Example
/// ```
/// use gibbs_spin::field::{Elimination, Field, Pair, inference::BeliefPropagation};
/// use gibbs_spin::graph::Graph;
/// let tree = Graph::from_edges(4, &[(0, 1), (1, 2), (1, 3)])?;
/// let field = Field::uniform(tree, 3, &Pair::Potts, 1.3)?;
/// let beliefs = BeliefPropagation::default().run(&field)?;
/// assert!((beliefs.log_z - Elimination::new(&field)?.log_z()).abs() < 1e-9);
/// # Ok::<(), gibbs_spin::field::FieldError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BeliefPropagation {
    /// Share of the old messages that is kept, 0 or more and below 1.
    pub damping: f64,
    /// It has converged when no log message changes by more.
    pub tolerance: f64,
    /// The most iterations.
    pub max_iterations: u64,
}

impl Default for BeliefPropagation {
    fn default() -> Self {
        Self { damping: 0.0, tolerance: 1e-6, max_iterations: 200 }
    }
}

/// What belief propagation found.
#[derive(Clone, Debug, PartialEq)]
pub struct Beliefs {
    /// Approximate `p(x_i = a)`, `n_sites` x `q`.
    pub marginals: Vec<f64>,
    /// Bethe's estimate of `log Z`, nats: exact on trees, no bound elsewhere.
    pub log_z: f64,
    /// How it ended; of what has not converged nothing should be believed.
    pub convergence: Convergence,
}

impl BeliefPropagation {
    /// Passes messages.
    ///
    /// # Errors
    /// Settings out of range; more than 2^28 numbers in the messages.
    pub fn run(&self, field: &Field) -> Result<Beliefs, FieldError> {
        let (keep, tolerance) = (checked_damping(self.damping)?, checked_tolerance(self.tolerance)?);
        let (q, graph) = (field.n_states(), field.graph());
        let len = 2 * graph.n_edges() * q;
        if len as f64 > LIMIT {
            let advice = "use mean field or sampling, or fewer states";
            let method = "belief propagation";
            return Err(FieldError::TooLarge { method, needed: len as f64, limit: LIMIT, advice });
        }
        let pairs = PairTables::new(field);
        // Messages stand at the entries of the site that receives them.
        let mut old = vec![-(q as f64).ln(); len];
        let mut new = vec![0.0; len];
        let mut end = Convergence { iterations: 0, last_change: f64::INFINITY, converged: false };
        while !end.converged && end.iterations < self.max_iterations {
            let change = new.par_chunks_mut(1024 * q).enumerate().map(|(b, new)| {
                let mut change = 0f64;
                let mut cavity = vec![0.0; q];
                for (k, message) in new.chunks_exact_mut(q).enumerate() {
                    let entry = 1024 * b + k;
                    pairs.message(field, &old, entry, &mut cavity, message);
                    for (m, o) in message.iter_mut().zip(&old[entry * q..]) {
                        *m = keep * o + (1.0 - keep) * *m;
                        change = change.max((*m - o).abs());
                    }
                }
                change
            });
            end.last_change = change.reduce(|| 0.0, f64::max);
            std::mem::swap(&mut old, &mut new);
            end.iterations += 1;
            end.converged = end.last_change <= tolerance;
        }
        let mut marginals = field.unary().to_vec();
        let sites = marginals.par_chunks_exact_mut(q).enumerate();
        let log_z: Vec<f64> = sites
            .map(|(i, m)| {
                let degree = graph.degree(i);
                old[graph.first(i) * q..][..degree * q].chunks_exact(q).for_each(|n| add(m, n));
                let log_z = log_sum_exp(m);
                normalise(m);
                (1.0 - degree as f64) * log_z
            })
            .collect();
        let log_z = log_z.iter().sum::<f64>() + pairs.log_z(field, &old);
        Ok(Beliefs { marginals, log_z, convergence: end })
    }
}

fn add(to: &mut [f64], x: &[f64]) {
    to.iter_mut().zip(x).for_each(|(t, x)| *t += x);
}

/// `exp(J f(a, b) - largest)` for every coupling that occurs, where those are few.
struct PairTables {
    /// The site that an entry belongs to.
    owner: Vec<u32>,
    tables: Vec<f64>,
    of_edge: Vec<u32>,
    couplings: Vec<f64>,
}

impl PairTables {
    fn new(field: &Field) -> Self {
        let graph = field.graph();
        let owner = (0..graph.n_sites()).flat_map(|i| std::iter::repeat_n(i as u32, graph.degree(i))).collect();
        let mut couplings = field.couplings().to_vec();
        couplings.sort_by(f64::total_cmp);
        couplings.dedup();
        let place = |j: &f64| couplings.partition_point(|c| c.total_cmp(j).is_lt()) as u32;
        let of_edge = field.couplings().iter().map(place).collect();
        let q = field.n_states();
        let mut tables = Vec::with_capacity(couplings.len() * q * q);
        for j in &couplings {
            let at = tables.len();
            tables.extend((0..q).flat_map(|a| field.pair(a)).map(|f| j * f));
            let largest = tables[at..].iter().copied().fold(f64::NEG_INFINITY, f64::max);
            tables[at..].iter_mut().for_each(|t| *t = (*t - largest).exp());
        }
        Self { owner, tables, of_edge, couplings }
    }

    /// `h_i + sum_(k != j) m_ki` for the site `i` that sends to the entry, with the number of the edge.
    fn cavity(&self, field: &Field, messages: &[f64], entry: usize, out: &mut [f64]) -> usize {
        let (graph, q) = (field.graph(), out.len());
        let receiver = self.owner[entry] as usize;
        let near = graph.near(receiver)[entry - graph.first(receiver)];
        let sender = near.site as usize;
        out.copy_from_slice(field.unary_of(sender));
        let first = graph.first(sender);
        for k in (first..first + graph.degree(sender)).filter(|k| *k != near.back as usize) {
            add(out, &messages[k * q..][..q]);
        }
        near.edge as usize
    }

    /// The message that arrives at an entry, as normalised logarithms.
    fn message(&self, field: &Field, messages: &[f64], entry: usize, cavity: &mut [f64], out: &mut [f64]) {
        let q = out.len();
        let edge = self.cavity(field, messages, entry, cavity);
        let table = &self.tables[self.of_edge[edge] as usize * q * q..][..q * q];
        let largest = cavity.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        out.fill(0.0);
        for (c, row) in cavity.iter().zip(table.chunks_exact(q)) {
            let c = (c - largest).exp();
            out.iter_mut().zip(row).for_each(|(o, t)| *o += c * t);
        }
        let sum: f64 = out.iter().sum();
        if out.iter().all(|o| *o > f64::MIN_POSITIVE) {
            out.iter_mut().for_each(|o| *o = (*o / sum).ln());
            return;
        }
        // What underflows is summed with its logarithms.
        let j = self.couplings[self.of_edge[edge] as usize];
        for (b, o) in out.iter_mut().enumerate() {
            let terms: Vec<f64> = cavity.iter().zip(field.pair(b)).map(|(c, f)| c + j * f).collect();
            *o = log_sum_exp(&terms);
        }
        let total = log_sum_exp(out);
        out.iter_mut().for_each(|o| *o -= total);
    }

    /// `sum_<ij> log sum_ab exp(J f(a, b)) cavity_i(a) cavity_j(b)`.
    fn log_z(&self, field: &Field, messages: &[f64]) -> f64 {
        let (graph, q) = (field.graph(), field.n_states());
        let (mut one, mut two, mut terms) = (vec![0.0; q], vec![0.0; q], Vec::new());
        let mut total = 0.0;
        for entry in 0..self.owner.len() {
            let receiver = self.owner[entry] as usize;
            let near = graph.near(receiver)[entry - graph.first(receiver)];
            if (near.back as usize) < entry {
                continue;
            }
            let edge = self.cavity(field, messages, entry, &mut one);
            self.cavity(field, messages, near.back as usize, &mut two);
            let j = self.couplings[self.of_edge[edge] as usize];
            terms.clear();
            for (a, x) in one.iter().enumerate() {
                terms.extend(two.iter().zip(field.pair(a)).map(|(y, f)| x + y + j * f));
            }
            total += log_sum_exp(&terms);
        }
        total
    }
}
