//! Overlaid histograms with common bins.

use std::fmt::Write;

use super::axes::{Axes, WIDTH};
use super::{COLOURS, escape};

/// One named sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Name in the legend.
    pub name: String,
    /// Its values; those that are not finite are left out.
    pub values: Vec<f64>,
}

/// Densities of several samples over common bins.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Label of the x axis.
    pub x_label: String,
    /// The samples.
    pub samples: Vec<Sample>,
    /// A plain sentence on what one sees.
    pub caption: String,
}

const BINS: usize = 48;
const HEIGHT: f64 = 280.0;

impl Histogram {
    pub(super) fn to_html(&self) -> String {
        let mut pooled: Vec<f64> =
            self.samples.iter().flat_map(|s| &s.values).copied().filter(|v| v.is_finite()).collect();
        pooled.sort_by(f64::total_cmp);
        if pooled.is_empty() {
            return format!("<p class=\"caption\">{} (nothing finite to draw)</p>", escape(&self.caption));
        }
        // A few extreme rows must not squeeze everything else into one bin: they are counted in the outer bins.
        let at = |p: f64| pooled[(p * (pooled.len() - 1) as f64).round() as usize];
        let (mut low, mut high) = (at(0.001), at(0.999));
        if high <= low {
            (low, high) = (low - 0.5, high + 0.5);
        }
        let width = (high - low) / BINS as f64;
        let densities: Vec<Vec<f64>> = self.samples.iter().map(|s| density(&s.values, low, width)).collect();
        let most = densities.iter().flatten().copied().fold(0.0, f64::max);
        let axes = Axes::new((low, high), (0.0, 1.05 * most.max(1e-12)), 0.0, HEIGHT);
        let mut body = String::new();
        axes.draw(&mut body, &self.x_label, "density");
        for (i, (sample, density)) in self.samples.iter().zip(&densities).enumerate() {
            let colour = COLOURS[i % COLOURS.len()];
            let mut path = format!("M{:.1} {:.1}", axes.px(low), axes.py(0.0));
            for (k, d) in density.iter().enumerate() {
                let (a, b) = (axes.px(low + k as f64 * width), axes.px(low + (k + 1) as f64 * width));
                let y = axes.py(*d);
                let _ = write!(path, "L{a:.1} {y:.1}L{b:.1} {y:.1}");
            }
            let _ = write!(path, "L{:.1} {:.1}Z", axes.px(high), axes.py(0.0));
            let _ = write!(
                body,
                r#"<path d="{path}" fill="{colour}" fill-opacity="0.22" stroke="{colour}" stroke-width="1.5"/>"#
            );
            let y = 24.0 + 18.0 * i as f64;
            let _ = write!(
                body,
                r#"<rect x="{:.0}" y="{}" width="14" height="10" fill="{colour}"/>"#,
                WIDTH - 190.0,
                y - 6.0
            );
            let _ = write!(body, r#"<text x="{:.0}" y="{}">{}</text>"#, WIDTH - 170.0, y + 4.0, escape(&sample.name));
        }
        format!(
            "<figure><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">{body}</svg><figcaption>{}</figcaption></figure>",
            escape(&self.caption)
        )
    }
}

fn density(values: &[f64], low: f64, width: f64) -> Vec<f64> {
    let mut counts = vec![0.0; BINS];
    let finite = values.iter().filter(|v| v.is_finite());
    let mut n = 0.0;
    for v in finite {
        let bin = ((v - low) / width).floor().clamp(0.0, (BINS - 1) as f64) as usize;
        counts[bin] += 1.0;
        n += 1.0;
    }
    counts.iter_mut().for_each(|c| *c /= f64::max(n, 1.0) * width);
    counts
}

#[cfg(test)]
mod tests {
    #[test]
    fn densities_integrate_to_one() {
        let values: Vec<f64> = (0..1000).map(|i| f64::from(i % 97)).collect();
        let d = super::density(&values, 0.0, 2.0);
        assert!((d.iter().sum::<f64>() * 2.0 - 1.0).abs() < 1e-12);
    }
}
