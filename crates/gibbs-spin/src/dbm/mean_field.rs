//! The factorised posterior over hidden layers, and the bound that it gives.

use gibbs_core::rows::Rows;
use gibbs_core::scratch::Scratch;
use gibbs_kernels::bit_gemm::{Matrix, bit_gemm};
use gibbs_kernels::gemm::{Packed, matmul};
use gibbs_kernels::{activation, bits};
use rayon::prelude::*;

use super::{Dbm, DbmError};
use crate::{Bits, RbmPath};

/// Rows of a block, which one thread takes and which stops when all its rows have converged: four times the rows that the
/// product kernel holds in registers.
const BLOCK: usize = 24;

/// Mean field: `q(h | v) = prod_j m_j^{h_j} (1 - m_j)^{1 - h_j}` that maximises
/// `-F_q(v) = E_q[-E(v, h)] + H(q) <= log sum_h exp(-E(v, h))`.
///
/// Odd layers given the even ones, then even given odd, each exactly at its best: `m = sigmoid(b + m_below'W + m_above W')`.
/// Layers of one parity do not meet, so every half-step is the maximum over a block and **the bound never falls**. Damping,
/// `m <- (1 - d) m_new + d m`, is on the even layers; the bound is concave in them, so it cannot fall either.
///
/// # Source
/// Salakhutdinov & Hinton 2009, PMLR 5:448-455, equations 4-6 and 14-15.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanField {
    iterations: usize,
    tolerance: f64,
    damping: f64,
}

impl Default for MeanField {
    /// Up to 50 iterations until no mean moves by more than 1e-4, without damping.
    fn default() -> Self {
        Self { iterations: 50, tolerance: 1e-4, damping: 0.0 }
    }
}

/// What mean field found for a batch of visible rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Posterior {
    /// Means of the even hidden layers (2, 4, ..), rows x units.
    pub even: Vec<f32>,
    /// Means of the odd layers, rows x units.
    pub odd: Vec<f32>,
    /// `F_q(v) >= -log sum_h exp(-E(v, h))` of each row, nats.
    pub free_energy: Vec<f64>,
    /// Entropy of the even hidden layers of each row, nats. `free_energy + entropy` is the energy of the even layers at
    /// their means, odd ones summed out.
    pub entropy: Vec<f64>,
    /// Most iterations that a row took.
    pub iterations: usize,
    /// Largest change of a mean in the last iteration, over all rows.
    pub residual: f64,
    /// Rows whose last change was above the tolerance. The bound holds for them as well.
    pub unconverged: usize,
}

impl MeanField {
    /// At most `iterations` (a pair of half-steps each), until no mean of an even layer moves by more than `tolerance`;
    /// `damping` in `[0, 1)`.
    ///
    /// # Errors
    /// No iteration, a negative tolerance, damping outside its range.
    pub fn new(iterations: usize, tolerance: f64, damping: f64) -> Result<Self, DbmError> {
        let wrong = |name, range, value| Err(DbmError::Setting { name, range, value });
        if iterations == 0 {
            return wrong("iterations", "at least 1", 0.0);
        }
        if tolerance.is_nan() || tolerance < 0.0 {
            return wrong("tolerance", "at least 0", tolerance);
        }
        if !(0.0..1.0).contains(&damping) {
            return wrong("damping", "in [0, 1)", damping);
        }
        Ok(Self { iterations, tolerance, damping })
    }

    /// The posterior given visible rows. Even layers start at the means of the machine's base.
    ///
    /// # Panics
    /// If the rows have not the machine's visible units.
    pub fn posterior(&self, model: &Dbm, v: &Bits, ws: &mut Scratch) -> Posterior {
        self.posterior_of(model.path(), v, ws)
    }

    /// As [`MeanField::posterior`], for the RBM between even and odd units of which the first are the columns of `v`.
    pub(super) fn posterior_of(&self, path: &RbmPath, v: &Bits, ws: &mut Scratch) -> Posterior {
        let (n, joint) = (v.n_rows(), &path.target);
        let (nv, n_odd) = (v.n_cols(), joint.n_hidden());
        assert!(nv <= joint.n_visible(), "rows of visible units");
        let n_even = joint.n_visible() - nv;
        let (to_visible, to_hidden) = joint.weights().split_at(nv * n_odd);
        let mut input = ws.take_f32(n * n_odd);
        bit_gemm(v.view(), Matrix::row_major(to_visible, nv, n_odd), Some(joint.hidden_bias()), &mut input);
        let mut visible_part = ws.take_f64(n);
        bits::row_dots(v.view(), &joint.visible_bias()[..nv], &mut visible_part);
        let machine = Machine {
            up: Packed::new(n_even, n_odd, to_hidden),
            down: Packed::transposed(n_odd, n_even, to_hidden),
            even_bias: &joint.visible_bias()[nv..],
            start: &path.base.logits()[nv..],
        };
        let mut all = Posterior {
            even: vec![0.0; n * n_even],
            odd: vec![0.0; n * n_odd],
            free_energy: vec![0.0; n],
            entropy: vec![0.0; n],
            ..Posterior::default()
        };
        let mut blocks: Vec<Block<'_>> = Vec::with_capacity(n.div_ceil(BLOCK));
        let (mut even, mut odd) = (&mut all.even[..], &mut all.odd[..]);
        let (mut free_energy, mut entropy) = (&mut all.free_energy[..], &mut all.entropy[..]);
        for start in (0..n).step_by(BLOCK) {
            let rows = BLOCK.min(n - start);
            blocks.push(Block {
                rows,
                input: &input[start * n_odd..(start + rows) * n_odd],
                visible_part: &visible_part[start..start + rows],
                even: even.split_off_mut(..rows * n_even).unwrap_or_default(),
                odd: odd.split_off_mut(..rows * n_odd).unwrap_or_default(),
                free_energy: free_energy.split_off_mut(..rows).unwrap_or_default(),
                entropy: entropy.split_off_mut(..rows).unwrap_or_default(),
            });
        }
        let reports: Vec<(usize, Vec<f64>)> =
            blocks.into_par_iter().with_max_len(1).map(|block| self.settle(&machine, block)).collect();
        for (iterations, residuals) in &reports {
            all.iterations = all.iterations.max(*iterations);
            all.residual = residuals.iter().copied().fold(all.residual, f64::max);
            all.unconverged += residuals.iter().filter(|r| **r > self.tolerance).count();
        }
        ws.give_f32(input);
        ws.give_f64(visible_part);
        all
    }

