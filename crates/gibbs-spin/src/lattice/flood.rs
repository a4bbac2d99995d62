//! Wolff's clusters of 64 lattices at once: water runs from a site of each along its bonds.

use gibbs_core::key::Key;
use gibbs_kernels::ising::Plane;
use gibbs_kernels::multispin::thin;

use super::replicas::PER_WORD;

/// Words of working space a site.
pub(super) const WORDS_PER_SITE: usize = 4;

/// In each of 64 lattices, turns the cluster of a random site over, after joining every bond of equal spins with probability
/// `join / 2^32`: [`Wolff`](super::Wolff)'s move, with all bonds drawn.
///
/// Where a lattice is wet is a bit of the words of its sites. Rows that water has reached are levelled, down the lattice and up
/// again, until none is left: clusters wind so little that two or three rounds do, where single lattices would be walked
/// site by site.
///
/// `space` is [`WORDS_PER_SITE`] words a site and zero.
pub(super) fn turn(planes: &mut [Plane; 2], join: u64, key: &Key, space: &mut [u64]) {
    let side = planes[0].shape().rows;
    let n = side * side;
    let (spins, rest) = space.split_at_mut(n);
    let (wet, bonds) = rest.split_at_mut(n);
    for (i, spins) in spins.chunks_exact_mut(side).enumerate() {
        let rows = [planes[i % 2].row(i), planes[(i + 1) % 2].row(i)];
        for ((pair, first), second) in spins.chunks_exact_mut(2).zip(rows[0]).zip(rows[1]) {
            pair.copy_from_slice(&[*first, *second]);
        }
    }
    join_equal(spins, bonds, side);
    // A certainty is no threshold below 2^32.
    if let Ok(join) = u32::try_from(join) {
        thin(bonds, join, key.block(0).bits());
    }
    let (right, below) = bonds.split_at(n);
    let mut water = Water { side, right, below, wet, reached: vec![false; side] };
    let mut sites = key.block(1).rng();
    (0..PER_WORD).for_each(|lattice| water.pour(sites.below(n), lattice));
    water.settle();
    for (colour, plane) in planes.iter_mut().enumerate() {
        plane.update(|i, column, word| *word ^= wet[i * side + 2 * column + (i + colour) % 2]);
    }
}

/// Bonds of equal spins to the right, and then those below.
fn join_equal(spins: &[u64], bonds: &mut [u64], side: usize) {
    let n = spins.len();
    let (right, below) = bonds.split_at_mut(n);
    for (row, right) in spins.chunks_exact(side).zip(right.chunks_exact_mut(side)) {
        let near = row[1..].iter().chain(&row[..1]);
        right.iter_mut().zip(row).zip(near).for_each(|((b, s), t)| *b = !(s ^ t));
    }
    let under = spins[side..].iter().chain(&spins[..side]);
    below.iter_mut().zip(spins).zip(under).for_each(|((b, s), t)| *b = !(s ^ t));
}

/// Which sites of a torus are wet, row by row, and along which bonds water runs.
struct Water<'a> {
    side: usize,
    right: &'a [u64],
    below: &'a [u64],
    wet: &'a mut [u64],
    /// Rows that water has reached since they were last levelled.
    reached: Vec<bool>,
}

