//! PNG pictures: one, or a folder of them in the order of their names.
//!
//! Pictures become grey values 0 to 255, a row each, all of one size. Colour becomes grey by the weights of ITU-R BT.601,
//! 0.299 red + 0.587 green + 0.114 blue; of 16-bit samples the upper byte is kept; an alpha channel is ignored, so
//! that a transparent pixel counts with the colour stored behind it.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use png::{ColorType, Decoder, Limits, Transformations};

use super::columns;
use crate::{DataError, ReadOptions, Table, Values, hash};

/// The most that deflate can shrink data is a factor of 1032; a header that promises more pixels than that lies.
const MAX_DEFLATE_RATIO: u64 = 1032;

struct Grey {
    height: usize,
    width: usize,
    values: Vec<u8>,
}

/// A picture of 8-bit samples: grey, or red, green and blue.
///
/// # Example
/// ```
/// use gibbs_data::Picture;
/// let picture = Picture { height: 1, width: 2, channels: 3, samples: vec![1, 2, 3, 4, 5, 6] };
/// assert_eq!(picture.channel(1), [2, 5]);
/// assert!(Picture::read(std::path::Path::new("nowhere.png"), 1 << 20).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
    /// Samples of a pixel: 1 or 3.
    pub channels: usize,
    /// Samples, pixel by pixel, row by row.
    pub samples: Vec<u8>,
}

impl Picture {
    /// Reads a PNG file of at most `max_bytes`, in the file and in memory.
    ///
    /// Palettes and 1, 2 or 4 bits a sample become 8 bits. 16 bits a sample are refused, because half of them would be lost
    /// without a word, and so are transparent pixels, whose colour is not what one sees; an alpha channel without any is
    /// dropped.
    ///
    /// # Errors
    /// A file that cannot be read or is damaged or too large; 16 bits a sample; transparent pixels.
    pub fn read(path: &Path, max_bytes: u64) -> Result<Self, DataError> {
        let options = ReadOptions { max_bytes, ..ReadOptions::default() };
        let read = || Self::decode(&picture_bytes(File::open(path)?, &options)?, max_bytes);
        match read() {
            Err(DataError::Io(e)) if e.kind() == std::io::ErrorKind::NotFound => {
                Err(DataError::NotFound { path: path.to_path_buf(), hint: String::new() })
            }
            read => read.map_err(|e| e.in_file(path)),
        }
    }

    /// As [`Picture::read`], from bytes.
    ///
    /// # Errors
    /// As [`Picture::read`].
    pub fn decode(bytes: &[u8], max_bytes: u64) -> Result<Self, DataError> {
        let options = ReadOptions { max_bytes, ..ReadOptions::default() };
        let raw = pixels(bytes, &options)?;
        if raw.sixteen {
            let advice = "it has 16 bits a sample, of which half would be lost; convert it to 8 bits first";
            return Err(DataError::Setting(advice.into()));
        }
        let opaque = |size: usize| raw.pixels.chunks_exact(size).position(|p| p[size - 1] != 255);
        let (channels, clear) = match raw.colour {
            ColorType::Grayscale => (1, None),
            ColorType::GrayscaleAlpha => (1, opaque(2)),
            ColorType::Rgba => (3, opaque(4)),
            _ => (3, None),
        };
        if let Some(at) = clear {
            let (row, column) = (at / raw.width.max(1), at % raw.width.max(1));
            let advice = "flatten the picture on a background first";
            return Err(DataError::Setting(format!("pixel {column} of row {row} is transparent; {advice}")));
        }
        let size = raw.pixels.len() / (raw.height * raw.width).max(1);
        let samples = if size == channels {
            raw.pixels
        } else {
            raw.pixels.chunks_exact(size).flat_map(|p| &p[..channels]).copied().collect()
        };
        Ok(Self { height: raw.height, width: raw.width, channels, samples })
    }

    /// Samples of one channel, row by row.
    ///
    /// # Panics
    /// If there is no such channel.
    pub fn channel(&self, channel: usize) -> Vec<u8> {
        assert!(channel < self.channels, "channel {channel} of {}", self.channels);
        self.samples.iter().skip(channel).step_by(self.channels).copied().collect()
    }
}

pub(crate) fn read_folder(folder: &Path, options: &ReadOptions) -> Result<Table, DataError> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_png = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("png"));
        if is_png && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    let mut hashes = Vec::with_capacity(files.len());
    let mut rows = Rows::default();
    for file in &files {
        let bytes = File::open(file).map_err(DataError::from).and_then(|f| picture_bytes(f, options));
        let bytes = bytes.map_err(|e| e.in_file(file))?;
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        hashes.push(hash::of_parts(&[name.as_bytes(), &bytes]));
        rows.push(name, decode(&bytes, options).map_err(|e| e.in_file(file))?, options)?;
    }
    let mut table = rows.finish(options)?;
    table.source_hash = hash::of_parts(&hashes.iter().map(<[u8; 32]>::as_slice).collect::<Vec<_>>());
    Ok(table)
}

