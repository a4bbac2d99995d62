//! Energies written as code over [`Var`]s.

use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock};

use gibbs_core::dense::Dense;
use gibbs_core::energy::{Direct, Energy, Gradient, Parametric, ScoreParametric, Weigh};
use gibbs_core::ensemble::BLOCK_ROWS;
use gibbs_core::key::{Key, Purpose};
use gibbs_core::params::ParamMap;
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::scratch::Scratch;
use rayon::prelude::*;

use crate::device::{Cpu, Device, Stage};
use crate::element::Element;
use crate::tape::{Plan, Tape, TapeError, Var, gradient, pull_back};

/// Parameters as an energy's code declares them.
#[derive(Debug)]
pub struct Declare {
    tape: Tape,
    key: Key,
    names: Vec<String>,
    shapes: Vec<Vec<usize>>,
    values: Vec<f32>,
}

impl Declare {
    pub(crate) fn new(tape: &Tape, key: &Key) -> Self {
        Self {
            tape: tape.clone(),
            key: key.purpose(Purpose::Init),
            names: Vec::new(),
            shapes: Vec::new(),
            values: Vec::new(),
        }
    }

    /// The declared parameters with their first values.
    pub(crate) fn params(&self) -> Result<ParamMap, TapeError> {
        let layout: Vec<(&str, &[usize])> =
            self.names.iter().zip(&self.shapes).map(|(n, s)| (n.as_str(), s.as_slice())).collect();
        if let Some(twice) = self.names.iter().enumerate().find(|(i, n)| self.names[..*i].contains(n)) {
            return Err(TapeError(format!("two parameters are named {}", twice.1)));
        }
        let mut params = ParamMap::zeros(&layout);
        params.flat_mut().copy_from_slice(&self.values);
        Ok(params)
    }

    /// A parameter whose entries start as independent normal numbers of standard deviation `sd`.
    pub fn normal(&mut self, name: &str, dims: &[usize], sd: f64) -> Var {
        self.with(name, dims, |rng| sd * rng.normal())
    }

    /// A parameter whose entries start uniformly between `-bound` and `bound`.
    pub fn uniform(&mut self, name: &str, dims: &[usize], bound: f64) -> Var {
        self.with(name, dims, |rng| bound * (2.0 * rng.uniform() - 1.0))
    }

    /// A parameter whose entries all start at `value`.
    pub fn constant(&mut self, name: &str, dims: &[usize], value: f64) -> Var {
        self.with(name, dims, |_| value)
    }

    fn with(&mut self, name: &str, dims: &[usize], mut draw: impl FnMut(&mut gibbs_core::key::Rng) -> f64) -> Var {
        let index = self.names.len();
        let mut rng = self.key.block(index as u64).rng();
        self.values.extend((0..dims.iter().product()).map(|_| draw(&mut rng) as f32));
        self.names.push(name.to_string());
        self.shapes.push(dims.to_vec());
        self.tape.param(index, dims)
    }
}

/// An energy of real rows given as code: everything else (gradients in `x` and in the parameters, and the mixed
/// derivatives that score matching needs) is derived from it.
///
/// `Z` exists only if `exp(-E)` can be integrated: add a quadratic such as `|x|^2 / (2 s^2)` where the code itself
/// does not grow.
///
/// # Example
/// ```
/// use gibbs_core::dense::Dense;
/// use gibbs_core::energy::{Gradient, Parametric};
/// use gibbs_core::key::Key;
/// use gibbs_core::scratch::Scratch;
/// use gibbs_tensor::trace::TapeEnergy;
///
/// let energy = TapeEnergy::<f64>::new(2, &Key::from_seed(0), |x, p| {
///     let w = p.normal("weight", &[2, 16], 0.7);
///     let b = p.constant("bias", &[16], 0.0);
///     x.affine(&w, &b).tanh().square().sum() + x.square().sum() * 0.5
/// })?;
/// let x = Dense::from_rows(2, vec![0.0, 0.0, 1.0, -1.0]);
/// let (mut e, mut g) = (vec![0.0; 2], x.clone());
/// energy.energy_grad(&x, &mut e, &mut g, &mut Scratch::default());
/// assert_eq!((e[0], energy.params().flat().len()), (0.0, 48));
/// # Ok::<(), gibbs_tensor::tape::TapeError>(())
/// ```
#[derive(Clone)]
pub struct TapeEnergy<T: Element> {
    n_cols: usize,
    block_rows: usize,
    params: ParamMap,
    energy: Program<T>,
    grad: Program<T>,
    energy_grad: Program<T>,
    param_grad: Program<T>,
    score_grad: Program<T>,
    curvature_grad: Program<T>,
}

