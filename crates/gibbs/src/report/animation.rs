//! A landscape while it is learnt, as an animated GIF.

use std::borrow::Cow;
use std::io::Write;
use std::path::Path;

use super::colour_map::{INK, PAPER, Resolved, encode_png, palette};
use super::image_grid::base64;
use super::{ColourScale, Field, escape, glyphs};
use crate::error::Error;
use crate::files;

/// Pixels a dot of the caption is wide and high.
const DOT: usize = 2;
/// Height of the band below the picture that holds the captions.
const BAND: usize = (glyphs::HEIGHT + 5) * DOT;
/// Time a frame is shown, in hundredths of a second; the last one rests, so that one sees what came out.
const DELAY: u16 = 10;
const REST: u16 = 200;

/// A sequence of scalar fields that is played in a loop, all frames on one colour scale.
///
/// The range of the scale is that of all frames unless it is set by [`ColourScale::between`], which is the better choice
/// where early frames are wild. Values without a colour (not finite, say) are magenta. Fields are kept until the file
/// is written: eight bytes a value.
///
/// # Example
/// ```
/// use gibbs::report::{Animation, ColourScale, Field, Grid};
/// let grid = Grid::new((-2.0, 2.0), (-2.0, 2.0), 40, 40)?;
/// let mut film = Animation::new(120, 120, ColourScale::linear("E (nats)"))?;
/// for step in 0..3 {
///     let width = 1.0 + f64::from(step);
///     film.push(Field::from_fn(grid, |x, y| (x * x + y * y) / width), &format!("step {step}"));
/// }
/// assert_eq!(&film.to_gif()?[..6], b"GIF89a");
/// # Ok::<(), gibbs::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Animation {
    width: u16,
    height: u16,
    scale: ColourScale,
    frames: Vec<Frame>,
    /// A plain sentence on what one sees, for the page.
    pub caption: String,
}

#[derive(Clone, Debug, PartialEq)]
struct Frame {
    field: Field,
    points: Vec<(f64, f64)>,
    caption: String,
}

impl Animation {
    /// An empty film whose picture is so many pixels wide and high; captions take a band of 20 more below it.
    ///
    /// # Errors
    /// [`Error::Usage`] unless both are in 16..=4096.
    pub fn new(width: u16, height: u16, scale: ColourScale) -> Result<Self, Error> {
        if !(16..=4096).contains(&width) || !(16..=4096).contains(&height) {
            return Err(Error::Usage(format!(
                "an animation of {width} by {height} pixels cannot be drawn: choose 16 to 4096 along each side"
            )));
        }
        Ok(Self { width, height, scale, frames: Vec::new(), caption: String::new() })
    }

    /// Appends a frame. The caption stands below the picture, as far as it fits.
    pub fn push(&mut self, field: Field, caption: &str) {
        self.push_with_points(field, Vec::new(), caption);
    }

    /// Appends a frame with points over it, such as data or the chains of this moment; those outside are left out.
    pub fn push_with_points(&mut self, field: Field, points: Vec<(f64, f64)>, caption: &str) {
        self.frames.push(Frame { field, points, caption: caption.into() });
    }

    /// Number of frames.
    pub fn n_frames(&self) -> usize {
        self.frames.len()
    }

    /// The film as the bytes of a GIF file that loops for ever.
    ///
    /// # Errors
    /// [`Error::Usage`] without frames.
    pub fn to_gif(&self) -> Result<Vec<u8>, Error> {
        if self.frames.is_empty() {
            return Err(Error::Usage("an animation without frames cannot be written: push at least one".into()));
        }
        let mut out = Vec::new();
        self.encode(&mut out).map_err(|e| Error::Usage(format!("the animation cannot be encoded: {e}")))?;
        Ok(out)
    }

