//! Grids in any number of dimensions, and pictures.

use super::{Graph, GraphError};

/// What lies beyond the last site of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// Nothing.
    Open,
    /// The first site again.
    Periodic,
}

/// Neighbours of a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connectivity {
    /// Above, below, left, right.
    Four,
    /// Also the diagonal ones.
    Eight,
    /// All pixels at most two rows and two columns away.
    TwentyFour,
}

impl Connectivity {
    /// One of every two opposite neighbours: rows down, columns to the right, and the kind of the edge. Kinds are numbered by
    /// distance: 0 for a side shared, 1 for a corner, then distances 2, sqrt 5 and sqrt 8.
    pub fn steps(self) -> &'static [(usize, isize, u8)] {
        const STEPS: [(usize, isize, u8); 12] = [
            (0, 1, 0),
            (1, 0, 0),
            (1, 1, 1),
            (1, -1, 1),
            (0, 2, 2),
            (2, 0, 2),
            (1, 2, 3),
            (1, -2, 3),
            (2, 1, 3),
            (2, -1, 3),
            (2, 2, 4),
            (2, -2, 4),
        ];
        match self {
            Connectivity::Four => &STEPS[..2],
            Connectivity::Eight => &STEPS[..4],
            Connectivity::TwentyFour => &STEPS,
        }
    }

    /// Kinds of edges.
    pub fn n_kinds(self) -> usize {
        match self {
            Connectivity::Four => 1,
            Connectivity::Eight => 2,
            Connectivity::TwentyFour => 5,
        }
    }
}

impl Graph {
    /// A grid of `sides[0] x sides[1] x ..` sites, numbered with the last coordinate fastest; nearest neighbours are joined.
    ///
    /// # Errors
    /// A side of 0, or a periodic one below 3, whose sites would be joined twice.
    pub fn grid(sides: &[usize], boundary: Boundary) -> Result<Self, GraphError> {
        for &side in sides {
            if side == 0 {
                return Err(GraphError::Side { side, advice: "give 1 or more" });
            }
            if boundary == Boundary::Periodic && side < 3 {
                let advice =
                    "a periodic side needs 3 or more, because two sites would be joined twice; use an open one";
                return Err(GraphError::Side { side, advice });
            }
        }
        let n_sites = checked_product(sides)?;
        let mut edges = Vec::new();
        for site in 0..n_sites {
            let mut stride = 1;
            for &side in sides.iter().rev() {
                let at = site / stride % side;
                if at + 1 < side {
                    edges.push([site as u32, (site + stride) as u32]);
                } else if boundary == Boundary::Periodic {
                    edges.push([site as u32, (site + stride - side * stride) as u32]);
                }
                stride *= side;
            }
        }
        Self::from_checked(n_sites, edges)
    }

    /// Pixels of a picture, row by row, with open borders. Beside the graph comes the kind of every edge
    /// ([`Connectivity::steps`]).
    ///
    /// # Errors
    /// A side of 0.
    pub fn picture(height: usize, width: usize, connectivity: Connectivity) -> Result<(Self, Vec<u8>), GraphError> {
        if height == 0 || width == 0 {
            return Err(GraphError::Side { side: 0, advice: "a picture has one pixel or more" });
        }
        let n_sites = checked_product(&[height, width])?;
        let (mut edges, mut kinds) = (Vec::new(), Vec::new());
        for site in 0..n_sites {
            for &(down, right, kind) in connectivity.steps() {
                let (i, j) = (site / width + down, (site % width).checked_add_signed(right));
                if let Some(j) = j.filter(|j| i < height && *j < width) {
                    edges.push([site as u32, (i * width + j) as u32]);
                    kinds.push(kind);
                }
            }
        }
        Ok((Self::from_checked(n_sites, edges)?, kinds))
    }
}

fn checked_product(sides: &[usize]) -> Result<usize, GraphError> {
    let product = sides.iter().try_fold(1usize, |n, side| n.checked_mul(*side));
    product.filter(|n| *n <= 1 << 31).ok_or(GraphError::TooLarge { sites: usize::MAX, edges: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_edges_and_degrees() {
        let torus = Graph::grid(&[3, 4, 5], Boundary::Periodic).unwrap();
        assert_eq!((torus.n_sites(), torus.n_edges()), (60, 180));
        assert!((0..60).all(|i| torus.degree(i) == 6));
        let open = Graph::grid(&[3, 4], Boundary::Open).unwrap();
        assert_eq!(open.n_edges(), 2 * 4 + 3 * 3);
        let (picture, kinds) = Graph::picture(3, 4, Connectivity::Eight).unwrap();
        assert_eq!(picture.n_edges(), 17 + 2 * 2 * 3);
        assert_eq!(kinds.iter().map(|k| usize::from(*k)).sum::<usize>(), 12);
        assert_eq!(picture.degree(5), 8);
        for (e, &[a, b]) in picture.edges().iter().enumerate() {
            let near = picture.near(a as usize).iter().find(|n| n.edge as usize == e).unwrap();
            assert_eq!(near.site, b);
            let k = near.back as usize - picture.first(b as usize);
            assert_eq!((picture.near(b as usize)[k].site, picture.near(b as usize)[k].edge as usize), (a, e));
        }
    }

    #[test]
    fn sides_that_do_not_fit_are_named() {
        assert!(matches!(Graph::grid(&[2, 5], Boundary::Periodic), Err(GraphError::Side { side: 2, .. })));
        assert!(Graph::grid(&[0], Boundary::Open).is_err() && Graph::picture(3, 0, Connectivity::Four).is_err());
        assert!(matches!(Graph::grid(&[1 << 40, 1 << 40], Boundary::Open), Err(GraphError::TooLarge { .. })));
    }
}
