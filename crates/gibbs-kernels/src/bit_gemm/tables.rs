//! Tables of subset sums in the first-level cache, one addition of sixteen numbers a group of four bits.
//!
//! A table serves 64 rows of `B` (one word of a row of `A`) and 16 columns: 16 groups x 16 subsets x 16 columns,
//! 16 KiB. Wider groups (5 bits, 32 KiB) and narrower ones (3 bits) were counted and lose at batches of 100.

use super::avx2::pack;
use super::{BitRows, Matrix, Sums, TILE, UNIT_ROWS, Unit};
use crate::bits::words_per_row;

/// Rows of `B` behind one table.
const DEPTH: usize = 64;
/// Bytes of the sixteen subset sums of one group.
const GROUP_BYTES: usize = 16 * TILE * 4;

#[repr(align(64))]
struct Table([f32; 16 * 16 * TILE]);

#[repr(align(64))]
pub(super) struct Panel(pub(super) [f32; DEPTH * TILE]);

/// Sixteen numbers in registers. Methods are inlined into functions that enable what they need.
pub(super) trait Sixteen: Copy {
    fn zero() -> Self;
    fn add(self, other: Self) -> Self;

    /// # Safety
    /// Sixteen numbers must be there.
    unsafe fn load(from: *const f32) -> Self;

    /// # Safety
    /// There must be room for sixteen numbers.
    unsafe fn store(self, to: *mut f32);
}

/// `A B` of one unit into `sums`.
#[inline(always)]
pub(super) fn unit<V: Sixteen>(a: BitRows, b: Matrix, unit: Unit, sums: &mut Sums) {
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
                tabulate::<V>(from, b.row_stride, groups, &mut table);
            } else {
                // SAFETY: whatever kind of sixteen there is, the processor has AVX2.
                unsafe { pack(b, (word * DEPTH, depth), (first, width), &mut panel) };
                tabulate::<V>(&panel.0, TILE, groups, &mut table);
            }
            let words = &words[word * unit.n_rows..][..unit.n_rows];
            if word == 0 {
                add_rows::<V, true>(words, groups, &table, sums);
            } else {
                add_rows::<V, false>(words, groups, &table, sums);
            }
        }
    }
}

/// The subset sums of every group of four rows of `from`; the empty subset stays zero.
#[inline(always)]
fn tabulate<V: Sixteen>(from: &[f32], stride: usize, groups: usize, table: &mut Table) {
    assert!(groups <= 16 && from.len() >= (4 * groups - 1) * stride + TILE);
    for g in 0..groups {
        let row = from[4 * g * stride..].as_ptr();
        let to = table.0[g * 16 * TILE..].as_mut_ptr();
        // SAFETY: rows `4g .. 4g + 3` end inside `from` and entry 15 inside the table, by the assertion; the table is aligned to
        // 64 bytes.
        unsafe {
            let mut sums = [V::zero(); 16];
            for bit in 0..4 {
                let x = V::load(row.add(bit * stride));
                for low in 0..1 << bit {
                    // The lower bits come first, as in the scalar twin.
                    let sum = if low == 0 { x } else { sums[low].add(x) };
                    sums[low | 1 << bit] = sum;
                    sum.store(to.add((low | 1 << bit) * TILE));
                }
            }
        }
    }
}

/// Adds the table's entries to every row of `sums`, one word a row; the first time the sums start from zero.
#[inline(always)]
fn add_rows<V: Sixteen, const FIRST: bool>(words: &[u64], groups: usize, table: &Table, sums: &mut [f32]) {
    assert!(groups <= 16 && sums.len() == words.len() * TILE);
    let (fours, rest) = words.as_chunks::<4>();
    let (sums_of_fours, sums_of_rest) = sums.split_at_mut(fours.len() * 4 * TILE);
    for (words, sums) in fours.iter().zip(sums_of_fours.chunks_exact_mut(4 * TILE)) {
        add_some::<V, _, FIRST>(words, groups, table, sums);
    }
    for (word, sums) in rest.iter().zip(sums_of_rest.chunks_exact_mut(TILE)) {
        add_some::<V, _, FIRST>(&[*word], groups, table, sums);
    }
}

/// `R` rows at once, so that the latency of one row's additions hides behind the others.
#[inline(always)]
fn add_some<V: Sixteen, const R: usize, const FIRST: bool>(
    words: &[u64; R],
    groups: usize,
    table: &Table,
    sums: &mut [f32],
) {
    assert!(groups <= 16 && sums.len() == R * TILE);
    let to = sums.as_mut_ptr();
    let mut table = table.0.as_ptr();
    // Rotated so that the number of a subset comes out as a byte offset: 64 bytes an entry.
    let mut left = words.map(|w| w.rotate_left(6));
    // SAFETY: `R * TILE` sums by the assertion; a masked offset reaches entry 15 of a group at most, and the table
    // pointer passes `groups <= 16` of them.
    unsafe {
        let mut sums = [V::zero(); R];
        if !FIRST {
            for (r, sums) in sums.iter_mut().enumerate() {
                *sums = V::load(to.add(r * TILE));
            }
        }
        // Written out, because a loop over groups is not unrolled and then rotates by a register, at half the speed.
        macro_rules! add {
            ($($g:literal)*) => { $(
                for r in 0..R {
                    let entry = $g * GROUP_BYTES + (left[r].rotate_right(4 * $g) & 0x3C0) as usize;
                    sums[r] = sums[r].add(V::load(table.byte_add(entry)));
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
            sums.store(to.add(r * TILE));
        }
    }
}
