//! The numbers that plans compute with, and the kernels that differ between them.

use gibbs_core::real::Real;

use crate::cpu::{activation, linear};
use crate::tape::Activation;
use crate::tape::op::{Conv, Geometry};

/// `f32` with vector kernels, or `f64` with plain loops for checks.
pub trait Element: Real {
    /// A right-hand matrix laid out for products.
    type Packed: Clone + Default + Send + Sync;

    /// Lays out `b`: `[k, n]`, or `[n, k]` if `transposed`.
    fn pack(b: &[Self], k: usize, n: usize, transposed: bool, into: &mut Self::Packed);

    /// `c = a b (+ bias)` with `a` `[m, k]` and a packed `b` `[k, n]`; `bias` has `n` numbers.
    fn matmul(m: usize, k: usize, n: usize, a: &[Self], b: &Self::Packed, bias: Option<&[Self]>, c: &mut [Self]);

    /// `c = a' g` with `a` `[m, k]` and `g` `[m, n]`.
    fn matmul_tn(m: usize, k: usize, n: usize, a: &[Self], g: &[Self], c: &mut [Self]);

    /// Derivatives of the given orders, one output each.
    fn activation(how: Activation, orders: &[usize], z: &[Self], outs: &mut [&mut [Self]]);

    /// One of the three maps of a convolution; `b` is the kernel (or, for its adjoint, the cotangent).
    fn conv(how: Conv, g: &Geometry, rows: usize, a: &[Self], b: &[Self], bias: Option<&[Self]>, out: &mut [Self]);
}

impl Element for f64 {
    type Packed = Vec<f64>;

    fn pack(b: &[Self], k: usize, n: usize, transposed: bool, into: &mut Self::Packed) {
        linear::pack(b, k, n, transposed, into);
    }

    fn matmul(m: usize, k: usize, n: usize, a: &[Self], b: &Self::Packed, bias: Option<&[Self]>, c: &mut [Self]) {
        linear::matmul(m, k, n, a, b, bias, c);
    }

    fn matmul_tn(m: usize, k: usize, n: usize, a: &[Self], g: &[Self], c: &mut [Self]) {
        linear::matmul_tn(m, k, n, a, g, c);
    }

    fn activation(how: Activation, orders: &[usize], z: &[Self], outs: &mut [&mut [Self]]) {
        activation::derivatives(how, orders, z, outs);
    }

    fn conv(how: Conv, g: &Geometry, rows: usize, a: &[Self], b: &[Self], bias: Option<&[Self]>, out: &mut [Self]) {
        linear::conv(how, g, rows, a, b, bias, out);
    }
}

impl Element for f32 {
    type Packed = Vec<f32>;

    fn pack(b: &[Self], k: usize, n: usize, transposed: bool, into: &mut Self::Packed) {
        linear::pack(b, k, n, transposed, into);
    }

    fn matmul(m: usize, k: usize, n: usize, a: &[Self], b: &Self::Packed, bias: Option<&[Self]>, c: &mut [Self]) {
        linear::matmul(m, k, n, a, b, bias, c);
    }

    fn matmul_tn(m: usize, k: usize, n: usize, a: &[Self], g: &[Self], c: &mut [Self]) {
        linear::matmul_tn(m, k, n, a, g, c);
    }

    fn activation(how: Activation, orders: &[usize], z: &[Self], outs: &mut [&mut [Self]]) {
        activation::derivatives(how, orders, z, outs);
    }

    fn conv(how: Conv, g: &Geometry, rows: usize, a: &[Self], b: &[Self], bias: Option<&[Self]>, out: &mut [Self]) {
        linear::conv(how, g, rows, a, b, bias, out);
    }
}
