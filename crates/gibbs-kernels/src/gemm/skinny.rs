//! Products with a dimension of four or less, where a tile of six by sixteen would mostly multiply padding.

use std::arch::x86_64::{
    __m256, _mm_add_ps, _mm_add_ss, _mm_cvtss_f32, _mm_movehdup_ps, _mm_movehl_ps, _mm256_broadcast_ss,
    _mm256_castps256_ps128, _mm256_extractf128_ps, _mm256_fmadd_ps, _mm256_load_ps, _mm256_loadu_ps, _mm256_setzero_ps,
    _mm256_storeu_ps,
};

use super::Packed;
use super::avx2::{multiply_add, store, zeros};
use super::loops::Finish;
use super::packed::PANEL;

/// Up to so many inner numbers are a few multiples of rows added.
pub(super) const FEW_INNER: usize = 4;

/// `C = A B` for a `B` kept as columns: dot products of rows.
#[target_feature(enable = "avx2,fma")]
pub(super) fn few_columns(m: usize, a: &[f32], b: &Packed, bias: Option<&[f32]>, accumulate: bool, c: &mut [f32]) {
    match b.n() {
        0 => {}
        1 => dots_of_rows::<8, 1>(m, a, b, bias, accumulate, c),
        2 => dots_of_rows::<4, 2>(m, a, b, bias, accumulate, c),
        3 => dots_of_rows::<2, 3>(m, a, b, bias, accumulate, c),
        _ => dots_of_rows::<2, 4>(m, a, b, bias, accumulate, c),
    }
}

/// `R` rows at a time, the last ones alone.
#[target_feature(enable = "avx2,fma")]
fn dots_of_rows<const R: usize, const N: usize>(
    m: usize,
    a: &[f32],
    b: &Packed,
    bias: Option<&[f32]>,
    accumulate: bool,
    c: &mut [f32],
) {
    let k = b.k();
    let put = |c: &mut [f32], sums: &[f32; N]| {
        for j in 0..N {
            c[j] = sums[j] + bias.map_or(0.0, |bias| bias[j]) + if accumulate { c[j] } else { 0.0 };
        }
    };
    let in_groups = m - m % R;
    for i in (0..in_groups).step_by(R) {
        let sums: [[f32; N]; R] = dots(&a[i * k..], b);
        sums.iter().zip(c[i * N..].chunks_exact_mut(N)).for_each(|(s, c)| put(c, s));
    }
    for i in in_groups..m {
        let [sums]: [[f32; N]; 1] = dots(&a[i * k..], b);
        put(&mut c[i * N..][..N], &sums);
    }
}

/// Dot products of the first `R` rows of `a` with `N` columns; each a sum of eight partial ones and a rest.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn dots<const R: usize, const N: usize>(a: &[f32], b: &Packed) -> [[f32; N]; R] {
    let (k, stride) = (b.k(), b.column_stride());
    let a = &a[..R * k];
    let b = &b.floats()[..N * stride];
    let whole = k - k % 8;
    let mut sums = [[_mm256_setzero_ps(); N]; R];
    for p in (0..whole).step_by(8) {
        // SAFETY: eight numbers from `p` on are in each row and column by the slices above; columns are aligned.
        unsafe {
            let b: [__m256; N] = std::array::from_fn(|j| _mm256_load_ps(b.as_ptr().add(j * stride + p)));
            for r in 0..R {
                let a = _mm256_loadu_ps(a.as_ptr().add(r * k + p));
                for j in 0..N {
                    sums[r][j] = _mm256_fmadd_ps(a, b[j], sums[r][j]);
                }
            }
        }
    }
    let mut out = [[0.0; N]; R];
    for r in 0..R {
        for j in 0..N {
            let mut sum = add_lanes(sums[r][j]);
            for p in whole..k {
                sum = a[r * k + p].mul_add(b[j * stride + p], sum);
            }
            out[r][j] = sum;
        }
    }
    out
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn add_lanes(x: __m256) -> f32 {
    let four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps::<1>(x));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
}

