//! The processor as a [`Device`].

pub(crate) mod activation;
pub(crate) mod elementwise;
mod gamma;
mod layout;
pub(crate) mod linear;

use std::marker::PhantomData;

use crate::device::{Device, Stage};
use crate::element::{Element, RightHand};
use crate::tape::op::{Conv, Op, Product};
use crate::tape::{MOST_OUTPUTS, Place, Plan, Shape, Spread, Step, Work};

/// The processor: one run is one thread's; batches are split over threads above.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu<T>(PhantomData<T>);

/// Parameters and what depends on them alone.
#[derive(Debug)]
pub struct Bound<T: Element> {
    values: Vec<Vec<T>>,
    /// For each step, its right-hand matrix laid out for products, where that is a bound value.
    packed: Vec<Option<T::Packed>>,
}

/// Buffers of one run at a time.
#[derive(Debug)]
pub struct Memory<T: Element> {
    slots: Vec<Vec<T>>,
    packed: T::Packed,
}

impl<T: Element> Device<T> for Cpu<T> {
    type Bound = Bound<T>;
    type Memory = Memory<T>;

    fn bind(&self, plan: &Plan, params: &[&[T]]) -> Bound<T> {
        let values = plan.bound.iter().map(|s| vec![T::zero(); s.numel()]).collect();
        let mut bound = Bound { values, packed: Vec::new() };
        let mut memory = Memory { slots: Vec::new(), packed: T::Packed::default() };
        for step in &plan.bound_steps {
            let mut outs: Vec<Vec<T>> = step.outputs.iter().map(|(p, _)| take(&mut bound.values, *p)).collect();
            match &step.work {
                Work::Op(Op::Param(i)) => outs[0].copy_from_slice(params[*i]),
                Work::Op(Op::Const(c)) => outs[0].fill(T::narrow(*c)),
                _ => execute(step, 1, &bound, &memory.slots, None, &mut memory.packed, &mut outs),
            }
            for ((place, _), out) in step.outputs.iter().zip(outs) {
                put(&mut bound.values, *place, out);
            }
        }
        bound.packed = plan.steps.iter().map(|s| pack_bound(s, &bound)).collect();
        bound
    }

    fn memory(&self, plan: &Plan, rows: usize) -> Memory<T> {
        Memory {
            slots: plan.slots.iter().map(|s| vec![T::zero(); s.len(rows)]).collect(),
            packed: T::Packed::default(),
        }
    }

    fn write(&self, plan: &Plan, memory: &mut Memory<T>, index: usize, values: &[T]) {
        if let Some(Some(Place::Slot(slot))) = plan.inputs.get(index) {
            memory.slots[*slot][..values.len()].copy_from_slice(values);
        }
    }

    fn run(&self, plan: &Plan, stage: Stage, rows: usize, bound: &Bound<T>, memory: &mut Memory<T>) {
        let steps = match stage {
            Stage::Early => 0..plan.late_from,
            Stage::Late => plan.late_from..plan.steps.len(),
        };
        for i in steps {
            let step = &plan.steps[i];
            // An array on the stack: taking and returning buffers allocates nothing.
            let mut outs: [Vec<T>; MOST_OUTPUTS] = Default::default();
            for (out, (place, _)) in outs.iter_mut().zip(&step.outputs) {
                *out = take(&mut memory.slots, *place);
            }
            let n = step.outputs.len();
            let packed = bound.packed[i].as_ref();
            execute(step, rows, bound, &memory.slots, packed, &mut memory.packed, &mut outs[..n]);
            for (out, (place, _)) in outs.iter_mut().zip(&step.outputs) {
                put(&mut memory.slots, *place, std::mem::take(out));
            }
        }
    }

    fn read<'a>(&self, plan: &Plan, memory: &'a Memory<T>, bound: &'a Bound<T>, index: usize, rows: usize) -> &'a [T] {
        let (place, shape) = &plan.outputs[index];
        &operand(*place, bound, &memory.slots)[..shape.len(rows)]
    }
}

fn index(place: Place) -> usize {
    match place {
        Place::Slot(i) | Place::Bound(i) => i,
    }
}

fn take<T>(values: &mut [Vec<T>], place: Place) -> Vec<T> {
    std::mem::take(&mut values[index(place)])
}

fn put<T>(values: &mut [Vec<T>], place: Place, value: Vec<T>) {
    values[index(place)] = value;
}

fn operand<'a, T: Element>(place: Place, bound: &'a Bound<T>, slots: &'a [Vec<T>]) -> &'a [T] {
    match place {
        Place::Slot(i) => &slots[i],
        Place::Bound(i) => &bound.values[i],
    }
}

/// How the second operand of a product or a convolution is laid out; `None` for other steps.
fn right_hand(step: &Step) -> Option<RightHand> {
    let (Work::Op(op) | Work::WithBias(op)) = &step.work else { return None };
    let dims = &step.operands.get(1)?.1.dims;
    match op {
        Op::MatMul(Product::Plain) => Some(RightHand::Matrix { k: dims[0], n: dims[1], transposed: false }),
        Op::MatMul(Product::RightTransposed) => Some(RightHand::Matrix { k: dims[1], n: dims[0], transposed: true }),
        Op::Conv(Conv::Forward, geometry) => Some(RightHand::Filters(*geometry)),
        Op::Conv(Conv::Input, geometry) => Some(RightHand::AdjointFilters(*geometry)),
        _ => None,
    }
}

