//! Perfect simulation: exact samples by monotone coupling from the past.

use rayon::prelude::*;

use crate::key::Key;
use crate::rows::Rows;

/// The first look back, in steps.
const FIRST: u64 = 16;

/// A random map of states that leaves a law invariant and keeps an order: with the numbers of one key, states that stand in
/// order before stand in order after. There is a greatest and a least state.
pub trait MonotoneMap: Sync {
    /// A batch of states, each row mapped by numbers of its own.
    type X: Rows + PartialEq;

    /// Rows that go back in time together. A constant of the results, as blocks draw from keys of their own.
    fn block_rows(&self) -> usize {
        64
    }

    /// `n` rows of the greatest state, and as many of the least.
    fn extremes(&self, n: usize) -> [Self::X; 2];

    /// Maps both batches with the same numbers.
    fn apply(&self, states: &mut [Self::X; 2], key: &Key);

    /// Blocks of rows as one batch.
    fn join(&self, blocks: Vec<Self::X>) -> Self::X;
}

/// `n` exact, independent samples of the law that `map` leaves invariant, by coupling from the past.
///
/// The greatest and the least state are started at a time in the past and brought to time 0 by the same maps; if they have
/// not met there, the start is moved twice as far back **and the maps of the later times are kept**. Where they meet at time 0,
/// every state would: it is what a chain from the infinite past has come to, an exact sample. Stopping at the first time at
/// which two chains meet, going forwards, would not give one, and neither would fresh maps for each try.
///
/// There is no limit on the time, since giving up on samples that take long would favour those that do not; it ends with
/// probability one, though for laws of several modes only in theory: ask [`meeting_time`] first. Exact up to the rounding of
/// probabilities.
///
/// # Source
/// Propp & Wilson 1996, "Exact sampling with coupled Markov chains and applications to statistical mechanics",
/// DOI `10.1002/(SICI)1098-2418(199608/09)9:1/2<223::AID-RSA14>3.0.CO;2-O`, section 2.
pub fn from_the_past<M: MonotoneMap>(map: &M, n: usize, key: &Key) -> M::X {
    let size = map.block_rows();
    let one_block = |b: usize| {
        let rows = size.min(n - b * size);
        // Without a limit there is always an answer.
        meet(map, rows, &key.block(b as u64), u64::MAX).map_or_else(|| map.extremes(rows)[0].clone(), |(x, _)| x)
    };
    map.join((0..n.div_ceil(size)).into_par_iter().with_max_len(1).map(one_block).collect())
}

/// Steps into the past, a power of two, from which the greatest and the least state of a block of rows have met at time 0;
/// `None` if that takes more than `most`. Use other keys for samples.
pub fn meeting_time<M: MonotoneMap>(map: &M, most: u64, key: &Key) -> Option<u64> {
    meet(map, map.block_rows(), key, most).map(|(_, back)| back)
}

/// The rows at time 0, and how far back they were started.
fn meet<M: MonotoneMap>(map: &M, n: usize, key: &Key, most: u64) -> Option<(M::X, u64)> {
    let mut back = FIRST.min(most.max(1));
    loop {
        let mut states = map.extremes(n);
        // Step `t` is the one that ends `t` steps before time 0, whatever the start.
        (0..back).rev().for_each(|t| map.apply(&mut states, &key.step(t)));
        let [greatest, least] = states;
        if greatest == least {
            return Some((least, back));
        }
        back = back.checked_mul(2).filter(|b| *b <= most)?;
    }
}
