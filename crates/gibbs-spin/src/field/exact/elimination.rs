//! Variable elimination: exact sums where the graph is narrow.

use std::collections::BTreeSet;

use super::super::{Field, FieldError, argmax, log_sum_exp};
use crate::graph::Graph;

/// A field summed out site by site: `log Z` and all marginals, exactly.
///
/// A site that is summed out joins all its neighbours that are left; the cost is `q^(w + 1)` numbers a site, where the width
/// `w` is the most neighbours any site has at its turn. Sites go in the order that adds the fewest edges at each turn
/// (min-fill), or in one that is given: along a narrow grid, row after row, it is the method of transfer matrices. Marginals
/// come from a second pass against the order.
///
/// # Source
/// Dechter 1999, "Bucket elimination", DOI 10.1016/S0004-3702(99)00059-4; Koller & Friedman 2009, *Probabilistic Graphical
/// Models*, sections 9.4.3 (min-fill) and 10.2 (two passes); transfer matrices: Kramers & Wannier 1941, DOI 10.1103/PhysRev.60.252.
///
/// # Example
/// ```
/// use gibbs_spin::field::{Elimination, Field, Pair};
/// use gibbs_spin::graph::{Boundary, Graph};
/// let field = Field::uniform(Graph::grid(&[200, 4], Boundary::Open)?, 2, &Pair::Ising, 0.4)?;
/// let exact = Elimination::new(&field)?;
/// let rows: Vec<usize> = (0..800).collect();
/// let transfer = Elimination::in_order(&field, &rows)?;
/// assert!((exact.log_z() - transfer.log_z()).abs() < 1e-9 && transfer.width() == 4);
/// # Ok::<(), gibbs_spin::field::FieldError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Elimination {
    q: usize,
    buckets: Vec<Bucket>,
    log_z: f64,
}

/// One site at its turn.
#[derive(Clone, Debug)]
struct Bucket {
    site: usize,
    /// Its neighbours then, rising.
    scope: Vec<usize>,
    /// The bucket that takes the message; none if the scope is empty.
    parent: Option<usize>,
    /// Log of all factors, over the site (fastest) and the scope.
    table: Vec<f64>,
    /// Log of the sum (or the maximum) over the site, over the scope.
    message: Vec<f64>,
}

/// What becomes of a site: summed over, or set to its best state.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Sum,
    Max,
}

impl Elimination {
    /// The most numbers that all tables together may hold.
    pub const LIMIT: f64 = (1 << 25) as f64;

    /// Numbers that all tables together would hold in min-fill order, from the plan alone; where they are more than 10^18, at
    /// least so many.
    pub fn cost(field: &Field) -> f64 {
        match plan_within(field, None, 1e18) {
            Ok((_, needed)) | Err(needed) => needed,
        }
    }

    /// In min-fill order.
    ///
    /// # Errors
    /// If all tables together would hold more than 2^25 numbers.
    pub fn new(field: &Field) -> Result<Self, FieldError> {
        Ok(Self::eliminate(field, plan(field, None)?, Mode::Sum))
    }

    /// In the given order, which names every site once.
    ///
    /// # Errors
    /// As [`Elimination::new`]; an order that is none.
    pub fn in_order(field: &Field, order: &[usize]) -> Result<Self, FieldError> {
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        if sorted.iter().enumerate().any(|(k, s)| k != *s) || order.len() != field.n_sites() {
            let (found, expected) = (order.len(), field.n_sites());
            return Err(FieldError::Length { what: "sites in the order, or one comes twice", found, expected });
        }
        Ok(Self::eliminate(field, plan(field, Some(order))?, Mode::Sum))
    }

    /// A state of least energy, and that energy.
    ///
    /// # Errors
    /// As [`Elimination::new`].
    pub fn most_probable(field: &Field) -> Result<(Vec<u8>, f64), FieldError> {
        let solved = Self::eliminate(field, plan(field, None)?, Mode::Max);
        let mut x = vec![0u8; field.n_sites()];
        for bucket in solved.buckets.iter().rev() {
            let at = bucket.scope.iter().rev().fold(0, |at, s| at * solved.q + usize::from(x[*s]));
            x[bucket.site] = argmax(&bucket.table[at * solved.q..][..solved.q]) as u8;
        }
        let energy = field.energy_of(&x);
        Ok((x, energy))
    }

