//! NPY, the array format of `NumPy`: versions 1 to 3, C and Fortran order, both byte orders.
//!
//! Source: `NumPy` enhancement proposal 1, "A simple file format for `NumPy` arrays".

use std::io::{Read, Write};

use super::{columns, npy_header};
use crate::{DataError, ReadOptions, Table, Values};

pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";

/// The kinds of numbers that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    Bool,
    U8,
    I8,
    U16,
    I16,
    F16,
    U32,
    I32,
    F32,
    U64,
    I64,
    F64,
}

impl Number {
    pub(crate) fn bytes(self) -> usize {
        match self {
            Number::Bool | Number::U8 | Number::I8 => 1,
            Number::U16 | Number::I16 | Number::F16 => 2,
            Number::U32 | Number::I32 | Number::F32 => 4,
            Number::U64 | Number::I64 | Number::F64 => 8,
        }
    }

    /// The number in `b`, whose length is [`Number::bytes`] and whose order is little-endian.
    fn decode(self, b: &[u8]) -> f64 {
        let four = || [b[0], b[1], b[2], b[3]];
        let eight = || [b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]];
        match self {
            Number::Bool => f64::from(u8::from(b[0] != 0)),
            Number::U8 => f64::from(b[0]),
            Number::I8 => f64::from(b[0] as i8),
            Number::U16 => f64::from(u16::from_le_bytes([b[0], b[1]])),
            Number::I16 => f64::from(i16::from_le_bytes([b[0], b[1]])),
            Number::F16 => half(u16::from_le_bytes([b[0], b[1]])),
            Number::U32 => f64::from(u32::from_le_bytes(four())),
            Number::I32 => f64::from(i32::from_le_bytes(four())),
            Number::F32 => f64::from(f32::from_le_bytes(four())),
            Number::U64 => u64::from_le_bytes(eight()) as f64,
            Number::I64 => i64::from_le_bytes(eight()) as f64,
            Number::F64 => f64::from_le_bytes(eight()),
        }
    }
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let fraction = f64::from(bits & 0x3ff);
    match bits >> 10 & 0x1f {
        0 => sign * fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => sign * f64::INFINITY,
        31 => f64::NAN,
        e => sign * (1.0 + fraction / 1024.0) * 2f64.powi(i32::from(e) - 15),
    }
}

/// An array of any rank in C order, for weights as well as for tables.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Size of each dimension, outermost first; empty for a single number.
    pub shape: Vec<usize>,
    /// The numbers in C order. 64-bit integers beyond 2^53 are rounded.
    pub values: Values,
}

/// Reads one NPY array of at most `max_bytes` bytes.
///
/// # Errors
/// [`DataError::UnsupportedType`] for text, objects, complex numbers and records; [`DataError::Truncated`],
/// [`DataError::Corrupt`], [`DataError::TooLarge`].
///
/// # Example
/// ```
/// use gibbs_data::npy;
/// let mut file = Vec::new();
/// npy::write(&mut file, &[2, 2], npy::Numbers::F32(&[0.5, 1.0, -1.0, 2.0])).unwrap();
/// let a = npy::read(&file[..], 1 << 20).unwrap();
/// assert_eq!((a.shape.as_slice(), a.values.get(2)), ([2, 2].as_slice(), -1.0));
/// ```
pub fn read(mut reader: impl Read, max_bytes: u64) -> Result<Array, DataError> {
    let header = npy_header::read(&mut reader)?;
    let (shape, fortran) = (header.shape, header.fortran_order);
    let mut array = Array::read_values(reader, shape, header.number, header.big_endian, max_bytes)?;
    if fortran {
        array.make_c_order();
    }
    Ok(array)
}

impl Array {
    /// Reads the numbers behind a header. Memory grows with the bytes that arrive.
    pub(crate) fn read_values(
        mut reader: impl Read,
        shape: Vec<usize>,
        number: Number,
        big_endian: bool,
        max_bytes: u64,
    ) -> Result<Self, DataError> {
        let size = number.bytes() as u64;
        let expected = shape.iter().try_fold(size, |n, &d| n.checked_mul(d as u64)).unwrap_or(u64::MAX);
        if expected > max_bytes {
            return Err(DataError::TooLarge {
                what: format!("an array of shape {shape:?}"),
                found: expected,
                limit: max_bytes,
            });
        }
        let mut body = (&mut reader).take(expected);
        let mut values = Values::new();
        let found = if matches!(number, Number::U8) {
            let mut bytes = Vec::new();
            body.read_to_end(&mut bytes).map_err(DataError::from_read)?;
            bytes.shrink_to_fit();
            let n = bytes.len() as u64;
            values = Values::U8(bytes);
            n
        } else {
            decode_all(&mut body, number, big_endian, &mut values)?
        };
        if found < expected {
            return Err(DataError::Truncated { what: format!("an array of shape {shape:?}"), expected, found });
        }
        if !super::head(&mut reader, 1)?.is_empty() {
            return Err(DataError::Corrupt(format!("more bytes follow the {expected} that shape {shape:?} needs")));
        }
        values.shrink_to_fit();
        Ok(Array { shape, values })
    }

