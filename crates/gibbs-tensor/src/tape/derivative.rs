//! Reverse-mode derivatives, written as further expressions on the same tape: they can be differentiated again.

use std::collections::BTreeMap;

use super::op::{Conv, Map, Op, Product, Zip};
use super::shape::Shape;
use super::var::{Tape, Var};

/// `d/dw sum_k <cotangent_k, output_k>` for each `w` of `wrt`; every cotangent has its output's shape.
///
/// The gradient of an output that is one number a row, with cotangent 1, is the gradient of each row by itself.
pub(crate) fn gradients(outputs: &[(&Var, Var)], wrt: &[&Var]) -> Vec<Var> {
    let Some((first, _)) = outputs.first() else { return Vec::new() };
    let tape = first.tape.clone();
    let end = outputs.iter().map(|(o, _)| o.id).max().unwrap_or(0) + 1;
    // Which values depend on what is differentiated in.
    let mut depends = vec![false; end];
    for w in wrt {
        if w.id < end {
            depends[w.id] = true;
        }
    }
    for id in 0..end {
        let graph = tape.0.borrow();
        let node = &graph.nodes[id];
        if !matches!(node.op, Op::Detach) && node.inputs.iter().any(|&i| depends[i]) {
            depends[id] = true;
        }
    }
    let mut cotangents: BTreeMap<usize, Var> = BTreeMap::new();
    let add = |cotangents: &mut BTreeMap<usize, Var>, id: usize, g: Var| {
        let sum = match cotangents.remove(&id) {
            Some(old) => &old + &g,
            None => g,
        };
        cotangents.insert(id, sum);
    };
    for (output, g) in outputs {
        add(&mut cotangents, output.id, g.clone());
    }
    for id in (0..end).rev() {
        if !depends[id] || wrt.iter().any(|w| w.id == id) {
            continue;
        }
        let Some(g) = cotangents.remove(&id) else { continue };
        let node = tape.0.borrow().nodes[id].clone();
        let inputs: Vec<Var> = node.inputs.iter().map(|&i| tape.var(i)).collect();
        let wanted: Vec<bool> = node.inputs.iter().map(|&i| depends[i]).collect();
        for (i, d) in pull_back(&tape, &node.op, &inputs, &wanted, &tape.var(id), &g) {
            add(&mut cotangents, node.inputs[i], d);
        }
    }
    wrt.iter()
        .map(|w| cotangents.get(&w.id).cloned().unwrap_or_else(|| tape.constant(0.0).spread_to(&w.shape())))
        .collect()
}

/// The cotangents of the operands of one primitive, for those that are wanted.
fn pull_back(tape: &Tape, op: &Op, inputs: &[Var], wanted: &[bool], result: &Var, g: &Var) -> Vec<(usize, Var)> {
    let x = inputs.first();
    let one = |d: Option<Var>| d.map(|d| vec![(0, d)]).unwrap_or_default();
    let two = |da: &dyn Fn() -> Var, db: &dyn Fn() -> Var| {
        let mut out = Vec::new();
        if wanted[0] {
            out.push((0, da()));
        }
        if wanted[1] {
            out.push((1, db()));
        }
        out
    };
    match op {
        Op::Input(_) | Op::Param(_) | Op::Const(_) | Op::Detach => Vec::new(),
        Op::Map(map) => one(x.map(|x| match map {
            Map::Exp => g * result,
            Map::Ln => g * &x.recip(),
            Map::Recip => -(g * &result.square()),
            Map::Sqrt => g * &(result.recip() * 0.5),
            Map::Sin => g * &x.cos(),
            Map::Cos => -(g * &x.sin()),
            Map::LnGamma(order) => g * &x.ln_gamma_derivative(order + 1),
        })),
        Op::Activation(a, order) => one(x.map(|x| g * &x.activation(*a, order + 1))),
        Op::Zip(zip) => {
            let (a, b) = (&inputs[0], &inputs[1]);
            let back = |d: Var, v: &Var| d.spread_to(&result.shape()).sum_to(&v.shape());
            match zip {
                Zip::Add => two(&|| back(g.clone(), a), &|| back(g.clone(), b)),
                Zip::Sub => two(&|| back(g.clone(), a), &|| back(-g, b)),
                Zip::Mul => two(&|| back(g * b, a), &|| back(g * a, b)),
                Zip::Div => two(&|| back(g / b, a), &|| back(-(&(g * result) / b), b)),
            }
        }
        Op::Spread => one(x.map(|x| g.sum_to(&x.shape()))),
        Op::SumTo => one(x.map(|x| g.spread_to(&x.shape()))),
        Op::MatMul(product) => {
            let (a, b) = (&inputs[0], &inputs[1]);
            match product {
                Product::Plain => {
                    two(&|| g.product(Product::RightTransposed, b), &|| a.product(Product::LeftTransposed, g))
                }
                Product::RightTransposed => {
                    two(&|| g.product(Product::Plain, b), &|| g.product(Product::LeftTransposed, a))
                }
                Product::LeftTransposed => {
                    two(&|| b.product(Product::RightTransposed, g), &|| a.product(Product::Plain, g))
                }
            }
        }
        Op::Conv(conv, geometry) => {
            let (a, b) = (&inputs[0], &inputs[1]);
            match conv {
                Conv::Forward => two(&|| g.conv(Conv::Input, b, *geometry), &|| a.conv(Conv::Weight, g, *geometry)),
                Conv::Input => two(&|| g.conv(Conv::Forward, b, *geometry), &|| g.conv(Conv::Weight, a, *geometry)),
                Conv::Weight => two(&|| b.conv(Conv::Input, g, *geometry), &|| a.conv(Conv::Forward, g, *geometry)),
            }
        }
        Op::AvgPool(k) => one(Some(g.upsample(*k) * (1.0 / (k * k) as f64))),
        Op::Upsample(k) => one(Some(g.avg_pool(*k) * (k * k) as f64)),
        Op::Reshape => one(x.map(|x| g.spread_to(&result.shape()).reshape(&x.shape().dims))),
        Op::Permute(order) => {
            let mut inverse = vec![0; order.len()];
            order.iter().enumerate().for_each(|(i, &o)| inverse[o] = i);
            one(Some(g.permute(&inverse)))
        }
        Op::Concat => {
            let mut start = 0;
            let mut out = Vec::new();
            for (i, v) in inputs.iter().enumerate() {
                let end = start + v.shape().last();
                if wanted[i] {
                    out.push((i, g.slice(start, end)));
                }
                start = end;
            }
            out
        }
        Op::Slice { start } => one(x.map(|x| g.pad(*start, x.shape().last()))),
        Op::Pad { start } => one(x.map(|x| g.slice(*start, start + x.shape().last()))),
        Op::Gather(index) => one(x.map(|x| g.scatter(index, x.shape().last()))),
        Op::Scatter(index) => one(Some(g.gather(index))),
        Op::LogSumExp => one(x.map(|x| g * &x.softmax())),
        Op::Softmax => one(Some(result * &(g - &(result * g).sum_last()))),
    }
    .into_iter()
    .filter(|(i, _)| wanted[*i])
    .map(|(i, d)| (i, fit(tape, d, &inputs[i].shape())))
    .collect()
}

/// Cotangents that constant folding made smaller than their value are spread again.
fn fit(_tape: &Tape, d: Var, shape: &Shape) -> Var {
    if d.shape() == *shape { d } else { d.spread_to(shape) }
}