    /// `log Z`, nats.
    pub fn log_z(&self) -> f64 {
        self.log_z
    }

    /// The most neighbours that a site had at its turn.
    pub fn width(&self) -> usize {
        self.buckets.iter().map(|b| b.scope.len()).max().unwrap_or(0)
    }

    /// `p(x_i = a)`, `n_sites` x `q`.
    pub fn marginals(&self) -> Vec<f64> {
        let q = self.q;
        let mut marginals = vec![0.0; self.buckets.len() * q];
        let mut beliefs: Vec<Vec<f64>> = vec![Vec::new(); self.buckets.len()];
        // Children of a bucket come before it; once all have read its belief, it is dropped.
        let mut children: Vec<usize> = vec![0; self.buckets.len()];
        self.buckets.iter().filter_map(|b| b.parent).for_each(|p| children[p] += 1);
        for (k, bucket) in self.buckets.iter().enumerate().rev() {
            let mut belief = bucket.table.clone();
            match bucket.parent {
                None => {
                    let total = log_sum_exp(&belief);
                    belief.iter_mut().for_each(|b| *b = (*b - total).exp());
                }
                Some(p) => {
                    // What the parent knows of the scope, without what it has from here.
                    let parent = &self.buckets[p];
                    let mut known = vec![0.0; bucket.message.len()];
                    for_each_entry(q, &strides(q, parent, &bucket.scope), beliefs[p].len(), |k, at| {
                        known[at] += beliefs[p][k];
                    });
                    known.iter_mut().zip(&bucket.message).for_each(|(k, m)| *k = k.ln() - m);
                    belief
                        .chunks_exact_mut(q)
                        .zip(&known)
                        .for_each(|(b, k)| b.iter_mut().for_each(|b| *b = (*b + k).exp()));
                    children[p] -= 1;
                    if children[p] == 0 {
                        beliefs[p] = Vec::new();
                    }
                }
            }
            let own = &mut marginals[bucket.site * q..][..q];
            belief.chunks_exact(q).for_each(|b| own.iter_mut().zip(b).for_each(|(o, b)| *o += b));
            if children[k] > 0 {
                beliefs[k] = belief;
            }
        }
        marginals
    }

    fn eliminate(field: &Field, plan: Plan, mode: Mode) -> Self {
        let q = field.n_states();
        let mut turn = vec![0; field.n_sites()];
        plan.iter().enumerate().for_each(|(k, (site, _))| turn[*site] = k);
        let mut buckets: Vec<Bucket> = plan
            .into_iter()
            .map(|(site, scope)| {
                let parent = scope.iter().map(|s| turn[*s]).min();
                Bucket { site, scope, parent, table: Vec::new(), message: Vec::new() }
            })
            .collect();
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); buckets.len()];
        let mut log_z = 0.0;
        for k in 0..buckets.len() {
            let (done, rest) = buckets.split_at_mut(k);
            let bucket = &mut rest[0];
            bucket.table = field.unary_of(bucket.site).repeat(q.pow(bucket.scope.len() as u32));
            for near in field.graph().near(bucket.site).iter().filter(|n| turn[n.site as usize] > k) {
                let j = field.couplings()[near.edge as usize];
                let factor: Vec<f64> = (0..q).flat_map(|a| field.pair(a)).map(|f| j * f).collect();
                let strides = strides(q, bucket, &[bucket.site, near.site as usize]);
                add(q, &strides, &factor, &mut bucket.table);
            }
            for &child in &children[k] {
                let strides = strides(q, bucket, &done[child].scope);
                add(q, &strides, &done[child].message, &mut bucket.table);
            }
            let reduce = |states: &[f64]| match mode {
                Mode::Sum => log_sum_exp(states),
                Mode::Max => states[argmax(states)],
            };
            bucket.message = bucket.table.chunks_exact(q).map(reduce).collect();
            match bucket.parent {
                Some(p) => children[p].push(k),
                None => log_z += bucket.message[0],
            }
        }
        Self { q, buckets, log_z }
    }
}

/// Where each digit of a bucket's table (its site, then its scope) stands in a table over `sites`: 0 if it does not.
fn strides(q: usize, bucket: &Bucket, sites: &[usize]) -> Vec<usize> {
    let stride = |s: &usize| sites.iter().position(|t| t == s).map_or(0, |k| q.pow(k as u32));
    std::iter::once(&bucket.site).chain(&bucket.scope).map(stride).collect()
}

