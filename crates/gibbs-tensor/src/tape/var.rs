//! Values on the tape: ordinary-looking code writes an expression down, nothing is computed yet.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::op::{Activation, Conv, Geometry, Map, Op, Product, Zip};
use super::shape::{Shape, Spread};

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TapeError(pub String);

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) op: Op,
    pub(crate) inputs: Vec<usize>,
    pub(crate) shape: Shape,
}

/// The expressions written so far. Equal expressions are one node; operands come before their results.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    known: HashMap<(Op, Vec<usize>, Shape), usize>,
    pub(crate) error: Option<TapeError>,
}

/// The tape on which expressions are written.
#[derive(Clone, Debug, Default)]
pub struct Tape(pub(crate) Rc<RefCell<Graph>>);

/// A value on a [`Tape`]: a block of numbers a row of the batch, or one for the whole batch.
///
/// Operators and methods write further expressions. A mistake in shapes is kept and returned when the expression is
/// compiled, so that code over `Var`s reads as plain formulas.
#[derive(Clone, Debug)]
pub struct Var {
    pub(crate) tape: Tape,
    pub(crate) id: usize,
}

impl Tape {
    /// An empty tape.
    pub fn new() -> Self {
        Self::default()
    }

    /// Input number `index`: one block of `dims` a row, given at each run.
    pub fn input(&self, index: usize, dims: &[usize]) -> Var {
        self.node(Op::Input(index), &[], Shape::rows(dims))
    }

    /// Parameter number `index`.
    pub fn param(&self, index: usize, dims: &[usize]) -> Var {
        self.node(Op::Param(index), &[], Shape::fixed(dims))
    }

    /// One number.
    pub fn constant(&self, value: f64) -> Var {
        self.node(Op::Const(value), &[], Shape::fixed(&[]))
    }

    pub(crate) fn node(&self, op: Op, inputs: &[&Var], shape: Shape) -> Var {
        let inputs: Vec<usize> = inputs.iter().map(|v| v.id).collect();
        let mut graph = self.0.borrow_mut();
        let next = graph.nodes.len();
        let id = *graph.known.entry((op.clone(), inputs.clone(), shape.clone())).or_insert(next);
        if id == next {
            graph.nodes.push(Node { op, inputs, shape });
        }
        Var { tape: self.clone(), id }
    }

    pub(crate) fn var(&self, id: usize) -> Var {
        Var { tape: self.clone(), id }
    }

    pub(crate) fn error(&self) -> Option<TapeError> {
        self.0.borrow().error.clone()
    }
}

impl Var {
    /// Its shape.
    pub fn shape(&self) -> Shape {
        self.tape.0.borrow().nodes[self.id].shape.clone()
    }

    pub(crate) fn op(&self) -> Op {
        self.tape.0.borrow().nodes[self.id].op.clone()
    }

    fn as_const(&self) -> Option<f64> {
        match self.op() {
            Op::Const(c) => Some(c),
            Op::Spread => self.operand(0).as_const(),
            _ => None,
        }
    }

    fn operand(&self, i: usize) -> Var {
        let id = self.tape.0.borrow().nodes[self.id].inputs[i];
        self.tape.var(id)
    }

    /// Notes the first mistake; the value itself stands in for the result.
    fn mistake(&self, what: String) -> Var {
        self.tape.0.borrow_mut().error.get_or_insert(TapeError(what));
        self.clone()
    }

    fn unary(&self, op: Op) -> Var {
        self.tape.node(op, &[self], self.shape())
    }

    pub(super) fn zip(&self, how: Zip, other: &Var) -> Var {
        let (a, b) = (self.shape(), other.shape());
        let Some(shape) = a.join(&b) else {
            return self.mistake(format!("{how:?} of shapes {a} and {b}: sizes must be equal or 1"));
        };
        if let (Some(x), Some(y)) = (self.as_const(), other.as_const()) {
            let value = match how {
                Zip::Add => x + y,
                Zip::Sub => x - y,
                Zip::Mul => x * y,
                Zip::Div => x / y,
            };
            return self.tape.constant(value).spread_to(&shape);
        }
        let neutral = |v: &Var, c: f64| v.as_const() == Some(c);
        match how {
            Zip::Add | Zip::Sub if neutral(other, 0.0) && a == shape => return self.clone(),
            Zip::Mul | Zip::Div if neutral(other, 1.0) && a == shape => return self.clone(),
            Zip::Add if neutral(self, 0.0) && b == shape => return other.clone(),
            Zip::Mul if neutral(self, 1.0) && b == shape => return other.clone(),
            _ => {}
        }
        // A spread operand is read in place: the product spreads by itself.
        let bare = |v: &Var, partner: &Shape| match v.op() {
            Op::Spread if v.operand(0).shape().join(partner).as_ref() == Some(&shape) => v.operand(0),
            _ => v.clone(),
        };
        let (left, right) = (bare(self, &b), bare(other, &a));
        let (left, right) = if left.shape().join(&right.shape()).as_ref() == Some(&shape) {
            (left, right)
        } else {
            (self.clone(), right)
        };
        for v in [&left, &right] {
            if Spread::between(&v.shape(), &shape).is_none() {
                return self.mistake(format!("{how:?}: {} does not spread over {shape} in one go", v.shape()));
            }
        }
        self.tape.node(Op::Zip(how), &[&left, &right], shape)
    }

