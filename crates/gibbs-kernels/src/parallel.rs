//! Independent units of work on the current rayon pool.

use rayon::prelude::*;

/// Below this much work (about nanoseconds on one core) waking the pool costs more than it gains.
const SERIAL_BELOW: usize = 20_000;

/// Runs `f(0), .., f(n - 1)`; `cost` is a rough total in nanoseconds. The units must not depend on each other, so
/// the answer is the same on one thread or many.
pub(crate) fn for_each(n: usize, cost: usize, f: impl Fn(usize) + Sync + Send) {
    if n <= 1 || cost < SERIAL_BELOW || rayon::current_num_threads() == 1 {
        (0..n).for_each(f);
    } else {
        (0..n).into_par_iter().with_max_len(1).for_each(f);
    }
}

/// A slice that several units write, each its own elements.
pub(crate) struct Shared<T> {
    start: *mut T,
    len: usize,
}

// SAFETY: the pointer comes from an exclusive borrow that the caller keeps for the whole parallel section, and
// `write` asks for disjoint ranges.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    pub(crate) fn new(slice: &mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len() }
    }

    /// All elements, to read.
    ///
    /// # Safety
    /// Nobody may write while the borrow lives, and the slice given to `new` must still be borrowed.
    pub(crate) unsafe fn whole(&self) -> &[T] {
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }

    /// The elements `at..at + len`.
    ///
    /// # Safety
    /// No two live borrows may overlap, and the slice given to `new` must still be borrowed.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn part(&self, at: usize, len: usize) -> &mut [T] {
        assert!(at + len <= self.len);
        // SAFETY: in range by the assertion; exclusive by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(at), len) }
    }
}
