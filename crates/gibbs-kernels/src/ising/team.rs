//! Many sweeps by several threads.
//!
//! A half-sweep of a lattice in the cache takes microseconds, less than waking a sleeping thread takes, so the threads of a
//! run of sweeps wait for each other spinning. They take blocks by ticket, in one order over all half-sweeps; whoever holds
//! one waits until all blocks of the half-sweeps before are done. So a thread that the machine has put aside delays the others
//! by the one block it holds.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Decision, Plane, SITES_PER_NANOSECOND, Torus};
use crate::level::{Level, level};

/// A half-sweep below this many nanoseconds is not worth sharing.
const SHARED_ABOVE: usize = 4_000;
/// Starting the threads takes about this many nanoseconds.
const START: u64 = 200_000;
/// Turns of waiting before a thread lets others run.
const PATIENCE: u32 = 200;

/// `n` sweeps: colour 0, then colour 1, each decided as by [`super::half_sweep`] with `key(sweep, colour)`.
///
/// Uses up to as many threads as the current rayon pool has; the result does not depend on their number.
///
/// # Panics
/// If the planes differ in shape.
pub fn sweeps(planes: &mut [Plane; 2], decision: &Decision, n: u64, key: impl Fn(u64, usize) -> u128 + Sync) {
    let shape = planes[0].shape();
    let cost = shape.rows * shape.width * 64 / SITES_PER_NANOSECOND;
    let pays = cost > SHARED_ABOVE && 2 * cost as u64 * n > START;
    sweeps_on(level(), planes, decision, n, key, if pays { rayon::current_num_threads() } else { 1 });
}

pub(super) fn sweeps_on(
    on: Level,
    planes: &mut [Plane; 2],
    decision: &Decision,
    n: u64,
    key: impl Fn(u64, usize) -> u128 + Sync,
    n_threads: usize,
) {
    let torus = Torus::new(planes);
    let n_blocks = torus.n_blocks();
    let (ticket, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        loop {
            let mine = ticket.fetch_add(1, Ordering::Relaxed);
            let (half_sweep, block) = (mine / n_blocks, mine % n_blocks);
            if half_sweep as u64 >= 2 * n {
                break;
            }
            let mut turns = 0;
            // Acquire and release: what others wrote in the half-sweeps before is seen here.
            while done.load(Ordering::Acquire) < half_sweep * n_blocks {
                turns += 1;
                if turns < PATIENCE { std::hint::spin_loop() } else { std::thread::yield_now() }
            }
            let colour = half_sweep % 2;
            let key = key(half_sweep as u64 / 2, colour);
            // SAFETY: the block is this thread's by its ticket; the other colour was finished before and is not written until
            // all blocks of this one are done.
            unsafe { torus.decide(on, block, colour, decision, key) };
            done.fetch_add(1, Ordering::Release);
        }
    };
    std::thread::scope(|scope| {
        (1..n_threads.min(n_blocks)).for_each(|_| drop(scope.spawn(work)));
        work();
    });
}
