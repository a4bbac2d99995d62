//! The numbers that plans compute with, and the kernels that differ between them.

use gibbs_core::real::Real;
use gibbs_kernels::{conv, elementwise as vector, gemm};

use crate::cpu::{activation, elementwise, linear};
use crate::tape::Activation;
use crate::tape::op::{Conv, Geometry, Zip};

/// What a right-hand operand is laid out for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RightHand {
    /// A matrix `[k, n]`, given as `[n, k]` if `transposed`.
    Matrix {
        /// Rows.
        k: usize,
        /// Columns.
        n: usize,
        /// Whether it is given transposed.
        transposed: bool,
    },
    /// A kernel for a convolution.
    Filters(Geometry),
    /// A kernel for the adjoint of a convolution in its input.
    AdjointFilters(Geometry),
}

/// `f32` with vector kernels, or `f64` with plain loops for checks.
pub trait Element: Real {
    /// A right-hand operand laid out for products.
    type Packed: Clone + Default + Send + Sync;

    /// Lays out `b`, reusing memory.
    fn pack(b: &[Self], layout: RightHand, into: &mut Self::Packed);

    /// `c = a b (+ bias)` with `a` `[m, k]` and a packed matrix `[k, n]`; `bias` has `n` numbers.
    fn matmul(shape: [usize; 3], a: &[Self], b: &Self::Packed, bias: Option<&[Self]>, c: &mut [Self]);

    /// `c = a' g` with `a` `[m, k]` and `g` `[m, n]`; the shape is `[m, k, n]`.
    fn matmul_tn(shape: [usize; 3], a: &[Self], g: &[Self], c: &mut [Self]);

    /// Derivatives of the given orders, one output each.
    fn activation(how: Activation, orders: &[usize], z: &[Self], outs: &mut [&mut [Self]]);

    /// A convolution of `rows` pictures with packed filters, or its adjoint in the input with packed adjoint filters.
    fn conv(
        how: Conv,
        g: &Geometry,
        rows: usize,
        a: &[Self],
        b: &Self::Packed,
        bias: Option<&[Self]>,
        out: &mut [Self],
    );

    /// The adjoint of a convolution in its kernel.
    fn conv_weight(g: &Geometry, rows: usize, x: &[Self], cotangent: &[Self], out: &mut [Self]);

    /// `out = a (how) b`, all of one length.
    fn zip_same(how: Zip, a: &[Self], b: &[Self], out: &mut [Self]);

    /// `out = a (how) b` with `b` repeated: `a` is rows of `b.len()` numbers.
    fn zip_rows(how: Zip, a: &[Self], b: &[Self], out: &mut [Self]);

    /// Sums the rows of `a`, each of `out.len()` numbers.
    fn sum_rows(a: &[Self], out: &mut [Self]);

    /// `out += a`, into the precision of parameters.
    fn add_to(a: &[Self], out: &mut [f32]);
}

impl Element for f64 {
    /// The plain numbers: a matrix as `[k, n]`, a kernel as it is.
    type Packed = Vec<f64>;

    fn pack(b: &[Self], layout: RightHand, into: &mut Self::Packed) {
        match layout {
            RightHand::Matrix { k, n, transposed } => linear::pack(b, k, n, transposed, into),
            RightHand::Filters(_) | RightHand::AdjointFilters(_) => {
                into.clear();
                into.extend_from_slice(b);
            }
        }
    }

    fn matmul(shape: [usize; 3], a: &[Self], b: &Self::Packed, bias: Option<&[Self]>, c: &mut [Self]) {
        linear::matmul(shape, a, b, bias, c);
    }

    fn matmul_tn(shape: [usize; 3], a: &[Self], g: &[Self], c: &mut [Self]) {
        linear::matmul_tn(shape, a, g, c);
    }

    fn activation(how: Activation, orders: &[usize], z: &[Self], outs: &mut [&mut [Self]]) {
        activation::derivatives(how, orders, z, outs);
    }

    fn conv(
        how: Conv,
        g: &Geometry,
        rows: usize,
        a: &[Self],
        b: &Self::Packed,
        bias: Option<&[Self]>,
        out: &mut [Self],
    ) {
        linear::conv(how, g, rows, (a, b), bias, out);
    }

    fn conv_weight(g: &Geometry, rows: usize, x: &[Self], cotangent: &[Self], out: &mut [Self]) {
        linear::conv(Conv::Weight, g, rows, (x, cotangent), None, out);
    }

    fn zip_same(how: Zip, a: &[Self], b: &[Self], out: &mut [Self]) {
        elementwise::zip_same(how, a, b, out);
    }

    fn zip_rows(how: Zip, a: &[Self], b: &[Self], out: &mut [Self]) {
        let n = b.len().max(1);
        a.chunks_exact(n).zip(out.chunks_exact_mut(n)).for_each(|(a, out)| elementwise::zip_same(how, a, b, out));
    }

    fn sum_rows(a: &[Self], out: &mut [Self]) {
        out.fill(0.0);
        a.chunks_exact(out.len().max(1)).for_each(|a| out.iter_mut().zip(a).for_each(|(o, a)| *o += a));
    }

    fn add_to(a: &[Self], out: &mut [f32]) {
        out.iter_mut().zip(a).for_each(|(o, a)| *o += *a as f32);
    }
}