    /// Repeats over a larger shape.
    pub(crate) fn spread_to(&self, shape: &Shape) -> Var {
        if self.shape() == *shape {
            return self.clone();
        }
        let inner = if matches!(self.op(), Op::Spread) { self.operand(0) } else { self.clone() };
        if Spread::between(&inner.shape(), shape).is_none() {
            return self.mistake(format!("{} does not spread over {shape} in one go", self.shape()));
        }
        self.tape.node(Op::Spread, &[&inner], shape.clone())
    }

    /// Sums to a smaller shape.
    pub(crate) fn sum_to(&self, shape: &Shape) -> Var {
        if self.shape() == *shape {
            return self.clone();
        }
        if Spread::between(shape, &self.shape()).is_none() {
            return self.mistake(format!("{} does not sum to {shape} in one go", self.shape()));
        }
        self.tape.node(Op::SumTo, &[self], shape.clone())
    }

    /// `A B`: the last axis with the rows of a matrix `[k, n]`.
    pub fn matmul(&self, w: &Var) -> Var {
        self.product(Product::Plain, w)
    }

    pub(crate) fn product(&self, how: Product, other: &Var) -> Var {
        let (a, b) = (self.shape(), other.shape());
        let rows_of = |s: &Shape| Shape { batched: s.batched, dims: s.dims[..s.dims.len().saturating_sub(1)].to_vec() };
        let with_last = |s: &Shape, n: usize| {
            let mut out = rows_of(s);
            out.dims.push(n);
            out
        };
        let shape = match how {
            Product::Plain if !b.batched && b.dims.len() == 2 && a.last() == b.dims[0] => with_last(&a, b.dims[1]),
            Product::RightTransposed if !b.batched && b.dims.len() == 2 && a.last() == b.dims[1] => {
                with_last(&a, b.dims[0])
            }
            Product::LeftTransposed if rows_of(&a) == rows_of(&b) => Shape::fixed(&[a.last(), b.last()]),
            _ => return self.mistake(format!("matrix product ({how:?}) of shapes {a} and {b}")),
        };
        // The derivative of a last layer with one output: a constant times a row of weights.
        if let (Product::RightTransposed, Some(c), 1) = (how, self.as_const(), a.last()) {
            let n = b.dims[0];
            return (other.reshape(&[n]) * c).spread_to(&shape);
        }
        self.tape.node(Op::MatMul(how), &[self, other], shape)
    }

    /// `A B'`: the last axis with the columns of a matrix `[n, k]`.
    pub fn times_transposed(&self, w: &Var) -> Var {
        self.product(Product::RightTransposed, w)
    }

    /// Sums a matrix `[k, n]` over its rows: `[1, n]`.
    pub(crate) fn sum_to_row(&self, n: usize) -> Var {
        self.sum_to(&Shape::fixed(&[1, n]))
    }

    /// `x W + b` over the last axis.
    pub fn affine(&self, w: &Var, b: &Var) -> Var {
        &self.matmul(w) + b
    }

    /// 2-D convolution of `[height, width, in]` with a kernel `[k, k, in, out]`, zeroes around.
    pub fn conv2d(&self, w: &Var, stride: usize, padding: usize) -> Var {
        let (x, k) = (self.shape(), w.shape());
        let fits = x.dims.len() == 3
            && k.dims.len() == 4
            && !k.batched
            && x.batched
            && k.dims[0] == k.dims[1]
            && k.dims[2] == x.dims[2]
            && stride > 0
            && x.dims[0].min(x.dims[1]) + 2 * padding >= k.dims[0];
        if !fits {
            return self.mistake(format!(
                "convolution of {x} with {k}, stride {stride}, padding {padding}: wanted [rows; height, width, in] with \
                 [k, k, in, out] no larger than the padded input"
            ));
        }
        let geometry = Geometry {
            input: (x.dims[0], x.dims[1]),
            channels_in: k.dims[2],
            channels_out: k.dims[3],
            kernel: k.dims[0],
            stride,
            padding,
        };
        self.conv(Conv::Forward, w, geometry)
    }

