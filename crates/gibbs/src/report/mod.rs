//! Pages to look at: one self-contained HTML file with inline SVG and PNG, no network, no fonts of its own.

mod animation;
mod axes;
mod colour_map;
mod contours;
mod glyphs;
mod grid;
mod heat_map;
mod histogram;
mod image_grid;
mod lines;
mod measured;
mod page;
mod plane;
mod quiver;
mod scatter;

pub use animation::Animation;
pub use colour_map::ColourScale;
pub use grid::{Field, Grid};
pub use heat_map::HeatMap;
pub use histogram::{Histogram, Sample};
pub use image_grid::{ImageGrid, Scale};
pub use lines::{Lines, Panel, Series};
pub use measured::{Measured, Measurement};
pub use page::{Block, Level, Page, Section, Table};
pub use plane::{Layer, Plane, Planes};
pub use quiver::Quiver;
pub use scatter::Scatter;

/// Series colours that colour-blind readers tell apart (Okabe & Ito 2008).
const COLOURS: [&str; 7] = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#666666"];

/// Escapes text for HTML and SVG.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// A number for people: four significant digits, a true minus sign, an en dash for what is not a number.
pub fn number(x: f64) -> String {
    if !x.is_finite() {
        return "\u{2013}".into();
    }
    if x == 0.0 {
        return "0".into();
    }
    let size = x.abs().log10().floor();
    let text = if (-4.0..6.0).contains(&size) {
        let decimals = (3.0 - size).max(0.0) as usize;
        format!("{x:.decimals$}")
    } else {
        format!("{x:.3e}")
    };
    text.replace('-', "\u{2212}")
}

/// A number that is known up to `error`, to two digits of that; one that is exact, with an error of 0, to four decimals.
pub fn known_to(x: f64, error: f64) -> String {
    if !x.is_finite() || !error.is_finite() {
        return number(x);
    }
    let decimals = if error > 0.0 { (1.0 - error.log10().floor()).clamp(0.0, 9.0) as usize } else { 4 };
    format!("{x:.decimals$}").replace('-', "\u{2212}")
}

/// A number with its error, both to two digits of the error.
pub fn plus_minus(x: f64, error: f64) -> String {
    let shown = if error == 0.0 { "0".into() } else { known_to(error, error) };
    format!("{} \u{b1} {shown}", known_to(x, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_escapes() {
        assert_eq!(plus_minus(-1717.4439, 0.0301), "\u{2212}1717.444 \u{b1} 0.030");
        assert_eq!(plus_minus(63.54462, 0.0), "63.5446 \u{b1} 0");
        assert_eq!(plus_minus(17_174.4, 25.3), "17174 \u{b1} 25");
        assert_eq!(plus_minus(1.25, f64::NAN), "1.250 \u{b1} \u{2013}");
        assert_eq!(number(-17.92341), "\u{2212}17.92");
        assert_eq!(number(0.001_234_56), "0.001235");
        assert_eq!(number(f64::NAN), "\u{2013}");
        assert_eq!(number(12_345.6), "12346");
        assert_eq!(escape("<a & \"b\">"), "&lt;a &amp; &quot;b&quot;&gt;");
    }
}
