//! Dense f32 products of small and medium matrices on the calling thread.
//!
//! Rows are contiguous: the stride of a row is its length. The right-hand matrix is [`Packed`] once and used many times,
//! as weights are; the left-hand one is read as it lies. Rows of the result do not depend on how many there are, so
//! blocks of a batch on several threads give the bits of the whole.
//!
//! Each output element is a sum over the inner index in order, in pieces of at most 256 that are added one after another
//! (with eight partial sums where there are up to four columns). The relative error is that of such a sum: at most
//! `(k + 9) 2^-24 sum_p |a_ip b_pj|`; instruction sets differ by twice that.
//!
//! The kernel keeps six rows of sixteen columns in registers, or of 32 with AVX-512 (Goto & van de Geijn 2008, DOI 10.1145/1356052.1356053).

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
#[cfg(target_arch = "x86_64")]
pub(crate) mod loops;
pub(crate) mod packed;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod skinny;
#[cfg(test)]
mod tests;

pub use packed::Packed;

/// Most rows that [`add_tn`] takes: as many inner numbers the kernel sums before it goes back to memory.
pub(crate) const INNER: usize = 256;

use crate::level::{Level, level};

/// `C = A B`, plus `bias` in every row, plus the old `C` if `accumulate`.
///
/// Shapes: `a` `[m, k]`, `b` `[k, n]`, `bias` `[n]`, `c` `[m, n]`.
///
/// # Panics
/// On other shapes.
///
/// # Example
/// ```
/// use gibbs_kernels::gemm::{Packed, matmul};
/// let (a, mut c) = ([1.0, 2.0, 3.0, 4.0], [1.0; 2]);
/// matmul(2, &a, &Packed::new(2, 1, &[1.0, 1.0]), None, true, &mut c);
/// assert_eq!(c, [4.0, 8.0]);
/// ```
pub fn matmul(m: usize, a: &[f32], b: &Packed, bias: Option<&[f32]>, accumulate: bool, c: &mut [f32]) {
    matmul_on(level(), m, a, b, bias, accumulate, c);
}

pub(crate) fn matmul_on(
    on: Level,
    m: usize,
    a: &[f32],
    b: &Packed,
    bias: Option<&[f32]>,
    accumulate: bool,
    c: &mut [f32],
) {
    let (k, n) = (b.k(), b.n());
    assert_eq!(a.len(), m * k, "left-hand matrix of {m} x {k}");
    assert_eq!(c.len(), m * n, "result of {m} x {n}");
    assert!(bias.is_none_or(|bias| bias.len() == n), "one bias a column");
    match on {
        Level::Scalar => scalar::matmul(a, b, bias, accumulate, c),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: these levels are only found on a processor that has them.
        Level::Avx2Fma | Level::Avx512 => unsafe {
            if b.as_columns() {
                skinny::few_columns(m, a, b, bias, accumulate, c);
            } else if k <= skinny::FEW_INNER {
                skinny::few_inner(m, a, b, bias, accumulate, c);
            } else {
                loops::matmul(kernel(on), m, a, b, bias, accumulate, c);
            }
        },
        #[cfg(not(target_arch = "x86_64"))]
        Level::Avx2Fma | Level::Avx512 => unreachable!("not on this processor"),
    }
}

/// `C = A' G`, plus the old `C` if `accumulate`: the gradient of weights, summed over the batch.
///
/// Shapes: `a` `[m, k]`, `g` `[m, n]`, `c` `[k, n]`.
///
/// # Panics
/// On other shapes.
///
/// # Example
/// ```
/// let (a, g, mut c) = ([1.0, 2.0, 3.0, 4.0], [1.0, 10.0], [0.0; 2]);
/// gibbs_kernels::gemm::matmul_tn(2, 2, 1, &a, &g, false, &mut c);
/// assert_eq!(c, [31.0, 42.0]);
/// ```
pub fn matmul_tn(m: usize, k: usize, n: usize, a: &[f32], g: &[f32], accumulate: bool, c: &mut [f32]) {
    matmul_tn_on(level(), (m, k, n), a, g, accumulate, c);
}

fn matmul_tn_on(on: Level, (m, k, n): (usize, usize, usize), a: &[f32], g: &[f32], accumulate: bool, c: &mut [f32]) {
    assert_eq!(a.len(), m * k, "left-hand matrix of {m} x {k}");
    assert_eq!(g.len(), m * n, "right-hand matrix of {m} x {n}");
    assert_eq!(c.len(), k * n, "result of {k} x {n}");
    if !accumulate {
        c.fill(0.0);
    }
    match on {
        Level::Scalar => scalar::add_tn((m, k, n), |i| &a[i * k..][..k], g, c),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this level is only found on a processor that has it.
        Level::Avx2Fma | Level::Avx512 => unsafe {
            if k <= skinny::FEW_INNER {
                skinny::few_rows_tn((m, k, n), a, g, (n, 1), c);
            } else if n <= skinny::FEW_INNER {
                skinny::few_rows_tn((m, n, k), g, a, (1, n), c);
            } else {
                loops::matmul_tn(kernel(on), (m, k, n), a, g, c);
            }
        },
        #[cfg(not(target_arch = "x86_64"))]
        Level::Avx2Fma | Level::Avx512 => unreachable!("not on this processor"),
    }
}

/// Adds `A' G` to `c` `[k, n]` for at most [`INNER`] rows: `row(i)` is row `i` of `A`, `g` holds the rows of `G`.
pub(crate) fn add_tn<'a>(
    on: Level,
    shape: (usize, usize, usize),
    row: impl Fn(usize) -> &'a [f32],
    g: &[f32],
    c: &mut [f32],
) {
    assert!(shape.0 <= INNER, "{} rows at once", shape.0);
    match on {
        Level::Scalar => scalar::add_tn(shape, row, g, c),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this level is only found on a processor that has it.
        Level::Avx2Fma | Level::Avx512 => unsafe { loops::add_tn(kernel(on), shape, row, g, c) },
        #[cfg(not(target_arch = "x86_64"))]
        Level::Avx2Fma | Level::Avx512 => unreachable!("not on this processor"),
    }
}

/// The kernel of a level that has one.
#[cfg(target_arch = "x86_64")]
fn kernel(on: Level) -> &'static loops::Kernel {
    if on == Level::Avx512 { &avx512::KERNEL } else { &avx2::KERNEL }
}
