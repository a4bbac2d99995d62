//! What `gibbs denoise` says of what it did, and the picture that it writes.

use std::path::Path;

use gibbs_data::Picture;
use serde::Serialize;

use super::{Method, Model};
use crate::error::Error;
use crate::files::write_atomic_with;
use crate::report::{Block, ImageGrid, Page, Scale, Section, Table, number};

/// How one channel was restored.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ChannelReport {
    /// Coupling of pixels that share a side.
    pub coupling: f64,
    /// Coupling of pixels that share a corner (Ising).
    pub diagonal: f64,
    /// Couplings of pixels at the distances 2, sqrt 5 and sqrt 8 (Ising).
    pub far: [f64; 3],
    /// Bias towards the brighter value (Ising).
    pub bias: f64,
    /// Probability of a flip (Ising), or standard deviation in grey values.
    pub noise: f64,
    /// Energy of the answer under the posterior, nats; of grey pictures, of the nearest levels.
    pub energy: f64,
    /// Iterations of the method, where it iterates.
    pub iterations: Option<u64>,
    /// Whether it converged.
    pub converged: Option<bool>,
}

impl ChannelReport {
    /// The couplings as a reader sees them: the nearest first, those of 0 at the end left out.
    pub fn couplings(&self) -> String {
        let [a, b, c] = self.far;
        let all = [self.coupling, self.diagonal, a, b, c];
        let n = all.iter().rposition(|j| *j != 0.0).map_or(1, |last| last + 1);
        all[..n].iter().map(|j| format!("{j:.3}")).collect::<Vec<_>>().join(", ")
    }
}

/// Distance of a picture to the clean one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Distance {
    /// Peak signal to noise ratio, decibels; none where the pictures are equal.
    pub psnr: Option<f64>,
    /// Share of samples that differ.
    pub error_rate: f64,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DenoiseReport {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// The model.
    pub model: Model,
    /// The method.
    pub method: Method,
    /// Each channel; one of a single value is left as it is and has none.
    pub channels: Vec<Option<ChannelReport>>,
    /// Share of samples changed.
    pub changed: f64,
    /// Distance of the noisy picture to the clean one.
    pub before: Option<Distance>,
    /// Distance of the answer to the clean one.
    pub after: Option<Distance>,
    /// Seconds.
    pub seconds: f64,
    /// What a reader must know before believing the answer.
    pub warnings: Vec<String>,
}

impl DenoiseReport {
    /// Adds the distances to the clean picture.
    ///
    /// # Errors
    /// A clean picture of another shape.
    pub fn compare(&mut self, noisy: &Picture, answer: &Picture, clean: &Picture) -> Result<(), Error> {
        let shape = |p: &Picture| (p.height, p.width, p.channels);
        if shape(noisy) != shape(clean) {
            let ((h, w, c), (k, l, d)) = (shape(noisy), shape(clean));
            return Err(Error::Usage(format!(
                "the clean picture has {k} x {l} pixels of {d} channels, the noisy one {h} x {w} of {c}"
            )));
        }
        let distance = |p: &Picture| {
            let square = |(a, b): (&u8, &u8)| (f64::from(*a) - f64::from(*b)).powi(2);
            let sum: f64 = p.samples.iter().zip(&clean.samples).map(square).sum();
            let mean = sum / p.samples.len().max(1) as f64;
            let psnr = (mean > 0.0).then(|| 10.0 * (255.0 * 255.0 / mean).log10());
            Distance { psnr, error_rate: differing(&p.samples, &clean.samples) }
        };
        (self.before, self.after) = (Some(distance(noisy)), Some(distance(answer)));
        Ok(())
    }

    /// The page with the pictures, channel by channel in grey.
    pub fn page(&self, noisy: &Picture, answer: &Picture, clean: Option<&Picture>) -> Page {
        let mut rows = Vec::new();
        for (c, channel) in self.channels.iter().enumerate() {
            let Some(r) = channel else { continue };
            rows.push(vec![c.to_string(), r.couplings(), number(r.noise), number(r.energy)]);
        }
        let head = ["channel", "couplings by distance", "noise", "energy, nats"].map(String::from).to_vec();
        let mut blocks = vec![Block::Table(Table { head, rows })];
        if let (Some(before), Some(after)) = (self.before, self.after) {
            let row = |name: &str, d: Distance| {
                vec![name.to_string(), d.psnr.map_or("exact".into(), number), number(100.0 * d.error_rate)]
            };
            let head = ["", "PSNR, dB", "samples off, %"].map(String::from).to_vec();
            blocks.push(Block::Table(Table { head, rows: vec![row("noisy", before), row("restored", after)] }));
        }
        for c in 0..noisy.channels {
            let grey = |p: &Picture| p.channel(c).iter().map(|v| 1.0 - f32::from(*v) / 255.0).collect::<Vec<f32>>();
            let images = [Some(noisy), Some(answer), clean].into_iter().flatten().map(grey).collect();
            let name = if noisy.channels == 1 { String::new() } else { format!("Channel {c}: ") };
            let caption = format!("{name}noisy, restored{}", if clean.is_some() { ", clean" } else { "" });
            blocks.push(Block::Images(ImageGrid {
                shape: (self.height, self.width),
                images,
                scale: Scale::Grey,
                caption,
            }));
        }
        let text = self.warnings.iter().map(|w| Block::Notice(crate::report::Level::Warning, w.clone()));
        blocks.extend(text);
        Page {
            title: "Denoised picture".into(),
            subtitle: format!("{} x {} pixels, {:?}, {:?}", self.height, self.width, self.model, self.method),
            sections: vec![Section { title: String::new(), blocks }],
        }
    }
}

/// Share of samples in which two pictures differ.
pub(super) fn differing(a: &[u8], b: &[u8]) -> f64 {
    a.iter().zip(b).filter(|(a, b)| a != b).count() as f64 / a.len().max(1) as f64
}

/// Writes a picture as PNG, whole or not at all.
///
/// # Errors
/// A file that cannot be written.
pub fn write_png(path: &Path, picture: &Picture) -> Result<(), Error> {
    write_atomic_with(path, |out| {
        let mut encoder = png::Encoder::new(out, picture.width as u32, picture.height as u32);
        encoder.set_color(if picture.channels == 1 { png::ColorType::Grayscale } else { png::ColorType::Rgb });
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().map_err(std::io::Error::other)?;
        writer.write_image_data(&picture.samples).map_err(std::io::Error::other)?;
        writer.finish().map_err(std::io::Error::other)
    })
}