/// A right-hand operand of f32 products.
#[derive(Clone, Debug, Default)]
pub enum PackedF32 {
    /// Nothing yet.
    #[default]
    Nothing,
    /// A matrix in panels.
    Matrix(gemm::Packed),
    /// A kernel.
    Filters(Box<conv::Filters>),
    /// A kernel for the adjoint.
    AdjointFilters(Box<conv::AdjointFilters>),
}

fn sizes(g: &Geometry) -> conv::Geometry {
    conv::Geometry {
        h: g.input.0,
        w: g.input.1,
        ci: g.channels_in,
        co: g.channels_out,
        kh: g.kernel,
        kw: g.kernel,
        stride: g.stride,
        pad: g.padding,
    }
}

impl Element for f32 {
    type Packed = PackedF32;

    fn pack(b: &[Self], layout: RightHand, into: &mut PackedF32) {
        match layout {
            RightHand::Matrix { k, n, transposed } => {
                if !matches!(into, PackedF32::Matrix(_)) {
                    *into = PackedF32::Matrix(gemm::Packed::default());
                }
                if let PackedF32::Matrix(packed) = into {
                    if transposed { packed.repack_transposed(k, n, b) } else { packed.repack(k, n, b) }
                }
            }
            RightHand::Filters(g) => match into {
                PackedF32::Filters(filters) if *filters.geometry() == sizes(&g) => filters.repack(b),
                _ => *into = PackedF32::Filters(Box::new(conv::Filters::new(sizes(&g), b))),
            },
            RightHand::AdjointFilters(g) => match into {
                PackedF32::AdjointFilters(filters) if *filters.geometry() == sizes(&g) => filters.repack(b),
                _ => *into = PackedF32::AdjointFilters(Box::new(conv::AdjointFilters::new(sizes(&g), b))),
            },
        }
    }

    fn matmul([m, k, n]: [usize; 3], a: &[Self], b: &PackedF32, bias: Option<&[Self]>, c: &mut [Self]) {
        let PackedF32::Matrix(b) = b else { unreachable!("a product's right-hand side is packed as a matrix") };
        debug_assert_eq!((b.k(), b.n()), (k, n));
        gemm::matmul(m, a, b, bias, false, c);
    }

    fn matmul_tn([m, k, n]: [usize; 3], a: &[Self], g: &[Self], c: &mut [Self]) {
        gemm::matmul_tn(m, k, n, a, g, false, c);
    }

    fn activation(how: Activation, orders: &[usize], z: &[Self], outs: &mut [&mut [Self]]) {
        use gibbs_kernels::derivatives::{Activation as Kernel, apply};
        if orders.iter().any(|&o| o > 3) {
            return activation::derivatives(how, orders, z, outs);
        }
        let kind = match how {
            Activation::Sigmoid => Kernel::Sigmoid,
            Activation::Silu => Kernel::Silu,
            Activation::Softplus => Kernel::Softplus,
            Activation::Tanh => Kernel::Tanh,
            Activation::Gelu => Kernel::Gelu,
            Activation::Elu => Kernel::Elu,
            Activation::LeakyRelu => Kernel::LeakyRelu(activation::LEAK as f32),
            Activation::Relu => Kernel::LeakyRelu(0.0),
        };
        let mut places: [Option<&mut [f32]>; 4] = [None, None, None, None];
        for (&order, out) in orders.iter().zip(outs) {
            places[order] = Some(out);
        }
        apply(kind, z, None, places);
    }

    fn conv(how: Conv, _g: &Geometry, rows: usize, a: &[Self], b: &PackedF32, bias: Option<&[Self]>, out: &mut [Self]) {
        match (how, b) {
            (Conv::Forward, PackedF32::Filters(filters)) => conv::forward(rows, a, filters, bias, out),
            (Conv::Input, PackedF32::AdjointFilters(filters)) => conv::input_adjoint(rows, a, filters, out),
            _ => unreachable!("a convolution's kernel is packed for it"),
        }
    }

    fn conv_weight(g: &Geometry, rows: usize, x: &[Self], cotangent: &[Self], out: &mut [Self]) {
        conv::weight_adjoint(&sizes(g), rows, x, cotangent, false, out);
    }

    fn zip_same(how: Zip, a: &[Self], b: &[Self], out: &mut [Self]) {
        match how {
            Zip::Add => vector::add(a, b, out),
            Zip::Sub => vector::sub(a, b, out),
            Zip::Mul => vector::mul(a, b, out),
            Zip::Div => elementwise::zip_same(how, a, b, out),
        }
    }

    fn zip_rows(how: Zip, a: &[Self], b: &[Self], out: &mut [Self]) {
        match how {
            Zip::Add => vector::add_rows(a, b, out),
            Zip::Mul => vector::mul_rows(a, b, out),
            Zip::Sub | Zip::Div => {
                let n = b.len().max(1);
                let rows = a.chunks_exact(n).zip(out.chunks_exact_mut(n));
                rows.for_each(|(a, out)| elementwise::zip_same(how, a, b, out));
            }
        }
    }

    fn sum_rows(a: &[Self], out: &mut [Self]) {
        vector::sum_rows(a, out);
    }

    fn add_to(a: &[Self], out: &mut [f32]) {
        vector::add_assign(a, out);
    }
}
