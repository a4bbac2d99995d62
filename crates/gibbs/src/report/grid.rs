//! A regular grid of points in the plane, and a scalar field on it.

use crate::error::Error;

/// Rows or columns of a grid are at most this many: a picture, not a data set.
const MOST: usize = 4096;

/// A window of the plane cut into equal cells; the points of the grid are the centres of its cells.
///
/// Shapes: `rows * columns` points, row by row from the lowest `y`, `x` rising within a row.
///
/// # Example
/// ```
/// use gibbs::report::Grid;
/// let grid = Grid::new((0.0, 2.0), (0.0, 1.0), 2, 1)?;
/// assert_eq!(grid.points().collect::<Vec<_>>(), [(0.5, 0.5), (1.5, 0.5)]);
/// # Ok::<(), gibbs::error::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    x: (f64, f64),
    y: (f64, f64),
    columns: usize,
    rows: usize,
}

impl Grid {
    /// The window `x` by `y` (outer edges) with so many cells along each side.
    ///
    /// # Errors
    /// [`Error::Usage`] unless both intervals rise, are finite and not beyond 1e100, and both counts are in 1..=4096.
    pub fn new(x: (f64, f64), y: (f64, f64), columns: usize, rows: usize) -> Result<Self, Error> {
        for (axis, (low, high)) in [("x", x), ("y", y)] {
            if !interval(low, high) {
                return Err(Error::Usage(format!(
                    "the grid cannot run from {low} to {high} along {axis}: it needs low < high, both within 1e100"
                )));
            }
        }
        if !(1..=MOST).contains(&columns) || !(1..=MOST).contains(&rows) {
            return Err(Error::Usage(format!(
                "a grid of {columns} columns and {rows} rows cannot be drawn: choose 1 to {MOST} of each"
            )));
        }
        Ok(Self { x, y, columns, rows })
    }

    /// The interval of `x`, to the outer edges of the cells.
    pub fn x(&self) -> (f64, f64) {
        self.x
    }

    /// The interval of `y`, to the outer edges of the cells.
    pub fn y(&self) -> (f64, f64) {
        self.y
    }

    /// Cells along `x`.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Cells along `y`.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The centres of the cells, in the order in which values on the grid are kept.
    pub fn points(&self) -> impl Iterator<Item = (f64, f64)> + use<> {
        let Self { columns, rows, .. } = *self;
        let grid = *self;
        (0..rows).flat_map(move |j| (0..columns).map(move |i| grid.centre(i, j)))
    }

    /// Centre of the cell in column `i` and row `j`.
    pub(super) fn centre(&self, i: usize, j: usize) -> (f64, f64) {
        let at = |(low, high): (f64, f64), k: usize, n: usize| low + (high - low) * (k as f64 + 0.5) / n as f64;
        (at(self.x, i, self.columns), at(self.y, j, self.rows))
    }

    /// Checks that there is a value for every point.
    pub(super) fn expect(&self, found: usize, what: &str) -> Result<(), Error> {
        if found == self.rows * self.columns {
            return Ok(());
        }
        Err(Error::Usage(format!(
            "{found} {what} for a grid of {} rows and {} columns: give {}, row by row from the lowest y",
            self.rows,
            self.columns,
            self.rows * self.columns
        )))
    }
}

/// Whether an axis can run from `low` to `high`.
pub(super) fn interval(low: f64, high: f64) -> bool {
    low.abs() <= 1e100 && high.abs() <= 1e100 && high - low > 1e-12 * low.abs().max(high.abs()).max(1e-88)
}

/// A number at every point of a [`Grid`]; those that are not finite are allowed and drawn in a colour of their own.
///
/// # Example
/// ```
/// use gibbs::report::{Field, Grid};
/// let grid = Grid::new((-3.0, 3.0), (-2.0, 2.0), 60, 40)?;
/// let energy = Field::from_fn(grid, |x, y| 0.5 * (x * x + y * y));
/// assert_eq!(energy.values().len(), 2400);
/// # Ok::<(), gibbs::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    grid: Grid,
    values: Vec<f64>,
}

impl Field {
    /// Values in the order of [`Grid::points`], such as energies of these points evaluated as one batch.
    ///
    /// # Errors
    /// [`Error::Usage`] unless there is one value a point.
    pub fn new(grid: Grid, values: Vec<f64>) -> Result<Self, Error> {
        grid.expect(values.len(), "values")?;
        Ok(Self { grid, values })
    }

    /// The field of a function of `x` and `y`.
    pub fn from_fn(grid: Grid, mut f: impl FnMut(f64, f64) -> f64) -> Self {
        Self { values: grid.points().map(|(x, y)| f(x, y)).collect(), grid }
    }

    /// The same grid with every value changed by `f`, such as from energy to density.
    pub fn map(&self, f: impl FnMut(f64) -> f64) -> Self {
        Self { grid: self.grid, values: self.values.iter().copied().map(f).collect() }
    }

    /// Where the values are.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The values, in the order of [`Grid::points`].
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The value in column `i` and row `j`.
    pub(super) fn at(&self, i: usize, j: usize) -> f64 {
        self.values[j * self.grid.columns + i]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misuse_is_an_error_with_the_numbers() {
        assert!(Grid::new((1.0, 1.0), (0.0, 1.0), 2, 2).is_err());
        assert!(Grid::new((0.0, f64::INFINITY), (0.0, 1.0), 2, 2).is_err());
        assert!(Grid::new((0.0, 1.0), (f64::NAN, 1.0), 2, 2).is_err());
        assert!(Grid::new((0.0, 1.0), (0.0, 1.0), 0, 2).is_err());
        assert!(Grid::new((0.0, 1.0), (0.0, 1.0), 2, 5000).is_err());
        let grid = Grid::new((0.0, 1.0), (0.0, 1.0), 3, 2).expect("a grid");
        let text = Field::new(grid, vec![0.0; 5]).expect_err("one value short").to_string();
        assert!(text.contains('5') && text.contains('6'), "{text}");
    }

    #[test]
    fn rows_rise_and_columns_run_fastest() {
        let grid = Grid::new((0.0, 3.0), (0.0, 2.0), 3, 2).expect("a grid");
        let field = Field::from_fn(grid, |x, y| x + 10.0 * y);
        assert_eq!(field.values(), [5.5, 6.5, 7.5, 15.5, 16.5, 17.5]);
        assert_eq!(field.at(2, 1), 17.5);
        assert_eq!(field.map(|v| -v).values()[0], -5.5);
    }
}
