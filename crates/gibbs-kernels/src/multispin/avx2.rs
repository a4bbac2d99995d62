//! The same in registers of 256 bits.

use super::graph::{self, Block};
use super::picture::{self, Row};
use super::thinning;
use crate::rng::Lanes;
use crate::vector::avx2::Registers;

/// [`picture::decide_row`] in registers.
#[target_feature(enable = "avx2,fma")]
pub(super) fn decide_row(row: &mut Row, lanes: &[Lanes; 2]) {
    picture::decide_row::<Registers>(row, lanes);
}

/// [`graph::decide_block`] in registers.
#[target_feature(enable = "avx2,fma")]
pub(super) fn decide_block(block: &Block, lanes: &[Lanes; 2]) {
    graph::decide_block::<Registers>(block, lanes);
}

/// [`thinning::thin_all`] in registers.
#[target_feature(enable = "avx2,fma")]
pub(super) fn thin(words: &mut [u64], threshold: u32, lanes: &[Lanes; 2]) {
    thinning::thin_all::<Registers>(words, threshold, lanes);
}
