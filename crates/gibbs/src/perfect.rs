//! Exact samples by coupling from the past, where a model keeps an order and comes to it fast enough.

use gibbs_core::key::Key;
use gibbs_core::log_partition::Starts;
use gibbs_core::samplers::{MonotoneMap, from_the_past, meeting_time};

/// Steps into the past within which a block of rows has to meet in a trial, for models whose steps are dear.
pub(crate) const MOST_STEPS: u64 = 1 << 10;

/// Starts by coupling from the past, if a trial block of rows meets within `most` steps.
///
/// The trial decides whether samples are drawn this way at all, with keys of its own; the samples themselves have no limit, as
/// one would favour those that take less long.
pub(crate) fn starts<'a, M: MonotoneMap + Send + 'a>(map: M, most: u64, key: &Key) -> Option<Starts<'a, M::X>> {
    meeting_time(&map, most, key)?;
    Some(Starts::exact("coupling from the past", move |n, key: &Key| from_the_past(&map, n, key)))
}
