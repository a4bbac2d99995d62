//! Panels of the plane side by side on common axes, each with layers: heat map, points, arrows.

use std::fmt::Write;

use super::axes::{range, tick, ticks};
use super::colour_map::Resolved;
use super::grid::interval;
use super::heat_map::{BAR, draw_bar};
use super::{HeatMap, Quiver, Scatter, escape};

/// Width of a panel in SVG units; panels wrap to the width of the page.
const WIDTH: f64 = 340.0;
/// Left edge of every frame, so that panels below each other align.
pub(super) const LEFT: f64 = 50.0;
/// Width of every frame.
pub(super) const INNER: f64 = WIDTH - LEFT - 14.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 42.0;

/// Series colours; the first is the furthest from those of the heat map.
const COLOURS: [&str; 6] = ["#D55E00", "#0072B2", "#CC79A7", "#009E73", "#E69F00", "#666666"];

/// What a panel shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// A scalar field as colours.
    HeatMap(HeatMap),
    /// Points.
    Scatter(Scatter),
    /// A vector field as arrows.
    Quiver(Quiver),
}

impl From<HeatMap> for Layer {
    fn from(layer: HeatMap) -> Self {
        Layer::HeatMap(layer)
    }
}

impl From<Scatter> for Layer {
    fn from(layer: Scatter) -> Self {
        Layer::Scatter(layer)
    }
}

impl From<Quiver> for Layer {
    fn from(layer: Quiver) -> Self {
        Layer::Quiver(layer)
    }
}

/// One panel: layers drawn over each other in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plane {
    /// Title above the frame; about 40 characters fit.
    pub title: String,
    /// The layers, lowest first.
    pub layers: Vec<Layer>,
}

impl Plane {
    /// An empty panel.
    pub fn new(title: &str) -> Self {
        Self { title: title.into(), layers: Vec::new() }
    }

    /// The same panel with a [`HeatMap`], [`Scatter`] or [`Quiver`] on top.
    pub fn with(mut self, layer: impl Into<Layer>) -> Self {
        self.layers.push(layer.into());
        self
    }

    fn heat_map(&self) -> Option<&HeatMap> {
        self.layers.iter().find_map(|l| if let Layer::HeatMap(h) = l { Some(h) } else { None })
    }
}

/// Panels side by side over the same part of the plane, on a phone below each other.
///
/// The common frame is `window`, else all that the grids of the panels cover, else the range of the points.
///
/// # Example
/// ```
/// use gibbs::report::{Block, Page, Plane, Planes, Scatter, Section};
/// let row = Planes {
///     panels: vec![
///         Plane::new("data").with(Scatter::new("data", vec![(0.0, 1.0), (1.0, 0.5)])),
///         Plane::new("samples").with(Scatter::new("samples", vec![(0.1, 0.9)])),
///     ],
///     caption: "Samples beside data.".into(),
///     ..Planes::default()
/// };
/// let page = Page {
///     sections: vec![Section { title: "Samples".into(), blocks: vec![Block::Planes(row)] }],
///     ..Page::default()
/// };
/// assert_eq!(page.to_html().matches("<svg").count(), 2);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Planes {
    /// The panels.
    pub panels: Vec<Plane>,
    /// Label and unit of the horizontal axis.
    pub x_label: String,
    /// Label and unit of the vertical axis.
    pub y_label: String,
    /// The part of the plane to show, as intervals of x and y; one that does not rise is ignored.
    pub window: Option<((f64, f64), (f64, f64))>,
    /// Whether all heat maps use the scale of the first, over the values of all, with one colour bar.
    pub shared_scale: bool,
    /// A plain sentence on what one sees.
    pub caption: String,
}

impl Default for Planes {
    fn default() -> Self {
        Self {
            panels: Vec::new(),
            x_label: "x\u{2081}".into(),
            y_label: "x\u{2082}".into(),
            window: None,
            shared_scale: false,
            caption: String::new(),
        }
    }
}

/// The rectangle that a panel's layers are drawn in.
pub(super) struct Frame {
    pub(super) x: (f64, f64),
    pub(super) y: (f64, f64),
    height: f64,
}

impl Frame {
    fn new(x: (f64, f64), y: (f64, f64)) -> Self {
        // Both axes to one scale, unless the frame would be a strip.
        let height = INNER * ((y.1 - y.0) / (x.1 - x.0)).clamp(0.5, 1.5);
        Self { x, y, height }
    }

