//! The kernel of dense products on rows that lie scattered.

use super::gather::Part;
use crate::gemm::avx2::{for_shape, multiply_add, store, zeros};
use crate::gemm::loops::{Finish, tile_rows};
use crate::gemm::packed::PANEL;

/// One panel of columns from `col` on, for one padded image.
#[target_feature(enable = "avx2,fma")]
pub(super) fn product(part: &Part, col: usize, padded: &[f32], bias: Option<&[f32]>, out: &mut [f32]) {
    let cols = (part.packed.n() - col).min(PANEL);
    let panel = &part.packed.floats()[col * part.packed.k()..][..part.packed.k() * PANEL];
    let finish = Finish { cols, bias: bias.map(|bias| &bias[col..][..cols]), add: false };
    let mut i = 0;
    while i < part.from.len() {
        let rows = tile_rows(part.from.len() - i);
        // SAFETY: runs end within a padded image and results within an image, by the assertions of `Part` and of the
        // caller; the panel holds a line for each number of a row.
        unsafe {
            for_shape!(rows, cols, tile(part, i, panel, padded.as_ptr(), out.as_mut_ptr().add(col), finish));
        }
        i += rows;
    }
}

/// Rows `i .. i + R`.
///
/// # Safety
/// As for [`multiply_add`] and [`store`], for the runs and results of these rows.
#[target_feature(enable = "avx2,fma")]
#[inline]
unsafe fn tile<const R: usize, const W: usize>(
    part: &Part,
    i: usize,
    panel: &[f32],
    padded: *const f32,
    out: *mut f32,
    finish: Finish,
) {
    let (from, to) = (&part.from[i..i + R], &part.to[i..i + R]);
    let mut sums = zeros::<R, W>();
    // SAFETY: the caller's promise.
    unsafe {
        for run in 0..part.runs {
            let rows = std::array::from_fn(|r| padded.add(from[r] + run * part.run_stride));
            multiply_add::<R, W, 1>(&mut sums, part.run_len, rows, panel.as_ptr().add(run * part.run_len * PANEL));
        }
        store(&sums, std::array::from_fn(|r| out.add(to[r])), finish);
    }
}
