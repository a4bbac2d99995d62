//! The same by panels of 32 columns.

use super::strip::Strip;
use crate::gemm::avx512::{for_shape, multiply_add, store, zeros};
use crate::gemm::loops::tile_rows;
use crate::gemm::packed::PANEL;

/// All rows of a strip.
///
/// # Safety
/// As for [`multiply_add`] and [`store`], for the runs and results of all rows.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn multiply(at: &Strip) {
    let (n, mut i) = (at.part.from.len(), 0);
    while i < n {
        let rows = tile_rows(n - i);
        // SAFETY: the caller's promise.
        unsafe { for_shape!(rows, at.finish.cols > PANEL, tile(at, i)) }
        i += rows;
    }
}

/// Rows `i .. i + R`.
///
/// # Safety
/// As for [`multiply`], for these rows.
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn tile<const R: usize, const P: usize>(at: &Strip, i: usize) {
    let (run_len, from, to) = (at.part.run_len, &at.part.from[i..i + R], &at.part.to[i..i + R]);
    let mut sums = zeros::<R, P>();
    // SAFETY: the caller's promise.
    unsafe {
        for run in 0..at.part.runs {
            let rows = std::array::from_fn(|r| at.padded.add(from[r] + run * at.part.run_stride));
            let panels = at.panels.add(run * run_len * PANEL);
            multiply_add::<R, P, 1>(&mut sums, run_len, rows, panels, at.panel_stride);
        }
        store(&sums, std::array::from_fn(|r| at.out.add(to[r])), at.finish);
    }
}
