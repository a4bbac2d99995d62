//! Rules that turn patterns into couplings.

use gibbs_core::rows::Rows;
use gibbs_kernels::gemm;

use super::{Hopfield, MAX_SPINS, MemoryError, check_patterns, spins};
use crate::Bits;

/// How `P` patterns `xi` of `N` spins become couplings; the diagonal is set to zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// Hebb's rule, `W = (1/N) sum_mu xi_mu xi_mu'`. Local and incremental; holds about `0.138 N` random patterns.
    #[default]
    Hebbian,
    /// The projection (pseudo-inverse) rule, `W = (1/N) sum_(mu nu) xi_mu (C^-1)_(mu nu) xi_nu'` with the overlaps
    /// `C_(mu nu) = xi_mu . xi_nu / N`: every pattern is a fixed point as long as they are independent, correlated or not.
    /// Personnaz, Guyon & Dreyfus 1985, DOI 10.1051/jphyslet:01985004608035900.
    Projection,
    /// Storkey's rule: pattern after pattern, `W += (1/N) (xi xi' - xi h' - h xi' + 2 W)` off the diagonal, `h = W xi`.
    /// Local and incremental as Hebb's, with larger capacity. Storkey 1997, DOI 10.1007/BFb0020196.
    Storkey,
}

impl Hopfield {
    /// Stores the rows of `patterns`; biases are zero.
    pub fn store(rule: Rule, patterns: &Bits) -> Result<Self, MemoryError> {
        check_patterns(patterns)?;
        let n = patterns.n_cols();
        if n > MAX_SPINS {
            return Err(MemoryError::TooLarge { found: n });
        }
        let xi = spins(patterns);
        let mut w = match rule {
            Rule::Hebbian => outer(&xi, patterns.n_rows(), n),
            Rule::Projection => outer(&whitened(&xi, patterns.n_rows(), n)?, patterns.n_rows(), n),
            Rule::Storkey => storkey(&xi, n),
        };
        (0..n).for_each(|i| w[i * n + i] = 0.0);
        // The two halves of a product are summed in different orders.
        for i in 0..n {
            for j in 0..i {
                w[i * n + j] = w[j * n + i];
            }
        }
        Hopfield::from_couplings(w, vec![0.0; n])
    }
}

/// `Z'Z / n` of `p` rows of `n`.
fn outer(z: &[f32], p: usize, n: usize) -> Vec<f32> {
    let mut w = vec![0.0; n * n];
    gemm::matmul_tn(p, n, n, z, z, false, &mut w);
    w.iter_mut().for_each(|w| *w /= n as f32);
    w
}

/// `L^-1 Xi`, where `L L' = Xi Xi' / n` (Cholesky, in f64): the projection rule is Hebb's on these rows.
fn whitened(xi: &[f32], p: usize, n: usize) -> Result<Vec<f32>, MemoryError> {
    let mut overlaps = vec![0.0f32; p * p];
    // Whole numbers below 2^24: exact in f32.
    gemm::matmul(p, xi, &gemm::Packed::transposed(n, p, xi), None, false, &mut overlaps);
    let mut l: Vec<f64> = overlaps.iter().map(|o| f64::from(*o) / n as f64).collect();
    let mut z: Vec<f64> = xi.iter().map(|x| f64::from(*x)).collect();
    for i in 0..p {
        for j in 0..=i {
            let (above, row) = l.split_at(i * p);
            let known = if j < i { &above[j * p..j * p + j] } else { &row[..j] };
            let rest = row[j] - row[..j].iter().zip(known).map(|(a, b)| a * b).sum::<f64>();
            l[i * p + j] = if j < i {
                rest / l[j * p + j]
            } else if rest > 1e-9 {
                rest.sqrt()
            } else {
                // The part of the pattern that the others do not span; rounding leaves some 1e-13 of nothing.
                return Err(MemoryError::Dependent { pattern: i });
            };
        }
        let (above, row) = z.split_at_mut(i * n);
        for (j, above) in above.chunks_exact(n).enumerate() {
            let factor = l[i * p + j];
            row[..n].iter_mut().zip(above).for_each(|(z, a)| *z -= factor * a);
        }
        row[..n].iter_mut().for_each(|z| *z /= l[i * p + i]);
    }
    Ok(z.into_iter().map(|z| z as f32).collect())
}

fn storkey(xi: &[f32], n: usize) -> Vec<f32> {
    let mut w = vec![0.0f32; n * n];
    let mut h = vec![0.0f32; n];
    let scale = 1.0 / n as f32;
    for xi in xi.chunks_exact(n) {
        for (h, row) in h.iter_mut().zip(w.chunks_exact(n)) {
            *h = row.iter().zip(xi).map(|(w, x)| w * x).sum();
        }
        for (i, row) in w.chunks_exact_mut(n).enumerate() {
            for ((w, x), field) in row.iter_mut().zip(xi).zip(&h) {
                *w += scale * (xi[i] * x - xi[i] * field - h[i] * x + 2.0 * *w);
            }
            row[i] = 0.0;
        }
    }
    w
}
