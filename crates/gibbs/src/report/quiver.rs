//! A vector field as arrows on a coarse grid.

use std::fmt::Write;

use super::colour_map::MARKED_HEX;
use super::plane::{Frame, Notes};
use super::{Grid, number};
use crate::error::Error;

/// Share of the arrows that are drawn to scale; the longer rest is cut to full length.
const TO_SCALE: f64 = 0.9;

/// A vector at every point of a [`Grid`], such as the score `-grad E`.
///
/// An arrow begins at its point. Its length is proportional to the vector up to full length, nine tenths of the distance
/// to the nearest neighbour, which stands for the 90 % quantile of the lengths and everything beyond it: a few steep
/// places must not shrink all others to dots. The value of full length is said below the figure. Vectors that are not
/// finite are marked by a magenta cross.
///
/// # Example
/// ```
/// use gibbs::report::{Grid, Plane, Quiver};
/// let grid = Grid::new((-3.0, 3.0), (-3.0, 3.0), 16, 16)?;
/// let score = Quiver::from_fn("score (nats per unit)", grid, |x, y| (-x, -y));
/// let panel = Plane::new("standard Gaussian").with(score);
/// # Ok::<(), gibbs::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Quiver {
    pub(super) label: String,
    pub(super) grid: Grid,
    vectors: Vec<(f64, f64)>,
}

impl Quiver {
    /// Vectors in the order of [`Grid::points`]; `label` names the quantity and its unit.
    ///
    /// # Errors
    /// [`Error::Usage`] unless there is one vector a point.
    pub fn new(label: &str, grid: Grid, vectors: Vec<(f64, f64)>) -> Result<Self, Error> {
        grid.expect(vectors.len(), "vectors")?;
        Ok(Self { label: label.into(), grid, vectors })
    }

    /// The vector field of a function of `x` and `y`.
    pub fn from_fn(label: &str, grid: Grid, mut f: impl FnMut(f64, f64) -> (f64, f64)) -> Self {
        Self { label: label.into(), vectors: grid.points().map(|(x, y)| f(x, y)).collect(), grid }
    }

    /// The length of vector that an arrow of full length stands for; 0 if no vector has a length.
    fn full(&self) -> f64 {
        let mut lengths: Vec<f64> =
            self.vectors.iter().map(|(u, v)| u.hypot(*v)).filter(|l| l.is_finite() && *l > 0.0).collect();
        lengths.sort_by(f64::total_cmp);
        lengths.get((TO_SCALE * lengths.len().saturating_sub(1) as f64).ceil() as usize).copied().unwrap_or(0.0)
    }

    pub(super) fn draw(&self, out: &mut String, frame: &Frame, halo: bool, notes: &mut Notes) {
        let (sx, sy) = (frame.px(1.0) - frame.px(0.0), frame.py(0.0) - frame.py(1.0));
        let (x, y) = (self.grid.x(), self.grid.y());
        let cell = (sx * (x.1 - x.0) / self.grid.columns() as f64).min(sy * (y.1 - y.0) / self.grid.rows() as f64);
        let (full, most) = (self.full(), 0.9 * cell);
        let (mut arrows, mut crosses) = (String::new(), String::new());
        for (at, &(u, v)) in self.grid.points().zip(&self.vectors) {
            if !frame.contains(at) {
                continue;
            }
            let (px, py) = (frame.px(at.0), frame.py(at.1));
            let length = u.hypot(v);
            if !length.is_finite() {
                notes.crosses += 1;
                let _ = write!(crosses, "M{:.1} {:.1}l6 6m0 -6l-6 6", px - 3.0, py - 3.0);
                continue;
            }
            // The direction as seen: the axes may be stretched against each other.
            let (dx, dy) = (u / length * sx, -v / length * sy);
            let stretch = dx.hypot(dy);
            let shown = most * (length / full).min(1.0);
            // Shorter than half a unit only the pen would be seen; the zero vector has no direction at all.
            if !(stretch > 0.0 && shown > 0.5) {
                continue;
            }
            arrow(&mut arrows, (px, py), (dx / stretch, dy / stretch), shown);
        }
        if halo && !arrows.is_empty() {
            // White on a dark shadow is seen on every colour of the map.
            let _ = write!(
                out,
                r##"<path class="arrows" d="{arrows}" stroke="#1b1f24" stroke-width="2.4" stroke-opacity="0.45"/>"##
            );
            let _ = write!(out, r##"<path class="arrows" d="{arrows}" stroke="#fff" stroke-width="1.1"/>"##);
        } else if !arrows.is_empty() {
            let _ = write!(out, r#"<path class="arrows ink" d="{arrows}" stroke-width="1"/>"#);
        }
        if !crosses.is_empty() {
            let _ = write!(out, r#"<path class="arrows" d="{crosses}" stroke="{MARKED_HEX}" stroke-width="1.6"/>"#);
        }
        if full > 0.0 {
            notes.say(format!("{}: an arrow of full length stands for {} or more.", self.label, number(full)));
        }
    }
}

/// A shaft and a head of two strokes, 25 degrees off the shaft.
fn arrow(out: &mut String, from: (f64, f64), direction: (f64, f64), length: f64) {
    let (dx, dy) = direction;
    let tip = (from.0 + length * dx, from.1 + length * dy);
    let head = (0.4 * length).min(5.0);
    let (c, s) = (head * 0.906, head * 0.423);
    let (a, b) = ((-c * dx - s * dy, -c * dy + s * dx), (-c * dx + s * dy, -c * dy - s * dx));
    let _ = write!(
        out,
        "M{:.1} {:.1}L{:.1} {:.1}M{:.1} {:.1}L{:.1} {:.1}L{:.1} {:.1}",
        from.0,
        from.1,
        tip.0,
        tip.1,
        tip.0 + a.0,
        tip.1 + a.1,
        tip.0,
        tip.1,
        tip.0 + b.0,
        tip.1 + b.1
    );
}
