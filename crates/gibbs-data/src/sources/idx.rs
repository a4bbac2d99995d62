//! IDX, the format of MNIST: big-endian, `00 00 type rank`, one 32-bit size a dimension, then the numbers.
//!
//! Source: Y. `LeCun`, C. Cortes, C. Burges, "The MNIST database of handwritten digits".

use std::io::Read;

use super::npy::{Array, Number};
use crate::{DataError, ReadOptions, Table};

const TYPES: [(u8, Number); 6] = [
    (0x08, Number::U8),
    (0x09, Number::I8),
    (0x0b, Number::I16),
    (0x0c, Number::I32),
    (0x0d, Number::F32),
    (0x0e, Number::F64),
];

/// Whether these first bytes are an IDX header.
pub(crate) fn is_idx(magic: &[u8]) -> bool {
    matches!(magic, [0, 0, t, 1..=4, ..] if TYPES.iter().any(|(code, _)| code == t))
}

pub(crate) fn read(mut reader: impl Read, options: &ReadOptions) -> Result<Table, DataError> {
    let magic = super::head(&mut reader, 4)?;
    let [_, _, code, rank] = magic[..] else {
        return Err(DataError::Truncated { what: "the IDX header".into(), expected: 4, found: magic.len() as u64 });
    };
    let number = TYPES.iter().find(|(c, _)| *c == code).map(|(_, n)| *n);
    let number = number.ok_or_else(|| DataError::Corrupt(format!("IDX type {code:#04x} does not exist")))?;
    let sizes = super::head(&mut reader, 4 * usize::from(rank))?;
    if sizes.len() < 4 * usize::from(rank) {
        let (expected, found) = (4 + 4 * u64::from(rank), 4 + sizes.len() as u64);
        return Err(DataError::Truncated { what: "the IDX header".into(), expected, found });
    }
    let shape = sizes.chunks_exact(4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]) as usize).collect();
    Array::read_values(reader, shape, number, true, options.max_bytes)?.into_table(options)
}
