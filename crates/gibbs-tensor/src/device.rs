//! What runs plans: the processor here; an accelerator would be a second implementation, and no model would change.

use crate::tape::Plan;

pub use crate::cpu::Cpu;

/// Which part of a plan runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Everything that does not depend on late inputs.
    Early,
    /// The rest.
    Late,
}

/// A place where plans run. Runs do not allocate: buffers are made beforehand, for a largest number of rows.
pub trait Device<T>: Send + Sync {
    /// Parameters, and what depends on parameters alone, laid out for this device.
    type Bound: Send + Sync;
    /// Buffers of one run at a time.
    type Memory: Send;

    /// Lays out parameters: slice `i` is parameter `i`.
    fn bind(&self, plan: &Plan, params: &[&[T]]) -> Self::Bound;

    /// Buffers for up to `rows` rows.
    fn memory(&self, plan: &Plan, rows: usize) -> Self::Memory;

    /// Sets input `index`, row-major. Inputs that the plan does not use are ignored.
    fn write(&self, plan: &Plan, memory: &mut Self::Memory, index: usize, values: &[T]);

    /// Runs one stage for `rows` rows.
    fn run(&self, plan: &Plan, stage: Stage, rows: usize, bound: &Self::Bound, memory: &mut Self::Memory);

    /// Output `index` of a batch of `rows`, row-major.
    fn read<'a>(
        &self,
        plan: &Plan,
        memory: &'a Self::Memory,
        bound: &'a Self::Bound,
        index: usize,
        rows: usize,
    ) -> &'a [T];
}
