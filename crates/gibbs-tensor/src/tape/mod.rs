//! The tape: an expression is written once over [`Var`]s, its derivatives of any order are further expressions, and
//! what is wanted of them is compiled to a [`Plan`] that a [`crate::device::Device`] runs on batches without allocating.
//!
//! The primitives are closed under differentiation: the derivative of each is written with the same set. The number of
//! rows of the batch is left open until a plan runs.
//!
//! # Example
//! ```
//! use gibbs_tensor::tape::{Plan, Tape, gradient};
//! use gibbs_tensor::device::{Cpu, Device, Stage};
//! let tape = Tape::new();
//! let x = tape.input(0, &[2]);
//! let energy = (x.square().sum()) * 0.5;
//! let plan = Plan::compile(&tape, &[&energy, &gradient(&energy, &x)], &[])?;
//! let (cpu, rows) = (Cpu::<f64>::default(), 1);
//! let bound = cpu.bind(&plan, &[]);
//! let mut memory = cpu.memory(&plan, rows);
//! cpu.write(&plan, &mut memory, 0, &[3.0, 4.0]);
//! cpu.run(&plan, Stage::Early, rows, &bound, &mut memory);
//! assert_eq!(cpu.read(&plan, &memory, &bound, 0, rows), [12.5]);
//! assert_eq!(cpu.read(&plan, &memory, &bound, 1, rows), [3.0, 4.0]);
//! # Ok::<(), gibbs_tensor::tape::TapeError>(())
//! ```
mod derivative;
pub mod op;
mod operators;
mod plan;
mod shape;
mod var;

pub use op::Activation;
pub use plan::Plan;
pub(crate) use plan::{MOST_OUTPUTS, Place, Step, Work};
pub use shape::Shape;
pub(crate) use shape::Spread;
pub use var::{Tape, TapeError, Var};

/// Gradient in `x` of a value that is one number a row (of each row by itself), or of the sum of any other value.
pub fn gradient(y: &Var, x: &Var) -> Var {
    let one = y.tape.constant(1.0).spread_to(&y.shape());
    derivative::gradients(&[(y, one)], &[x]).remove(0)
}

/// `d/dw <cotangent, y>` for each of several `w`; the cotangent has the shape of `y`.
pub fn pull_back(y: &Var, cotangent: &Var, wrt: &[&Var]) -> Vec<Var> {
    derivative::gradients(&[(y, cotangent.spread_to(&y.shape()))], wrt)
}