    pub(super) fn px(&self, x: f64) -> f64 {
        LEFT + (x - self.x.0) / (self.x.1 - self.x.0) * INNER
    }

    pub(super) fn py(&self, y: f64) -> f64 {
        TOP + (self.y.1 - y) / (self.y.1 - self.y.0) * self.height
    }

    pub(super) fn contains(&self, (x, y): (f64, f64)) -> bool {
        (self.x.0..=self.x.1).contains(&x) && (self.y.0..=self.y.1).contains(&y)
    }

    fn bottom(&self) -> f64 {
        TOP + self.height
    }

    fn draw(&self, out: &mut String, x_label: &str, y_label: &str) {
        let (bottom, middle) = (self.bottom(), TOP + self.height / 2.0);
        let _ = write!(
            out,
            r#"<rect class="frame" x="{LEFT}" y="{TOP}" width="{INNER}" height="{:.1}" fill="none"/>"#,
            self.height
        );
        for t in ticks(self.x.0, self.x.1, 5) {
            let x = self.px(t);
            let _ = write!(out, r#"<path class="axis" d="M{x:.1} {bottom:.1}v4"/>"#);
            let _ = write!(out, r#"<text x="{x:.1}" y="{:.1}" text-anchor="middle">{}</text>"#, bottom + 17.0, tick(t));
        }
        for t in ticks(self.y.0, self.y.1, 5) {
            let y = self.py(t);
            let _ = write!(out, r#"<path class="axis" d="M{LEFT} {y:.1}h-4"/>"#);
            let _ =
                write!(out, r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#, LEFT - 7.0, y + 4.0, tick(t));
        }
        let _ = write!(
            out,
            r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            LEFT + INNER / 2.0,
            bottom + 34.0,
            escape(x_label)
        );
        let _ = write!(
            out,
            r#"<text transform="translate(13 {middle:.1}) rotate(-90)" text-anchor="middle">{}</text>"#,
            escape(y_label)
        );
    }
}

/// What the layers have to say below the figure.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) marked: usize,
    pub(super) crosses: usize,
    pub(super) outside: usize,
    pub(super) not_finite: usize,
    said: Vec<String>,
}

impl Notes {
    /// Adds a sentence once.
    pub(super) fn say(&mut self, sentence: String) {
        if !self.said.contains(&sentence) {
            self.said.push(sentence);
        }
    }

    fn sentences(mut self) -> String {
        let counts = [
            (
                self.marked,
                "cells of magenta colour have no value on the scale (not finite, or negative on a log scale).",
            ),
            (self.crosses, "vectors that are not finite are marked by a cross."),
            (self.outside, "points lie outside the frame."),
            (self.not_finite, "points that are not finite are left out."),
        ];
        self.said.extend(counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")));
        self.said.join(" ")
    }
}

impl Planes {
    pub(super) fn to_html(&self) -> String {
        let Some(frame) = self.frame() else {
            return format!("<p class=\"caption\">{} (nothing finite to draw)</p>", escape(&self.caption));
        };
        let scales = self.scales();
        let names = self.names();
        let mut notes = Notes::default();
        let mut out = String::from("<figure><div class=\"planes\">");
        for (panel, scale) in self.panels.iter().zip(&scales) {
            let own_bar = scale.as_ref().filter(|_| !self.shared_scale);
            let height = frame.bottom() + BOTTOM + own_bar.map_or(0.0, |_| BAR);
            let _ = write!(
                out,
                "<svg viewBox=\"0 0 {WIDTH} {height:.1}\" role=\"img\" aria-label=\"{}\">",
                escape(&panel.in_words(scale.as_ref()))
            );
            let _ = write!(out, r#"<text class="title" x="{LEFT}" y="16">{}</text>"#, escape(&panel.title));
            let mut above_colours = false;
            for layer in &panel.layers {
                match layer {
                    Layer::HeatMap(map) => map.draw(&mut out, &frame, scale.as_ref(), &mut notes),
                    Layer::Scatter(points) => {
                        points.draw(&mut out, &frame, colour_of(&names, &points.name), above_colours, &mut notes);
                    }
                    Layer::Quiver(arrows) => arrows.draw(&mut out, &frame, above_colours, &mut notes),
                }
                above_colours |= matches!(layer, Layer::HeatMap(_));
            }
            frame.draw(&mut out, &self.x_label, &self.y_label);
            if let Some(scale) = own_bar {
                draw_bar(&mut out, scale, frame.bottom() + BOTTOM + 4.0);
            }
            out.push_str("</svg>");
        }
        if let (true, Some(scale)) = (self.shared_scale, scales.iter().flatten().next()) {
            let _ = write!(
                out,
                "<svg class=\"bar\" viewBox=\"0 0 {WIDTH} {BAR}\" role=\"img\" aria-label=\"colour bar: {}\">",
                escape(&scale.in_words())
            );
            draw_bar(&mut out, scale, 4.0);
            out.push_str("</svg>");
        }
        out.push_str("</div>");
        if names.len() > 1 {
            out.push_str("<p class=\"legend\">");
            for name in names.iter().filter(|n| !n.is_empty()) {
                let _ = write!(out, "<span style=\"--c:{}\">{}</span> ", colour_of(&names, name), escape(name));
            }
            out.push_str("</p>");
        }
        let caption = format!("{} {}", self.caption, notes.sentences());
        let _ = write!(out, "<figcaption>{}</figcaption></figure>", escape(caption.trim()));
        out
    }

    /// The common frame; `None` if there is nothing to draw.
    fn frame(&self) -> Option<Frame> {
        if let Some((x, y)) = self.window
            && interval(x.0, x.1)
            && interval(y.0, y.1)
        {
            return (!self.panels.is_empty()).then(|| Frame::new(x, y));
        }
        let layers = || self.panels.iter().flat_map(|p| &p.layers);
        let grids = layers().filter_map(|layer| match layer {
            Layer::HeatMap(map) => Some(map.field.grid()),
            Layer::Quiver(arrows) => Some(&arrows.grid),
            Layer::Scatter(_) => None,
        });
        let covered = grids
            .map(|g| (g.x(), g.y()))
            .reduce(|(ax, ay), (bx, by)| ((ax.0.min(bx.0), ax.1.max(bx.1)), (ay.0.min(by.0), ay.1.max(by.1))));
        if let Some((x, y)) = covered {
            return Some(Frame::new(x, y));
        }
        let points: Vec<(f64, f64)> = layers()
            .filter_map(|l| if let Layer::Scatter(s) = l { Some(&s.points) } else { None })
            .flatten()
            .copied()
            .filter(|(x, y)| x.abs() < 1e99 && y.abs() < 1e99)
            .collect();
        let (x, y) = (range(points.iter().map(|p| p.0))?, range(points.iter().map(|p| p.1))?);
        // Points that differ by less than numbers resolve count as one.
        let wide = |(a, b): (f64, f64)| if interval(a, b) { (a, b) } else { (a - a.abs() - 1.0, b + b.abs() + 1.0) };
        Some(Frame::new(wide(x), wide(y)))
    }

    /// The scale of each panel's heat maps.
    fn scales(&self) -> Vec<Option<Resolved>> {
        if !self.shared_scale {
            let own = |p: &Plane| p.heat_map().and_then(|h| h.scale.resolve(h.field.values().iter()));
            return self.panels.iter().map(own).collect();
        }
        let maps = || self.panels.iter().filter_map(Plane::heat_map);
        let shared = maps().next().and_then(|h| h.scale.resolve(maps().flat_map(|h| h.field.values())));
        self.panels.iter().map(|p| p.heat_map().and(shared.clone())).collect()
    }

    /// The names of the point series in order of appearance.
    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for layer in self.panels.iter().flat_map(|p| &p.layers) {
            if let Layer::Scatter(s) = layer
                && !s.points.is_empty()
                && !names.contains(&s.name.as_str())
            {
                names.push(&s.name);
            }
        }
        names
    }
}

fn colour_of(names: &[&str], name: &str) -> &'static str {
    COLOURS[names.iter().position(|n| *n == name).unwrap_or(0) % COLOURS.len()]
}

impl Plane {
    /// The panel for those who do not see it.
    fn in_words(&self, scale: Option<&Resolved>) -> String {
        let mut words = vec![self.title.clone()];
        for layer in &self.layers {
            words.push(match (layer, scale) {
                (Layer::HeatMap(_), Some(scale)) => format!("heat map of {}", scale.in_words()),
                (Layer::HeatMap(_), None) => "heat map without finite values".into(),
                (Layer::Scatter(s), _) => format!("{} points of {}", s.points.len(), s.name),
                (Layer::Quiver(q), _) => format!("arrows of {}", q.label),
            });
        }
        words.retain(|w| !w.is_empty());
        words.join("; ")
    }
}
