//! The part of the plane that data of two columns fill, in the units of the table and in those of the model.

use gibbs_core::dense::Dense;
use gibbs_data::Standardise;

use crate::batch::Batch;
use crate::dataset::{Preparation, Prepared};
use crate::error::Error;
use crate::report::Grid;

/// Points of a batch that are drawn.
const POINTS: usize = 1_500;
/// Free space on each side, as a share of the width of the data.
const MARGIN: f64 = 0.25;

/// The window of pictures of a model of the plane.
pub(crate) struct Window<'a> {
    scale: &'a Standardise,
    /// Rows of the training part, as points.
    pub(crate) data: Vec<(f64, f64)>,
    /// From, to.
    pub(crate) x: (f64, f64),
    /// From, to.
    pub(crate) y: (f64, f64),
}

impl<'a> Window<'a> {
    /// Around the training rows; `None` unless they are real and have two columns.
    pub(crate) fn of(data: &'a Prepared) -> Option<Self> {
        let Preparation::Real(scale) = &data.preparation else { return None };
        if scale.columns.len() != 2 {
            return None;
        }
        let mut window = Self { scale, data: Vec::new(), x: (0.0, 0.0), y: (0.0, 0.0) };
        window.data = window.points(&data.train.rows);
        let range = |pick: fn(&(f64, f64)) -> f64| {
            let values = window.data.iter().map(pick);
            let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
            let margin = MARGIN * (high - low).max(1e-9);
            (low - margin, high + margin)
        };
        (window.x, window.y) = (range(|p| p.0), range(|p| p.1));
        Some(window)
    }

    /// The first rows of the model's space as points of the table's.
    pub(crate) fn points(&self, rows: &Batch) -> Vec<(f64, f64)> {
        let z: Vec<f64> = (0..rows.n_rows().min(POINTS)).flat_map(|i| rows.row(i)).map(f64::from).collect();
        self.scale.invert(&z).chunks_exact(2).map(|p| (p[0], p[1])).collect()
    }

    /// `cells` by `cells` over the window.
    pub(crate) fn grid(&self, cells: usize) -> Result<Grid, Error> {
        Grid::new(self.x, self.y, cells, cells)
    }

    /// The points of a grid as rows of the model.
    pub(crate) fn rows(&self, grid: Grid) -> Batch {
        let (shift, scale) = (&self.scale.shift, &self.scale.scale);
        let on_scale = |v: f64, j: usize| ((v - shift[j]) / scale[j]) as f32;
        Batch::Real(Dense::from_rows(2, grid.points().flat_map(|(a, b)| [on_scale(a, 0), on_scale(b, 1)]).collect()))
    }

    /// A gradient of the model's space in the units of the table.
    pub(crate) fn gradient(&self, g: &[f32]) -> (f64, f64) {
        (f64::from(g[0]) / self.scale.scale[0], f64::from(g[1]) / self.scale.scale[1])
    }

    /// Names of the columns.
    pub(crate) fn labels(&self) -> [String; 2] {
        [self.scale.columns[0].clone(), self.scale.columns[1].clone()]
    }
}
