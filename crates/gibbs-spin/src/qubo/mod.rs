//! Quadratic energies over bits and spins with few couplings: QUBO problems and Ising models on graphs.
//!
//! | file | what it holds |
//! |---|---|
//! | here | [`Qubo`]: coefficients by neighbour lists; energy, flips, blocks |
//! | [`ising`] | the same in spins, and the way there and back |
//! | [`parse`] | files: qbsolv's format and coordinate lists |
//! | [`path`](mod@path) | from fair bits to the problem, with fields kept up to date |
//! | [`flips`] | single flips: Metropolis and heat bath in order or at random |
//! | [`informed`] | Gibbs with gradients, O(log n) a proposal |
//! | [`exact`] | ground states by enumeration |
//! | [`tempering`] | replicas along a tuned ladder |
pub mod exact;
pub mod flips;
pub mod informed;
pub mod ising;
pub mod parse;
pub mod path;
pub mod tempering;

pub use exact::{GroundStates, MAX_ENUMERATED};
pub use flips::{FlipSweep, Order};
pub use informed::InformedFlips;
pub use ising::Ising;
pub use path::{QuboEval, QuboPath};
pub use tempering::{TemperedRun, TemperingSettings};

use gibbs_core::energy::{Blocks, Energy, Flips};
use gibbs_core::rows::{Natural, Rows};
use gibbs_core::scratch::Scratch;

use crate::Bits;

/// Variables that a problem may have: a limit on what a file of a few bytes can make the program allocate.
pub const MAX_VARIABLES: usize = 1 << 22;

/// Why coefficients are no quadratic energy.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum QuboError {
    /// No variable at all.
    #[error("the problem has no variables")]
    Empty,
    /// More variables than are allowed.
    #[error("{found} variables are more than the {MAX_VARIABLES} that are supported")]
    TooLarge {
        /// Variables asked for.
        found: usize,
    },
    /// A variable that does not exist.
    #[error("variable {found} does not exist: there are {n}, numbered from 0")]
    OutOfRange {
        /// Its number.
        found: usize,
        /// Number of variables.
        n: usize,
    },
    /// A coupling of a variable with itself.
    #[error("variable {0} is coupled with itself: s * s = 1 is a constant and x * x = x a linear term")]
    SelfLoop(usize),
    /// A pair that has two values.
    #[error("the pair {i}, {j} occurs twice: give each pair once, in either order (add the two values if both count)")]
    Duplicate {
        /// The smaller number.
        i: usize,
        /// The larger one.
        j: usize,
    },
    /// A coefficient that is not a finite number.
    #[error("the coefficient of {i}, {j} is {value}: coefficients are finite numbers")]
    NotFinite {
        /// First variable.
        i: usize,
        /// Second variable, the same for a linear term.
        j: usize,
        /// The coefficient.
        value: f64,
    },
    /// Couplings that depend on the order of the pair.
    #[error("couplings must be symmetric, but ({i}, {j}) is {upper} and ({j}, {i}) is {lower}")]
    NotSymmetric {
        /// Row.
        i: usize,
        /// Column.
        j: usize,
        /// Value above the diagonal.
        upper: f64,
        /// Value below it.
        lower: f64,
    },
    /// Numbers that are no square matrix.
    #[error("{found} numbers are no matrix of {n} x {n}")]
    Shape {
        /// Numbers given.
        found: usize,
        /// Side.
        n: usize,
    },
    /// A line of a file that cannot be read.
    #[error("line {line}: {problem}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What was found and what to do.
        problem: String,
    },
    /// More variables than can be enumerated.
    #[error("{found} variables have 2^{found} states: at most {MAX_ENUMERATED} variables are enumerated")]
    TooManyStates {
        /// Variables.
        found: usize,
    },
}

/// A quadratic energy over bits, `E(x) = c + sum_i a_i x_i + sum_(i<j) b_ij x_i x_j`, to be made small.
///
/// Coefficients are in nats at temperature 1 where it is sampled; for optimisation the unit does not matter.
///
/// # Example
/// ```
/// use gibbs_core::{energy::Energy, scratch::Scratch};
/// use gibbs_spin::{Bits, qubo::Qubo};
/// let qubo = Qubo::new(0.5, vec![-1.0, 2.0], &[(0, 1, -3.0)])?;
/// let mut e = [0.0];
/// qubo.energy(&Bits::from_rows(&[[true, true]]), &mut e, &mut Scratch::default());
/// assert_eq!(e, [-1.5]);
/// # Ok::<(), gibbs_spin::qubo::QuboError>(())
/// ```
///
/// # Source
/// Glover, Kochenberger & Du 2019, "Quantum bridge analytics I", DOI 10.1007/s10288-019-00424-y.
#[derive(Clone, Debug, PartialEq)]
pub struct Qubo {
    offset: f64,
    linear: Vec<f64>,
    /// Neighbours of `i` are `starts[i]..starts[i + 1]`.
    starts: Vec<usize>,
    neighbours: Vec<u32>,
    couplings: Vec<f64>,
}

