//! Sixteen numbers in one register of 512 bits.

use std::arch::x86_64::{__m512, _mm512_add_ps, _mm512_loadu_ps, _mm512_setzero_ps, _mm512_storeu_ps};

use super::tables::{self, Sixteen};
use super::{BitRows, Matrix, Sums, Unit};

/// [`tables::unit`] in registers.
#[target_feature(enable = "avx512f,bmi2")]
pub(super) fn unit(a: BitRows, b: Matrix, unit: Unit, sums: &mut Sums) {
    tables::unit::<One>(a, b, unit, sums);
}

/// One register. Made only within [`unit`], which runs only where it exists: that makes its methods sound.
#[derive(Clone, Copy)]
struct One(__m512);

impl Sixteen for One {
    #[inline(always)]
    fn zero() -> Self {
        // SAFETY: see the type.
        unsafe { Self(_mm512_setzero_ps()) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: see the type.
        unsafe { Self(_mm512_add_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise.
        unsafe { Self(_mm512_loadu_ps(from)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { _mm512_storeu_ps(to, self.0) };
    }
}
