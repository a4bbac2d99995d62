//! Models of the plane: density, energy, samples and score side by side.

use gibbs_core::dense::Dense;

use crate::batch::Batch;
use crate::chains::ChainReport;
use crate::dataset::{Preparation, Prepared};
use crate::error::Error;
use crate::fit::FitResult;
use crate::models::Model;
use crate::report::{Block, ColourScale, Field, Grid, HeatMap, Level, Plane, Planes, Quiver, Scatter, Section};

/// Cells of a heat map along a side.
const CELLS: usize = 160;
/// Arrows along a side.
const ARROWS: usize = 22;
/// Points of each kind that are drawn.
const POINTS: usize = 1_500;
/// Nats over the energies of the data that a heat map of energies reaches.
const ENERGY_RANGE: f64 = 12.0;
/// A long run this many nats below a short run has found a valley that training never saw.
const FALSE_VALLEY: f64 = 3.0;

pub(super) fn section(
    model: &dyn Model,
    data: &Prepared,
    chains: &ChainReport,
    result: Option<&FitResult>,
) -> Result<Option<Section>, Error> {
    let (Preparation::Real(scale), Some(train)) = (&data.preparation, data.train.rows.real()) else { return Ok(None) };
    let mut blocks = Vec::new();
    if let Some((_, short)) = &chains.short_run {
        let long = chains.energy.mean;
        if *short - long > FALSE_VALLEY {
            blocks.push(Block::Notice(
                Level::Bad,
                format!(
                    "A false valley: long chains settle {:.1} nats below short runs, so the model has its mass where \
                     training never looked. Train with longer or persistent chains.",
                    short - long
                ),
            ));
        }
    }
    if model.n_columns() != 2 {
        return Ok((!blocks.is_empty()).then(|| Section { title: "Valleys".into(), blocks }));
    }
    let points = |rows: &Batch| -> Vec<(f64, f64)> {
        let n = rows.n_rows().min(POINTS);
        let z: Vec<f64> = (0..n).flat_map(|i| rows.row(i)).map(f64::from).collect();
        scale.invert(&z).chunks_exact(2).map(|p| (p[0], p[1])).collect()
    };
    let shown = points(&Batch::Real(train.clone()));
    let window = |pick: fn(&(f64, f64)) -> f64| {
        let (low, high) =
            shown.iter().map(pick).fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        let margin = 0.25 * (high - low).max(1e-9);
        (low - margin, high + margin)
    };
    let (x, y) = (window(|p| p.0), window(|p| p.1));
    // The window is in the table's units; the model takes its own.
    let on_scale = |grid: Grid| {
        let z = grid.points().flat_map(|(a, b)| {
            [((a - scale.shift[0]) / scale.scale[0]) as f32, ((b - scale.shift[1]) / scale.scale[1]) as f32]
        });
        Batch::Real(Dense::from_rows(2, z.collect()))
    };
    let fine = Grid::new(x, y, CELLS, CELLS)?;
    let energy = model.energy(&on_scale(fine));
    let lowest = energy.iter().copied().fold(f64::INFINITY, f64::min);
    let landscape = ColourScale::linear("E (nats)").between(lowest, lowest + ENERGY_RANGE)?;
    let field = Field::new(fine, energy.clone())?;
    let coarse = Grid::new(x, y, ARROWS, ARROWS)?;
    let arrows: Vec<(f64, f64)> = model
        .gradient(&on_scale(coarse))
        .unwrap_or_default()
        .chunks_exact(2)
        .map(|g| (-f64::from(g[0]) / scale.scale[0], -f64::from(g[1]) / scale.scale[1]))
        .collect();
    let mut panels = Vec::new();
    if let Some(z) = result.and_then(|r| r.train.as_ref()).map(|e| e.log_z.value) {
        let jacobian = scale.log_jacobian();
        let density = Field::new(fine, energy.iter().map(|e| (jacobian - e - z).exp()).collect())?;
        panels.push(Plane::new("density").with(HeatMap::new(density, ColourScale::linear("p(x)"))));
    }
    panels.push(Plane::new("energy").with(HeatMap::new(field, landscape).contours(8)));
    let mut score = Plane::new("score, \u{2212}grad E");
    if let Ok(quiver) = Quiver::new("score", coarse, arrows) {
        score = score.with(quiver);
    }
    panels.push(score);
    let (x_label, y_label) = (scale.columns[0].clone(), scale.columns[1].clone());
    let planes = |panels, caption: &str| {
        Block::Planes(Planes {
            panels,
            x_label: x_label.clone(),
            y_label: y_label.clone(),
            window: Some((x, y)),
            caption: caption.into(),
            ..Planes::default()
        })
    };
    blocks.insert(
        0,
        planes(panels, "The model: where it has its mass, its energy, and the direction in which chains drift."),
    );
    let mut samples = vec![Plane::new("data").with(Scatter::new("data", shown))];
    if let Some((short, _)) = &chains.short_run {
        samples.push(Plane::new("short runs").with(Scatter::new("short runs", points(short))));
    }
    samples.push(Plane::new("long chains").with(Scatter::new("long chains", points(&chains.kept))));
    blocks.push(planes(
        samples,
        "Samples beside data. Long chains are draws of the model; short runs are what training saw. Where the two differ, \
         the energy has valleys that short runs do not reach.",
    ));
    Ok(Some(Section { title: "Landscape".into(), blocks }))
}