impl<T: Element> std::fmt::Debug for TapeEnergy<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TapeEnergy of {} columns, {} parameters", self.n_cols, self.params.flat().len())
    }
}

/// Where the inputs of the plans are.
const X: usize = 0;
const DIRECTION: usize = 1;
const WEIGHT: usize = 2;

impl<T: Element> TapeEnergy<T> {
    /// From code that declares parameters and returns one number a row. `key` decides their first values.
    ///
    /// # Errors
    /// The first mistake in shapes, in words.
    pub fn new(n_cols: usize, key: &Key, code: impl FnOnce(&Var, &mut Declare) -> Var) -> Result<Self, TapeError> {
        let tape = Tape::new();
        let x = tape.input(X, &[n_cols]);
        let mut declare = Declare::new(&tape, key);
        let value = code(&x, &mut declare);
        let shape = value.shape();
        if tape_error(&tape).is_none() && (!shape.batched || shape.numel() != 1) {
            return Err(TapeError(format!(
                "an energy is one number a row, this code returns {shape}: sum it, and let it depend on x"
            )));
        }
        let e = value.reshape(&[]);
        let params = declare.params()?;

        let theta: Vec<Var> = declare.shapes.iter().enumerate().map(|(i, s)| tape.param(i, s)).collect();
        let theta: Vec<&Var> = theta.iter().collect();
        let (v, w) = (tape.input(DIRECTION, &[n_cols]), tape.input(WEIGHT, &[]));
        let one = tape.constant(1.0);
        let g = gradient(&e, &x);
        let slope = (&g * &v).sum();
        let curvature = (&gradient(&slope, &x) * &v).sum();
        let with = |first: &[&Var], rest: &[Var]| first.iter().copied().cloned().chain(rest.iter().cloned()).collect();
        let compile = |outputs: Vec<Var>, late: &[usize]| -> Result<Program<T>, TapeError> {
            let refs: Vec<&Var> = outputs.iter().collect();
            Ok(Program::new(Plan::compile(&tape, &refs, late)?))
        };
        Ok(Self {
            n_cols,
            block_rows: BLOCK_ROWS,
            energy: compile(with(&[&e], &[]), &[])?,
            grad: compile(with(&[&g], &[]), &[])?,
            energy_grad: compile(with(&[&e, &g], &[]), &[])?,
            param_grad: compile(with(&[&e], &pull_back(&e, &w, &theta)), &[WEIGHT])?,
            score_grad: compile(with(&[&e, &g], &pull_back(&slope, &one, &theta)), &[DIRECTION])?,
            curvature_grad: compile(with(&[&curvature], &pull_back(&curvature, &w, &theta)), &[])?,
            params,
        })
    }

    /// Sets the rows that one thread takes at a time: fewer where a row is much work, such as a picture.
    #[must_use]
    pub fn with_block_rows(mut self, rows: usize) -> Self {
        self.block_rows = rows.max(1);
        self
    }

    /// Columns of a row.
    pub fn n_cols(&self) -> usize {
        self.n_cols
    }

    /// The same energy with other parameters.
    ///
    /// # Panics
    /// If the layouts differ.
    pub fn with_params(&self, params: &ParamMap) -> Self {
        let mut other = self.clone();
        other.params_mut().flat_mut().copy_from_slice(params.flat());
        other
    }

    fn blocks(&self, n: usize) -> impl IndexedParallelIterator<Item = Range<usize>> + use<T> {
        let size = self.block_rows;
        (0..n.div_ceil(size)).into_par_iter().with_max_len(1).map(move |b| b * size..((b + 1) * size).min(n))
    }

    fn run<R>(&self, program: &Program<T>, f: impl FnOnce(&Plan, &Bound<T>, &mut Run<T>) -> R) -> R {
        program.with(&self.params, self.block_rows, f)
    }