impl Qubo {
    /// From the constant, the linear coefficients and every coupled pair once, in either order. Zeros are kept.
    pub fn new(offset: f64, linear: Vec<f64>, pairs: &[(usize, usize, f64)]) -> Result<Self, QuboError> {
        let n = linear.len();
        if n == 0 {
            return Err(QuboError::Empty);
        }
        if n > MAX_VARIABLES {
            return Err(QuboError::TooLarge { found: n });
        }
        if let Some(i) = linear.iter().position(|a| !a.is_finite()) {
            return Err(QuboError::NotFinite { i, j: i, value: linear[i] });
        }
        let mut starts = vec![0; n + 1];
        for &(i, j, value) in pairs {
            if i.max(j) >= n {
                return Err(QuboError::OutOfRange { found: i.max(j), n });
            }
            if i == j {
                return Err(QuboError::SelfLoop(i));
            }
            if !value.is_finite() {
                return Err(QuboError::NotFinite { i, j, value });
            }
            starts[i + 1] += 1;
            starts[j + 1] += 1;
        }
        (0..n).for_each(|i| starts[i + 1] += starts[i]);
        let mut entries = vec![(0u32, 0.0); 2 * pairs.len()];
        let mut next = starts.clone();
        for &(i, j, value) in pairs {
            for (i, j) in [(i, j), (j, i)] {
                entries[next[i]] = (j as u32, value);
                next[i] += 1;
            }
        }
        for i in 0..n {
            let row = &mut entries[starts[i]..starts[i + 1]];
            row.sort_unstable_by_key(|(j, _)| *j);
            if let Some(w) = row.windows(2).find(|w| w[0].0 == w[1].0) {
                let j = w[0].0 as usize;
                return Err(QuboError::Duplicate { i: i.min(j), j: i.max(j) });
            }
        }
        if !offset.is_finite() {
            return Err(QuboError::NotFinite { i: 0, j: 0, value: offset });
        }
        let (neighbours, couplings) = entries.into_iter().unzip();
        Ok(Self { offset, linear, starts, neighbours, couplings })
    }

    /// `E(x) = x'Qx` of a full `n x n` matrix, row-major: the linear terms stand on the diagonal, and each pair counts
    /// `q_ij + q_ji`, so that upper triangular and symmetric matrices both mean what they say. Zeros are no couplings.
    pub fn from_matrix(n: usize, q: &[f64]) -> Result<Self, QuboError> {
        if n.checked_mul(n) != Some(q.len()) {
            return Err(QuboError::Shape { found: q.len(), n });
        }
        let mut pairs = Vec::new();
        for i in 0..n {
            for j in i + 1..n {
                let value = q[i * n + j] + q[j * n + i];
                if value != 0.0 {
                    pairs.push((i, j, value));
                }
            }
        }
        Self::new(0.0, (0..n).map(|i| q[i * n + i]).collect(), &pairs)
    }

    /// Number of variables.
    pub fn n_variables(&self) -> usize {
        self.linear.len()
    }

    /// Number of coupled pairs.
    pub fn n_couplings(&self) -> usize {
        self.couplings.len() / 2
    }

    /// The constant.
    pub fn offset(&self) -> f64 {
        self.offset
    }

    /// Linear coefficients `a`.
    pub fn linear(&self) -> &[f64] {
        &self.linear
    }

    /// Neighbours of a variable in rising order, and the coefficients of these pairs.
    pub fn neighbours(&self, i: usize) -> (&[u32], &[f64]) {
        let range = self.starts[i]..self.starts[i + 1];
        (&self.neighbours[range.clone()], &self.couplings[range])
    }