/// `C = A B` for up to four inner numbers: sums of multiples of the rows of `B`, for four rows at a time.
#[target_feature(enable = "avx2,fma")]
pub(super) fn few_inner(m: usize, a: &[f32], b: &Packed, bias: Option<&[f32]>, accumulate: bool, c: &mut [f32]) {
    match b.k() {
        0 => multiples::<0>(m, a, b, bias, accumulate, c),
        1 => multiples::<1>(m, a, b, bias, accumulate, c),
        2 => multiples::<2>(m, a, b, bias, accumulate, c),
        3 => multiples::<3>(m, a, b, bias, accumulate, c),
        _ => multiples::<4>(m, a, b, bias, accumulate, c),
    }
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn multiples<const K: usize>(m: usize, a: &[f32], b: &Packed, bias: Option<&[f32]>, accumulate: bool, c: &mut [f32]) {
    let n = b.n();
    let in_groups = m - m % 4;
    for i in (0..m).step_by(4) {
        for col in (0..n).step_by(PANEL) {
            let panel = &b.floats()[col * K..][..K * PANEL];
            let cols = (n - col).min(PANEL);
            // `map` here is a call: its code may use fewer instructions than this function, so it is not inlined.
            #[allow(clippy::manual_map)]
            let bias = if let Some(bias) = bias { Some(&bias[col..][..cols]) } else { None };
            let finish = Finish { cols, bias, add: accumulate };
            if i < in_groups {
                multiples_of_rows::<K, 4>(&a[i * K..], panel, &mut c[i * n + col..], n, finish);
            } else {
                for i in in_groups..m {
                    multiples_of_rows::<K, 1>(&a[i * K..], panel, &mut c[i * n + col..], n, finish);
                }
            }
        }
    }
}

/// `R` rows of `K` numbers times one panel; rows of the result are `n` apart.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn multiples_of_rows<const K: usize, const R: usize>(
    a: &[f32],
    panel: &[f32],
    c: &mut [f32],
    n: usize,
    finish: Finish,
) {
    let (a, panel) = (&a[..R * K], &panel[..K * PANEL]);
    let c = &mut c[..(R - 1) * n + finish.cols];
    let mut sums = zeros::<R, 2>();
    // SAFETY: `R` rows of `K` numbers, `K` aligned lines, and rows of `finish.cols` numbers in `c`, by the slices above.
    unsafe {
        multiply_add::<R, 2, 1>(&mut sums, K, std::array::from_fn(|r| a.as_ptr().add(r * K)), panel.as_ptr());
        store(&sums, std::array::from_fn(|r| c.as_mut_ptr().add(r * n)), finish);
    }
}

/// Adds `A' G` to `c` for up to four columns of `A`; element `(p, j)` of the result is at `c[p * strides.0 + j *
/// strides.1]`, and the second stride is one unless the first is.
#[target_feature(enable = "avx2,fma")]
pub(super) fn few_rows_tn(
    (m, k, n): (usize, usize, usize),
    a: &[f32],
    g: &[f32],
    strides: (usize, usize),
    c: &mut [f32],
) {
    let mut col = 0;
    // Wide pieces while they last, then eight and fewer columns.
    while col < n {
        let (left, at) = (n - col, (n, col));
        col += match (k, left >= 32) {
            (0, _) => left,
            (1, true) => columns_tn::<1, 4>(m, a, g, at, 32, strides, c),
            (2, true) => columns_tn::<2, 4>(m, a, g, at, 32, strides, c),
            (3, true) => columns_tn::<3, 4>(m, a, g, at, 32, strides, c),
            (1, false) => columns_tn::<1, 1>(m, a, g, at, left.min(8), strides, c),
            (2, false) => columns_tn::<2, 1>(m, a, g, at, left.min(8), strides, c),
            (3, false) => columns_tn::<3, 1>(m, a, g, at, left.min(8), strides, c),
            (_, false) if left < 16 => columns_tn::<4, 1>(m, a, g, at, left.min(8), strides, c),
            _ => columns_tn::<4, 2>(m, a, g, at, 16, strides, c),
        };
    }
}

/// `cols <= 8 W` columns from `col` on; returns `cols`.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn columns_tn<const K: usize, const W: usize>(
    m: usize,
    a: &[f32],
    g: &[f32],
    (n, col): (usize, usize),
    cols: usize,
    strides: (usize, usize),
    c: &mut [f32],
) -> usize {
    let a = &a[..m * K];
    let mut sums = [[_mm256_setzero_ps(); W]; K];
    for (i, a) in a.chunks_exact(K).enumerate() {
        let g = &g[i * n + col..][..cols];
        let mut edge = [0.0; 8];
        let from = if cols == 8 * W {
            g.as_ptr()
        } else {
            edge.iter_mut().zip(g).for_each(|(to, g)| *to = *g);
            edge.as_ptr()
        };
        // SAFETY: `8 W` numbers; below that, `W` is one.
        let g: [__m256; W] = std::array::from_fn(|w| unsafe { _mm256_loadu_ps(from.add(8 * w)) });
        for p in 0..K {
            let a = _mm256_broadcast_ss(&a[p]);
            for w in 0..W {
                sums[p][w] = _mm256_fmadd_ps(a, g[w], sums[p][w]);
            }
        }
    }
    for (p, sums) in sums.iter().enumerate() {
        for (w, sums) in sums.iter().enumerate() {
            let mut buffer = [0.0; 8];
            // SAFETY: eight numbers.
            unsafe { _mm256_storeu_ps(buffer.as_mut_ptr(), *sums) };
            for (l, x) in buffer.iter().enumerate().take(cols - cols.min(8 * w)) {
                c[p * strides.0 + (col + 8 * w + l) * strides.1] += x;
            }
        }
    }
    cols
}
