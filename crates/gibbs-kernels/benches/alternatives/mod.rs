//! What the kernels were measured against.

use gibbs_kernels::bits::BitRows;
use rayon::prelude::*;

/// One float a bit.
pub fn unpack(a: BitRows) -> Vec<f32> {
    (0..a.n_rows() * a.n_cols()).map(|i| f32::from(u8::from(a.get(i / a.n_cols(), i % a.n_cols())))).collect()
}

/// `out = keep * out + A B` by the crate `gemm`, on all threads; operands are (data, row stride, column stride).
pub fn dense(
    out: &mut [f32],
    (m, n, k): (usize, usize, usize),
    (a, a_rs, a_cs): (&[f32], usize, usize),
    (b, b_rs, b_cs): (&[f32], usize, usize),
    keep: f32,
) {
    assert!(out.len() == m * n && a.len() == m * k && b.len() == k * n);
    // SAFETY: the shapes are those of the slices.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            keep != 0.0,
            a.as_ptr(),
            a_cs as isize,
            a_rs as isize,
            b.as_ptr(),
            b_cs as isize,
            b_rs as isize,
            keep,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::Rayon(rayon::current_num_threads()),
        );
    }
}

/// Adds the rows of `B` that the ones of a row of `A` select, in tiles of 64 columns: eight sums stay in registers.
pub fn sparse_rows(a: BitRows, b: &[f32], n: usize, out: &mut [f32]) {
    let ones: Vec<Vec<u32>> = (0..a.n_rows()).map(|i| column_numbers(a.row(i))).collect();
    sparse_rows_of(&ones, b, n, out);
}

fn column_numbers(row: &[u64]) -> Vec<u32> {
    let mut ones = Vec::with_capacity(64 * row.len());
    for (w, &word) in row.iter().enumerate() {
        let mut left = word;
        while left != 0 {
            ones.push(64 * w as u32 + left.trailing_zeros());
            left &= left - 1;
        }
    }
    ones
}

/// [`sparse_rows`] from lists of column numbers.
pub fn sparse_rows_of(ones: &[Vec<u32>], b: &[f32], n: usize, out: &mut [f32]) {
    let tiles = n.div_ceil(64);
    let start = out.as_mut_ptr() as usize;
    assert_eq!(out.len(), ones.len() * n);
    (0..tiles).into_par_iter().for_each(|tile| {
        let (first, width) = (64 * tile, (n - 64 * tile).min(64));
        for (i, ones) in ones.iter().enumerate() {
            // SAFETY: tiles write disjoint columns of a slice that is borrowed for the whole call.
            let out = unsafe { std::slice::from_raw_parts_mut((start as *mut f32).add(i * n + first), width) };
            #[cfg(target_arch = "x86_64")]
            if width == 64 {
                // SAFETY: the benches run on a processor with AVX2; rows end inside `b`.
                unsafe { add_rows_64(ones, &b[first..], n, out) };
                continue;
            }
            out.fill(0.0);
            for &k in ones {
                out.iter_mut().zip(&b[k as usize * n + first..]).for_each(|(o, b)| *o += b);
            }
        }
    });
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn add_rows_64(ones: &[u32], b: &[f32], stride: usize, out: &mut [f32]) {
    use std::arch::x86_64::{_mm256_add_ps, _mm256_loadu_ps, _mm256_setzero_ps, _mm256_storeu_ps};
    let mut sums = [_mm256_setzero_ps(); 8];
    for &k in ones {
        let row = &b[k as usize * stride..][..64];
        for (j, sum) in sums.iter_mut().enumerate() {
            // SAFETY: 64 numbers.
            *sum = _mm256_add_ps(*sum, unsafe { _mm256_loadu_ps(row.as_ptr().add(8 * j)) });
        }
    }
    for (j, sum) in sums.iter().enumerate() {
        // SAFETY: 64 numbers.
        unsafe { _mm256_storeu_ps(out.as_mut_ptr().add(8 * j), *sum) };
    }
}

/// Weights as whole numbers of a step a column, laid out for `vpmaddubsw`: pairs of rows side by side.
pub struct Quantised {
    pairs: Vec<i8>,
    steps: Vec<f32>,
    n_rows: usize,
    n_cols: usize,
}

impl Quantised {
    /// Rounds to 127 steps of each column's largest value; an odd last row gets a zero partner.
    pub fn new(w: &[f32], n_rows: usize, n_cols: usize) -> Self {
        let mut steps = vec![0.0f32; n_cols];
        for row in w.chunks_exact(n_cols) {
            steps.iter_mut().zip(row).for_each(|(s, w)| *s = s.max(w.abs()));
        }
        steps.iter_mut().for_each(|s| *s /= 127.0);
        let inverse: Vec<f32> = steps.iter().map(|s| 1.0 / s).collect();
        let padded = n_cols.next_multiple_of(16);
        let mut pairs = vec![0i8; n_rows.div_ceil(2) * 2 * padded];
        for (k, row) in w.chunks_exact(n_cols).enumerate() {
            let to = &mut pairs[k / 2 * 2 * padded..][..2 * padded];
            for ((j, w), s) in row.iter().enumerate().zip(&inverse) {
                to[2 * j + k % 2] = (w * s).round_ties_even() as i8;
            }
        }
        Self { pairs, steps, n_rows, n_cols }
    }
}

/// The product with quantised weights: 16 columns of two rows an instruction, sums in 16 bits for up to 128 pairs.
pub fn int8(a: &[u8], m: usize, b: &Quantised, out: &mut [f32]) {
    let (k, n) = (b.n_rows, b.n_cols);
    assert!(k % 2 == 0 && a.len() == m * k && out.len() == m * n);
    let start = out.as_mut_ptr() as usize;
    (0..n.div_ceil(16)).into_par_iter().for_each(|tile| {
        let (first, width) = (16 * tile, (n - 16 * tile).min(16));
        for i in 0..m {
            let mut sums = [0i32; 16];
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the benches run on a processor with AVX2; padded rows end inside `pairs`.
            unsafe {
                dot_16(&a[i * k..][..k], &b.pairs[2 * first..], 2 * n.next_multiple_of(16), &mut sums);
            }
            // SAFETY: tiles write disjoint columns of a slice that is borrowed for the whole call.
            let out = unsafe { std::slice::from_raw_parts_mut((start as *mut f32).add(i * n + first), width) };
            out.iter_mut().zip(sums).zip(&b.steps[first..]).for_each(|((o, s), step)| *o = s as f32 * step);
        }
    });
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn dot_16(a: &[u8], pairs: &[i8], stride: usize, sums: &mut [i32; 16]) {
    use std::arch::x86_64::{
        _mm256_add_epi16, _mm256_loadu_si256, _mm256_maddubs_epi16, _mm256_set1_epi16, _mm256_setzero_si256,
        _mm256_storeu_si256,
    };
    for (block, a) in a.chunks(256).enumerate() {
        let mut sum = _mm256_setzero_si256();
        for (pair, a) in a.chunks_exact(2).enumerate() {
            let row = &pairs[(128 * block + pair) * stride..][..32];
            let both = _mm256_set1_epi16(i16::from_le_bytes([a[0], a[1]]));
            // SAFETY: 32 bytes.
            let weights = unsafe { _mm256_loadu_si256(row.as_ptr().cast()) };
            sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(both, weights));
        }
        let mut narrow = [0i16; 16];
        // SAFETY: 32 bytes.
        unsafe { _mm256_storeu_si256(narrow.as_mut_ptr().cast(), sum) };
        sums.iter_mut().zip(narrow).for_each(|(s, x)| *s += i32::from(x));
    }
}
