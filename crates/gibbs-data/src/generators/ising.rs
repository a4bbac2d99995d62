//! The two-dimensional Ising model.

use gibbs_core::key::Key;

use super::{Generator, ROWS, draw, parameter, table};
use crate::{DataError, Table, Values};

pub(super) const NAME: &str = "ising";

/// Spins on a square torus, `p(s) prop exp(beta sum_<ij> s_i s_j)`, drawn independently and exactly.
///
/// With `T(a, b) = exp(beta (bonds within row a + bonds between rows a and b))`, a `2^side x 2^side` matrix, `Z = Tr T^side`.
/// The first row is drawn with weight `T^side(a, a)`, and each next one, `b` after `a` with `k` rows to come, with weight
/// `T(a, b) T^k(b, first)`: no Markov chain, nothing to mix. Entropy `ln Z - beta d ln Z / d beta`, also from `T`.
///
/// Spin +1 is bit 1. A row of the table is the torus row by row.
///
/// Source: Kramers & Wannier, Physical Review 60, 1941, DOI 10.1103/PhysRev.60.252 (the transfer matrix).
#[derive(Clone)]
pub struct Ising {
    side: usize,
    beta: f64,
    /// `powers[k]` is `T^(k+1)`, row-major, of the matrix scaled by [`Ising::scale`].
    powers: Vec<Vec<f64>>,
    entropy: f64,
}

impl std::fmt::Debug for Ising {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ising").field("side", &self.side).field("beta", &self.beta).finish_non_exhaustive()
    }
}

impl Ising {
    /// A torus of this side at this inverse temperature.
    ///
    /// # Errors
    /// [`DataError::Parameter`] where `side` is not 3 to 8 (the matrix has `4^side` elements) or `beta` not in -2 to 2.
    pub fn new(side: usize, beta: f64) -> Result<Self, DataError> {
        if !(3..=8).contains(&side) {
            return Err(parameter(NAME, format!("side is {side}, it must be 3 to 8")));
        }
        if !(-2.0..=2.0).contains(&beta) {
            return Err(parameter(NAME, format!("beta is {beta}, it must be -2 to 2")));
        }
        let states = 1 << side;
        // Every element at most 1, so that powers neither overflow nor lose what matters.
        let scale = beta.abs() * 2.0 * side as f64;
        let bonds = |a: usize, b: usize| {
            Self::agreements(side, a, (a >> 1) | ((a & 1) << (side - 1))) + Self::agreements(side, a, b)
        };
        let bond_table: Vec<f64> = (0..states * states).map(|i| f64::from(bonds(i / states, i % states))).collect();
        let transfer: Vec<f64> = bond_table.iter().map(|b| (beta * b - scale).exp()).collect();
        let mut powers = vec![transfer.clone()];
        for k in 1..side {
            powers.push(product(&powers[k - 1], &transfer, states));
        }
        let z: f64 = (0..states).map(|a| powers[side - 1][a * states + a]).sum();
        let mut mean_bonds = 0.0;
        for a in 0..states {
            for b in 0..states {
                mean_bonds += bond_table[a * states + b] * transfer[a * states + b] * powers[side - 2][b * states + a];
            }
        }
        mean_bonds *= side as f64 / z;
        let entropy = z.ln() + scale * side as f64 - beta * mean_bonds;
        Ok(Ising { side, beta, powers, entropy })
    }

    /// Sum of `s_i t_i` over two rows given as bits: sites that agree minus sites that differ.
    fn agreements(side: usize, a: usize, b: usize) -> i32 {
        side as i32 - 2 * (a ^ b).count_ones() as i32
    }
}

fn product(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
    let mut out = vec![0.0; n * n];
    for (row, out) in a.chunks_exact(n).zip(out.chunks_exact_mut(n)) {
        for (x, b) in row.iter().zip(b.chunks_exact(n)) {
            out.iter_mut().zip(b).for_each(|(o, y)| *o += x * y);
        }
    }
    out
}

impl Generator for Ising {
    fn name(&self) -> &'static str {
        NAME
    }

    fn generate(&self, n: Option<usize>, key: &Key) -> Result<Table, DataError> {
        let (side, states) = (self.side, 1 << self.side);
        let at = |k: usize, a: usize, b: usize| self.powers[k - 1][a * states + b];
        let mut weights = vec![0.0; states];
        let values = draw(n.unwrap_or(ROWS), side * side, key, |rng, cells| {
            let (mut first, mut previous) = (0, 0);
            for r in 0..side {
                for (b, w) in weights.iter_mut().enumerate() {
                    *w = if r == 0 { at(side, b, b) } else { at(1, previous, b) * at(side - r, b, first) };
                }
                previous = choose(&weights, rng.uniform());
                if r == 0 {
                    first = previous;
                }
                (0..side).for_each(|c| cells[r * side + c] = (previous >> c & 1) as u8);
            }
        })?;
        table(self, side * side, Values::U8(values), Some((side, side)))
    }

    fn entropy(&self) -> f64 {
        self.entropy
    }
}

/// The index at which the running sum of the weights passes `u` times their sum.
fn choose(weights: &[f64], u: f64) -> usize {
    let mut left = u * weights.iter().sum::<f64>();
    let last = weights.len() - 1;
    weights[..last]
        .iter()
        .position(|w| {
            left -= w;
            left < 0.0
        })
        .unwrap_or(last)
}
