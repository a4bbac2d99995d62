//! The header of an NPY file: a Python dictionary literal of three keys, read by a strict small parser.

use std::io::Read;

use super::npy::{MAGIC, Number};
use crate::DataError;

const READABLE: &str = "bool, integers of 8 to 64 bits, and floats of 16 to 64 bits";

/// `NumPy` itself writes at most a few kilobytes, and refuses to read more than 10,000 by default.
const MAX_HEADER: usize = 1 << 16;

pub(super) struct Header {
    pub number: Number,
    pub big_endian: bool,
    pub fortran_order: bool,
    pub shape: Vec<usize>,
}

pub(super) fn read(reader: &mut impl Read) -> Result<Header, DataError> {
    let start = exactly(reader, 8)?;
    if !start.starts_with(MAGIC) {
        return Err(DataError::Corrupt("it does not begin as an NPY file does".into()));
    }
    let length = match start[6] {
        1 => exactly(reader, 2)?.iter().rev().fold(0, |n, &b| n << 8 | usize::from(b)),
        2 | 3 => exactly(reader, 4)?.iter().rev().fold(0, |n, &b| n << 8 | usize::from(b)),
        v => return Err(DataError::Corrupt(format!("NPY version {v} is unknown; 1, 2 and 3 are read"))),
    };
    if length > MAX_HEADER {
        return Err(DataError::Corrupt(format!(
            "an NPY header of {length} bytes; {MAX_HEADER} is the most that is read"
        )));
    }
    parse(&String::from_utf8_lossy(&exactly(reader, length)?))
}

fn exactly(reader: &mut impl Read, n: usize) -> Result<Vec<u8>, DataError> {
    let bytes = super::head(reader, n)?;
    if bytes.len() < n {
        return Err(DataError::Truncated {
            what: "the NPY header".into(),
            expected: n as u64,
            found: bytes.len() as u64,
        });
    }
    Ok(bytes)
}

fn parse(text: &str) -> Result<Header, DataError> {
    let bad = || DataError::Corrupt(format!("the NPY header {:?} is not understood", super::columns::short(text)));
    let mut rest = text.trim().strip_prefix('{').and_then(|t| t.trim_end().strip_suffix('}')).ok_or_else(bad)?.trim();
    let (mut number, mut fortran_order, mut shape) = (None, None, None);
    while !rest.is_empty() {
        let (key, after) = quoted(rest).ok_or_else(bad)?;
        let value = after.trim_start().strip_prefix(':').ok_or_else(bad)?.trim_start();
        rest = match key {
            "descr" => {
                if value.starts_with('[') {
                    return Err(unsupported("a record of several fields"));
                }
                let (descr, after) = quoted(value).ok_or_else(bad)?;
                number = Some(number_type(descr)?);
                after
            }
            "fortran_order" => {
                let (word, after) = value.split_at(value.find([',', ' ', '}']).unwrap_or(value.len()));
                fortran_order = Some(match word {
                    "True" => true,
                    "False" => false,
                    _ => return Err(bad()),
                });
                after
            }
            "shape" => {
                let (inside, after) = value.strip_prefix('(').and_then(|v| v.split_once(')')).ok_or_else(bad)?;
                shape = Some(sizes(inside).ok_or_else(bad)?);
                after
            }
            _ => return Err(bad()),
        }
        .trim_start();
        rest = match rest.strip_prefix(',') {
            Some(after) => after.trim_start(),
            None if rest.is_empty() => rest,
            None => return Err(bad()),
        };
    }
    let ((number, big_endian), Some(fortran_order), Some(shape)) = (number.ok_or_else(bad)?, fortran_order, shape)
    else {
        return Err(bad());
    };
    Ok(Header { number, big_endian, fortran_order, shape })
}

/// A quoted word and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|q| matches!(q, '\'' | '"'))?;
    text[1..].split_once(quote)
}

fn sizes(inside: &str) -> Option<Vec<usize>> {
    let inside = inside.trim();
    let inside = inside.strip_suffix(',').unwrap_or(inside);
    if inside.is_empty() {
        return Some(Vec::new());
    }
    // Python 2 wrote long integers as `3L`.
    let sizes: Option<Vec<usize>> = inside.split(',').map(|d| d.trim().trim_end_matches('L').parse().ok()).collect();
    sizes.filter(|s| s.len() <= 32)
}

fn unsupported(found: &str) -> DataError {
    DataError::UnsupportedType { what: "the array".into(), found: found.to_string(), readable: READABLE }
}

fn number_type(descr: &str) -> Result<(Number, bool), DataError> {
    let (order, kind) = match descr.chars().next() {
        Some('<' | '>' | '=' | '|') => descr.split_at(1),
        _ => ("=", descr),
    };
    let number = match kind {
        "b1" | "?" => Number::Bool,
        "u1" | "B" => Number::U8,
        "i1" | "b" => Number::I8,
        "u2" => Number::U16,
        "i2" => Number::I16,
        "f2" => Number::F16,
        "u4" => Number::U32,
        "i4" => Number::I32,
        "f4" => Number::F32,
        "u8" => Number::U64,
        "i8" => Number::I64,
        "f8" => Number::F64,
        _ => {
            let meaning = match kind.chars().next() {
                Some('O') => " (Python objects: convert with .astype(float))",
                Some('U' | 'S') => " (text)",
                Some('c') => " (complex numbers)",
                Some('M' | 'm') => " (dates)",
                _ => "",
            };
            return Err(unsupported(&format!("{:?}{meaning}", super::columns::short(descr))));
        }
    };
    Ok((number, order == ">" || (order == "=" && cfg!(target_endian = "big"))))
}

/// Magic, version 1, and the dictionary as `NumPy` writes it, padded with spaces to a multiple of 64 bytes.
pub(super) fn bytes(descr: &str, shape: &[usize]) -> Vec<u8> {
    let sizes = match shape {
        [only] => format!("{only},"),
        _ => shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sizes}), }}");
    let padding = 63 - (MAGIC.len() + 4 + text.len()) % 64;
    text.push_str(&" ".repeat(padding));
    text.push('\n');
    let mut out = [MAGIC, &[1, 0], &(text.len() as u16).to_le_bytes()].concat();
    out.extend_from_slice(text.as_bytes());
    out
}
