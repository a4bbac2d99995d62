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

struct Picture {
    height: usize,
    width: usize,
    grey: Vec<u8>,
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
    fn push(&mut self, name: String, picture: Picture, options: &ReadOptions) -> Result<(), DataError> {
        let Picture { height, width, grey } = picture;
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

fn decode(bytes: &[u8], options: &ReadOptions) -> Result<Picture, DataError> {
    let damaged = |e: png::DecodingError| DataError::Corrupt(format!("as a PNG picture: {e}"));
    let most = (bytes.len() as u64 * MAX_DEFLATE_RATIO).min(options.max_bytes);
    let limits = Limits { bytes: (1 << 20) + most as usize };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().map_err(damaged)?;
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
    let grey = match frame.color_type {
        ColorType::Grayscale => pixels,
        ColorType::GrayscaleAlpha => pixels.chunks_exact(2).map(|p| p[0]).collect(),
        ColorType::Rgb => pixels.chunks_exact(3).map(luma).collect(),
        ColorType::Rgba => pixels.chunks_exact(4).map(luma).collect(),
        ColorType::Indexed => return Err(DataError::Corrupt("a PNG palette that was not expanded".into())),
    };
    Ok(Picture { height: frame.height as usize, width: frame.width as usize, grey })
}

fn luma(p: &[u8]) -> u8 {
    ((299 * u32::from(p[0]) + 587 * u32::from(p[1]) + 114 * u32::from(p[2]) + 500) / 1000) as u8
}