impl Water<'_> {
    fn pour(&mut self, site: usize, lattice: usize) {
        self.wet[site] |= 1 << lattice;
        self.reached[site / self.side] = true;
    }

    /// Lets it run until nothing moves.
    fn settle(&mut self) {
        while self.reached.contains(&true) {
            (0..self.side).for_each(|row| self.level(row));
            (0..self.side).rev().for_each(|row| self.level(row));
        }
    }

    /// Water of a row runs along it and then to the rows above and below.
    fn level(&mut self, row: usize) {
        if !std::mem::take(&mut self.reached[row]) {
            return;
        }
        let (side, start) = (self.side, row * self.side);
        let right = &self.right[start..][..side];
        let wet = &mut self.wet[start..][..side];
        loop {
            let mut running = wet[side - 1] & right[side - 1];
            for (wet, right) in wet.iter_mut().zip(right) {
                *wet |= running;
                running = *wet & right;
            }
            let mut running = wet[0];
            for (wet, right) in wet.iter_mut().zip(right).rev() {
                *wet |= running & right;
                running = *wet;
            }
            // Round the torus and on, where it had come to either end.
            if (wet[side - 1] ^ wet[0]) & right[side - 1] == 0 {
                break;
            }
        }
        let (above, under) = ((row + side - 1) % side, (row + 1) % side);
        for (other, bonds) in [(above, above), (under, row)] {
            let mut more = 0;
            for column in 0..side {
                let new =
                    self.wet[start + column] & self.below[bonds * side + column] & !self.wet[other * side + column];
                self.wet[other * side + column] |= new;
                more |= new;
            }
            self.reached[other] |= more != 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use gibbs_kernels::ising::Shape;

    use super::*;

    /// Sites that are joined to `from`, by asking every bond until nothing changes.
    fn reached(from: usize, side: usize, right: impl Fn(usize) -> bool, below: impl Fn(usize) -> bool) -> Vec<bool> {
        let n = side * side;
        let mut wet = vec![false; n];
        wet[from] = true;
        loop {
            let before = wet.clone();
            for site in 0..n {
                let next = site / side * side + (site + 1) % side;
                for (bond, near) in [(right(site), next), (below(site), (site + side) % n)] {
                    if bond && wet[site] != wet[near] {
                        (wet[site], wet[near]) = (true, true);
                    }
                }
            }
            if before == wet {
                return wet;
            }
        }
    }

    /// One lattice at a time, since water of others has rows levelled that this one's would not.
    #[test]
    fn water_fills_the_cluster_of_its_site() {
        let cases = [(2, 0.3), (4, 0.4), (4, 0.5), (6, 0.5), (12, 0.4), (12, 0.5), (30, 0.5), (30, 0.55)];
        for (case, (side, join)) in (0..30).flat_map(|k| cases.map(|c| (k, c))) {
            let (n, key) = (side * side, Key::from_seed(case).block(side as u64));
            let mut bonds = vec![u64::MAX; 2 * n];
            thin(&mut bonds, (join * 2f64.powi(32)) as u32, key.bits());
            let (right, below) = bonds.split_at(n);
            let mut rng = key.rng();
            for lattice in 0..PER_WORD {
                let (from, wet) = (rng.below(n), &mut vec![0; n]);
                let mut water = Water { side, right, below, wet, reached: vec![false; side] };
                water.pour(from, lattice);
                water.settle();
                let bit = |words: &[u64], site: usize| words[site] >> lattice & 1 == 1;
                let wanted = reached(from, side, |s| bit(right, s), |s| bit(below, s));
                assert!(wet.iter().all(|w| w & !(1 << lattice) == 0));
                let found: Vec<bool> = (0..n).map(|s| bit(wet, s)).collect();
                assert_eq!(found, wanted, "lattice {lattice} of side {side}, from {from}");
            }
        }
    }

    /// Where every bond of equal spins joins, the domain of a site turns over: each lattice here is two stripes, of which one does.
    #[test]
    fn a_domain_turns_over_whole() {
        let (side, shape) = (8, Shape::replicas(8).unwrap());
        let mut planes = [0, 1].map(|_| Plane::from_fn(shape, |i, _| if i < 3 { u64::MAX } else { 0 }));
        turn(&mut planes, 1 << 32, &Key::from_seed(1), &mut vec![0; WORDS_PER_SITE * side * side]);
        for lattice in 0..PER_WORD {
            let mut up =
                planes.iter().flat_map(|p| (0..side).flat_map(move |i| p.row(i))).map(|w| w >> lattice & 1 == 1);
            let first = up.next().unwrap();
            assert!(up.all(|u| u == first));
        }
        // Some of the 64 from either stripe.
        assert!(planes[0].row(0)[0] != 0 && planes[0].row(0)[0] != u64::MAX);
    }
}
