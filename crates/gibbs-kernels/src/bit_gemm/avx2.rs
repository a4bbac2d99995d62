//! Tables of subset sums in the first-level cache, two 256-bit additions a group of four bits.
//!
//! A table serves 64 rows of `B` (one word of a row of `A`) and 16 columns: 16 groups x 16 subsets x 16 columns,
//! 16 KiB. Wider groups (5 bits, 32 KiB) and narrower ones (3 bits) were counted and lose at batches of 100.

use std::arch::x86_64::{
    __m256, _mm256_add_ps, _mm256_load_ps, _mm256_loadu_ps, _mm256_permute2f128_ps, _mm256_setzero_ps,
    _mm256_shuffle_ps, _mm256_store_ps, _mm256_unpackhi_ps, _mm256_unpacklo_ps,
};

use super::{BitRows, Matrix, Sums, TILE, UNIT_ROWS, Unit};
use crate::bits::words_per_row;

/// Rows of `B` behind one table.
const DEPTH: usize = 64;
/// Bytes of the sixteen subset sums of one group.
const GROUP_BYTES: usize = 16 * TILE * 4;

#[repr(align(64))]
struct Table([f32; 16 * 16 * TILE]);

#[repr(align(64))]
struct Panel([f32; DEPTH * TILE]);

/// Adds `A B` of one unit to `sums`.
#[target_feature(enable = "avx2,bmi2")]
pub(super) fn unit(a: BitRows, b: Matrix, unit: Unit, sums: &mut Sums) {
    let stride = words_per_row(a.n_cols());
    let mut table = Table([0.0; 16 * 16 * TILE]);
    let mut panel = Panel([0.0; DEPTH * TILE]);
    for tile in 0..unit.n_cols.div_ceil(TILE) {
        let first = unit.col + tile * TILE;
        let width = (unit.n_cols - tile * TILE).min(TILE);
        let sums = &mut sums.0[tile * UNIT_ROWS * TILE..(tile * UNIT_ROWS + unit.n_rows) * TILE];
        for word in 0..stride {
            let depth = (b.n_rows - word * DEPTH).min(DEPTH);
            let groups = depth.div_ceil(4);
            if b.col_stride == 1 && width == TILE && depth.is_multiple_of(4) {
                let from = &b.data[word * DEPTH * b.row_stride + first..];
                tabulate(from, b.row_stride, groups, &mut table);
            } else {
                pack(b, (word * DEPTH, depth), (first, width), &mut panel);
                tabulate(&panel.0, TILE, groups, &mut table);
            }
            let words = &a.words()[unit.row * stride + word..];
            add_rows(words, stride, groups, &table, sums);
        }
    }
}

/// The subset sums of every group of four rows of `from`; the empty subset stays zero.
#[target_feature(enable = "avx2,bmi2")]
fn tabulate(from: &[f32], stride: usize, groups: usize, table: &mut Table) {
    assert!(groups <= 16 && from.len() >= (4 * groups - 1) * stride + TILE);
    for g in 0..groups {
        for half in [0, 8] {
            let row = from[4 * g * stride + half..].as_ptr();
            let to = table.0[g * 16 * TILE + half..].as_mut_ptr();
            // SAFETY: rows `4g .. 4g + 3` end inside `from` and entry 15 inside the table, by the assertion; the
            // table is aligned to 64 bytes.
            unsafe {
                let mut sums = [_mm256_setzero_ps(); 16];
                for bit in 0..4 {
                    let x = _mm256_loadu_ps(row.add(bit * stride));
                    for low in 0..1 << bit {
                        // The lower bits come first, as in the scalar twin.
                        let sum = if low == 0 { x } else { _mm256_add_ps(sums[low], x) };
                        sums[low | 1 << bit] = sum;
                        _mm256_store_ps(to.add((low | 1 << bit) * TILE), sum);
                    }
                }
            }
        }
    }
}

/// Adds the table's entries to every row of `sums`.
#[target_feature(enable = "avx2,bmi2")]
fn add_rows(words: &[u64], stride: usize, groups: usize, table: &Table, sums: &mut [f32]) {
    let n_rows = sums.len() / TILE;
    assert!(n_rows > 0 && groups <= 16 && words.len() > (n_rows - 1) * stride);
    let (words, to) = (words.as_ptr(), sums.as_mut_ptr());
    let mut r = 0;
    // SAFETY: rows stay below `n_rows`, whose word and sums exist by the assertion.
    unsafe {
        while r + 4 <= n_rows {
            add_some::<4>(words.add(r * stride), stride, groups, table, to.add(r * TILE));
            r += 4;
        }
        while r < n_rows {
            add_some::<1>(words.add(r * stride), stride, groups, table, to.add(r * TILE));
            r += 1;
        }
    }
}

