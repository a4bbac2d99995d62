//! From expressions to a list of steps: what is needed, in which order, in which buffers.

use super::op::{Activation, Conv, Op, Product, Zip};
use super::shape::Shape;
use super::var::{Node, Tape, TapeError, Var};

/// Where a value lives while a plan runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A buffer that the run writes.
    Slot(usize),
    /// A value that depends on parameters alone, computed once for all runs.
    Bound(usize),
}

/// What a step does.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// One primitive: operands to `outputs[0]`.
    Op(Op),
    /// A matrix product or convolution of the first two operands plus the third, spread over the last axis.
    WithBias(Op),
    /// Several orders of one activation in one pass.
    Activations(Activation, Vec<usize>),
}

/// One step with its operands and results.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) work: Work,
    pub(crate) operands: Vec<(Place, Shape)>,
    pub(crate) outputs: Vec<(Place, Shape)>,
}

/// A compiled set of expressions, for any number of rows.
///
/// A plan has two stages. Inputs named as late are written after the early stage ran, when its results can be read:
/// that is how a direction is chosen from a gradient before going on without computing anything twice.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) bound_steps: Vec<Step>,
    pub(crate) bound: Vec<Shape>,
    pub(crate) steps: Vec<Step>,
    pub(crate) late_from: usize,
    pub(crate) slots: Vec<Shape>,
    pub(crate) inputs: Vec<Option<Place>>,
    pub(crate) outputs: Vec<(Place, Shape)>,
}

impl Plan {
    /// Compiles `outputs`; the inputs whose numbers are in `late` belong to the second stage.
    ///
    /// # Errors
    /// The first mistake made while the expressions were written.
    pub fn compile(tape: &Tape, outputs: &[&Var], late: &[usize]) -> Result<Self, TapeError> {
        if let Some(error) = tape.error() {
            return Err(error);
        }
        let graph = tape.0.borrow();
        Ok(Builder::new(&graph.nodes, outputs, late).build(outputs))
    }

    /// Shape of output `i`.
    pub fn output_shape(&self, i: usize) -> &Shape {
        &self.outputs[i].1
    }
}

struct Builder<'a> {
    nodes: &'a [Node],
    needed: Vec<bool>,
    /// Depends on an input.
    moves: Vec<bool>,
    /// Depends on a late input.
    late: Vec<bool>,
    /// The node whose numbers these are: `Reshape` and `Detach` are the same numbers.
    root: Vec<usize>,
    /// How many needed nodes (or outputs) read it.
    readers: Vec<usize>,
}

/// Results of one step at most.
pub(crate) const MOST_OUTPUTS: usize = 8;

/// Steps before places are known: node ids.
struct Draft {
    work: Work,
    operands: Vec<usize>,
    outputs: Vec<usize>,
    late: bool,
}

impl<'a> Builder<'a> {
    fn new(nodes: &'a [Node], outputs: &[&Var], late_inputs: &[usize]) -> Self {
        let n = nodes.len();
        let mut b = Self {
            nodes,
            needed: vec![false; n],
            moves: vec![false; n],
            late: vec![false; n],
            root: (0..n).collect(),
            readers: vec![0; n],
        };
        for o in outputs {
            b.needed[o.id] = true;
        }
        for id in (0..n).rev() {
            if b.needed[id] {
                nodes[id].inputs.iter().for_each(|&i| b.needed[i] = true);
            }
        }
        for (id, node) in nodes.iter().enumerate() {
            b.moves[id] = node.shape.batched || node.inputs.iter().any(|&i| b.moves[i]);
            b.late[id] =
                matches!(node.op, Op::Input(k) if late_inputs.contains(&k)) || node.inputs.iter().any(|&i| b.late[i]);
            if matches!(node.op, Op::Reshape | Op::Detach) {
                b.root[id] = b.root[node.inputs[0]];
            }
        }
        for (id, node) in nodes.iter().enumerate() {
            if b.needed[id] && b.root[id] == id {
                node.inputs.iter().for_each(|&i| b.readers[b.root[i]] += 1);
            }
        }
        outputs.iter().for_each(|o| b.readers[b.root[o.id]] += 1);
        b
    }

    /// A product plus a vector over the last axis: `(product, vector)`.
    fn biased(&self, id: usize) -> Option<(usize, usize)> {
        let node = &self.nodes[id];
        if !matches!(node.op, Op::Zip(Zip::Add)) {
            return None;
        }
        let fits = |p: usize, b: usize| {
            let (product, bias) = (&self.nodes[p], &self.nodes[b].shape);
            matches!(product.op, Op::MatMul(Product::Plain) | Op::Conv(Conv::Forward, _))
                && self.readers[p] == 1
                && self.moves[p]
                && product.shape == node.shape
                && !bias.batched
                && bias.dims == [node.shape.last()]
        };
        let (a, b) = (node.inputs[0], node.inputs[1]);
        if fits(a, b) {
            Some((a, b))
        } else if fits(b, a) {
            Some((b, a))
        } else {
            None
        }
    }

