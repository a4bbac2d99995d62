//! MATLAB's MAT-files of level 5, as far as data sets need: arrays of numbers, and cells of such arrays.
//!
//! The crate `matfile` reads numeric arrays only, and collections of sequences come as cells. Read are little-endian files,
//! compressed or not; structures, sparse, complex and character arrays are named in the error. HDF5-based files (version
//! 7.3) are another format.
//!
//! Source: MATLAB MAT-File Format (The `MathWorks`, R2024a), chapter 1.

use std::io::Read;

use flate2::read::ZlibDecoder;

use crate::DataError;

/// Bytes of the text and version that a file begins with.
const HEADER: usize = 128;

/// Cells inside cells that are followed.
const MAX_DEPTH: usize = 8;

/// Numbers of an array are kept as `f64`.
const WIDE: u64 = 8;

/// An array of a MAT-file, column-major as MATLAB keeps it.
#[derive(Clone, Debug, PartialEq)]
pub enum MatArray {
    /// Numbers.
    Numbers {
        /// Size along every dimension.
        shape: Vec<usize>,
        /// Numbers, first dimension fastest.
        values: Vec<f64>,
    },
    /// Arrays in an array.
    Cells {
        /// Size along every dimension.
        shape: Vec<usize>,
        /// The arrays, first dimension fastest.
        cells: Vec<MatArray>,
    },
}

impl MatArray {
    /// Size along every dimension.
    pub fn shape(&self) -> &[usize] {
        match self {
            MatArray::Numbers { shape, .. } | MatArray::Cells { shape, .. } => shape,
        }
    }

    /// The numbers; nothing where it holds cells.
    pub fn numbers(&self) -> &[f64] {
        match self {
            MatArray::Numbers { values, .. } => values,
            MatArray::Cells { .. } => &[],
        }
    }

    /// The cells; nothing where it holds numbers.
    pub fn cells(&self) -> &[MatArray] {
        match self {
            MatArray::Cells { cells, .. } => cells,
            MatArray::Numbers { .. } => &[],
        }
    }
}

/// Reads every variable of a MAT-file, in the file's order. Neither the decompressed bytes nor the numbers take more than
/// `max_bytes`.
///
/// # Errors
/// A file that is not a MAT-file of level 5, is damaged or cut short, holds other kinds of arrays, or takes more memory
/// than allowed.
///
/// # Example
/// ```
/// let e = gibbs_data::mat::read_bytes(b"MATLAB 7.3 MAT-file", 1 << 20).unwrap_err();
/// assert!(e.to_string().contains("128 bytes"));
/// ```
pub fn read_bytes(bytes: &[u8], max_bytes: u64) -> Result<Vec<(String, MatArray)>, DataError> {
    let mut reader = Reader { budget: max_bytes, limit: max_bytes };
    let Some((header, mut rest)) = bytes.split_at_checked(HEADER) else {
        let what = "the header of a MAT-file, 128 bytes,".to_string();
        return Err(DataError::Truncated { what, expected: HEADER as u64, found: bytes.len() as u64 });
    };
    match (&header[124..126], &header[126..128]) {
        ([0, 1], b"IM") => {}
        (_, b"MI") => return Err(unsupported("the file", "big-endian".into())),
        (version, _) => {
            return Err(DataError::Corrupt(format!(
                "no MAT-file of level 5 (version bytes {version:?}); save with -v7"
            )));
        }
    }
    let mut variables = Vec::new();
    while !rest.is_empty() {
        let (kind, body, after) = element(rest)?;
        rest = after;
        match kind {
            14 => variables.push(reader.matrix(body, 0)?),
            15 => {
                let inner = reader.inflate(body)?;
                let (kind, body, _) = element(&inner)?;
                if kind != 14 {
                    return Err(DataError::Corrupt(format!("compressed element of type {kind} where an array is due")));
                }
                variables.push(reader.matrix(body, 0)?);
            }
            other => return Err(DataError::Corrupt(format!("element of type {other} where an array is due"))),
        }
    }
    Ok(variables)
}

/// What may still be allocated.
struct Reader {
    budget: u64,
    limit: u64,
}

impl Reader {
    fn spend(&mut self, what: &str, bytes: u64) -> Result<(), DataError> {
        self.budget = self.budget.checked_sub(bytes).ok_or_else(|| DataError::TooLarge {
            what: what.to_string(),
            found: self.limit.saturating_sub(self.budget).saturating_add(bytes),
            limit: self.limit,
        })?;
        Ok(())
    }

    fn inflate(&mut self, body: &[u8]) -> Result<Vec<u8>, DataError> {
        let mut inner = Vec::new();
        // One byte more than allowed tells too much from just enough.
        let mut limited = ZlibDecoder::new(body).take(self.budget.saturating_add(1));
        limited.read_to_end(&mut inner).map_err(DataError::from_read)?;
        self.spend("a compressed array", inner.len() as u64)?;
        Ok(inner)
    }