    /// Adds the parameter gradients of blocks of rows, in the order of the blocks, however many threads there are.
    fn add_blocks(
        &self,
        program: &Program<T>,
        first: usize,
        n: usize,
        out: &mut ParamMap,
        block: impl Fn(Range<usize>, &Plan, &Bound<T>, &mut Run<T>) + Sync,
    ) {
        let one = |rows: Range<usize>, sum: &mut Sum<T>| {
            let len = rows.len();
            self.run(program, |plan, bound, run| {
                block(rows, plan, bound, run);
                sum(run, plan, bound, len);
            });
        };
        let outputs = self.params.entries().len();
        let add = |run: &Run<T>, plan: &Plan, bound: &Bound<T>, rows: usize, into: &mut [f32]| {
            let mut at = 0;
            for k in 0..outputs {
                let values = cpu::<T>().read(plan, &run.memory, bound, first + k, rows);
                T::add_to(values, &mut into[at..at + values.len()]);
                at += values.len();
            }
        };
        if n <= self.block_rows {
            one(0..n, &mut |run, plan, bound, rows| add(run, plan, bound, rows, out.flat_mut()));
            return;
        }
        // Waves bound the memory: each block of a wave has a gradient of its own until they are added in order.
        let wave = WAVE * self.block_rows;
        for start in (0..n).step_by(wave) {
            let end = (start + wave).min(n);
            let gradients: Vec<Vec<f32>> = self
                .blocks(end - start)
                .map(|rows| {
                    let mut gradient = program.buffers.lock().ok().and_then(|mut b| b.pop()).unwrap_or_default();
                    gradient.clear();
                    gradient.resize(self.params.flat().len(), 0.0);
                    let rows = rows.start + start..rows.end + start;
                    one(rows, &mut |run, plan, bound, rows| add(run, plan, bound, rows, &mut gradient));
                    gradient
                })
                .collect();
            for gradient in &gradients {
                f32::add_to(gradient, out.flat_mut());
            }
            if let Ok(mut buffers) = program.buffers.lock() {
                buffers.extend(gradients);
            }
        }
    }
}

/// What takes the gradient of a block of that many rows out of a run.
type Sum<'a, T> = dyn FnMut(&Run<T>, &Plan, &Bound<T>, usize) + 'a;

/// Blocks whose gradients are held at once.
const WAVE: usize = 64;

pub(crate) type Bound<T> = <Cpu<T> as Device<T>>::Bound;

fn cpu<T>() -> Cpu<T>
where
    Cpu<T>: Default,
{
    Cpu::default()
}

fn tape_error(tape: &Tape) -> Option<TapeError> {
    tape.error()
}

/// Buffers of one block's run.
pub(crate) struct Run<T: Element> {
    pub(crate) memory: <Cpu<T> as Device<T>>::Memory,
    e: Vec<f64>,
    w: Vec<f64>,
    values: Vec<T>,
}

/// A plan with its laid-out parameters and a pool of buffers, one set a thread.
pub(crate) struct Program<T: Element> {
    plan: Arc<Plan>,
    bound: OnceLock<Bound<T>>,
    pool: Mutex<Vec<Run<T>>>,
    buffers: Mutex<Vec<Vec<f32>>>,
}

impl<T: Element> Clone for Program<T> {
    fn clone(&self) -> Self {
        Self::from_plan(self.plan.clone())
    }
}

impl<T: Element> Program<T> {
    fn new(plan: Plan) -> Self {
        Self::from_plan(Arc::new(plan))
    }

    pub(crate) fn from_plan(plan: Arc<Plan>) -> Self {
        Self { plan, bound: OnceLock::new(), pool: Mutex::default(), buffers: Mutex::default() }
    }

    pub(crate) fn with<R>(
        &self,
        params: &ParamMap,
        rows: usize,
        f: impl FnOnce(&Plan, &Bound<T>, &mut Run<T>) -> R,
    ) -> R {
        let bound = self.bound.get_or_init(|| {
            let values: Vec<T> = params.flat().iter().map(|&p| T::narrow(f64::from(p))).collect();
            let mut rest = values.as_slice();
            let slices: Vec<&[T]> = params
                .entries()
                .iter()
                .map(|e| {
                    let (head, tail) = rest.split_at(e.shape.iter().product());
                    rest = tail;
                    head
                })
                .collect();
            cpu::<T>().bind(&self.plan, &slices)
        });
        let pooled = self.pool.lock().ok().and_then(|mut pool| pool.pop());
        let mut run = pooled.unwrap_or_else(|| Run {
            memory: cpu::<T>().memory(&self.plan, rows),
            e: Vec::with_capacity(rows),
            w: Vec::with_capacity(rows),
            values: Vec::new(),
        });
        let result = f(&self.plan, bound, &mut run);
        if let Ok(mut pool) = self.pool.lock() {
            pool.push(run);
        }
        result
    }
}

