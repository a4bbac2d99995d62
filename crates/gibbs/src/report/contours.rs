//! Contour lines of a scalar field by marching squares.

use super::Field;

/// A piece of a contour line, in the coordinates of the field.
pub(super) type Segment = ((f64, f64), (f64, f64));

/// The line along which `position(value)` equals `level`, linear between the points of the grid.
///
/// A cell with a corner that has no position is left open. Where two diagonals disagree (a saddle), the mean of the
/// corners decides which are joined.
pub(super) fn segments(field: &Field, position: impl Fn(f64) -> Option<f64>, level: f64) -> Vec<Segment> {
    let grid = field.grid();
    let mut out = Vec::new();
    for j in 1..grid.rows() {
        for i in 1..grid.columns() {
            // Counter-clockwise from the lower left; edge k joins corners k and k + 1.
            let corners = [(i - 1, j - 1), (i, j - 1), (i, j), (i - 1, j)];
            let heights = corners.map(|(a, b)| position(field.at(a, b)).map(|t| t - level));
            let [Some(a), Some(b), Some(c), Some(d)] = heights else { continue };
            let h = [a, b, c, d];
            let crossings: Vec<(f64, f64)> = (0..4)
                .filter(|&k| (h[k] >= 0.0) != (h[(k + 1) % 4] >= 0.0))
                .map(|k| {
                    let (p, q) = (corners[k], corners[(k + 1) % 4]);
                    let (p, q) = (grid.centre(p.0, p.1), grid.centre(q.0, q.1));
                    let t = h[k] / (h[k] - h[(k + 1) % 4]);
                    (p.0 + t * (q.0 - p.0), p.1 + t * (q.1 - p.1))
                })
                .collect();
            match crossings[..] {
                [p, q] => out.push((p, q)),
                // The middle belongs to the corners of its own sign, so the lines cut off the two others.
                [p, q, r, s] if (h.iter().sum::<f64>() >= 0.0) == (h[0] >= 0.0) => out.extend([(p, q), (r, s)]),
                [p, q, r, s] => out.extend([(s, p), (q, r)]),
                _ => {}
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::Grid;
    use super::*;

    fn grid(n: usize) -> Grid {
        Grid::new((-2.0, 2.0), (-2.0, 2.0), n, n).expect("a grid")
    }

    /// Linear interpolation of r^2 on cells of side s misses the circle by at most s^2 / (4 r) in r (the chord of a
    /// parabola x^2 + y^2 along an edge errs by s^2 / 4 in value, and dr = d(r^2) / (2 r)).
    #[test]
    fn a_circle_is_found_with_its_length() {
        let field = Field::from_fn(grid(80), |x, y| x * x + y * y);
        let found = segments(&field, Some, 1.0);
        let side: f64 = 4.0 / 80.0;
        let mut length = 0.0;
        for ((x, y), (u, v)) in &found {
            for r in [x.hypot(*y), u.hypot(*v)] {
                assert!((r - 1.0).abs() <= side * side / 4.0, "{r}");
            }
            length += (x - u).hypot(y - v);
        }
        assert!((length - std::f64::consts::TAU).abs() < 0.01, "{length}");
    }

    #[test]
    fn a_saddle_has_two_branches_that_do_not_cross() {
        let two = Grid::new((-1.0, 1.0), (-1.0, 1.0), 2, 2).expect("a grid");
        let high = Field::new(two, vec![3.0, -1.0, -1.0, 3.0]).expect("four values");
        // The mean is above: the low corners, lower right and upper left, are cut off.
        for ((x, y), (u, v)) in segments(&high, Some, 0.0) {
            assert!((x + u) * (y + v) < 0.0);
        }
        let low = high.map(|v| v - 2.0);
        for ((x, y), (u, v)) in segments(&low, Some, 0.0) {
            assert!((x + u) * (y + v) > 0.0);
        }
        assert_eq!(segments(&high, Some, 0.0).len() + segments(&low, Some, 0.0).len(), 4);
    }

    #[test]
    fn holes_are_left_open() {
        let field = Field::from_fn(grid(20), |x, y| if x > 0.0 { f64::NAN } else { y });
        let found = segments(&field, |v| v.is_finite().then_some(v), 0.05);
        assert_eq!(found.len(), 9);
        let one = Grid::new((0.0, 1.0), (0.0, 1.0), 1, 1).expect("a grid");
        assert!(segments(&Field::from_fn(one, |x, _| x), Some, 0.5).is_empty());
    }
}