    fn drafts(&self) -> Vec<Draft> {
        let mut drafts: Vec<Draft> = Vec::new();
        let mut done = vec![false; self.nodes.len()];
        // Products that a later sum takes over.
        let mut taken = vec![false; self.nodes.len()];
        for id in 0..self.nodes.len() {
            if let (true, true, Some((product, _))) = (self.needed[id], self.moves[id], self.biased(id)) {
                taken[product] = true;
            }
        }
        for id in 0..self.nodes.len() {
            let node = &self.nodes[id];
            let skip = matches!(node.op, Op::Input(_) | Op::Param(_) | Op::Const(_)) || self.root[id] != id;
            if !self.needed[id] || done[id] || taken[id] || skip {
                continue;
            }
            let late = self.late[id];
            let draft = match &node.op {
                Op::Activation(how, _) if self.moves[id] => {
                    // Every order of the same function of the same numbers that belongs to this stage.
                    let twins: Vec<usize> = (id..self.nodes.len())
                        .filter(|&j| {
                            let other = &self.nodes[j];
                            self.needed[j]
                                && self.late[j] == late
                                && matches!(other.op, Op::Activation(h, _) if h == *how)
                                && self.root[other.inputs[0]] == self.root[node.inputs[0]]
                        })
                        .take(MOST_OUTPUTS)
                        .collect();
                    let orders = twins.iter().map(|&j| match self.nodes[j].op {
                        Op::Activation(_, order) => order,
                        _ => 0,
                    });
                    let work = Work::Activations(*how, orders.collect());
                    twins.iter().for_each(|&j| done[j] = true);
                    Draft { work, operands: node.inputs.clone(), outputs: twins, late }
                }
                Op::Zip(Zip::Add) if self.moves[id] && self.biased(id).is_some() => {
                    let (product, bias) = self.biased(id).unwrap_or_default();
                    let inputs = &self.nodes[product].inputs;
                    let work = Work::WithBias(self.nodes[product].op.clone());
                    Draft { work, operands: vec![inputs[0], inputs[1], bias], outputs: vec![id], late }
                }
                op => Draft { work: Work::Op(op.clone()), operands: node.inputs.clone(), outputs: vec![id], late },
            };
            drafts.push(draft);
        }
        drafts
    }

    fn build(&self, outputs: &[&Var]) -> Plan {
        let n = self.nodes.len();
        let mut place: Vec<Option<Place>> = vec![None; n];
        let mut plan = Plan {
            bound_steps: Vec::new(),
            bound: Vec::new(),
            steps: Vec::new(),
            late_from: 0,
            slots: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
        };
        // Parameters and constants first: they are operands of the bound steps.
        for id in (0..n).filter(|&id| self.needed[id]) {
            let node = &self.nodes[id];
            match node.op {
                Op::Param(_) | Op::Const(_) => {
                    place[id] = Some(Place::Bound(plan.bound.len()));
                    plan.bound.push(node.shape.clone());
                    let outputs = vec![(Place::Bound(plan.bound.len() - 1), node.shape.clone())];
                    plan.bound_steps.push(Step { work: Work::Op(node.op.clone()), operands: Vec::new(), outputs });
                }
                Op::Input(k) => {
                    let slot = Place::Slot(plan.slots.len());
                    place[id] = Some(slot);
                    plan.slots.push(node.shape.clone());
                    plan.inputs.resize(plan.inputs.len().max(k + 1), None);
                    plan.inputs[k] = Some(slot);
                }
                _ => {}
            }
        }
        let (bound, mut moving): (Vec<Draft>, Vec<Draft>) =
            self.drafts().into_iter().partition(|d| !self.moves[d.outputs[0]]);
        for draft in bound {
            for &o in &draft.outputs {
                place[o] = Some(Place::Bound(plan.bound.len()));
                plan.bound.push(self.nodes[o].shape.clone());
            }
            plan.bound_steps.push(self.step(&draft, &place));
        }
        // Ids are in order of dependence, and so are drafts; a stable sort keeps that within each stage.
        moving.sort_by_key(|d| d.late);
        plan.late_from = moving.iter().position(|d| d.late).unwrap_or(moving.len());
        // A buffer is free again after its last reader.
        let mut last = vec![0; n];
        for (t, draft) in moving.iter().enumerate() {
            draft.operands.iter().for_each(|&i| last[self.root[i]] = t);
            draft.outputs.iter().for_each(|&o| last[o] = last[o].max(t));
        }
        outputs.iter().for_each(|o| last[self.root[o.id]] = usize::MAX);
        let mut free: Vec<usize> = Vec::new();
        for (t, draft) in moving.iter().enumerate() {
            for &o in &draft.outputs {
                let shape = &self.nodes[o].shape;
                let fits = |s: &Shape| s.batched == shape.batched && s.numel() == shape.numel();
                let reused = free.iter().position(|&s| fits(&plan.slots[s])).map(|i| free.swap_remove(i));
                let slot = reused.unwrap_or_else(|| {
                    plan.slots.push(shape.clone());
                    plan.slots.len() - 1
                });
                place[o] = Some(Place::Slot(slot));
            }
            plan.steps.push(self.step(draft, &place));
            let mut dead: Vec<usize> =
                draft.operands.iter().map(|&i| self.root[i]).chain(draft.outputs.iter().copied()).collect();
            dead.sort_unstable();
            dead.dedup();
            for id in dead {
                // Inputs keep their buffers: the caller fills them before the run.
                if let (Some(Place::Slot(s)), true, false) =
                    (place[id], last[id] == t, matches!(self.nodes[id].op, Op::Input(_)))
                {
                    free.push(s);
                }
            }
        }
        plan.outputs = outputs
            .iter()
            .map(|o| (place[self.root[o.id]].unwrap_or(Place::Bound(0)), self.nodes[o.id].shape.clone()))
            .collect();
        plan
    }

    fn step(&self, draft: &Draft, place: &[Option<Place>]) -> Step {
        // Numbers are found at the root; dims are those of the node itself, for a reshape changes them.
        let with_place = |&id: &usize| (place[self.root[id]].unwrap_or(Place::Bound(0)), self.nodes[id].shape.clone());
        let operands = draft.operands.iter().map(with_place).collect();
        Step { work: draft.work.clone(), operands, outputs: draft.outputs.iter().map(with_place).collect() }
    }
}