/// The rows `rows` of `x`, flat.
fn part<T: Element>(x: &Dense<T>, rows: &Range<usize>) -> std::ops::Range<usize> {
    rows.start * x.n_cols()..rows.end * x.n_cols()
}

impl<T: Element> Energy for TapeEnergy<T> {
    type X = Dense<T>;

    fn energy(&self, x: &Dense<T>, out: &mut [f64], _ws: &mut Scratch) {
        assert_eq!((x.n_cols(), x.n_rows()), (self.n_cols, out.len()), "columns, and one energy a row");
        let block = |rows: Range<usize>, out: &mut [f64]| {
            self.run(&self.energy, |plan, bound, run| {
                let n = rows.len();
                cpu().write(plan, &mut run.memory, X, &x.values()[part(x, &rows)]);
                cpu().run(plan, Stage::Early, n, bound, &mut run.memory);
                let e = cpu::<T>().read(plan, &run.memory, bound, 0, n);
                out.iter_mut().zip(e).for_each(|(o, e)| *o = e.widen());
            });
        };
        if x.n_rows() <= self.block_rows {
            block(0..x.n_rows(), out);
        } else {
            out.par_chunks_mut(self.block_rows)
                .zip(self.blocks(x.n_rows()))
                .with_max_len(1)
                .for_each(|(out, rows)| block(rows, out));
        }
    }

    fn block_rows(&self) -> usize {
        self.block_rows
    }
}

impl<T: Element> Gradient for TapeEnergy<T> {
    fn energy_grad(&self, x: &Dense<T>, e: &mut [f64], g: &mut Dense<T>, _ws: &mut Scratch) {
        assert_eq!((x.n_cols(), x.n_rows()), (self.n_cols, e.len()), "columns, and one energy a row");
        let block = |rows: Range<usize>, e: &mut [f64], g: &mut [T]| {
            self.run(&self.energy_grad, |plan, bound, run| {
                let n = rows.len();
                cpu().write(plan, &mut run.memory, X, &x.values()[part(x, &rows)]);
                cpu().run(plan, Stage::Early, n, bound, &mut run.memory);
                let values = cpu::<T>().read(plan, &run.memory, bound, 0, n);
                e.iter_mut().zip(values).for_each(|(o, e)| *o = e.widen());
                g.copy_from_slice(cpu::<T>().read(plan, &run.memory, bound, 1, n));
            });
        };
        if x.n_rows() <= self.block_rows {
            block(0..x.n_rows(), e, g.values_mut());
        } else {
            e.par_chunks_mut(self.block_rows)
                .zip(g.values_mut().par_chunks_mut(self.block_rows * self.n_cols))
                .zip(self.blocks(x.n_rows()))
                .with_max_len(1)
                .for_each(|((e, g), rows)| block(rows, e, g));
        }
    }

    fn grad(&self, x: &Dense<T>, g: &mut Dense<T>, _ws: &mut Scratch) {
        assert_eq!(x.n_cols(), self.n_cols, "columns");
        let block = |rows: Range<usize>, g: &mut [T]| {
            self.run(&self.grad, |plan, bound, run| {
                let n = rows.len();
                cpu().write(plan, &mut run.memory, X, &x.values()[part(x, &rows)]);
                cpu().run(plan, Stage::Early, n, bound, &mut run.memory);
                g.copy_from_slice(cpu::<T>().read(plan, &run.memory, bound, 0, n));
            });
        };
        if x.n_rows() <= self.block_rows {
            block(0..x.n_rows(), g.values_mut());
        } else {
            g.values_mut()
                .par_chunks_mut(self.block_rows * self.n_cols)
                .zip(self.blocks(x.n_rows()))
                .with_max_len(1)
                .for_each(|(g, rows)| block(rows, g));
        }
    }
}

