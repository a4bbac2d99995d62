//! Points in the plane: data, samples, the positions of chains.

use std::fmt::Write;

use super::plane::{Frame, Notes};

/// Points drawn of one series; more would only make the page heavier.
const MOST: usize = 5_000;
/// Dots of one path do not add up where they overlap, dots of different paths do.
const PATHS: usize = 6;

/// Named points, drawn small and translucent so that many of them show their density.
///
/// Points outside the frame are left out and counted below the figure, as are those with a coordinate that is not
/// finite. Of more than 5,000 points an evenly spaced part is drawn, which is also said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scatter {
    /// Name in the legend; the same name has the same colour in every panel.
    pub name: String,
    /// The points.
    pub points: Vec<(f64, f64)>,
}

impl Scatter {
    /// Points under a name.
    pub fn new(name: &str, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), points }
    }

    /// Draws the points; `halo` sets them off from the colours of a heat map.
    pub(super) fn draw(&self, out: &mut String, frame: &Frame, colour: &str, halo: bool, notes: &mut Notes) {
        let finite: Vec<(f64, f64)> =
            self.points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
        notes.not_finite += self.points.len() - finite.len();
        let seen: Vec<(f64, f64)> = finite.iter().copied().filter(|p| frame.contains(*p)).collect();
        notes.outside += finite.len() - seen.len();
        let drawn = seen.len().min(MOST);
        if drawn < seen.len() {
            notes.say(format!("{drawn} of the {} points of {} are drawn.", seen.len(), self.name));
        }
        let mut paths = vec![String::new(); PATHS];
        for k in 0..drawn {
            let (x, y) = seen[k * seen.len() / drawn];
            // A line of no length with round ends is a dot.
            let _ = write!(paths[k % PATHS], "M{:.1} {:.1}h0", frame.px(x), frame.py(y));
        }
        let width = match drawn {
            0..=300 => 4.0,
            301..=1500 => 3.0,
            _ => 2.2,
        };
        for path in paths.iter().filter(|p| !p.is_empty()) {
            if halo {
                let _ = write!(
                    out,
                    r##"<path class="dots" d="{path}" stroke="#fff" stroke-width="{:.1}" stroke-opacity="0.4"/>"##,
                    width + 1.0
                );
            }
            // How translucent dots may be depends on the ground, hence on the style of the page.
            let class = if halo { "dots" } else { "dots pale" };
            let _ = write!(out, r#"<path class="{class}" d="{path}" stroke="{colour}" stroke-width="{width}"/>"#);
        }
    }
}
