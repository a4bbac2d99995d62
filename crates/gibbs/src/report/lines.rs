//! Lines over a common x axis, in one panel or several stacked ones.

use std::fmt::Write;

use super::axes::{Axes, LEGEND_START, WIDTH, legend, range};
use super::{COLOURS, escape};

/// One named line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Name in the legend.
    pub name: String,
    /// Points; those with a coordinate that is not finite are left out.
    pub points: Vec<(f64, f64)>,
    /// A band around it, such as an interval: `x`, lower and upper end; none if empty.
    pub band: Vec<(f64, f64, f64)>,
}

/// Lines that share a y axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// Label of the y axis.
    pub y_label: String,
    /// The lines.
    pub series: Vec<Series>,
}

/// Panels that share an x axis: quantities on different scales are stacked, never overlaid.
#[derive(Clone, Debug, PartialEq)]
pub struct Lines {
    /// Label of the x axis.
    pub x_label: String,
    /// The panels, top to bottom.
    pub panels: Vec<Panel>,
    /// A vertical marker, such as the best checkpoint.
    pub marker: Option<(f64, String)>,
    /// A plain sentence on what one sees.
    pub caption: String,
}

const PANEL_HEIGHT: f64 = 250.0;

impl Lines {
    pub(super) fn to_html(&self) -> String {
        let all = self.panels.iter().flat_map(|p| &p.series).flat_map(|s| &s.points);
        let Some(x) = range(all.filter(|p| p.1.is_finite()).map(|p| p.0)) else {
            return format!("<p class=\"caption\">{} (nothing finite to draw)</p>", escape(&self.caption));
        };
        let mut body = String::new();
        let (mut top, mut colour, mut skipped) = (0.0, 0, 0);
        for panel in &self.panels {
            let ends = panel.series.iter().flat_map(|s| &s.band).flat_map(|b| [b.1, b.2]);
            let Some(y) = range(panel.series.iter().flat_map(|s| &s.points).map(|p| p.1).chain(ends)) else { continue };
            let axes = Axes::new(x, y, top, PANEL_HEIGHT);
            axes.draw(&mut body, &self.x_label, &panel.y_label);
            if let Some((at, label)) = &self.marker {
                axes.marker(&mut body, *at, label);
            }
            let mut place = LEGEND_START;
            for series in panel.series.iter().filter(|s| !s.points.is_empty()) {
                let stroke = COLOURS[colour % COLOURS.len()];
                colour += 1;
                draw_band(&mut body, &axes, &series.band, stroke);
                skipped += draw_series(&mut body, &axes, series, stroke);
                place = legend(&mut body, place, top + 14.0, stroke, &series.name);
            }
            top += PANEL_HEIGHT;
        }
        let mut caption = escape(&self.caption);
        if skipped > 0 {
            let _ = write!(caption, " {skipped} points that are not finite are left out.");
        }
        format!(
            "<figure><svg viewBox=\"0 0 {WIDTH} {top}\" role=\"img\">{body}</svg><figcaption>{caption}</figcaption></figure>"
        )
    }
}

/// Draws a band, as far as its ends are finite.
fn draw_band(out: &mut String, axes: &Axes, band: &[(f64, f64, f64)], fill: &str) {
    let finite: Vec<_> = band.iter().filter(|(x, a, b)| x.is_finite() && a.is_finite() && b.is_finite()).collect();
    if finite.is_empty() {
        return;
    }
    let mut path = String::new();
    for (i, (x, y)) in finite.iter().map(|b| (b.0, b.2)).chain(finite.iter().rev().map(|b| (b.0, b.1))).enumerate() {
        let _ = write!(path, "{}{:.1} {:.1}", if i == 0 { "M" } else { "L" }, axes.px(x), axes.py(y));
    }
    let _ = write!(out, r#"<path d="{path}Z" fill="{fill}" fill-opacity="0.18"/>"#);
}

/// Draws a line with gaps where points are not finite; returns how many those are.
fn draw_series(out: &mut String, axes: &Axes, series: &Series, stroke: &str) -> usize {
    let mut skipped = 0;
    let mut path = String::new();
    let mut pen_up = true;
    for &(x, y) in &series.points {
        if !(x.is_finite() && y.is_finite()) {
            skipped += 1;
            pen_up = true;
            continue;
        }
        let _ = write!(path, "{}{:.1} {:.1}", if pen_up { "M" } else { "L" }, axes.px(x), axes.py(y));
        pen_up = false;
    }
    let _ = write!(out, r#"<path d="{path}" fill="none" stroke="{stroke}" stroke-width="2"/>"#);
    skipped
}
