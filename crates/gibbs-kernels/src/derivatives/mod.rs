//! Activations of nets with their first three derivatives, in one pass.
//!
//! All share one exponential an element (`exp(-|z|)`, `exp(-2 |z|)` or `exp(-z^2 / 2)`), so a derivative costs a few
//! multiplications more. Functions here are serial: callers are the threads.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod scalar;
#[cfg(test)]
mod tests;

use crate::level::{Level, level};

/// A smooth (or piecewise linear) function of one number. `s` is the logistic function, `Phi` the distribution function
/// of a standard normal number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// `z s(z)`: Elfwing et al. 2018, DOI 10.1016/j.neunet.2017.12.012.
    Silu,
    /// `log(1 + exp(z))`.
    Softplus,
    /// `tanh(z)`.
    Tanh,
    /// `z Phi(z)`, the exact form and not the one with `tanh`: Hendrycks & Gimpel 2016, DOI 10.48550/arXiv.1606.08415.
    Gelu,
    /// `z` above zero, `exp(z) - 1` up to zero, where the derivatives are those of the exponential: Clevert et al. 2016,
    /// DOI 10.48550/arXiv.1511.07289.
    Elu,
    /// `z` above zero, this multiple of `z` up to zero, where the derivative is the multiple; zero gives the rectifier.
    LeakyRelu(f32),
    /// `s(z)`.
    Sigmoid,
}

/// Value, first, second and third derivative at `z + bias` into those of `outs` that are there.
///
/// `bias` is added to every row, `z` being rows of `bias.len()` numbers. Error: at most `1e-6 max(1, |exact|)` for finite
/// `z`, the sum with the bias being rounded first; NaN stays NaN in whatever has an exponential in it. At infinite `z`
/// derivatives may be NaN.
///
/// # Panics
/// If an output has not the length of `z`, or `z` is not whole rows.
///
/// # Example
/// ```
/// use gibbs_kernels::derivatives::{Activation, apply};
/// let (z, mut value, mut slope) = ([0.0, 1.0], [0.0; 2], [0.0; 2]);
/// apply(Activation::Softplus, &z, None, [Some(&mut value), Some(&mut slope), None, None]);
/// assert!((value[0] - 2f32.ln()).abs() < 1e-6 && (slope[0] - 0.5).abs() < 1e-6);
/// ```
pub fn apply(kind: Activation, z: &[f32], bias: Option<&[f32]>, outs: [Option<&mut [f32]>; 4]) {
    apply_on(level(), kind, z, bias, outs);
}

fn apply_on(on: Level, kind: Activation, z: &[f32], bias: Option<&[f32]>, outs: [Option<&mut [f32]>; 4]) {
    check(z.len(), bias.map(<[f32]>::len), outs.each_ref().map(|out| out.as_ref().map(|out| out.len())));
    match on {
        Level::Scalar => scalar::apply(kind, z, bias, outs),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this level is only found on a processor that has it.
        Level::Avx2Fma | Level::Avx512 => unsafe { avx2::apply(kind, z, bias, outs) },
        #[cfg(not(target_arch = "x86_64"))]
        Level::Avx2Fma | Level::Avx512 => unreachable!("not on this processor"),
    }
}

/// [`apply`] in f64, within 1e-14 relative to `max(1, |exact|)`; plain code on every processor.
///
/// # Panics
/// As [`apply`].
pub fn apply_f64(kind: Activation, z: &[f64], bias: Option<&[f64]>, outs: [Option<&mut [f64]>; 4]) {
    check(z.len(), bias.map(<[f64]>::len), outs.each_ref().map(|out| out.as_ref().map(|out| out.len())));
    scalar::apply(kind, z, bias, outs);
}

fn check(len: usize, bias: Option<usize>, outs: [Option<usize>; 4]) {
    assert!(outs.iter().flatten().all(|out| *out == len), "outputs of {outs:?} numbers for {len}");
    if let Some(n) = bias {
        assert!(len.is_multiple_of(n), "{len} numbers are not whole rows of {n}");
    }
}
