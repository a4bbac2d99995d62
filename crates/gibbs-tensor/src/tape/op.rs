//! The primitives of the tape. The derivative of each is written with the same set, so any order works.

use std::hash::{Hash, Hasher};

/// Activation functions, usable at any order of derivative.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// `1 / (1 + exp(-z))`.
    Sigmoid,
    /// `z sigmoid(z)` (Elfwing et al. 2018, DOI 10.1016/j.neunet.2017.12.012).
    Silu,
    /// `log(1 + exp(z))`.
    Softplus,
    /// `tanh(z)`.
    Tanh,
    /// `z Phi(z)` with the normal distribution function (Hendrycks & Gimpel 2016, arXiv:1606.08415).
    Gelu,
    /// `z` above 0, `exp(z) - 1` below (Clevert et al. 2016, arXiv:1511.07289).
    Elu,
    /// `z` above 0, `z / 5` below. Its second derivative is 0 almost everywhere: score matching cannot learn from it.
    LeakyRelu,
    /// `z` above 0, 0 below. As for [`Activation::LeakyRelu`], its second derivative is 0 almost everywhere.
    Relu,
}

/// Other elementwise functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Map {
    /// `exp(x)`.
    Exp,
    /// `ln(x)`.
    Ln,
    /// `1 / x`.
    Recip,
    /// `sqrt(x)`.
    Sqrt,
    /// `sin(x)`.
    Sin,
    /// `cos(x)`.
    Cos,
    /// The `n`-th derivative of `ln Gamma(x)` for `x > 0`: `ln Gamma` itself, digamma, trigamma, ...
    LnGamma(usize),
}

/// Elementwise functions of two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Zip {
    /// `a + b`.
    Add,
    /// `a - b`.
    Sub,
    /// `a b`.
    Mul,
    /// `a / b`.
    Div,
}

/// Which operand of a matrix product is transposed. A batch counts as rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Product {
    /// `A B`.
    Plain,
    /// `A B'`.
    RightTransposed,
    /// `A' B`, which sums over rows.
    LeftTransposed,
}

/// Geometry of a 2-D convolution over `[height, width, channels]`, kernel `[kernel, kernel, in, out]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Geometry {
    /// Height and width of the input.
    pub input: (usize, usize),
    /// Channels in.
    pub channels_in: usize,
    /// Channels out.
    pub channels_out: usize,
    /// Height and width of the kernel.
    pub kernel: usize,
    /// Step between outputs.
    pub stride: usize,
    /// Rows and columns of zeroes around the input.
    pub padding: usize,
}

impl Geometry {
    /// Height and width of the output.
    pub fn output(&self) -> (usize, usize) {
        let along = |n: usize| (n + 2 * self.padding - self.kernel) / self.stride + 1;
        (along(self.input.0), along(self.input.1))
    }
}

/// The three bilinear maps of a convolution; each is a derivative of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Conv {
    /// `(x, w) -> y`.
    Forward,
    /// `(g, w) -> dx`, the adjoint in the input.
    Input,
    /// `(x, g) -> dw`, the adjoint in the kernel, summed over rows.
    Weight,
}

/// A primitive.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// Numbers given for each run: one block a row.
    Input(usize),
    /// A parameter by its place in the parameter list.
    Param(usize),
    /// One number.
    Const(f64),
    Map(Map),
    /// A derivative of an activation: order 0 is the function itself.
    Activation(Activation, usize),
    Zip(Zip),
    /// Repeats the operand over a larger shape.
    Spread,
    /// The adjoint of `Spread`: sums to a smaller shape.
    SumTo,
    MatMul(Product),
    Conv(Conv, Geometry),
    /// Mean over squares of this side, over `[height, width, channels]`.
    AvgPool(usize),
    /// Repeats each pixel over a square of this side.
    Upsample(usize),
    /// The same numbers under other dims.
    Reshape,
    /// Axes in another order.
    Permute(Vec<usize>),
    /// Side by side along the last axis.
    Concat,
    /// A range of the last axis.
    Slice {
        start: usize,
    },
    /// The adjoint of `Slice`: zeroes around.
    Pad {
        start: usize,
    },
    /// Entries of the last axis by index.
    Gather(Vec<usize>),
    /// The adjoint of `Gather`: adds each entry to its index.
    Scatter(Vec<usize>),
    /// `log sum exp` over the last axis, which becomes 1.
    LogSumExp,
    /// `exp(x - log sum exp(x))` over the last axis.
    Softmax,
    /// The same numbers; derivatives stop here.
    Detach,
}

impl PartialEq for Op {
    fn eq(&self, other: &Self) -> bool {
        use Op::{
            Activation, AvgPool, Concat, Const, Conv, Detach, Gather, Input, LogSumExp, Map, MatMul, Pad, Param,
            Permute, Reshape, Scatter, Slice, Softmax, Spread, SumTo, Upsample, Zip,
        };
        match (self, other) {
            (Input(a), Input(b)) | (Param(a), Param(b)) | (AvgPool(a), AvgPool(b)) | (Upsample(a), Upsample(b)) => {
                a == b
            }
            (Const(a), Const(b)) => a.to_bits() == b.to_bits(),
            (Map(a), Map(b)) => a == b,
            (Activation(a, i), Activation(b, j)) => a == b && i == j,
            (Zip(a), Zip(b)) => a == b,
            (MatMul(a), MatMul(b)) => a == b,
            (Conv(a, g), Conv(b, h)) => a == b && g == h,
            (Permute(a), Permute(b)) | (Gather(a), Gather(b)) | (Scatter(a), Scatter(b)) => a == b,
            (Slice { start: a }, Slice { start: b }) | (Pad { start: a }, Pad { start: b }) => a == b,
            (Spread, Spread)
            | (SumTo, SumTo)
            | (Reshape, Reshape)
            | (Concat, Concat)
            | (LogSumExp, LogSumExp)
            | (Softmax, Softmax)
            | (Detach, Detach) => true,
            _ => false,
        }
    }
}

impl Eq for Op {}

impl Hash for Op {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Op::Input(a) | Op::Param(a) | Op::AvgPool(a) | Op::Upsample(a) => a.hash(state),
            Op::Const(a) => a.to_bits().hash(state),
            Op::Slice { start } | Op::Pad { start } => start.hash(state),
            Op::Activation(_, order) => order.hash(state),
            _ => {}
        }
    }
}
