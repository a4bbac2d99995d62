//! Axes: ticks at round numbers, grid, labels.

use std::fmt::Write;

use super::{escape, number};

/// Width and margins of every chart, in SVG units; the page scales charts to its width.
pub(super) const WIDTH: f64 = 720.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 28.0;
const BOTTOM: f64 = 44.0;

/// A rectangle with a linear scale on each side.
pub(super) struct Axes {
    x: (f64, f64),
    y: (f64, f64),
    top: f64,
    height: f64,
}

/// Round numbers inside `[low, high]`: steps of 1, 2 or 5 times a power of ten, about `wanted` of them.
pub(super) fn ticks(low: f64, high: f64, wanted: usize) -> Vec<f64> {
    if !(low.is_finite() && high.is_finite() && high > low) {
        return Vec::new();
    }
    let raw = (high - low) / wanted as f64;
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= raw).unwrap_or(10.0 * power);
    let first = (low / step).ceil() as i64;
    let last = (high / step).floor() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

/// The finite range of values, widened a little; `None` without finite values.
pub(super) fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let (low, high) =
        values.filter(|v| v.is_finite()).fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    if low > high {
        return None;
    }
    let room = if high > low { 0.04 * (high - low) } else { 0.5 * low.abs().max(1.0) };
    Some((low - room, high + room))
}

impl Axes {
    /// Axes over `x` and `y`, `height` tall, starting `top` below the upper edge.
    pub(super) fn new(x: (f64, f64), y: (f64, f64), top: f64, height: f64) -> Self {
        Self { x, y, top, height }
    }

    pub(super) fn px(&self, x: f64) -> f64 {
        LEFT + (x - self.x.0) / (self.x.1 - self.x.0) * (WIDTH - LEFT - RIGHT)
    }

    pub(super) fn py(&self, y: f64) -> f64 {
        let inner = self.height - TOP - BOTTOM;
        self.top + TOP + (1.0 - (y - self.y.0) / (self.y.1 - self.y.0)) * inner
    }

    /// Grid, ticks and labels.
    pub(super) fn draw(&self, out: &mut String, x_label: &str, y_label: &str) {
        let (left, right) = (LEFT, WIDTH - RIGHT);
        let (top, bottom) = (self.top + TOP, self.top + self.height - BOTTOM);
        for t in ticks(self.y.0, self.y.1, 5) {
            let y = self.py(t);
            let _ = write!(out, r#"<line class="grid" x1="{left}" x2="{right}" y1="{y:.1}" y2="{y:.1}"/>"#);
            let _ =
                write!(out, r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#, left - 6.0, y + 4.0, tick(t));
        }
        for t in ticks(self.x.0, self.x.1, 8) {
            let x = self.px(t);
            let _ =
                write!(out, r#"<line class="axis" x1="{x:.1}" x2="{x:.1}" y1="{bottom}" y2="{:.1}"/>"#, bottom + 4.0);
            let _ = write!(out, r#"<text x="{x:.1}" y="{:.1}" text-anchor="middle">{}</text>"#, bottom + 17.0, tick(t));
        }
        let _ = write!(out, r#"<line class="axis" x1="{left}" x2="{right}" y1="{bottom}" y2="{bottom}"/>"#);
        let _ = write!(
            out,
            r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            f64::midpoint(left, right),
            bottom + 36.0,
            escape(x_label)
        );
        let middle = f64::midpoint(top, bottom);
        let _ = write!(
            out,
            r#"<text transform="translate(14 {middle:.1}) rotate(-90)" text-anchor="middle">{}</text>"#,
            escape(y_label)
        );
    }

    /// A vertical dashed line with a word at its top.
    pub(super) fn marker(&self, out: &mut String, x: f64, label: &str) {
        let (px, top, bottom) = (self.px(x), self.top + TOP, self.top + self.height - BOTTOM);
        let _ = write!(out, r#"<line class="marker" x1="{px:.1}" x2="{px:.1}" y1="{top:.1}" y2="{bottom:.1}"/>"#);
        let (at, anchor) = if px > WIDTH * 0.8 { (px - 5.0, "end") } else { (px + 5.0, "start") };
        let _ = write!(
            out,
            r#"<text class="small" x="{at:.1}" y="{:.1}" text-anchor="{anchor}">{}</text>"#,
            bottom - 6.0,
            escape(label)
        );
    }
}

/// Where the first name of a legend begins.
pub(super) const LEGEND_START: f64 = 84.0;

/// Draws a stroke and its name above the plot, where no line can cross it; returns where the next one begins.
pub(super) fn legend(out: &mut String, x: f64, y: f64, stroke: &str, name: &str) -> f64 {
    let _ = write!(out, r#"<path d="M{x:.0} {y}h22" stroke="{stroke}" stroke-width="3"/>"#);
    let _ = write!(out, r#"<text x="{:.0}" y="{}">{}</text>"#, x + 28.0, y + 4.0, escape(name));
    // A letter of 12 pixels is some 6.6 wide.
    x + 52.0 + 6.6 * name.chars().count() as f64
}

/// A tick's text: a multiple of a round step needs no more digits than it has.
pub(super) fn tick(t: f64) -> String {
    if t == 0.0 || (t.abs() < 1e6 && t.abs() >= 1e-3) {
        let rounded = (t * 1e6).round() / 1e6;
        return format!("{rounded}").replace('-', "\u{2212}");
    }
    number(t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks(0.0, 10.0, 5), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(ticks(-23.4, -17.9, 5), [-22.0, -20.0, -18.0]);
        assert!(ticks(1.0, 1.0, 5).is_empty() && ticks(f64::NAN, 1.0, 5).is_empty());
        assert_eq!(range([f64::NAN, 2.0, 2.0].into_iter()), Some((1.0, 3.0)));
        assert_eq!(range([f64::NAN].into_iter()), None);
    }
}
