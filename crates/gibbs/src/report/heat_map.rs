//! A scalar field as colours, with contour lines and a colour bar.

use std::fmt::Write;

use super::colour_map::{INK, LEVELS, MARKED, PAPER, Resolved, encode_png, palette};
use super::contours::segments;
use super::image_grid::base64;
use super::plane::{Frame, INNER, LEFT, Notes};
use super::{ColourScale, Field, escape};

/// A scalar field drawn as colours: an energy, a log-density, a density.
///
/// Values that are not finite are drawn in magenta, which is on no part of the map, and counted below the figure.
///
/// # Example
/// ```
/// use gibbs::report::{Block, ColourScale, Field, Grid, HeatMap, Plane, Planes};
/// let grid = Grid::new((-3.0, 3.0), (-3.0, 3.0), 100, 100)?;
/// let energy = Field::from_fn(grid, |x, y| 0.5 * (x * x + y * y));
/// let density = energy.map(|e| (-e).exp() / std::f64::consts::TAU);
/// let block = Block::Planes(Planes {
///     panels: vec![
///         Plane::new("energy").with(HeatMap::new(energy, ColourScale::linear("E (nats)")).contours(6)),
///         Plane::new("density").with(HeatMap::new(density, ColourScale::log("p"))),
///     ],
///     caption: "A standard Gaussian.".into(),
///     ..Planes::default()
/// });
/// # Ok::<(), gibbs::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct HeatMap {
    pub(super) field: Field,
    pub(super) scale: ColourScale,
    contours: usize,
}

impl HeatMap {
    /// The field in the colours of the scale.
    pub fn new(field: Field, scale: ColourScale) -> Self {
        Self { field, scale, contours: 0 }
    }

    /// The same with up to about `n` contour lines at round values.
    pub fn contours(self, n: usize) -> Self {
        Self { contours: n, ..self }
    }

    /// Draws the part of the field that lies in the frame.
    pub(super) fn draw(&self, out: &mut String, frame: &Frame, scale: Option<&Resolved>, notes: &mut Notes) {
        let grid = self.field.grid();
        let x = (frame.x.0.max(grid.x().0), frame.x.1.min(grid.x().1));
        let y = (frame.y.0.max(grid.y().0), frame.y.1.min(grid.y().1));
        if x.0 >= x.1 || y.0 >= y.1 {
            return;
        }
        // A window cuts through cells: as many pixels as cells, each with the value of the cell that it lies in.
        let (columns, rows) = (inside(x, grid.x(), grid.columns()), inside(y, grid.y(), grid.rows()));
        let mut pixels = Vec::with_capacity(columns.len() * rows.len());
        for &j in rows.iter().rev() {
            for &i in &columns {
                let entry = scale.map_or(MARKED, |s| s.entry(self.field.at(i, j)));
                notes.marked += usize::from(entry == MARKED);
                pixels.push(entry);
            }
        }
        let Ok(png) = encode_png(&pixels, columns.len(), rows.len()) else {
            notes.say("A field could not be encoded as a picture.".into());
            return;
        };
        let (left, top) = (frame.px(x.0), frame.py(y.1));
        let _ = write!(
            out,
            "<image class=\"cells\" x=\"{left:.2}\" y=\"{top:.2}\" width=\"{:.2}\" height=\"{:.2}\" \
             preserveAspectRatio=\"none\" href=\"data:image/png;base64,{}\"/>",
            frame.px(x.1) - left,
            frame.py(y.0) - top,
            base64(&png)
        );
        if let (Some(scale), true) = (scale, self.contours > 0) {
            self.draw_contours(out, frame, scale);
        }
    }

    fn draw_contours(&self, out: &mut String, frame: &Frame, scale: &Resolved) {
        for (level, _) in scale.ticks(self.contours) {
            let mut path = String::new();
            for (a, b) in segments(&self.field, |v| scale.position(v), level) {
                if frame.contains(a) && frame.contains(b) {
                    let (ax, ay, bx, by) = (frame.px(a.0), frame.py(a.1), frame.px(b.0), frame.py(b.1));
                    let _ = write!(path, "M{ax:.1} {ay:.1}L{bx:.1} {by:.1}");
                }
            }
            if !path.is_empty() {
                let colour = hex(if level < 0.6 { PAPER } else { INK });
                let _ = write!(
                    out,
                    r#"<path d="{path}" fill="none" stroke="{colour}" stroke-opacity="0.6" stroke-width="0.8"/>"#
                );
            }
        }
    }
}

/// The cells of an axis of `n` cells over `whole` that fill `part` of it, in order.
fn inside(part: (f64, f64), whole: (f64, f64), n: usize) -> Vec<usize> {
    let cells = (part.1 - part.0) / (whole.1 - whole.0) * n as f64;
    let count = (cells.round() as usize).max(1);
    let first = (part.0 - whole.0) / (whole.1 - whole.0) * n as f64;
    (0..count).map(|k| ((first + cells * (k as f64 + 0.5) / count as f64) as usize).min(n - 1)).collect()
}

fn hex(entry: u8) -> String {
    let [r, g, b] = palette()[usize::from(entry)];
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Height that a colour bar takes.
pub(super) const BAR: f64 = 56.0;

/// A colour bar as wide as the frames, its upper edge at `top`, with round values and the label below.
pub(super) fn draw_bar(out: &mut String, scale: &Resolved, top: f64) {
    let ramp: Vec<u8> = (0..LEVELS as u8).collect();
    let Ok(png) = encode_png(&ramp, LEVELS, 1) else { return };
    let _ = write!(
        out,
        "<image x=\"{LEFT}\" y=\"{top:.1}\" width=\"{INNER}\" height=\"10\" preserveAspectRatio=\"none\" \
         href=\"data:image/png;base64,{}\"/>",
        base64(&png)
    );
    for (t, text) in scale.ticks(5) {
        let x = LEFT + t * INNER;
        let _ = write!(
            out,
            r#"<line class="axis" x1="{x:.1}" x2="{x:.1}" y1="{:.1}" y2="{:.1}"/>"#,
            top + 10.0,
            top + 14.0
        );
        let _ = write!(out, r#"<text x="{x:.1}" y="{:.1}" text-anchor="middle">{text}</text>"#, top + 27.0);
    }
    let _ = write!(
        out,
        r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
        LEFT + INNER / 2.0,
        top + 45.0,
        escape(&scale.label)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_takes_the_cells_it_covers() {
        assert_eq!(inside((0.0, 4.0), (0.0, 4.0), 4), [0, 1, 2, 3]);
        assert_eq!(inside((1.0, 3.0), (0.0, 4.0), 4), [1, 2]);
        assert_eq!(inside((1.4, 1.6), (0.0, 4.0), 4), [1]);
        assert_eq!(inside((0.5, 3.5), (0.0, 4.0), 4), [1, 2, 3]);
    }
}