/// `R` rows at once, so that the latency of one row's additions hides behind the others.
///
/// # Safety
/// `R` words at `stride` and `R * TILE` sums must exist; `groups <= 16`.
#[target_feature(enable = "avx2,bmi2")]
#[inline]
unsafe fn add_some<const R: usize>(words: *const u64, stride: usize, groups: usize, table: &Table, to: *mut f32) {
    let table = table.0.as_ptr();
    let mut sums = [[_mm256_setzero_ps(); 2]; R];
    let mut left = [0u64; R];
    // SAFETY: promised by the caller; a masked index reaches entry 15 of the group at most.
    unsafe {
        for r in 0..R {
            // Rotated so that the subset's number comes out as a byte offset: 64 bytes an entry.
            left[r] = words.add(r * stride).read().rotate_left(6);
            sums[r] = [_mm256_loadu_ps(to.add(r * TILE)), _mm256_loadu_ps(to.add(r * TILE + 8))];
        }
        if groups == 16 {
            for g in 0..16 {
                for r in 0..R {
                    let at = left[r].rotate_right(4 * g) as usize & 0x3C0;
                    add_entry(&mut sums[r], table.byte_add(g as usize * GROUP_BYTES + at));
                }
            }
        } else {
            for g in 0..groups {
                for r in 0..R {
                    let at = left[r] as usize & 0x3C0;
                    left[r] = left[r].rotate_right(4);
                    add_entry(&mut sums[r], table.byte_add(g * GROUP_BYTES + at));
                }
            }
        }
        for r in 0..R {
            _mm256_store_ps(to.add(r * TILE), sums[r][0]);
            _mm256_store_ps(to.add(r * TILE + 8), sums[r][1]);
        }
    }
}

/// # Safety
/// `entry` must point to an aligned entry of a table.
#[target_feature(enable = "avx2,bmi2")]
#[inline]
unsafe fn add_entry(sums: &mut [__m256; 2], entry: *const f32) {
    // SAFETY: promised by the caller.
    unsafe {
        sums[0] = _mm256_add_ps(sums[0], _mm256_load_ps(entry));
        sums[1] = _mm256_add_ps(sums[1], _mm256_load_ps(entry.add(8)));
    }
}

/// Copies `depth` rows of `width` columns into the panel, zeros around them.
#[target_feature(enable = "avx2,bmi2")]
fn pack(b: Matrix, (row, depth): (usize, usize), (col, width): (usize, usize), panel: &mut Panel) {
    if b.row_stride == 1 && width == TILE && depth.is_multiple_of(8) {
        for k in (0..depth).step_by(8) {
            for half in [0, 8] {
                let from = &b.data[row + k + (col + half) * b.col_stride..];
                transpose_8x8(from, b.col_stride, &mut panel.0[k * TILE + half..]);
            }
        }
        return;
    }
    panel.0.fill(0.0);
    for k in 0..depth {
        for j in 0..width {
            panel.0[k * TILE + j] = b.data[(row + k) * b.row_stride + (col + j) * b.col_stride];
        }
    }
}

/// Writes the transpose of eight rows of eight to rows at a distance of `TILE`.
#[target_feature(enable = "avx2,bmi2")]
fn transpose_8x8(from: &[f32], stride: usize, to: &mut [f32]) {
    assert!(from.len() >= 7 * stride + 8 && to.len() >= 7 * TILE + 8);
    // SAFETY: both ends are checked above.
    unsafe {
        let x: [__m256; 8] = std::array::from_fn(|i| _mm256_loadu_ps(from.as_ptr().add(i * stride)));
        let mut pairs = [_mm256_setzero_ps(); 8];
        for i in 0..4 {
            pairs[2 * i] = _mm256_unpacklo_ps(x[2 * i], x[2 * i + 1]);
            pairs[2 * i + 1] = _mm256_unpackhi_ps(x[2 * i], x[2 * i + 1]);
        }
        let mut fours = [_mm256_setzero_ps(); 8];
        for i in 0..2 {
            for j in 0..2 {
                fours[4 * i + 2 * j] = _mm256_shuffle_ps::<0x44>(pairs[4 * i + j], pairs[4 * i + 2 + j]);
                fours[4 * i + 2 * j + 1] = _mm256_shuffle_ps::<0xEE>(pairs[4 * i + j], pairs[4 * i + 2 + j]);
            }
        }
        for i in 0..4 {
            let low = _mm256_permute2f128_ps::<0x20>(fours[i], fours[4 + i]);
            let high = _mm256_permute2f128_ps::<0x31>(fours[i], fours[4 + i]);
            _mm256_store_ps(to.as_mut_ptr().add(i * TILE), low);
            _mm256_store_ps(to.as_mut_ptr().add((4 + i) * TILE), high);
        }
    }
}