    pub(crate) fn conv(&self, how: Conv, other: &Var, g: Geometry) -> Var {
        let shape = match how {
            Conv::Forward => Shape::rows(&[g.output().0, g.output().1, g.channels_out]),
            Conv::Input => Shape::rows(&[g.input.0, g.input.1, g.channels_in]),
            Conv::Weight => Shape::fixed(&[g.kernel, g.kernel, g.channels_in, g.channels_out]),
        };
        self.tape.node(Op::Conv(how, g), &[self, other], shape)
    }

    /// Mean over squares of side `k` of `[height, width, channels]`; both sizes are multiples of `k`.
    pub fn avg_pool(&self, k: usize) -> Var {
        let s = self.shape();
        if s.dims.len() != 3 || k == 0 || !s.dims[0].is_multiple_of(k) || !s.dims[1].is_multiple_of(k) {
            return self.mistake(format!("average pooling of {s} over squares of {k}"));
        }
        self.tape.node(Op::AvgPool(k), &[self], Shape { dims: vec![s.dims[0] / k, s.dims[1] / k, s.dims[2]], ..s })
    }

    /// Nearest-neighbour enlargement of `[height, width, channels]` by `k`.
    pub fn upsample(&self, k: usize) -> Var {
        let s = self.shape();
        if s.dims.len() != 3 || k == 0 {
            return self.mistake(format!("up-sampling of {s} by {k}"));
        }
        self.tape.node(Op::Upsample(k), &[self], Shape { dims: vec![s.dims[0] * k, s.dims[1] * k, s.dims[2]], ..s })
    }

    /// An activation function.
    pub fn activate(&self, how: Activation) -> Var {
        self.activation(how, 0)
    }

    pub(crate) fn activation(&self, how: Activation, order: usize) -> Var {
        self.unary(Op::Activation(how, order))
    }

    /// `exp(x)`.
    pub fn exp(&self) -> Var {
        self.unary(Op::Map(Map::Exp))
    }

    /// `ln(x)`.
    pub fn ln(&self) -> Var {
        self.unary(Op::Map(Map::Ln))
    }

    /// `1 / x`.
    pub fn recip(&self) -> Var {
        self.unary(Op::Map(Map::Recip))
    }

    /// `sqrt(x)`.
    pub fn sqrt(&self) -> Var {
        self.unary(Op::Map(Map::Sqrt))
    }

    /// `sin(x)`.
    pub fn sin(&self) -> Var {
        self.unary(Op::Map(Map::Sin))
    }

    /// `cos(x)`.
    pub fn cos(&self) -> Var {
        self.unary(Op::Map(Map::Cos))
    }

    /// `ln Gamma(x)` for `x > 0`.
    pub fn ln_gamma(&self) -> Var {
        self.ln_gamma_derivative(0)
    }

    pub(crate) fn ln_gamma_derivative(&self, order: usize) -> Var {
        self.unary(Op::Map(Map::LnGamma(order)))
    }

    /// `max(x, 0)`.
    pub fn relu(&self) -> Var {
        self.activate(Activation::Relu)
    }

    /// `|x|`, with derivative 0 at 0.
    pub fn abs(&self) -> Var {
        &self.relu() + &(-self).relu()
    }

    /// `x x`.
    pub fn square(&self) -> Var {
        self * self
    }

    /// `tanh(x)`.
    pub fn tanh(&self) -> Var {
        self.activate(Activation::Tanh)
    }

    /// `1 / (1 + exp(-x))`.
    pub fn sigmoid(&self) -> Var {
        self.activate(Activation::Sigmoid)
    }

    /// `x sigmoid(x)`.
    pub fn silu(&self) -> Var {
        self.activate(Activation::Silu)
    }

    /// `log(1 + exp(x))`.
    pub fn softplus(&self) -> Var {
        self.activate(Activation::Softplus)
    }

    /// Sum of a row's block: one number a row.
    pub fn sum(&self) -> Var {
        let s = self.shape();
        self.sum_to(&Shape { batched: s.batched, dims: vec![1; s.dims.len()] }).reshape(&[])
    }

    /// Sum over the rows of the batch.
    pub fn sum_rows(&self) -> Var {
        self.sum_to(&Shape::fixed(&self.shape().dims))
    }

    /// Sum over the last axis, which becomes 1.
    pub fn sum_last(&self) -> Var {
        let mut s = self.shape();
        if let Some(last) = s.dims.last_mut() {
            *last = 1;
        }
        self.sum_to(&s)
    }

    /// Mean over the last axis, which becomes 1.
    pub fn mean_last(&self) -> Var {
        self.sum_last() * (1.0 / self.shape().last() as f64)
    }

