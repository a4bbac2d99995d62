//! Sites in classes without neighbours inside: what is redrawn at once.

use super::Graph;

/// Classes of sites, none of which holds two neighbours; together they hold every site once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Colouring {
    /// Sites of each class, rising.
    pub classes: Vec<Vec<usize>>,
}

impl Graph {
    /// Two classes where two will do (grids, trees), else as few as greedy colouring in smallest-last order finds: at most
    /// one more than the degeneracy of the graph.
    ///
    /// # Source
    /// Matula & Beck 1983, "Smallest-last ordering and clustering and graph coloring algorithms", DOI 10.1145/2402.322385.
    ///
    /// # Example
    /// ```
    /// use gibbs_spin::graph::{Boundary, Graph};
    /// let cube = Graph::grid(&[4, 4, 4], Boundary::Periodic)?;
    /// assert_eq!(cube.colouring().classes.len(), 2);
    /// # Ok::<(), gibbs_spin::graph::GraphError>(())
    /// ```
    pub fn colouring(&self) -> Colouring {
        let colours = self.two_colours().unwrap_or_else(|| self.greedy_colours());
        let mut classes = vec![Vec::new(); colours.iter().max().map_or(0, |c| c + 1)];
        colours.into_iter().enumerate().for_each(|(site, c)| classes[c].push(site));
        Colouring { classes }
    }

    fn two_colours(&self) -> Option<Vec<usize>> {
        const NONE: usize = usize::MAX;
        let mut colours = vec![NONE; self.n_sites()];
        let mut waiting = Vec::new();
        for start in 0..self.n_sites() {
            if colours[start] == NONE {
                colours[start] = 0;
                waiting.push(start);
            }
            while let Some(site) = waiting.pop() {
                for near in self.near(site) {
                    let near = near.site as usize;
                    if colours[near] == NONE {
                        colours[near] = 1 - colours[site];
                        waiting.push(near);
                    } else if colours[near] == colours[site] {
                        return None;
                    }
                }
            }
        }
        Some(colours)
    }

    fn greedy_colours(&self) -> Vec<usize> {
        const NONE: usize = usize::MAX;
        let n = self.n_sites();
        let mut left: Vec<usize> = (0..n).map(|i| self.degree(i)).collect();
        let mut shelves = vec![Vec::new(); self.max_degree() + 1];
        (0..n).for_each(|i| shelves[left[i]].push(i));
        let (mut taken, mut order, mut lowest) = (vec![false; n], Vec::with_capacity(n), 0);
        while order.len() < n {
            // An entry is stale where its site has moved to a lower shelf since.
            let Some(site) = shelves[lowest].pop() else {
                lowest += 1;
                continue;
            };
            if taken[site] || left[site] != lowest {
                continue;
            }
            taken[site] = true;
            order.push(site);
            for near in self.near(site) {
                let near = near.site as usize;
                if !taken[near] {
                    left[near] -= 1;
                    shelves[left[near]].push(near);
                    lowest = lowest.min(left[near]);
                }
            }
        }
        let (mut colours, mut used) = (vec![NONE; n], vec![NONE; self.max_degree() + 1]);
        for &site in order.iter().rev() {
            for near in self.near(site) {
                let colour = colours[near.site as usize];
                if colour != NONE {
                    used[colour] = site;
                }
            }
            // A site of degree d leaves one of d + 1 colours free.
            colours[site] = (0..=self.degree(site)).find(|&c| used[c] != site).unwrap_or(0);
        }
        colours
    }
}

#[cfg(test)]
mod tests {
    use crate::graph::{Boundary, Connectivity, Graph};
    use gibbs_core::key::Key;

    #[test]
    fn classes_hold_every_site_once_and_no_neighbours() {
        let graphs = [
            (Graph::grid(&[5, 7], Boundary::Open).unwrap(), 2),
            (Graph::grid(&[5, 4], Boundary::Periodic).unwrap(), 4),
            (Graph::picture(6, 5, Connectivity::Eight).unwrap().0, 5),
            (Graph::regular(60, 6, &Key::from_seed(1)).unwrap(), 7),
            (Graph::from_edges(4, &[]).unwrap(), 1),
            (Graph::from_edges(5, &[(0, 1), (1, 2), (2, 3), (3, 4), (4, 0)]).unwrap(), 3),
        ];
        for (graph, most) in graphs {
            let classes = graph.colouring().classes;
            assert!(classes.len() <= most, "{} classes, {most} will do", classes.len());
            let mut class_of = vec![usize::MAX; graph.n_sites()];
            for (c, sites) in classes.iter().enumerate() {
                for &s in sites {
                    assert_eq!(class_of[s], usize::MAX);
                    class_of[s] = c;
                }
            }
            assert!(class_of.iter().all(|c| *c != usize::MAX));
            assert!(graph.edges().iter().all(|[a, b]| class_of[*a as usize] != class_of[*b as usize]));
        }
    }
}
