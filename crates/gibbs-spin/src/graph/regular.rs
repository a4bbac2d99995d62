//! Random graphs of one degree.

use std::collections::HashSet;

use gibbs_core::key::Key;

use super::{Graph, GraphError};

impl Graph {
    /// A random graph in which every site has `degree` neighbours.
    ///
    /// Ends are joined in random pairs; what is a self-loop or a double edge changes partners with random other edges until
    /// none is left. For degrees small beside the number of sites the law is near the uniform one.
    ///
    /// # Errors
    /// If no such graph exists.
    ///
    /// # Source
    /// Pairing model: Bollobas 1980, DOI 10.1016/S0195-6698(80)80030-8.
    pub fn regular(n_sites: usize, degree: usize, key: &Key) -> Result<Self, GraphError> {
        let ends = n_sites.checked_mul(degree).filter(|ends| *ends <= 1 << 31 && n_sites <= 1 << 31);
        let ends = ends.ok_or(GraphError::TooLarge { sites: n_sites, edges: usize::MAX })?;
        if ends % 2 == 1 || (degree > 0 && degree >= n_sites) {
            return Err(GraphError::Degree { n_sites, degree });
        }
        if 2 * degree >= n_sites && degree > 0 {
            // Pairs would rarely come out simple: what is not joined is sparse.
            let sparse = Self::regular(n_sites, n_sites - 1 - degree, key)?;
            let apart: HashSet<_> = sparse.edges().iter().collect();
            let all = (0..n_sites as u32).flat_map(|a| (a + 1..n_sites as u32).map(move |b| [a, b]));
            return Self::from_checked(n_sites, all.filter(|edge| !apart.contains(edge)).collect());
        }
        let mut rng = key.rng();
        // A dense graph can run into a dead end: then everything is dealt anew.
        loop {
            let mut stubs: Vec<u32> = (0..ends).map(|k| (k / degree) as u32).collect();
            rng.shuffle(&mut stubs);
            let mut edges: Vec<[u32; 2]> = stubs.chunks_exact(2).map(|p| [p[0].min(p[1]), p[0].max(p[1])]).collect();
            let mut seen = HashSet::with_capacity(edges.len());
            let mut bad: Vec<usize> =
                (0..edges.len()).filter(|&e| edges[e][0] == edges[e][1] || !seen.insert(edges[e])).collect();
            let mut tries = 0;
            while let Some(&e) = bad.last() {
                tries += 1;
                if tries > 1000 * (edges.len() + 1) {
                    break;
                }
                let other = rng.below(edges.len());
                if bad.contains(&other) {
                    continue;
                }
                let ([a, b], [c, d]) = (edges[e], edges[other]);
                let (c, d) = if rng.next_u32() & 1 == 1 { (d, c) } else { (c, d) };
                let new = [[a.min(c), a.max(c)], [b.min(d), b.max(d)]];
                if a == c || b == d || new[0] == new[1] || new.iter().any(|n| seen.contains(n)) {
                    continue;
                }
                seen.remove(&edges[other]);
                seen.extend(new);
                (edges[e], edges[other]) = (new[0], new[1]);
                bad.pop();
            }
            if bad.is_empty() {
                edges.sort_unstable();
                return Self::from_checked(n_sites, edges);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_site_has_its_degree_and_no_edge_comes_twice() {
        for (n, degree) in [(1000, 6), (8, 7), (10, 3), (5, 0), (2, 1)] {
            let graph = Graph::regular(n, degree, &Key::from_seed(1)).unwrap();
            assert!((0..n).all(|i| graph.degree(i) == degree));
            let pairs: HashSet<_> = graph.edges().iter().collect();
            assert_eq!(pairs.len(), n * degree / 2);
            assert!(graph.edges().iter().all(|[a, b]| a < b));
        }
        assert!(matches!(Graph::regular(5, 3, &Key::from_seed(1)), Err(GraphError::Degree { .. })));
        assert!(Graph::regular(4, 4, &Key::from_seed(1)).is_err());
    }
}
