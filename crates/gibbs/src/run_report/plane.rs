//! Models of the plane: density, energy, samples and score side by side.

use crate::chains::ChainReport;
use crate::dataset::{Preparation, Prepared};
use crate::error::Error;
use crate::fit::FitResult;
use crate::models::Model;
use crate::report::{Animation, Block, ColourScale, Field, HeatMap, Plane, Planes, Quiver, Scatter, Section};
use crate::window::Window;

/// Cells of a heat map along a side.
const CELLS: usize = 160;
/// Arrows along a side.
const ARROWS: usize = 22;
/// Nats over the energies of the data that a heat map of energies reaches.
const ENERGY_RANGE: f64 = 12.0;

pub(super) fn section(
    model: &dyn Model,
    data: &Prepared,
    chains: &ChainReport,
    result: Option<&FitResult>,
    film: Option<Animation>,
) -> Result<Option<Section>, Error> {
    let Preparation::Real(scale) = &data.preparation else { return Ok(None) };
    let Some(window) = Window::of(data) else { return Ok(None) };
    let fine = window.grid(CELLS)?;
    let energy = model.energy(&window.rows(fine));
    let lowest = energy.iter().copied().fold(f64::INFINITY, f64::min);
    let landscape = ColourScale::linear("E (nats)").between(lowest, lowest + ENERGY_RANGE)?;
    let field = Field::new(fine, energy.clone())?;
    let coarse = window.grid(ARROWS)?;
    let arrows: Vec<(f64, f64)> = model
        .gradient(&window.rows(coarse))
        .unwrap_or_default()
        .chunks_exact(2)
        .map(|g| window.gradient(g))
        .map(|(x, y)| (-x, -y))
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
    let [x_label, y_label] = window.labels();
    let planes = |panels, caption: &str| {
        Block::Planes(Planes {
            panels,
            x_label: x_label.clone(),
            y_label: y_label.clone(),
            window: Some((window.x, window.y)),
            caption: caption.into(),
            ..Planes::default()
        })
    };
    let caption = "The model: where it has its mass, its energy, and the direction in which chains drift.";
    let mut blocks = vec![planes(panels, caption)];
    let points = |name: &str, points| Plane::new(name).with(Scatter::new(name, points));
    let samples = vec![
        points("data", window.data.clone()),
        points("short runs", window.points(&chains.short_run.0)),
        points("long chains", window.points(&chains.kept)),
    ];
    blocks.push(planes(
        samples,
        "Samples beside data. Long chains are draws of the model; short runs are 60 steps from noise. Where the two differ, \
         the energy has valleys that short runs do not reach.",
    ));
    blocks.extend(film.map(Block::Animation));
    Ok(Some(Section { title: "Landscape".into(), blocks }))
}