    /// Every coupled pair once, the smaller number first.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize, f64)> {
        (0..self.n_variables()).flat_map(move |i| {
            let (to, b) = self.neighbours(i);
            to.iter().zip(b).filter(move |(j, _)| **j as usize > i).map(move |(j, b)| (i, *j as usize, *b))
        })
    }

    /// Fields `g_i = a_i + sum_j b_ij x_j` of one row, and its energy. Turning `x_i` to 1 costs `g_i`, back `-g_i`.
    pub fn fields(&self, x: &Bits, row: usize, out: &mut [f64]) -> f64 {
        let mut twice = 0.0;
        for (i, g) in out.iter_mut().enumerate() {
            let (to, b) = self.neighbours(i);
            let coupled: f64 = to.iter().zip(b).filter(|(j, _)| x.get(row, **j as usize)).map(|(_, b)| b).sum();
            *g = self.linear[i] + coupled;
            if x.get(row, i) {
                twice += 2.0 * self.linear[i] + coupled;
            }
        }
        self.offset + 0.5 * twice
    }

    /// Inverse temperatures between which annealing makes sense: hot, where the largest cost that a flip can have is
    /// accepted with probability 1/2, and cold, where the smallest cost above zero is accepted with probability 1 %. None if
    /// every flip is free.
    ///
    /// The largest cost is exact: `max_i max(|a_i + sum of positive b_ij|, |a_i + sum of negative b_ij|)`. The smallest is
    /// exact over the states of the neighbours for variables with up to ten of them; for others the smallest nonzero
    /// coefficient stands in.
    ///
    /// # Source
    /// The rule of D-Wave's simulated annealing sampler (`dwave-samplers`, default range of beta), with exact bounds where
    /// it takes the sum of magnitudes.
    pub fn beta_range(&self) -> Option<(f64, f64)> {
        let (mut largest, mut smallest) = (0.0_f64, f64::INFINITY);
        for (i, a) in self.linear.iter().enumerate() {
            let (_, b) = self.neighbours(i);
            let scale = a.abs() + b.iter().map(|b| b.abs()).sum::<f64>();
            let (up, down) = b.iter().fold((*a, *a), |(u, d), b| (u + b.max(0.0), d + b.min(0.0)));
            largest = largest.max(up.abs()).max(down.abs());
            let mut consider = |cost: f64| {
                // Sums that would be zero but for rounding are.
                if cost.abs() > 1e-12 * scale {
                    smallest = smallest.min(cost.abs());
                }
            };
            if b.len() <= 10 {
                for subset in 0..1u32 << b.len() {
                    consider(
                        *a + b.iter().enumerate().filter(|(k, _)| subset >> k & 1 == 1).map(|(_, b)| b).sum::<f64>(),
                    );
                }
            } else {
                b.iter().for_each(|b| consider(*b));
                consider(*a);
            }
        }
        (largest > 0.0).then(|| (2f64.ln() / largest, 100f64.ln() / smallest.min(largest)))
    }

    fn check(&self, x: &Bits) {
        assert_eq!(x.n_cols(), self.n_variables(), "rows of {} variables", self.n_variables());
    }
}

impl Energy for Qubo {
    type X = Bits;

    fn energy(&self, x: &Bits, out: &mut [f64], ws: &mut Scratch) {
        self.check(x);
        let mut fields = ws.take_f64(self.n_variables());
        out.iter_mut().enumerate().for_each(|(row, o)| *o = self.fields(x, row, &mut fields));
        ws.give_f64(fields);
    }
}

impl Flips for Qubo {
    fn flip_deltas(&self, x: &Bits, out: &mut [f64], _ws: &mut Scratch) {
        self.check(x);
        for (row, deltas) in out.chunks_exact_mut(self.n_variables()).enumerate() {
            self.fields(x, row, deltas);
            for (i, d) in deltas.iter_mut().enumerate() {
                *d = if x.get(row, i) { -*d } else { *d };
            }
        }
    }
}

/// Each variable is a block of its own.
impl Blocks for Qubo {
    fn n_blocks(&self) -> usize {
        self.n_variables()
    }

    fn sites(&self, block: usize) -> Vec<usize> {
        vec![block]
    }

    fn natural(&self, x: &Bits, block: usize, out: &mut Natural, _ws: &mut Scratch) {
        self.check(x);
        out.reset(x.n_rows(), 1);
        let (to, b) = self.neighbours(block);
        for (row, o) in out.logits.iter_mut().enumerate() {
            let coupled: f64 = to.iter().zip(b).filter(|(j, _)| x.get(row, **j as usize)).map(|(_, b)| b).sum();
            *o = -(self.linear[block] + coupled);
        }
    }
}
