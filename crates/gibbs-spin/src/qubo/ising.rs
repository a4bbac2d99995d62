//! Quadratic energies in spins.

use super::{Qubo, QuboError};

/// `E(s) = c + sum_i h_i s_i + sum_(i<j) J_ij s_i s_j` over spins `s_i = +-1`, with `s = 2x - 1` for bits `x`. The signs are
/// those of the optimisation literature: a ferromagnet has `J < 0`.
///
/// # Example
/// ```
/// use gibbs_spin::qubo::Ising;
/// let pair = Ising { offset: 0.0, fields: vec![0.0, 0.0], couplings: vec![(0, 1, -1.0)] };
/// let qubo = pair.to_qubo()?;
/// assert_eq!((qubo.offset(), qubo.linear()), (-1.0, &[2.0, 2.0][..]));
/// assert_eq!(Ising::from_qubo(&qubo), pair);
/// # Ok::<(), gibbs_spin::qubo::QuboError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Ising {
    /// The constant `c`.
    pub offset: f64,
    /// Fields `h`, one a spin.
    pub fields: Vec<f64>,
    /// Coupled pairs, each once.
    pub couplings: Vec<(usize, usize, f64)>,
}

impl Ising {
    /// From a symmetric matrix of couplings `J`, `n x n`, with a zero diagonal, and fields. Zeros are no couplings.
    ///
    /// # Errors
    /// If the matrix is not symmetric, has self-couplings, or holds a number that is not finite, and so for the fields.
    pub fn from_matrix(couplings: &[f64], fields: Vec<f64>) -> Result<Self, QuboError> {
        let n = fields.len();
        if n.checked_mul(n) != Some(couplings.len()) {
            return Err(QuboError::Shape { found: couplings.len(), n });
        }
        let mut pairs = Vec::new();
        for i in 0..n {
            if !fields[i].is_finite() {
                return Err(QuboError::NotFinite { i, j: i, value: fields[i] });
            }
            if couplings[i * n + i] != 0.0 {
                return Err(QuboError::SelfLoop(i));
            }
            for j in i + 1..n {
                let (upper, lower) = (couplings[i * n + j], couplings[j * n + i]);
                if let Some(value) = [upper, lower].into_iter().find(|v| !v.is_finite()) {
                    return Err(QuboError::NotFinite { i, j, value });
                }
                if upper != lower {
                    return Err(QuboError::NotSymmetric { i, j, upper, lower });
                }
                if upper != 0.0 {
                    pairs.push((i, j, upper));
                }
            }
        }
        Ok(Self { offset: 0.0, fields, couplings: pairs })
    }

    /// The square lattice of `side^2` spins on a torus at coupling `K`: `E = -K sum_<ij> s_i s_j`.
    ///
    /// # Panics
    /// If the side is below 3: at 2 there would be two bonds between the same two spins.
    pub fn torus(side: usize, coupling: f64) -> Self {
        assert!(side >= 3, "a torus of side {side}: 3 or more");
        let at = |i: usize, j: usize| i % side * side + j % side;
        let bonds = |k: usize| [(k, at(k / side + 1, k % side), -coupling), (k, at(k / side, k % side + 1), -coupling)];
        Self { offset: 0.0, fields: vec![0.0; side * side], couplings: (0..side * side).flat_map(bonds).collect() }
    }

    /// The same energy of bits.
    pub fn to_qubo(&self) -> Result<Qubo, QuboError> {
        let n = self.fields.len();
        let mut linear: Vec<f64> = self.fields.iter().map(|h| 2.0 * h).collect();
        let mut offset = self.offset - self.fields.iter().sum::<f64>();
        let mut pairs = Vec::with_capacity(self.couplings.len());
        for &(i, j, coupling) in &self.couplings {
            if i.max(j) >= n {
                return Err(QuboError::OutOfRange { found: i.max(j), n });
            }
            offset += coupling;
            linear[i] -= 2.0 * coupling;
            linear[j] -= 2.0 * coupling;
            pairs.push((i, j, 4.0 * coupling));
        }
        Qubo::new(offset, linear, &pairs)
    }

    /// The same energy of spins.
    pub fn from_qubo(qubo: &Qubo) -> Self {
        let mut fields: Vec<f64> = qubo.linear().iter().map(|a| a / 2.0).collect();
        let mut offset = qubo.offset() + fields.iter().sum::<f64>();
        let mut couplings = Vec::with_capacity(qubo.n_couplings());
        for (i, j, b) in qubo.pairs() {
            offset += b / 4.0;
            fields[i] += b / 4.0;
            fields[j] += b / 4.0;
            couplings.push((i, j, b / 4.0));
        }
        Self { offset, fields, couplings }
    }
}
