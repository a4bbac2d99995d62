//! Measured points with error bars, joined by lines; also as a picture of its own for records.

use std::fmt::Write;

use super::axes::{Axes, LEGEND_START, WIDTH, legend, range};
use super::{COLOURS, escape};

/// Measured points under a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// Name in the legend.
    pub name: String,
    /// `(x, y, error)`: bars reach from `y - error` to `y + error`. Points that are not finite are left out.
    pub points: Vec<(f64, f64, f64)>,
}

/// Measurements over common axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Label of the x axis.
    pub x_label: String,
    /// Label of the y axis.
    pub y_label: String,
    /// The measurements.
    pub series: Vec<Measurement>,
    /// A vertical marker, such as what theory says.
    pub marker: Option<(f64, String)>,
    /// A plain sentence on what one sees.
    pub caption: String,
}

const HEIGHT: f64 = 340.0;
/// Half-width of the end of a bar.
const CAP: f64 = 3.5;

/// What a picture outside a page needs: the page's style, in the colours of paper.
const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#59636e}text.small{font-size:11px}.grid{stroke:#d8dee4}\
                     .axis{stroke:#59636e}.marker{stroke:#59636e;stroke-dasharray:4 4}";

impl Measured {
    /// The picture as a self-contained SVG file, without the caption; empty without finite points.
    pub fn to_svg(&self) -> String {
        let body = self.body().unwrap_or_default();
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
             height=\"{HEIGHT}\"><style>{STYLE}</style><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>{body}</svg>\n"
        )
    }

    pub(super) fn to_html(&self) -> String {
        match self.body() {
            Some(body) => format!(
                "<figure><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">{body}</svg><figcaption>{}</figcaption></figure>",
                escape(&self.caption)
            ),
            None => format!("<p class=\"caption\">{} (nothing finite to draw)</p>", escape(&self.caption)),
        }
    }

    fn body(&self) -> Option<String> {
        let finite = |p: &&(f64, f64, f64)| p.0.is_finite() && p.1.is_finite() && p.2.is_finite();
        let all = || self.series.iter().flat_map(|s| &s.points).filter(finite);
        let marked = self.marker.iter().map(|m| m.0);
        let axes = Axes::new(
            range(all().map(|p| p.0).chain(marked))?,
            range(all().flat_map(|p| [p.1 - p.2, p.1 + p.2]))?,
            0.0,
            HEIGHT,
        );
        let mut body = String::new();
        axes.draw(&mut body, &self.x_label, &self.y_label);
        if let Some((at, label)) = &self.marker {
            axes.marker(&mut body, *at, label);
        }
        let mut place = LEGEND_START;
        for (i, series) in self.series.iter().enumerate() {
            let colour = COLOURS[i % COLOURS.len()];
            let (mut line, mut bars, mut dots) = (String::new(), String::new(), String::new());
            for (x, y, error) in series.points.iter().filter(finite) {
                let (px, py) = (axes.px(*x), axes.py(*y));
                let _ = write!(line, "{}{px:.1} {py:.1}", if line.is_empty() { "M" } else { "L" });
                let _ = write!(dots, "M{px:.1} {py:.1}h0");
                for end in [y - error, y + error] {
                    let _ = write!(bars, "M{:.1} {:.1}h{}", px - CAP, axes.py(end), 2.0 * CAP);
                }
                let _ = write!(bars, "M{px:.1} {:.1}V{:.1}", axes.py(y - error), axes.py(y + error));
            }
            let _ = write!(
                body,
                r#"<path d="{line}" fill="none" stroke="{colour}" stroke-width="1.5" stroke-opacity="0.6"/><path d="{bars}" fill="none" stroke="{colour}" stroke-width="1.5"/><path d="{dots}" fill="none" stroke="{colour}" stroke-width="6" stroke-linecap="round"/>"#
            );
            place = legend(&mut body, place, 14.0, colour, &series.name);
        }
        Some(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_bars_and_nothing() {
        let series = vec![Measurement {
            name: "a < b".into(),
            points: vec![(0.0, 1.0, 0.5), (1.0, 2.0, f64::NAN), (2.0, 4.0, 0.0)],
        }];
        let mut drawn = Measured {
            x_label: "load".into(),
            y_label: "share".into(),
            series,
            marker: Some((1.5, "theory".into())),
            caption: "c".into(),
        };
        let svg = drawn.to_svg();
        assert!(
            svg.starts_with("<svg xmlns") && svg.contains("a &lt; b") && !svg.contains("NaN") && svg.contains("theory")
        );
        // Two points: two dots, and two bars with two ends each.
        assert_eq!((svg.matches("h0").count(), svg.matches("h7").count()), (2, 4));
        assert!(drawn.to_html().contains("<figcaption>c</figcaption>"));
        drawn.series[0].points.truncate(0);
        drawn.marker = None;
        assert!(drawn.to_html().contains("nothing finite"));
    }
}