    /// Reorders from Fortran order, first index fastest, with a second copy for the time it takes.
    fn make_c_order(&mut self) {
        let mut strides = Vec::with_capacity(self.shape.len());
        let mut stride = 1;
        for &d in &self.shape {
            strides.push(stride);
            stride *= d;
        }
        let mut index = vec![0; self.shape.len()];
        let mut out = Values::new();
        for _ in 0..self.values.len() {
            out.push(self.values.get(index.iter().zip(&strides).map(|(i, s)| i * s).sum()));
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                if index[axis] < self.shape[axis] {
                    break;
                }
                index[axis] = 0;
            }
        }
        self.values = out;
    }

    /// A table: one dimension makes one column, the first dimension counts the rows, further ones are flattened, and
    /// of three the last two are the shape of a picture.
    pub(crate) fn into_table(self, options: &ReadOptions) -> Result<Table, DataError> {
        let shape = match self.shape[..] {
            [_, h, w] => Some((h, w)),
            _ => None,
        };
        if self.shape.is_empty() {
            return Err(DataError::Corrupt("a single number is no table".into()));
        }
        let n_cols: usize = self.shape[1..].iter().product();
        let mut table = Table::from_values(n_cols, self.values)?;
        table.shape = shape;
        columns::select(table, options)
    }
}

fn decode_all(body: &mut impl Read, number: Number, big_endian: bool, values: &mut Values) -> Result<u64, DataError> {
    let mut found = 0;
    loop {
        let mut chunk = super::head(body, 1 << 16)?;
        found += chunk.len() as u64;
        for item in chunk.chunks_exact_mut(number.bytes()) {
            if big_endian {
                item.reverse();
            }
            values.push(number.decode(item));
        }
        if chunk.len() < 1 << 16 {
            return Ok(found);
        }
    }
}

/// Numbers to write, in C order.
#[derive(Clone, Copy, Debug)]
pub enum Numbers<'a> {
    /// Type `|u1`.
    U8(&'a [u8]),
    /// Type `<f4`.
    F32(&'a [f32]),
    /// Type `<f8`.
    F64(&'a [f64]),
}

/// Writes an array as NPY version 1, little-endian, C order.
///
/// # Errors
/// [`DataError::Setting`] where the shape has another number of elements, [`DataError::Io`].
///
/// # Example
/// ```
/// use gibbs_data::npy;
/// let mut file = Vec::new();
/// npy::write(&mut file, &[1, 3], npy::Numbers::U8(&[0, 1, 1])).unwrap();
/// assert_eq!(file.len() % 64, 3); // the header is padded to a multiple of 64 bytes
/// ```
pub fn write(mut out: impl Write, shape: &[usize], numbers: Numbers<'_>) -> Result<(), DataError> {
    let (descr, len) = match numbers {
        Numbers::U8(v) => ("|u1", v.len()),
        Numbers::F32(v) => ("<f4", v.len()),
        Numbers::F64(v) => ("<f8", v.len()),
    };
    if shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)) != Some(len) {
        return Err(DataError::Setting(format!("{len} numbers do not fill an array of shape {shape:?}")));
    }
    out.write_all(&npy_header::bytes(descr, shape))?;
    match numbers {
        Numbers::U8(v) => out.write_all(v)?,
        Numbers::F32(v) => v.iter().try_for_each(|x| out.write_all(&x.to_le_bytes()))?,
        Numbers::F64(v) => v.iter().try_for_each(|x| out.write_all(&x.to_le_bytes()))?,
    }
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::half;

    #[test]
    fn half_precision() {
        // Bit patterns from IEEE 754-2008, table 3.5: 1, -2, largest, smallest subnormal, smallest normal.
        let cases = [(0x3c00, 1.0), (0xc000, -2.0), (0x7bff, 65504.0), (1, 2f64.powi(-24)), (0x0400, 2f64.powi(-14))];
        for (bits, x) in cases {
            assert_eq!(half(bits), x);
        }
        assert!(half(0x7e00).is_nan() && half(0xfc00) == f64::NEG_INFINITY);
    }
}