fn pack_bound<T: Element>(step: &Step, bound: &Bound<T>) -> Option<T::Packed> {
    let layout = right_hand(step)?;
    let (Place::Bound(i), _) = step.operands.get(1)? else { return None };
    let mut packed = T::Packed::default();
    T::pack(&bound.values[*i], layout, &mut packed);
    Some(packed)
}

fn execute<T: Element>(
    step: &Step,
    rows: usize,
    bound: &Bound<T>,
    slots: &[Vec<T>],
    packed: Option<&T::Packed>,
    scratch: &mut T::Packed,
    outs: &mut [Vec<T>],
) {
    let shape = |i: usize| &step.operands[i].1;
    let get = |i: usize| -> &[T] {
        let (place, shape) = &step.operands[i];
        &operand(*place, bound, slots)[..shape.len(rows)]
    };
    let result = &step.outputs[0].1;
    let len = result.len(rows);
    let op = match &step.work {
        Work::Activations(how, orders) => {
            let mut slices: [&mut [T]; MOST_OUTPUTS] = Default::default();
            for (slice, out) in slices.iter_mut().zip(outs.iter_mut()) {
                *slice = &mut out[..len];
            }
            T::activation(*how, orders, get(0), &mut slices[..orders.len()]);
            return;
        }
        Work::Op(op) | Work::WithBias(op) => op,
    };
    let bias = matches!(step.work, Work::WithBias(_)).then(|| get(2));
    let out = &mut outs[0][..len];
    let spread = |from: &Shape, to: &Shape| Spread::between(from, to).map_or((1, 1, 1), |s| s.sizes(rows));
    match op {
        Op::Input(_) | Op::Param(_) | Op::Const(_) => {}
        Op::Reshape | Op::Detach => out.copy_from_slice(get(0)),
        Op::Map(how) => elementwise::map(*how, get(0), out),
        Op::Activation(how, order) => T::activation(*how, &[*order], get(0), &mut [out]),
        Op::Zip(how) => {
            if let (Some(a), Some(b)) = (Spread::between(shape(0), result), Spread::between(shape(1), result)) {
                elementwise::zip(*how, rows, (get(0), a), (get(1), b), out);
            }
        }
        Op::Spread => elementwise::spread(get(0), spread(shape(0), result), out),
        Op::SumTo => elementwise::sum_to(get(0), spread(result, shape(0)), out),
        Op::MatMul(Product::LeftTransposed) => {
            let (k, n) = (result.dims[0], result.dims[1]);
            T::matmul_tn([get(0).len() / k, k, n], get(0), get(1), out);
        }
        Op::Conv(Conv::Weight, geometry) => T::conv_weight(geometry, rows, get(0), get(1), out),
        Op::MatMul(_) | Op::Conv(..) => {
            let right = if let Some(packed) = packed {
                packed
            } else {
                if let Some(layout) = right_hand(step) {
                    T::pack(get(1), layout, scratch);
                }
                scratch
            };
            if let Op::Conv(how, geometry) = op {
                T::conv(*how, geometry, rows, get(0), right, bias, out);
            } else {
                let (k, n) = (shape(0).last(), result.last());
                T::matmul([get(0).len() / k, k, n], get(0), right, bias, out);
            }
        }
        Op::AvgPool(k) => elementwise_pool(shape(0), |dims| layout::avg_pool(get(0), dims, *k, out)),
        Op::Upsample(k) => elementwise_pool(shape(0), |dims| layout::upsample(get(0), dims, *k, out)),
        Op::Permute(order) => layout::permute(get(0), &shape(0).dims, order, out),
        Op::Concat => {
            let mut to = 0;
            for i in 0..step.operands.len() {
                let n = shape(i).last();
                layout::copy_runs(get(i), n, 0, n, out, result.last(), to);
                to += n;
            }
        }
        Op::Slice { start } => {
            layout::copy_runs(get(0), shape(0).last(), *start, result.last(), out, result.last(), 0);
        }
        Op::Pad { start } => {
            out.fill(T::zero());
            layout::copy_runs(get(0), shape(0).last(), 0, shape(0).last(), out, result.last(), *start);
        }
        Op::Gather(index) => layout::gather(get(0), shape(0).last(), index, out),
        Op::Scatter(index) => layout::scatter(get(0), result.last(), index, out),
        Op::LogSumExp => elementwise::log_sum_exp(get(0), shape(0).last(), out),
        Op::Softmax => elementwise::softmax(get(0), shape(0).last(), out),
    }
}

fn elementwise_pool(shape: &Shape, f: impl FnOnce((usize, usize, usize))) {
    if let &[h, w, c] = &shape.dims[..] {
        f((h, w, c));
    }
}