    /// Iterates one block of rows; returns the iterations and each row's last change.
    fn settle(&self, machine: &Machine<'_>, block: Block<'_>) -> (usize, Vec<f64>) {
        let Block { rows, input, visible_part, even, odd, free_energy, entropy } = block;
        let n_even = machine.even_bias.len();
        let mut residuals = vec![0.0; rows];
        let mut x = input.to_vec();
        for row in even.chunks_exact_mut(n_even.max(1)) {
            activation::sigmoid(1.0, machine.start, row);
        }
        let mut wanted = vec![0.0; even.len()];
        let mut taken = 0;
        // Without even hidden layers one half-step is exact.
        while n_even > 0 && taken < self.iterations {
            machine.odd_input(rows, input, even, &mut x);
            activation::sigmoid(1.0, &x, odd);
            matmul(rows, odd, &machine.down, Some(machine.even_bias), false, &mut wanted);
            let keep = self.damping as f32;
            for ((row, wanted), residual) in
                even.chunks_exact_mut(n_even).zip(wanted.chunks_exact_mut(n_even)).zip(&mut residuals)
            {
                sigmoid_in_place(wanted);
                let mut most = 0.0f32;
                for (m, w) in row.iter_mut().zip(wanted) {
                    most = most.max((*w - *m).abs());
                    *m = *w + keep * (*m - *w);
                }
                *residual = f64::from(most);
            }
            taken += 1;
            if residuals.iter().all(|r| *r <= self.tolerance) {
                break;
            }
        }
        machine.odd_input(rows, input, even, &mut x);
        activation::sigmoid(1.0, &x, odd);
        // With the odd layers at their best, `sum_j m_j x_j + H(m_j)` is `sum_j softplus(x_j)`.
        activation::softplus_sum(&x, rows, x.len() / rows, 1.0, free_energy);
        for (r, (f, h)) in free_energy.iter_mut().zip(entropy).enumerate() {
            let means = &even[r * n_even..(r + 1) * n_even];
            *h = means.iter().map(|&m| binary_entropy(f64::from(m))).sum();
            let bias: f64 = means.iter().zip(machine.even_bias).map(|(m, b)| f64::from(*m) * f64::from(*b)).sum();
            *f = -(visible_part[r] + bias + *f) - *h;
        }
        (taken, residuals)
    }
}

fn sigmoid_in_place(x: &mut [f32]) {
    let mut out = [0.0; 256];
    for piece in x.chunks_mut(256) {
        activation::sigmoid(1.0, piece, &mut out[..piece.len()]);
        piece.copy_from_slice(&out[..piece.len()]);
    }
}

/// `-m ln m - (1 - m) ln(1 - m)`, nats.
fn binary_entropy(m: f64) -> f64 {
    let term = |p: f64| if p > 0.0 { -p * p.ln() } else { 0.0 };
    term(m) + term(1.0 - m)
}

/// The weights between even hidden and odd layers, both ways, and what the even ones have of their own.
struct Machine<'a> {
    up: Packed,
    down: Packed,
    even_bias: &'a [f32],
    start: &'a [f32],
}

impl Machine<'_> {
    /// Inputs of the odd layers: the part of the visible units, and that of the even hidden ones.
    fn odd_input(&self, rows: usize, visible: &[f32], even: &[f32], out: &mut [f32]) {
        out.copy_from_slice(visible);
        if !self.even_bias.is_empty() {
            matmul(rows, even, &self.up, None, true, out);
        }
    }
}

/// Rows that are iterated together.
struct Block<'a> {
    rows: usize,
    input: &'a [f32],
    visible_part: &'a [f64],
    even: &'a mut [f32],
    odd: &'a mut [f32],
    free_energy: &'a mut [f64],
    entropy: &'a mut [f64],
}
