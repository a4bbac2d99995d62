//! The same in registers of 512 bits.

use super::{Around, Decision, decide};
use crate::rng::Lanes;
use crate::vector::avx512::Register;

/// [`decide::block`] in registers.
#[target_feature(enable = "avx512f")]
pub(super) fn block(lanes: &[Lanes; 2], spins: &mut [u64], around: &[Around], decision: &Decision) {
    decide::block::<Register>(lanes, spins, around, decision);
}
