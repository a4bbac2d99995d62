//! Clusters of a torus whose bonds are given: labels by rows.

/// Numbers the clusters of a `side` x `side` torus.
///
/// # Source
/// Hoshen & Kopelman 1976, DOI 10.1103/PhysRevB.14.3438: a site takes the label of the neighbour it is joined to, and labels
/// that meet are joined, which leaves far fewer of them than sites.
#[derive(Clone, Debug, Default)]
pub(super) struct Labels {
    /// Label of each site.
    site: Vec<u32>,
    /// A label of the same cluster, not larger than the label itself.
    parent: Vec<u32>,
}

impl Labels {
    /// Finds the clusters of the bonds to the right (`right(site)`) and below (`below(site)`); both are asked once a site, row
    /// by row. Returns their number.
    pub(super) fn find(
        &mut self,
        side: usize,
        mut right: impl FnMut(usize) -> bool,
        mut below: impl FnMut(usize) -> bool,
    ) -> usize {
        let n = side * side;
        self.site.clear();
        self.site.resize(n, u32::MAX);
        self.parent.clear();
        // Bonds that leave a row at its end or the lattice at its foot meet labels that exist by then.
        for start in (0..n).step_by(side) {
            let mut joined_left = false;
            for site in start..start + side {
                // What a site's upper neighbour handed down, if it is joined to it.
                let above = self.site[site];
                let left = if joined_left { self.site[site - 1] } else { u32::MAX };
                let label = match (left, above) {
                    (u32::MAX, u32::MAX) => {
                        self.parent.push(self.parent.len() as u32);
                        self.parent.len() as u32 - 1
                    }
                    (label, u32::MAX) | (u32::MAX, label) => label,
                    (a, b) => self.join(a, b),
                };
                self.site[site] = label;
                joined_left = right(site);
                if below(site) {
                    let under = if site + side < n { site + side } else { site + side - n };
                    if under > site {
                        self.site[under] = label;
                    } else {
                        self.join(label, self.site[under]);
                    }
                }
            }
            if joined_left {
                self.join(self.site[start + side - 1], self.site[start]);
            }
        }
        let mut clusters = 0;
        // Parents are smaller, so that one pass from below finds every root.
        for label in 0..self.parent.len() {
            let parent = self.parent[label];
            clusters += usize::from(parent as usize == label);
            self.parent[label] = self.parent[parent as usize];
        }
        clusters
    }

    /// Label of each site's cluster, below [`Labels::bound`]; equal exactly within a cluster.
    pub(super) fn of(&self, site: usize) -> usize {
        self.parent[self.site[site] as usize] as usize
    }

    /// Labels are below this.
    pub(super) fn bound(&self) -> usize {
        self.parent.len()
    }

    fn join(&mut self, a: u32, b: u32) -> u32 {
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a.max(b) as usize] = a.min(b);
        a.min(b)
    }

    /// With path halving (Tarjan & van Leeuwen 1984, DOI 10.1145/62.2160).
    fn root(&mut self, mut label: u32) -> u32 {
        while self.parent[label as usize] != label {
            self.parent[label as usize] = self.parent[self.parent[label as usize] as usize];
            label = self.parent[label as usize];
        }
        label
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gibbs_core::key::Key;

    /// Connected components by spreading the smallest site number until nothing changes.
    fn spread(side: usize, right: &[bool], below: &[bool]) -> Vec<usize> {
        let n = side * side;
        let mut least: Vec<usize> = (0..n).collect();
        loop {
            let before = least.clone();
            for site in 0..n {
                let (i, j) = (site / side, site % side);
                for (bond, near) in [(right[site], i * side + (j + 1) % side), (below[site], (i + 1) % side * side + j)]
                {
                    if bond {
                        let both = least[site].min(least[near]);
                        (least[site], least[near]) = (both, both);
                    }
                }
            }
            if before == least {
                return least;
            }
        }
    }

    #[test]
    fn labels_are_the_connected_components() {
        let mut labels = Labels::default();
        for case in 0..600 {
            let mut rng = Key::from_seed(case).rng();
            let side = 2 + case as usize % 7;
            let p = rng.uniform();
            let mut draw = || (0..side * side).map(|_| rng.uniform() < p).collect::<Vec<bool>>();
            let (right, below) = (draw(), draw());
            let clusters = labels.find(side, |s| right[s], |s| below[s]);
            let wanted = spread(side, &right, &below);
            assert_eq!(clusters, wanted.iter().enumerate().filter(|(s, w)| s == *w).count());
            for a in 0..side * side {
                assert!(labels.of(a) < labels.bound());
                for b in 0..a {
                    assert_eq!(labels.of(a) == labels.of(b), wanted[a] == wanted[b], "case {case}, sites {a} and {b}");
                }
            }
        }
    }
}