    /// Writes the film to a file, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Usage`] without frames, [`Error::Io`] if the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        files::write_atomic(path, &self.to_gif()?)
    }

    /// Height with the band of the captions, if there are any.
    fn full_height(&self) -> usize {
        let captions = self.frames.iter().any(|f| !f.caption.is_empty());
        usize::from(self.height) + if captions { BAND } else { 0 }
    }

    fn resolved(&self) -> Option<Resolved> {
        self.scale.resolve(self.frames.iter().flat_map(|f| f.field.values()))
    }

    fn encode(&self, out: &mut impl Write) -> Result<(), gif::EncodingError> {
        let (width, height, scale) = (self.width, self.full_height(), self.resolved());
        let mut encoder = gif::Encoder::new(out, width, height as u16, &palette().concat())?;
        encoder.set_repeat(gif::Repeat::Infinite)?;
        for (k, frame) in self.frames.iter().enumerate() {
            encoder.write_frame(&gif::Frame {
                width,
                height: height as u16,
                delay: if k + 1 == self.frames.len() { REST } else { DELAY },
                buffer: Cow::Owned(self.pixels(frame, scale.as_ref(), height)),
                ..gif::Frame::default()
            })?;
        }
        encoder.into_inner()?;
        Ok(())
    }

    /// A frame as palette entries.
    fn pixels(&self, frame: &Frame, scale: Option<&Resolved>, full: usize) -> Vec<u8> {
        let (width, height) = (usize::from(self.width), usize::from(self.height));
        let grid = frame.field.grid();
        let mut canvas = Canvas { width, entries: vec![PAPER; width * full] };
        let entries: Vec<u8> = match scale {
            Some(scale) => frame.field.values().iter().map(|v| scale.entry(*v)).collect(),
            None => vec![super::colour_map::MARKED; frame.field.values().len()],
        };
        for row in 0..height {
            // The first row of the picture is the highest y, of the field the lowest.
            let j = (height - 1 - row) * grid.rows() / height;
            for column in 0..width {
                canvas.entries[row * width + column] = entries[j * grid.columns() + column * grid.columns() / width];
            }
        }
        canvas.points(frame, height);
        let text: String = frame.caption.chars().take((width / DOT).saturating_sub(6) / 4).collect();
        let left = (width - glyphs::width(&text) * DOT) / 2;
        for (x, y) in glyphs::dots(&text) {
            canvas.square(left + x * DOT, height + (3 + y) * DOT, DOT, INK, full);
        }
        canvas.entries
    }

    pub(super) fn to_html(&self) -> String {
        let caption = escape(&self.caption);
        let Some(last) = self.frames.last() else {
            return format!("<p class=\"caption\">{caption} (no frames)</p>");
        };
        let height = self.full_height();
        let still = encode_png(&self.pixels(last, self.resolved().as_ref(), height), self.width.into(), height);
        let (Ok(film), Ok(still)) = (self.to_gif(), still) else {
            return format!("<p class=\"caption\">{caption} (the animation could not be encoded)</p>");
        };
        let scale = self.resolved().map_or_else(String::new, |s| format!(" Colours: {}.", s.in_words()));
        let words = escape(&format!("Animation of {} frames. {}", self.frames.len(), self.caption));
        // Whoever asked for less motion sees the last frame.
        format!(
            "<figure><picture><source media=\"(prefers-reduced-motion:reduce)\" type=\"image/png\" \
             srcset=\"data:image/png;base64,{}\"><img class=\"pixels\" width=\"{}\" height=\"{height}\" alt=\"{words}\" \
             src=\"data:image/gif;base64,{}\"></picture><figcaption>{caption}{}</figcaption></figure>",
            base64(&still),
            self.width,
            base64(&film),
            escape(&scale)
        )
    }
}

/// Palette entries being drawn on.
struct Canvas {
    width: usize,
    entries: Vec<u8>,
}

impl Canvas {
    /// A square from its upper left corner, as far as it lies left of the right edge and above row `bottom`.
    fn square(&mut self, x: usize, y: usize, side: usize, entry: u8, bottom: usize) {
        for row in y..(y + side).min(bottom) {
            for column in x..(x + side).min(self.width) {
                self.entries[row * self.width + column] = entry;
            }
        }
    }

    /// White dots with a dark shadow: seen on every colour of the map. All shadows come first.
    fn points(&mut self, frame: &Frame, height: usize) {
        let (x, y) = (frame.field.grid().x(), frame.field.grid().y());
        let place = |&(a, b): &(f64, f64)| {
            let (u, v) = ((a - x.0) / (x.1 - x.0), (y.1 - b) / (y.1 - y.0));
            let inside = (0.0..1.0).contains(&u) && (0.0..1.0).contains(&v);
            inside.then_some(((u * self.width as f64) as usize, (v * height as f64) as usize))
        };
        let places: Vec<(usize, usize)> = frame.points.iter().filter_map(place).collect();
        for (shift, entry) in [(1, INK), (0, PAPER)] {
            places.iter().for_each(|(a, b)| self.square(a + shift, b + shift, 2, entry, height));
        }
    }
}