    /// The body of an array element: flags, shape, name, content.
    fn matrix(&mut self, body: &[u8], depth: usize) -> Result<(String, MatArray), DataError> {
        let (_, flags, rest) = element(body)?;
        let flags = first_word(flags)?;
        let (class, complex) = (flags & 0xff, flags & 0x800 != 0);
        let (kind, shape, rest) = element(rest)?;
        let shape: Vec<usize> = match kind {
            5 => shape.as_chunks::<4>().0.iter().map(|b| i32::from_le_bytes(*b).max(0) as usize).collect(),
            other => return Err(DataError::Corrupt(format!("a shape of element type {other}"))),
        };
        let (_, name, mut rest) = element(rest)?;
        let name = String::from_utf8_lossy(name).into_owned();
        let what = || format!("array {name:?}");
        let count = shape.iter().try_fold(1usize, |n, k| n.checked_mul(*k));
        let too_large = || DataError::Corrupt(format!("{} claims the shape {shape:?}", what()));
        let count = count.ok_or_else(too_large)?;
        if class == 1 {
            if depth == MAX_DEPTH {
                return Err(DataError::Corrupt(format!("cells are nested more than {MAX_DEPTH} deep")));
            }
            // A cell takes eight bytes of the file at least.
            if count > rest.len() / 8 {
                return Err(too_large());
            }
            self.spend(&what(), count as u64 * size_of::<MatArray>() as u64)?;
            let mut cells = Vec::with_capacity(count);
            for _ in 0..count {
                let (kind, body, after) = element(rest)?;
                rest = after;
                if kind != 14 {
                    return Err(DataError::Corrupt(format!("element of type {kind} where a cell is due")));
                }
                cells.push(self.matrix(body, depth + 1)?.1);
            }
            return Ok((name, MatArray::Cells { shape, cells }));
        }
        if !(6..=15).contains(&class) || complex {
            let kind = match class {
                2 => "structure",
                3 => "object",
                4 => "characters",
                5 => "sparse",
                _ if complex => "complex numbers",
                _ => "an unknown class",
            };
            return Err(unsupported(&what(), kind.into()));
        }
        let (kind, data, _) = element(rest)?;
        let size = width(kind).ok_or_else(|| unsupported(&what(), format!("numbers of element type {kind}")))?;
        if data.len() / size != count {
            return Err(DataError::Truncated {
                what: what(),
                expected: (count as u64).saturating_mul(size as u64),
                found: data.len() as u64,
            });
        }
        self.spend(&what(), count as u64 * WIDE)?;
        Ok((name, MatArray::Numbers { shape, values: numbers(kind, data) }))
    }
}

/// Type, body and what follows, of the data element at the start of `bytes`.
fn element(bytes: &[u8]) -> Result<(u32, &[u8], &[u8]), DataError> {
    let cut =
        |expected: u64| DataError::Truncated { what: "a data element".into(), expected, found: bytes.len() as u64 };
    let Some((tag, rest)) = bytes.split_at_checked(8) else {
        return Err(cut(8));
    };
    let word = first_word(tag)?;
    // Up to four bytes fit into the tag itself: their number is in its upper half.
    if word >> 16 != 0 {
        let n = (word >> 16) as usize;
        let body = tag.get(4..4 + n).ok_or_else(|| DataError::Corrupt(format!("a short element of {n} bytes")))?;
        return Ok((word & 0xffff, body, rest));
    }
    let n = first_word(&tag[4..])? as usize;
    let (body, after) = rest.split_at_checked(n).ok_or_else(|| cut(8 + n as u64))?;
    // Elements begin at multiples of eight bytes, but compressed ones follow each other.
    let padding = if word == 15 { 0 } else { n.next_multiple_of(8) - n };
    Ok((word, body, after.get(padding..).unwrap_or_default()))
}

fn first_word(bytes: &[u8]) -> Result<u32, DataError> {
    match bytes.first_chunk::<4>() {
        Some(b) => Ok(u32::from_le_bytes(*b)),
        None => Err(DataError::Corrupt("an element without its first four bytes".into())),
    }
}

/// Bytes of a number of an element type.
fn width(kind: u32) -> Option<usize> {
    match kind {
        1 | 2 => Some(1),
        3 | 4 => Some(2),
        5..=7 => Some(4),
        9 | 12 | 13 => Some(8),
        _ => None,
    }
}

fn numbers(kind: u32, data: &[u8]) -> Vec<f64> {
    macro_rules! read {
        ($t:ty) => {
            data.as_chunks::<{ size_of::<$t>() }>().0.iter().map(|b| <$t>::from_le_bytes(*b) as f64).collect()
        };
    }
    match kind {
        1 => read!(i8),
        2 => read!(u8),
        3 => read!(i16),
        4 => read!(u16),
        5 => read!(i32),
        6 => read!(u32),
        7 => read!(f32),
        9 => read!(f64),
        12 => read!(i64),
        _ => read!(u64),
    }
}

fn unsupported(what: &str, found: String) -> DataError {
    DataError::UnsupportedType {
        what: what.to_string(),
        found,
        readable: "little-endian arrays of real numbers, and cells of them",
    }
}
