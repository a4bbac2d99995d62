//! Tables of subset sums in the first-level cache, two 256-bit additions a group of four bits.
//!
//! A table serves 64 rows of `B` (one word of a row of `A`) and 16 columns: 16 groups x 16 subsets x 16 columns,
//! 16 KiB. Wider groups (5 bits, 32 KiB) and narrower ones (3 bits) were counted and lose at batches of 100.

use std::arch::x86_64::{
    __m256, _mm256_add_ps, _mm256_load_ps, _mm256_loadu_ps, _mm256_permute2f128_ps, _mm256_setzero_ps,
    _mm256_shuffle_ps, _mm256_store_ps, _mm256_storeu_ps, _mm256_unpackhi_ps, _mm256_unpacklo_ps,
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

/// `A B` of one unit into `sums`.
#[target_feature(enable = "avx2,bmi2")]
pub(super) fn unit(a: BitRows, b: Matrix, unit: Unit, sums: &mut Sums) {
    let stride = words_per_row(a.n_cols());
    // The rows' words side by side: at their own stride each would take a cache line away from the table.
    let rows = &a.words()[unit.row * stride..][..unit.n_rows * stride];
    let mut words = vec![0; rows.len()];
    for (r, row) in rows.chunks_exact(stride.max(1)).enumerate() {
        row.iter().enumerate().for_each(|(w, &word)| words[w * unit.n_rows + r] = word);
    }
    let mut table = Table([0.0; 16 * 16 * TILE]);
    let mut panel = Panel([0.0; DEPTH * TILE]);
    for tile in 0..unit.n_cols.div_ceil(TILE) {
        let first = unit.col + tile * TILE;
        let width = (unit.n_cols - tile * TILE).min(TILE);
        let sums = &mut sums.0[tile * UNIT_ROWS * TILE..(tile * UNIT_ROWS + unit.n_rows) * TILE];
        if stride == 0 {
            sums.fill(0.0);
        }
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
            let words = &words[word * unit.n_rows..][..unit.n_rows];
            if word == 0 {
                add_rows::<true>(words, groups, &table, sums);
            } else {
                add_rows::<false>(words, groups, &table, sums);
            }
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

/// Adds the table's entries to every row of `sums`, one word a row; the first time the sums start from zero.
#[target_feature(enable = "avx2,bmi2")]
fn add_rows<const FIRST: bool>(words: &[u64], groups: usize, table: &Table, sums: &mut [f32]) {
    assert!(groups <= 16 && sums.len() == words.len() * TILE);
    let (fours, rest) = words.as_chunks::<4>();
    let (sums_of_fours, sums_of_rest) = sums.split_at_mut(fours.len() * 4 * TILE);
    for (words, sums) in fours.iter().zip(sums_of_fours.chunks_exact_mut(4 * TILE)) {
        add_some::<_, FIRST>(words, groups, table, sums);
    }
    for (word, sums) in rest.iter().zip(sums_of_rest.chunks_exact_mut(TILE)) {
        add_some::<_, FIRST>(&[*word], groups, table, sums);
    }
}

/// `R` rows at once, so that the latency of one row's additions hides behind the others.
#[target_feature(enable = "avx2,bmi2")]
#[inline]
fn add_some<const R: usize, const FIRST: bool>(words: &[u64; R], groups: usize, table: &Table, sums: &mut [f32]) {
    assert!(groups <= 16 && sums.len() == R * TILE);
    let to = sums.as_mut_ptr();
    let mut table = table.0.as_ptr();
    // Rotated so that the number of a subset comes out as a byte offset: 64 bytes an entry.
    let mut left = words.map(|w| w.rotate_left(6));
    // SAFETY: `R * TILE` sums by the assertion; a masked offset reaches entry 15 of a group at most, and the table
    // pointer passes `groups <= 16` of them.
    unsafe {
        let mut sums = [[_mm256_setzero_ps(); 2]; R];
        if !FIRST {
            for (r, sums) in sums.iter_mut().enumerate() {
                *sums = [_mm256_loadu_ps(to.add(r * TILE)), _mm256_loadu_ps(to.add(r * TILE + 8))];
            }
        }
        // Written out, because a loop over groups is not unrolled and then rotates by a register, at half the speed.
        macro_rules! add {
            ($($g:literal)*) => { $(
                for r in 0..R {
                    add_entry(&mut sums[r], table.byte_add($g * GROUP_BYTES + (left[r].rotate_right(4 * $g) & 0x3C0) as usize));
                }
            )* };
        }
        if groups == 16 {
            add!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        } else {
            for _ in 0..groups / 4 {
                add!(0 1 2 3);
                left = left.map(|w| w.rotate_right(16));
                table = table.byte_add(4 * GROUP_BYTES);
            }
            for _ in 0..groups % 4 {
                add!(0);
                left = left.map(|w| w.rotate_right(4));
                table = table.byte_add(GROUP_BYTES);
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            _mm256_storeu_ps(to.add(r * TILE), sums[0]);
            _mm256_storeu_ps(to.add(r * TILE + 8), sums[1]);
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
