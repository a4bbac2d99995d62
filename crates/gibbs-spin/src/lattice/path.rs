//! The path from free spins to a lattice, and the sweep along it.

use gibbs_core::kernel::{Evaluated, Kernel};
use gibbs_core::key::Key;
use gibbs_core::path::{Annealable, Path};
use gibbs_core::persist::{Persist, StateError, Tensor, TensorMap};
use gibbs_core::rows::{ExchangeRows, Rows};
use gibbs_core::scratch::Scratch;
use gibbs_kernels::ising::{Decision, Rule};

use super::replicas::PER_WORD;
use super::{LatticeError, Replicas, checked_coupling};

/// `E_beta(s) = -beta K sum_<ij> s_i s_j` on a `side` x `side` torus: fair independent spins at `beta = 0`
/// (`log Z = side^2 ln 2`), the lattice at coupling `K` at `beta = 1`.
///
/// # Example
/// ```
/// use gibbs_core::key::Key;
/// use gibbs_core::log_partition::{Ais, ais::linear_ladder};
/// use gibbs_core::scratch::Scratch;
/// use gibbs_spin::lattice::{Checkerboard, Rule, TorusPath};
/// use std::ops::ControlFlow;
/// let path = TorusPath::new(16, 0.3)?;
/// let ais = Ais::new(Checkerboard(Rule::HeatBath), 64, linear_ladder(200))?;
/// let go = &mut |_, _| ControlFlow::Continue(());
/// let (log_z, _) = ais.estimate(&path, &Key::from_seed(0), &mut Scratch::default(), go)?;
/// // Kaufman: 202.3832.
/// assert!((log_z.value - 202.3832).abs() < 5.0 * log_z.std_err);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TorusPath {
    side: usize,
    coupling: f64,
}

impl TorusPath {
    /// The path to coupling `coupling` on an even side.
    ///
    /// # Errors
    /// If the side is odd or 0, or the coupling negative or not finite.
    pub fn new(side: usize, coupling: f64) -> Result<Self, LatticeError> {
        Replicas::ordered(side, 0)?;
        Ok(Self { side, coupling: checked_coupling(coupling)? })
    }

    /// Sites of a side.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Coupling at `beta = 1`.
    pub fn coupling(&self) -> f64 {
        self.coupling
    }
}

/// `sum_<ij> s_i s_j` of every lattice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bonds(Vec<f64>);

impl Bonds {
    /// The sums, one a lattice.
    pub fn values(&self) -> &[f64] {
        &self.0
    }
}

impl Persist for Bonds {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        to.insert(format!("{prefix}bonds"), Tensor::from_f64(&[self.0.len()], &self.0));
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        let name = format!("{prefix}bonds");
        self.0 = from.expect(&name, None)?.to_f64(&name)?;
        Ok(())
    }
}

impl ExchangeRows for Bonds {
    fn exchange_rows(&mut self, other: &mut Self, which: &[bool]) {
        self.0.exchange_rows(&mut other.0, which);
    }
}

impl Path for TorusPath {
    type X = Replicas;
    type Eval = Bonds;

    fn evaluate(&self, x: &Replicas, out: &mut Bonds, _ws: &mut Scratch) {
        out.0.resize(x.n_rows(), 0.0);
        x.bonds(&mut out.0);
    }

    fn empty_eval(&self) -> Bonds {
        Bonds::default()
    }

    fn add_log_weight(&self, _x: &Replicas, eval: &Bonds, b0: f64, b1: f64, out: &mut [f64]) {
        out.iter_mut().zip(&eval.0).for_each(|(o, bonds)| *o += (b1 - b0) * self.coupling * bonds);
    }

    fn target_energy(&self, _x: &Replicas, eval: &Bonds, out: &mut [f64]) {
        out.iter_mut().zip(&eval.0).for_each(|(o, bonds)| *o = -self.coupling * bonds);
    }

    /// One word of lattices.
    fn block_rows(&self) -> usize {
        PER_WORD
    }
}

impl Annealable for TorusPath {
    /// # Panics
    /// Never: the side was checked.
    fn sample_base(&self, n: usize, key: &Key) -> Replicas {
        Replicas::random(self.side, n, key).expect("the side was checked when the path was made")
    }

    fn base_log_z(&self) -> f64 {
        (self.side * self.side) as f64 * std::f64::consts::LN_2
    }
}

/// One checkerboard sweep of every lattice at coupling `beta K`: colour 0 given colour 1, then the other way.
///
/// Leaves `p_beta` invariant (up to the rounding of its probabilities to 2^-32). [`Rule::Metropolis`] turns over almost every
/// spin where `beta K` is near 0, and every spin at 0 itself: use [`Rule::HeatBath`] to anneal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkerboard(pub Rule);

impl Kernel<TorusPath> for Checkerboard {
    type Chain = Evaluated<Replicas, Bonds>;
    type Tuning = ();
    type Info = ();

    fn init(&self, path: &TorusPath, x: Replicas, ws: &mut Scratch) -> Self::Chain {
        let mut eval = path.empty_eval();
        path.evaluate(&x, &mut eval, ws);
        Evaluated { x, eval }
    }

    fn step(&self, path: &TorusPath, beta: f64, (): &(), chain: &mut Self::Chain, key: &Key, ws: &mut Scratch) {
        chain.x.sweep(&Decision::new(self.0, beta * path.coupling), 0, key);
        path.evaluate(&chain.x, &mut chain.eval, ws);
    }

    fn position<'a>(&self, chain: &'a Self::Chain) -> &'a Replicas {
        &chain.x
    }

    fn eval<'a>(&self, chain: &'a Self::Chain) -> &'a Bonds {
        &chain.eval
    }
}
