//! The 8x8 handwritten digits, part of the program.
//!
//! E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998,
//! DOI 10.24432/C50P49, CC BY 4.0.

use super::{SetInfo, SetKind};
use crate::{DataError, ReadOptions, Table, sources};

pub(super) const NAME: &str = "digits";

pub(super) fn info() -> SetInfo {
    let what = "1,797 handwritten digits of 8x8 pixels from 0 to 16 (Alpaydin & Kaynak 1998, CC BY 4.0)";
    SetInfo { name: NAME, what, kind: SetKind::Embedded, size: Some((1797, 64)), parameters: &[] }
}

pub(super) fn load() -> Result<Table, DataError> {
    let bytes = include_bytes!("../../assets/digits/digits.csv.gz");
    let options = ReadOptions { label_column: Some("digit".into()), ..ReadOptions::default() };
    let mut table = sources::read_bytes(bytes, NAME, &options)?;
    table.shape = Some((8, 8));
    Ok(table)
}
