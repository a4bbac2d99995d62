//! The same in registers of 512 bits.

use super::graph::{self, Block};
use super::picture::{self, Row};
use super::thinning;
use crate::rng::Lanes;
use crate::vector::avx512::Register;

/// [`picture::decide_row`] in registers.
#[target_feature(enable = "avx512f")]
pub(super) fn decide_row(row: &mut Row, lanes: &[Lanes; 2]) {
    picture::decide_row::<Register>(row, lanes);
}

/// [`graph::decide_block`] in registers.
#[target_feature(enable = "avx512f")]
pub(super) fn decide_block(block: &Block, lanes: &[Lanes; 2]) {
    graph::decide_block::<Register>(block, lanes);
}

/// [`thinning::thin_all`] in registers.
#[target_feature(enable = "avx512f")]
pub(super) fn thin(words: &mut [u64], threshold: u32, lanes: &[Lanes; 2]) {
    thinning::thin_all::<Register>(words, threshold, lanes);
}