impl<T: Element> Parametric for TapeEnergy<T> {
    fn params(&self) -> &ParamMap {
        &self.params
    }

    fn params_mut(&mut self) -> &mut ParamMap {
        let programs = [
            &mut self.energy,
            &mut self.grad,
            &mut self.energy_grad,
            &mut self.param_grad,
            &mut self.score_grad,
            &mut self.curvature_grad,
        ];
        programs.into_iter().for_each(|p| {
            p.bound.take();
        });
        &mut self.params
    }

    fn add_grad(&self, x: &Dense<T>, w: &[f64], out: &mut ParamMap, ws: &mut Scratch) {
        assert_eq!(x.n_rows(), w.len(), "one weight a row");
        self.add_grad_with(x, &|rows, _, out| out.copy_from_slice(&w[rows]), out, ws);
    }

    fn add_grad_with(&self, x: &Dense<T>, weigh: &Weigh<'_>, out: &mut ParamMap, _ws: &mut Scratch) {
        assert_eq!(x.n_cols(), self.n_cols, "columns");
        self.add_blocks(&self.param_grad, 1, x.n_rows(), out, |rows, plan, bound, run| {
            let n = rows.len();
            cpu().write(plan, &mut run.memory, X, &x.values()[part(x, &rows)]);
            cpu().run(plan, Stage::Early, n, bound, &mut run.memory);
            run.e.clear();
            run.e.extend(cpu::<T>().read(plan, &run.memory, bound, 0, n).iter().map(|e| e.widen()));
            run.w.clear();
            run.w.resize(n, 0.0);
            weigh(rows, &run.e, &mut run.w);
            run.values.clear();
            run.values.extend(run.w.iter().map(|&w| T::narrow(w)));
            cpu().write(plan, &mut run.memory, WEIGHT, &run.values);
            cpu().run(plan, Stage::Late, n, bound, &mut run.memory);
        });
    }
}

impl<T: Element> ScoreParametric for TapeEnergy<T> {
    fn add_score_grad(&self, x: &Dense<T>, direct: &Direct<'_, T>, out: &mut ParamMap, _ws: &mut Scratch) {
        assert_eq!(x.n_cols(), self.n_cols, "columns");
        self.add_blocks(&self.score_grad, 2, x.n_rows(), out, |rows, plan, bound, run| {
            let n = rows.len();
            cpu().write(plan, &mut run.memory, X, &x.values()[part(x, &rows)]);
            cpu().run(plan, Stage::Early, n, bound, &mut run.memory);
            run.e.clear();
            run.e.extend(cpu::<T>().read(plan, &run.memory, bound, 0, n).iter().map(|e| e.widen()));
            run.values.resize(n * self.n_cols, T::zero());
            direct(rows, &run.e, cpu::<T>().read(plan, &run.memory, bound, 1, n), &mut run.values);
            cpu().write(plan, &mut run.memory, DIRECTION, &run.values);
            cpu().run(plan, Stage::Late, n, bound, &mut run.memory);
        });
    }

    fn add_curvature_grad(
        &self,
        x: &Dense<T>,
        v: &Dense<T>,
        w: &[f64],
        curvature: &mut [f64],
        out: &mut ParamMap,
        _ws: &mut Scratch,
    ) {
        assert_eq!((x.n_cols(), x.n_rows(), x.n_rows()), (self.n_cols, w.len(), v.n_rows()), "columns and rows");
        let results: Mutex<&mut [f64]> = Mutex::new(curvature);
        self.add_blocks(&self.curvature_grad, 1, x.n_rows(), out, |rows, plan, bound, run| {
            let n = rows.len();
            cpu().write(plan, &mut run.memory, X, &x.values()[part(x, &rows)]);
            cpu().write(plan, &mut run.memory, DIRECTION, &v.values()[part(v, &rows)]);
            run.values.clear();
            run.values.extend(w[rows.clone()].iter().map(|&w| T::narrow(w)));
            cpu().write(plan, &mut run.memory, WEIGHT, &run.values);
            cpu().run(plan, Stage::Early, n, bound, &mut run.memory);
            let values = cpu::<T>().read(plan, &run.memory, bound, 0, n);
            if let Ok(mut results) = results.lock() {
                results[rows].iter_mut().zip(values).for_each(|(c, v)| *c = v.widen());
            }
        });
    }
}