pub(crate) fn read_one(bytes: &[u8], name: &str, options: &ReadOptions) -> Result<Table, DataError> {
    let mut rows = Rows::default();
    rows.push(name.to_string(), decode(bytes, options)?, options)?;
    rows.finish(options)
}

pub(crate) fn picture_bytes(file: impl Read, options: &ReadOptions) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    file.take(options.max_bytes).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[derive(Default)]
struct Rows {
    first: Option<(String, usize, usize)>,
    grey: Vec<u8>,
}

impl Rows {
    fn push(&mut self, name: String, picture: Grey, options: &ReadOptions) -> Result<(), DataError> {
        let Grey { height, width, values: grey } = picture;
        match &self.first {
            Some((first, h, w)) if (*h, *w) != (height, width) => {
                let (first, first_height, first_width) = (first.clone(), *h, *w);
                return Err(DataError::InconsistentImages {
                    first,
                    first_height,
                    first_width,
                    other: name,
                    height,
                    width,
                });
            }
            Some(_) => {}
            None => self.first = Some((name, height, width)),
        }
        let found = (self.grey.len() + grey.len()) as u64;
        if found > options.max_bytes {
            return Err(DataError::TooLarge { what: "the pictures".into(), found, limit: options.max_bytes });
        }
        self.grey.extend_from_slice(&grey);
        Ok(())
    }

    fn finish(self, options: &ReadOptions) -> Result<Table, DataError> {
        let Some((_, height, width)) = self.first else { return Err(DataError::NoImages) };
        let mut table = Table::from_values(height * width, Values::U8(self.grey))?;
        table.shape = Some((height, width));
        columns::select(table, options)
    }
}

fn decode(bytes: &[u8], options: &ReadOptions) -> Result<Grey, DataError> {
    let Raw { height, width, colour, pixels, .. } = pixels(bytes, options)?;
    let grey = match colour {
        ColorType::Grayscale => pixels,
        ColorType::GrayscaleAlpha => pixels.chunks_exact(2).map(|p| p[0]).collect(),
        ColorType::Rgb => pixels.chunks_exact(3).map(luma).collect(),
        _ => pixels.chunks_exact(4).map(luma).collect(),
    };
    Ok(Grey { height, width, values: grey })
}

/// Samples as the decoder gives them, 8 bits each.
struct Raw {
    height: usize,
    width: usize,
    colour: ColorType,
    /// Whether the file had 16 bits a sample.
    sixteen: bool,
    pixels: Vec<u8>,
}

fn pixels(bytes: &[u8], options: &ReadOptions) -> Result<Raw, DataError> {
    let damaged = |e: png::DecodingError| DataError::Corrupt(format!("as a PNG picture: {e}"));
    let most = (bytes.len() as u64 * MAX_DEFLATE_RATIO).min(options.max_bytes);
    let limits = Limits { bytes: (1 << 20) + most as usize };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().map_err(damaged)?;
    let sixteen = reader.info().bit_depth == png::BitDepth::Sixteen;
    let raw = reader.info().raw_bytes() as u64;
    // A palette or a few bits a pixel expand to at most 32 times the raw bytes: 1 bit to 4 bytes.
    let size = reader.output_buffer_size().map_or(u64::MAX, |n| n as u64);
    if raw > most || size > most.saturating_mul(32) || size > options.max_bytes {
        let (width, height) = reader.info().size();
        let file = bytes.len();
        let lie = format!("a PNG header that promises {height}x{width} pixels in a file of {file} bytes");
        return Err(DataError::Corrupt(lie));
    }
    let mut pixels = vec![0; size as usize];
    let frame = reader.next_frame(&mut pixels).map_err(damaged)?;
    pixels.truncate(frame.buffer_size());
    if frame.color_type == ColorType::Indexed {
        return Err(DataError::Corrupt("a PNG palette that was not expanded".into()));
    }
    let (height, width) = (frame.height as usize, frame.width as usize);
    Ok(Raw { height, width, colour: frame.color_type, sixteen, pixels })
}

fn luma(p: &[u8]) -> u8 {
    ((299 * u32::from(p[0]) + 587 * u32::from(p[1]) + 114 * u32::from(p[2]) + 500) / 1000) as u8
}
