//! Functions of rows written as code over [`Var`]s: so many numbers a row in, so many out.

use std::marker::PhantomData;
use std::sync::Arc;

use gibbs_core::dense::Dense;
use gibbs_core::key::Key;
use gibbs_core::params::ParamMap;
use gibbs_core::rows::{Continuous, Rows};
use rayon::prelude::*;

use crate::device::{Cpu, Device, Stage};
use crate::element::Element;
use crate::tape::{Plan, Tape, TapeError, Var};
use crate::trace::{Declare, Program};

/// Rows that one thread takes at a time.
const BLOCK_ROWS: usize = 128;

/// A function of rows with parameters, such as a network with several outputs. The same code inside an energy
/// ([`crate::trace::TapeEnergy`]) declares the same parameters, so that what was learnt there is read out here.
///
/// # Example
/// ```
/// use gibbs_core::dense::Dense;
/// use gibbs_core::key::Key;
/// use gibbs_core::rows::Continuous;
/// use gibbs_tensor::map::TapeMap;
/// let map = TapeMap::<f64>::new(2, &Key::from_seed(0), |x, p| {
///     let w = p.constant("weight", &[2, 3], 0.5);
///     x.matmul(&w)
/// })?;
/// let y = map.apply(map.params(), &Dense::from_rows(2, vec![1.0, 3.0]));
/// assert_eq!((y.values(), map.n_outputs()), (&[2.0, 2.0, 2.0][..], 3));
/// # Ok::<(), gibbs_tensor::tape::TapeError>(())
/// ```
pub struct TapeMap<T: Element> {
    n_cols: usize,
    n_outputs: usize,
    params: ParamMap,
    plan: Arc<Plan>,
    element: PhantomData<T>,
}

impl<T: Element> std::fmt::Debug for TapeMap<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TapeMap of {} columns to {}, {} parameters", self.n_cols, self.n_outputs, self.params.flat().len())
    }
}

impl<T: Element> TapeMap<T> {
    /// From code that declares parameters and returns a block of numbers a row. `key` decides their first values.
    ///
    /// # Errors
    /// The first mistake in shapes, in words.
    pub fn new(n_cols: usize, key: &Key, code: impl FnOnce(&Var, &mut Declare) -> Var) -> Result<Self, TapeError> {
        let tape = Tape::new();
        let mut declare = Declare::new(&tape, key);
        let value = code(&tape.input(0, &[n_cols]), &mut declare);
        let shape = value.shape();
        if tape.error().is_none() && !shape.batched {
            return Err(TapeError(format!("a function of rows returns numbers a row, this code returns {shape}")));
        }
        let plan = Arc::new(Plan::compile(&tape, &[&value], &[])?);
        Ok(Self { n_cols, n_outputs: shape.numel(), params: declare.params()?, plan, element: PhantomData })
    }

    /// Columns of a row.
    pub fn n_cols(&self) -> usize {
        self.n_cols
    }

    /// Numbers a row that come out.
    pub fn n_outputs(&self) -> usize {
        self.n_outputs
    }

    /// The parameters that were declared, with their first values.
    pub fn params(&self) -> &ParamMap {
        &self.params
    }

    /// The function at `x` under `params`, row by row.
    ///
    /// # Panics
    /// If `x` has other columns than [`TapeMap::n_cols`], or `params` another layout than [`TapeMap::params`].
    pub fn apply(&self, params: &ParamMap, x: &Dense<T>) -> Dense<T> {
        assert_eq!((x.n_cols(), params.flat().len()), (self.n_cols, self.params.flat().len()), "columns, parameters");
        let program = Program::<T>::from_plan(self.plan.clone());
        let (cpu, mut out) = (Cpu::<T>::default(), Dense::zeros(x.n_rows(), self.n_outputs));
        out.values_mut()
            .par_chunks_mut(BLOCK_ROWS * self.n_outputs)
            .zip(x.values().par_chunks(BLOCK_ROWS * self.n_cols))
            .for_each(|(out, x)| {
                let rows = x.len() / self.n_cols;
                program.with(params, BLOCK_ROWS, |plan, bound, run| {
                    cpu.write(plan, &mut run.memory, 0, x);
                    cpu.run(plan, Stage::Early, rows, bound, &mut run.memory);
                    out.copy_from_slice(cpu.read(plan, &run.memory, bound, 0, rows));
                });
            });
        out
    }
}