/// Calls `f(entry, place)` for every entry of a table, `place` being its entry in the other table.
fn for_each_entry(q: usize, strides: &[usize], len: usize, mut f: impl FnMut(usize, usize)) {
    let (mut digits, mut at) = (vec![0; strides.len()], 0);
    for k in 0..len {
        f(k, at);
        for (digit, stride) in digits.iter_mut().zip(strides) {
            if *digit + 1 < q {
                *digit += 1;
                at += stride;
                break;
            }
            at -= *digit * stride;
            *digit = 0;
        }
    }
}

fn add(q: usize, strides: &[usize], factor: &[f64], table: &mut [f64]) {
    for_each_entry(q, strides, table.len(), |k, at| table[k] += factor[at]);
}

/// Sites in order, each with its neighbours at its turn.
type Plan = Vec<(usize, Vec<usize>)>;

/// Sites in order, each with its neighbours at its turn; checked to be small before anything is allocated.
fn plan(field: &Field, order: Option<&[usize]>) -> Result<Plan, FieldError> {
    let limit = Elimination::LIMIT;
    plan_within(field, order, limit).map(|(plan, _)| plan).map_err(|needed| {
        let advice = "use belief propagation, sampling, or annealed importance sampling";
        FieldError::TooLarge { method: "variable elimination", needed, limit, advice }
    })
}

/// The plan and the numbers that it needs; these alone as soon as they are more than the limit.
fn plan_within(field: &Field, order: Option<&[usize]>, limit: f64) -> Result<(Plan, f64), f64> {
    let (graph, q) = (field.graph(), field.n_states() as f64);
    let n = graph.n_sites();
    let mut near: Vec<BTreeSet<usize>> =
        (0..n).map(|i| graph.near(i).iter().map(|s| s.site as usize).collect()).collect();
    let mut queue = Queue::new(graph, &near, order.is_some());
    let (mut plan, mut needed) = (Vec::with_capacity(n), 0.0);
    for turn in 0..n {
        let site = order.map_or_else(|| queue.pop(), |order| order[turn]);
        let scope: Vec<usize> = std::mem::take(&mut near[site]).into_iter().collect();
        needed += q.powf(scope.len() as f64 + 1.0);
        if needed > limit {
            return Err(needed);
        }
        for (k, &a) in scope.iter().enumerate() {
            near[a].remove(&site);
            for &b in &scope[k + 1..] {
                near[a].insert(b);
                near[b].insert(a);
            }
        }
        queue.renew(&near, &scope);
        plan.push((site, scope));
    }
    Ok((plan, needed))
}

/// Sites by the edges that their elimination would add.
struct Queue {
    by_fill: BTreeSet<(usize, usize)>,
    fill: Vec<usize>,
}

impl Queue {
    fn new(graph: &Graph, near: &[BTreeSet<usize>], idle: bool) -> Self {
        let fill: Vec<usize> = if idle { Vec::new() } else { (0..graph.n_sites()).map(|i| fill_of(near, i)).collect() };
        Self { by_fill: fill.iter().enumerate().map(|(i, f)| (*f, i)).collect(), fill }
    }

    /// The site that adds the fewest edges.
    fn pop(&mut self) -> usize {
        self.by_fill.pop_first().map_or(0, |(_, site)| site)
    }

    /// Sites near those of `scope` see other neighbours now.
    fn renew(&mut self, near: &[BTreeSet<usize>], scope: &[usize]) {
        if self.fill.is_empty() {
            return;
        }
        let touched: BTreeSet<usize> =
            scope.iter().flat_map(|s| near[*s].iter().chain(std::iter::once(s))).copied().collect();
        for site in touched {
            self.by_fill.remove(&(self.fill[site], site));
            self.fill[site] = fill_of(near, site);
            self.by_fill.insert((self.fill[site], site));
        }
    }
}

/// Pairs of neighbours that are not joined.
fn fill_of(near: &[BTreeSet<usize>], site: usize) -> usize {
    let sites: Vec<usize> = near[site].iter().copied().collect();
    sites.iter().enumerate().map(|(k, a)| sites[k + 1..].iter().filter(|b| !near[*a].contains(b)).count()).sum()
}
