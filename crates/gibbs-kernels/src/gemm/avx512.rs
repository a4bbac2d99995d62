//! The kernel of six rows by two panels of sixteen columns. Every sum is made in the order of the AVX2 kernel, so the bits are
//! the same.

use std::arch::x86_64::{
    __m512, __mmask16, _mm512_add_ps, _mm512_fmadd_ps, _mm512_load_ps, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps,
    _mm512_set1_ps, _mm512_setzero_ps,
};

use super::avx2::{Finish, pieces, tile_rows};
use super::packed::PANEL;
use super::{INNER, Packed};

/// Rows of a pass: with `INNER` numbers each they stay in the second cache.
const ROWS: usize = 192;

/// Calls `$f::<R, P>` for `R` rows (1 to 6) and one or two panels.
macro_rules! for_shape {
    ($rows:expr, $two:expr, $f:ident $args:tt) => {
        match ($rows, $two) {
            (1, true) => $f::<1, 2> $args,
            (2, true) => $f::<2, 2> $args,
            (3, true) => $f::<3, 2> $args,
            (4, true) => $f::<4, 2> $args,
            (5, true) => $f::<5, 2> $args,
            (6, true) => $f::<6, 2> $args,
            (1, false) => $f::<1, 1> $args,
            (2, false) => $f::<2, 1> $args,
            (3, false) => $f::<3, 1> $args,
            (4, false) => $f::<4, 1> $args,
            (5, false) => $f::<5, 1> $args,
            _ => $f::<6, 1> $args,
        }
    };
}

#[target_feature(enable = "avx512f")]
pub(super) fn matmul(m: usize, a: &[f32], b: &Packed, bias: Option<&[f32]>, accumulate: bool, c: &mut [f32]) {
    let (k, n) = (b.k(), b.n());
    for (first_row, n_rows) in pieces(m, ROWS) {
        for (first_inner, n_inner) in pieces(k, INNER) {
            for col in (0..n).step_by(2 * PANEL) {
                let cols = (n - col).min(2 * PANEL);
                let two = cols > PANEL;
                // The rows of one panel, and as far on those of the next.
                let first = (col / PANEL * k + first_inner) * PANEL;
                let panel = &b.floats()[first..][..(if two { k } else { 0 } + n_inner) * PANEL];
                let finish = Finish {
                    cols,
                    bias: bias.filter(|_| first_inner == 0).map(|bias| &bias[col..][..cols]),
                    add: accumulate || first_inner > 0,
                };
                let mut i = first_row;
                while i < first_row + n_rows {
                    let rows = tile_rows(first_row + n_rows - i);
                    let a = &a[i * k + first_inner..];
                    let c = &mut c[i * n + col..][..(rows - 1) * n + cols];
                    assert!(a.len() >= (rows - 1) * k + n_inner);
                    // SAFETY: `rows` rows of `n_inner` numbers are in `a`, of `cols` in `c`; panels are aligned.
                    unsafe {
                        for_shape!(rows, two, tile(k, n_inner, a.as_ptr(), panel.as_ptr(), n, c.as_mut_ptr(), finish));
                    }
                    i += rows;
                }
            }
        }
    }
}

/// One tile of [`matmul`]: rows of `a` are `k` apart, panels `16 k`, rows of `c` `n`.
///
/// # Safety
/// `R` rows of `n_inner` numbers must be at `a`, `P` aligned panels of as many rows at `panel`, and `R` rows of `finish.cols`, which are
/// at most `16 P` and more than `16 (P - 1)`, at `c`; the bias is as long.
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn tile<const R: usize, const P: usize>(
    k: usize,
    n_inner: usize,
    a: *const f32,
    panel: *const f32,
    n: usize,
    c: *mut f32,
    finish: Finish,
) {
    let mut sums = [[_mm512_setzero_ps(); P]; R];
    for p in 0..n_inner {
        // SAFETY: the caller's promise.
        unsafe {
            let b: [__m512; P] = std::array::from_fn(|w| _mm512_load_ps(panel.add((w * k + p) * PANEL)));
            for r in 0..R {
                let a = _mm512_set1_ps(*a.add(r * k + p));
                for w in 0..P {
                    sums[r][w] = _mm512_fmadd_ps(a, b[w], sums[r][w]);
                }
            }
        }
    }
    for w in 0..P {
        let cols = (finish.cols - w * PANEL).min(PANEL);
        let mask = (u32::from(__mmask16::MAX) >> (PANEL - cols)) as __mmask16;
        // SAFETY: the caller's promise, and the mask leaves out what is behind the last column.
        unsafe {
            let bias = match finish.bias {
                Some(bias) => _mm512_maskz_loadu_ps(mask, bias.as_ptr().add(w * PANEL)),
                None => _mm512_setzero_ps(),
            };
            for r in 0..R {
                let to = c.add(r * n + w * PANEL);
                let mut row = _mm512_add_ps(sums[r][w], bias);
                if finish.add {
                    row = _mm512_add_ps(row, _mm512_maskz_loadu_ps(mask, to));
                }
                _mm512_mask_storeu_ps(to, mask, row);
            }
        }
    }
}
