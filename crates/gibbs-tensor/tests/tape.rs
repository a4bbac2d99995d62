//! Every primitive of the tape: value, first and second derivative in f64 against central differences.

use gibbs_core::key::Key;
use gibbs_tensor::device::{Cpu, Device, Stage};
use gibbs_tensor::tape::{Activation, Plan, Tape, Var, gradient};

type Case = (&'static str, Vec<usize>, Vec<usize>, fn(&Var, &Var) -> Var);

/// Name, shape of the input's row, shape of the parameter, expression.
fn cases() -> Vec<Case> {
    vec![
        ("add", vec![3], vec![3], |x, w| x + w),
        ("sub", vec![3], vec![3], |x, w| x - w),
        ("mul spread", vec![2, 3], vec![3], |x, w| x * w),
        ("div", vec![3], vec![3], |x, w| &(x * x) / &(w * w + 1.0)),
        ("scalar", vec![3], vec![3], |x, w| &(x * 2.0) - &w.sum()),
        ("exp", vec![3], vec![3], |x, w| (x * w).exp()),
        ("ln", vec![3], vec![3], |x, w| ((x * w).square() + 1.0).ln()),
        ("recip", vec![3], vec![3], |x, w| ((x * w).square() + 1.0).recip()),
        ("sqrt", vec![3], vec![3], |x, w| ((x * w).square() + 1.0).sqrt()),
        ("sin", vec![3], vec![3], |x, w| (x * w).sin()),
        ("cos", vec![3], vec![3], |x, w| (x * w).cos()),
        ("ln gamma", vec![3], vec![3], |x, w| ((x * w).square() + 0.1).ln_gamma()),
        ("relu", vec![3], vec![3], |x, w| (x * w).relu() * x),
        ("abs", vec![3], vec![3], |x, w| (x * w).abs() * x),
        ("sigmoid", vec![3], vec![3], |x, w| (x * w).activate(Activation::Sigmoid)),
        ("silu", vec![3], vec![3], |x, w| (x * w).activate(Activation::Silu)),
        ("softplus", vec![3], vec![3], |x, w| (x * w).activate(Activation::Softplus)),
        ("tanh", vec![3], vec![3], |x, w| (x * w).activate(Activation::Tanh)),
        ("gelu", vec![3], vec![3], |x, w| (x * w).activate(Activation::Gelu)),
        ("elu", vec![3], vec![3], |x, w| (x * w).activate(Activation::Elu)),
        ("leaky relu", vec![3], vec![3], |x, w| (x * w).activate(Activation::LeakyRelu) * x),
        ("matmul", vec![3], vec![3, 2], |x, w| x.matmul(w).tanh()),
        ("matmul twice", vec![2, 3], vec![3, 3], |x, w| x.matmul(w).silu().matmul(w)),
        ("affine", vec![3], vec![3, 2], |x, w| x.affine(w, &w.slice(0, 1).reshape(&[3]).slice(0, 2)).silu()),
        ("conv", vec![5, 4, 2], vec![3, 3, 2, 2], |x, w| x.conv2d(w, 2, 1).tanh()),
        ("conv twice", vec![4, 4, 2], vec![3, 3, 2, 2], |x, w| x.conv2d(w, 1, 1).silu().conv2d(w, 1, 0)),
        ("average pool", vec![4, 2, 2], vec![2], |x, w| (x * w).avg_pool(2).square()),
        ("up-sampling", vec![2, 1, 2], vec![2], |x, w| (x * w).upsample(2).sin()),
        ("sum", vec![2, 2], vec![2], |x, w| (x * w).sum().exp()),
        ("sum last", vec![2, 2], vec![2], |x, w| &(x * w).sum_last().sin() * x),
        ("mean last", vec![2, 2], vec![2], |x, w| &(x * w).mean_last().sin() * x),
        ("reshape", vec![2, 3], vec![6], |x, w| &x.reshape(&[6]).square() * w),
        ("permute", vec![2, 3], vec![3, 2], |x, w| &x.permute(&[1, 0]).square() * &w.square()),
        ("concat", vec![2], vec![2], |x, w| x.square().concat(&[&(x * w).sin(), x]).square()),
        ("slice", vec![4], vec![4], |x, w| (x * w).slice(1, 3).exp()),
        ("gather", vec![4], vec![4], |x, w| (x * w).gather(&[3, 0, 3]).exp()),
        ("log sum exp", vec![2, 3], vec![3], |x, w| (x * w).log_sum_exp()),
        ("softmax", vec![2, 3], vec![3], |x, w| &(x * w).softmax() * x),
        ("layer norm", vec![4], vec![4], |x, w| (x * w).layer_norm(1e-3).sin()),
        ("group norm", vec![2, 1, 4], vec![4], |x, w| (x * w).group_norm(2, 1e-3).sin()),
        ("sum of rows", vec![2], vec![2], |x, w| &(x * w).sin().sum_rows() * &x.square()),
    ]
}

const ROWS: usize = 3;

/// A compiled expression of one input and one parameter.
struct Compiled {
    plan: Plan,
    len: usize,
}

impl Compiled {
    fn run(&self, x: &[f64], w: &[f64], direction: &[f64]) -> Vec<Vec<f64>> {
        let cpu = Cpu::<f64>::default();
        let bound = cpu.bind(&self.plan, &[w]);
        let mut memory = cpu.memory(&self.plan, ROWS);
        cpu.write(&self.plan, &mut memory, 0, x);
        cpu.write(&self.plan, &mut memory, 1, direction);
        cpu.run(&self.plan, Stage::Early, ROWS, &bound, &mut memory);
        cpu.run(&self.plan, Stage::Late, ROWS, &bound, &mut memory);
        (0..self.len).map(|i| cpu.read(&self.plan, &memory, &bound, i, ROWS).to_vec()).collect()
    }
}

fn normals(n: usize, seed: u64) -> Vec<f64> {
    let mut rng = Key::from_seed(seed).rng();
    (0..n).map(|_| rng.normal()).collect()
}

/// Largest error of analytic `d <c, y> / dx` and `/ dw`, and of the same for `s = v . d<c,y>/dx`, relative to `1 + |d|`.
fn worst_error(case: &Case, plant: bool) -> f64 {
    let (_, x_dims, w_dims, f) = case;
    let tape = Tape::new();
    let (x, w, v) = (tape.input(0, x_dims), tape.param(0, w_dims), tape.input(1, x_dims));
    let y = f(&x, &w);
    // A nonlinear scalar of the value, so that cotangents vary.
    let scalar = (&y.square() + &y).sum_rows().sum();
    let dx = gradient(&scalar, &x);
    let dw = gradient(&scalar, &w);
    let along = (&dx * &v).sum_rows().sum();
    let (ddx, ddw) = (gradient(&along, &x), gradient(&along, &w));
    let dw = if plant { dw * 1.001 } else { dw };
    let plan = Plan::compile(&tape, &[&scalar, &along, &dx, &dw, &ddx, &ddw], &[1]).unwrap();
    let compiled = Compiled { plan, len: 6 };
    let (nx, nw) = (ROWS * x_dims.iter().product::<usize>(), w_dims.iter().product());
    let (x0, w0, v0) = (normals(nx, 1), normals(nw, 2), normals(nx, 3));
    let all = compiled.run(&x0, &w0, &v0);
    let mut worst = 0.0f64;
    // Central differences: truncation h^2 f'''/6 and rounding 1e-16 |f| / h balance at errors of about 1e-9.
    let h = 1e-5;
    for (of, analytic, by_x) in [(0, &all[2], true), (0, &all[3], false), (1, &all[4], true), (1, &all[5], false)] {
        for i in 0..if by_x { nx } else { nw } {
            let shifted = |by: f64| {
                let (mut x, mut w) = (x0.clone(), w0.clone());
                if by_x {
                    x[i] += by;
                } else {
                    w[i] += by;
                }
                compiled.run(&x, &w, &v0)[of][0]
            };
            let numeric = (shifted(h) - shifted(-h)) / (2.0 * h);
            worst = worst.max((analytic[i] - numeric).abs() / (1.0 + numeric.abs()));
        }
    }
    worst
}

#[test]
fn every_primitive_has_exact_derivatives() {
    for case in cases() {
        let error = worst_error(&case, false);
        assert!(error < 1e-6, "{}: {error:e}", case.0);
    }
}

#[test]
fn a_planted_mistake_is_caught() {
    let all = cases();
    let case = all.iter().find(|c| c.0 == "matmul").unwrap();
    assert!(worst_error(case, true) > 1e-5);
}

/// Third derivatives and more: `d^n/dx^n` of each activation equals differences of the order below.
#[test]
fn activations_at_any_order() {
    let kinds = [Activation::Sigmoid, Activation::Silu, Activation::Softplus, Activation::Tanh, Activation::Gelu];
    for how in kinds {
        let tape = Tape::new();
        let x = tape.input(0, &[1]);
        let mut orders = vec![x.activate(how).sum()];
        for n in 0..6 {
            orders.push(gradient(&orders[n], &x).sum());
        }
        let refs: Vec<&Var> = orders.iter().collect();
        let compiled = Compiled { plan: Plan::compile(&tape, &refs, &[]).unwrap(), len: 7 };
        let h = 1e-5;
        let at = |x: f64| compiled.run(&[x, x, x], &[], &[]).iter().map(|o| o[0]).collect::<Vec<_>>();
        for x in [-2.3, -0.4, 0.0, 0.7, 3.1] {
            let (here, up, down) = (at(x), at(x + h), at(x - h));
            for n in 1..7 {
                let numeric = (up[n - 1] - down[n - 1]) / (2.0 * h);
                assert!((here[n] - numeric).abs() < 1e-7 * (1.0 + numeric.abs()) + 1e-8, "{how:?} order {n} at {x}");
            }
        }
    }
}

#[test]
fn mistakes_in_shapes_are_errors_that_name_them() {
    let tape = Tape::new();
    let x = tape.input(0, &[3]);
    let y = x.matmul(&tape.param(0, &[4, 2]));
    let error = Plan::compile(&tape, &[&y], &[]).unwrap_err();
    assert!(error.to_string().contains("[rows; 3]") && error.to_string().contains("[4, 2]"), "{error}");
}