    /// The same numbers under other dims.
    pub fn reshape(&self, dims: &[usize]) -> Var {
        let s = self.shape();
        if s.dims == dims {
            return self.clone();
        }
        if s.numel() != dims.iter().product::<usize>() {
            return self.mistake(format!("reshape of {s} to {dims:?}: {} numbers a row", s.numel()));
        }
        self.tape.node(Op::Reshape, &[self], Shape { batched: s.batched, dims: dims.to_vec() })
    }

    /// Axes in another order: axis `i` of the result is axis `order[i]`.
    pub fn permute(&self, order: &[usize]) -> Var {
        let s = self.shape();
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        if sorted != (0..s.dims.len()).collect::<Vec<_>>() {
            return self.mistake(format!("permutation {order:?} of the axes of {s}"));
        }
        let dims = order.iter().map(|&i| s.dims[i]).collect();
        self.tape.node(Op::Permute(order.to_vec()), &[self], Shape { batched: s.batched, dims })
    }

    /// Side by side along the last axis.
    pub fn concat(&self, others: &[&Var]) -> Var {
        let all: Vec<&Var> = std::iter::once(self).chain(others.iter().copied()).collect();
        let mut shape = self.shape();
        let head = |s: &Shape| (s.batched, s.dims[..s.dims.len().saturating_sub(1)].to_vec());
        if let Some(odd) = all.iter().find(|v| v.shape().dims.is_empty() || head(&v.shape()) != head(&shape)) {
            return self.mistake(format!("concatenation of {shape} with {}", odd.shape()));
        }
        let last: usize = all.iter().map(|v| v.shape().last()).sum();
        if let Some(d) = shape.dims.last_mut() {
            *d = last;
        }
        self.tape.node(Op::Concat, &all, shape)
    }

    /// Entries `start..end` of the last axis.
    pub fn slice(&self, start: usize, end: usize) -> Var {
        let mut shape = self.shape();
        match shape.dims.last_mut() {
            Some(d) if start < end && end <= *d => *d = end - start,
            _ => return self.mistake(format!("slice {start}..{end} of {shape}")),
        }
        self.tape.node(Op::Slice { start }, &[self], shape)
    }

    pub(crate) fn pad(&self, start: usize, total: usize) -> Var {
        let mut shape = self.shape();
        if let Some(d) = shape.dims.last_mut() {
            *d = total;
        }
        self.tape.node(Op::Pad { start }, &[self], shape)
    }

    /// Entries of the last axis by index; an index may repeat.
    pub fn gather(&self, index: &[usize]) -> Var {
        let mut shape = self.shape();
        match shape.dims.last_mut() {
            Some(d) if index.iter().all(|i| i < d) && !index.is_empty() => *d = index.len(),
            _ => return self.mistake(format!("gather {index:?} of {shape}")),
        }
        self.tape.node(Op::Gather(index.to_vec()), &[self], shape)
    }

    pub(crate) fn scatter(&self, index: &[usize], total: usize) -> Var {
        let mut shape = self.shape();
        if let Some(d) = shape.dims.last_mut() {
            *d = total;
        }
        self.tape.node(Op::Scatter(index.to_vec()), &[self], shape)
    }

    /// `log sum exp` over the last axis, which becomes 1.
    pub fn log_sum_exp(&self) -> Var {
        let mut shape = self.shape();
        if let Some(d) = shape.dims.last_mut() {
            *d = 1;
        }
        self.tape.node(Op::LogSumExp, &[self], shape)
    }

    /// Softmax over the last axis.
    pub fn softmax(&self) -> Var {
        self.unary(Op::Softmax)
    }

    /// The same numbers; derivatives stop here.
    pub fn detach(&self) -> Var {
        self.unary(Op::Detach)
    }

    /// `(x - mean) / sqrt(var + epsilon)` over the last axis (Ba et al. 2016, arXiv:1607.06450, without gain and bias).
    pub fn layer_norm(&self, epsilon: f64) -> Var {
        let centred = self - &self.mean_last();
        let variance = centred.square().mean_last();
        &centred * &(variance + epsilon).sqrt().recip()
    }

    /// As [`Var::layer_norm`] over groups of channels and all pixels of `[height, width, channels]` (Wu & He 2018,
    /// arXiv:1803.08494, without gain and bias).
    pub fn group_norm(&self, groups: usize, epsilon: f64) -> Var {
        let s = self.shape();
        if s.dims.len() != 3 || groups == 0 || !s.dims[2].is_multiple_of(groups) {
            return self.mistake(format!("group normalisation of {s} with {groups} groups"));
        }
        let (pixels, width) = (s.dims[0] * s.dims[1], s.dims[2] / groups);
        let grouped = self.reshape(&[pixels, groups, width]).permute(&[1, 0, 2]).reshape(&[groups, pixels * width]);
        let normal = grouped.layer_norm(epsilon);
        normal.reshape(&[groups, pixels, width]).permute(&[1, 0, 2]).reshape(&s.dims)
    }
}
