//! The deep belief net: a stack of RBMs, the top one undirected, those below it generating downwards.

use gibbs_core::key::{Key, Purpose};
use gibbs_core::rows::Rows;
use gibbs_core::scratch::Scratch;
use gibbs_kernels::activation;
use gibbs_kernels::gemm::{Packed, matmul};
use rayon::prelude::*;

use crate::dbm::DbmError;
use crate::{Bits, Rbm, RbmPath};

/// Rows of a block: one thread takes it, and it draws from a key of its own.
const BLOCK: usize = 128;

/// Deep belief net: `p(v, h_1, .., h_L) = p(v | h_1) .. p(h_{L-2} | h_{L-1}) p_top(h_{L-1}, h_L)`, where
/// `p(h_{l-1} | h_l) = prod sigmoid(W_l h_l + b)` and the top two layers are an RBM.
///
/// Upwards `q(h_l | h_{l-1}) = prod sigmoid(h_{l-1}'W_l + c_l)`, which is exact for each RBM alone and approximate in the net.
///
/// # Example
/// ```
/// use gibbs_core::key::Key;
/// use gibbs_spin::{Bernoulli, Bits, Dbn, Rbm, RbmPath};
/// let key = Key::from_seed(0);
/// let top = RbmPath::new(Bernoulli::new(vec![0.0; 3]), Rbm::random(3, 2, 0.5, &key));
/// let net = Dbn::new(vec![Rbm::random(4, 3, 0.5, &key)], top)?;
/// let rows = Bits::from_rows(&[[true, false, true, true]]);
/// assert_eq!(net.features(&rows).len(), 2);
/// # Ok::<(), gibbs_spin::dbm::DbmError>(())
/// ```
///
/// # Source
/// Hinton, Osindero & Teh 2006, DOI 10.1162/neco.2006.18.7.1527.
#[derive(Clone, Debug)]
pub struct Dbn {
    below: Vec<Rbm>,
    top: RbmPath,
}

impl Dbn {
    /// From the directed layers, lowest first, and the path to the top RBM.
    ///
    /// # Errors
    /// Layers that do not fit together.
    pub fn new(below: Vec<Rbm>, top: RbmPath) -> Result<Self, DbmError> {
        let bottoms = below.iter().skip(1).map(Rbm::n_visible).chain([top.target.n_visible()]);
        for (layer, (rbm, found)) in below.iter().zip(bottoms).enumerate() {
            let wanted = rbm.n_hidden();
            if found != wanted {
                return Err(DbmError::Length { name: "biases", layer: layer + 1, found, wanted });
            }
        }
        Ok(Self { below, top })
    }

    /// The directed layers, lowest first.
    pub fn below(&self) -> &[Rbm] {
        &self.below
    }

    /// The path to the top RBM: its `log Z` is the net's.
    pub fn top(&self) -> &RbmPath {
        &self.top
    }

    /// Widths of the layers, visible first.
    pub fn widths(&self) -> Vec<usize> {
        let rbms = || self.below.iter().chain([&self.top.target]);
        rbms().take(1).map(Rbm::n_visible).chain(rbms().map(Rbm::n_hidden)).collect()
    }

    /// Visible units.
    pub fn n_visible(&self) -> usize {
        self.below.first().unwrap_or(&self.top.target).n_visible()
    }

    /// Draws of layer `L - 1`, the visible layer of the top RBM, from the rows upwards.
    #[must_use]
    pub fn up(&self, v: &Bits, key: &Key) -> Bits {
        let step = |below: Bits, (i, rbm): (usize, &Rbm)| {
            let mut input = vec![0.0; below.n_rows() * rbm.n_hidden()];
            rbm.hidden_input(&below, &mut input);
            Bits::draw(&input, below.n_rows(), rbm.n_hidden(), &key.purpose(Purpose::Hidden).block(i as u64))
        };
        self.below.iter().enumerate().fold(v.clone(), step)
    }

    /// Draws of the visible units from states of layer `L - 1`.
    #[must_use]
    pub fn down(&self, h: &Bits, key: &Key) -> Bits {
        let step = |above: Bits, (i, rbm): (usize, &Rbm)| {
            let mut input = vec![0.0; above.n_rows() * rbm.n_visible()];
            rbm.visible_input(&above, &mut input);
            Bits::draw(&input, above.n_rows(), rbm.n_visible(), &key.purpose(Purpose::Visible).block(i as u64))
        };
        self.below.iter().enumerate().rev().fold(h.clone(), step)
    }

    /// Mean activations of the highest layer, rows x units: each layer's `sigmoid` of the means below.
    pub fn features(&self, v: &Bits) -> Vec<f32> {
        let n = v.n_rows();
        let mut rbms = self.below.iter().chain([&self.top.target]);
        let mut means = Vec::new();
        if let Some(first) = rbms.next() {
            let mut input = vec![0.0; n * first.n_hidden()];
            first.hidden_input(v, &mut input);
            means = vec![0.0; input.len()];
            activation::sigmoid(1.0, &input, &mut means);
        }
        for rbm in rbms {
            let (nv, nh) = (rbm.n_visible(), rbm.n_hidden());
            let weights = Packed::new(nv, nh, rbm.weights());
            let mut out = vec![0.0; n * nh];
            out.par_chunks_mut(BLOCK * nh).zip(means.par_chunks(BLOCK * nv)).for_each(|(out, means)| {
                let mut input = vec![0.0; out.len()];
                matmul(out.len() / nh, means, &weights, Some(rbm.hidden_bias()), false, &mut input);
                activation::sigmoid(1.0, &input, out);
            });
            means = out;
        }
        means
    }

    /// Unbiased estimates of the lower bound of `log p(v) + log Z_top` for each row, nats, from `n_draws` draws of the
    /// layers in between:
    /// `E_q[sum_l log p(h_{l-1} | h_l) - F_top(h_{L-1})] + sum_l H(q(h_l | h_{l-1}))`, the entropies exact given the draw
    /// below. Without directed layers it is `-F_top(v)` itself.
    ///
    /// # Source
    /// Salakhutdinov & Murray 2008, DOI 10.1145/1390156.1390266, section 4.2, equations 22-24.
    pub fn bound(&self, v: &Bits, n_draws: usize, key: &Key) -> Vec<f64> {
        let n_draws = if self.below.is_empty() { 1 } else { n_draws.max(1) };
        let blocks: Vec<Vec<f64>> = (0..v.n_rows().div_ceil(BLOCK))
            .into_par_iter()
            .with_max_len(1)
            .map_init(Scratch::default, |ws, b| {
                let rows = v.slice(b * BLOCK, ((b + 1) * BLOCK).min(v.n_rows()));
                let mut sums = vec![0.0; rows.n_rows()];
                for k in 0..n_draws {
                    self.add_bound(&rows, &key.block(b as u64).step(k as u64), &mut sums, ws);
                }
                sums.iter_mut().for_each(|s| *s /= n_draws as f64);
                sums
            })
            .collect();
        blocks.concat()
    }

    fn add_bound(&self, v: &Bits, key: &Key, out: &mut [f64], ws: &mut Scratch) {
        use gibbs_core::energy::Energy;
        let n = v.n_rows();
        let mut below = v.clone();
        for (i, rbm) in self.below.iter().enumerate() {
            let mut input = vec![0.0; n * rbm.n_hidden()];
            rbm.hidden_input(&below, &mut input);
            let above = Bits::draw(&input, n, rbm.n_hidden(), &key.block(i as u64));
            for (o, x) in out.iter_mut().zip(input.chunks_exact(rbm.n_hidden())) {
                *o += x.iter().map(|&x| entropy(f64::from(x))).sum::<f64>();
            }
            let mut downward = vec![0.0; n * rbm.n_visible()];
            rbm.visible_input(&above, &mut downward);
            let mut normaliser = vec![0.0; n];
            activation::softplus_sum(&downward, n, rbm.n_visible(), 1.0, &mut normaliser);
            for (row, (o, x)) in out.iter_mut().zip(downward.chunks_exact(rbm.n_visible())).enumerate() {
                let on = x.iter().enumerate().filter(|&(j, _)| below.get(row, j));
                *o += on.map(|(_, &x)| f64::from(x)).sum::<f64>() - normaliser[row];
            }
            below = above;
        }
        let mut free = vec![0.0; n];
        self.top.target.energy(&below, &mut free, ws);
        out.iter_mut().zip(&free).for_each(|(o, f)| *o -= f);
    }
}

/// Entropy of a bit with log-odds `x`, nats.
fn entropy(x: f64) -> f64 {
    let x = x.abs();
    let e = (-x).exp();
    e.ln_1p() + x * e / (1.0 + e)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropies_of_bits() {
        assert!((entropy(0.0) - 2f64.ln()).abs() < 1e-15 && entropy(800.0) == 0.0);
        let p = 1.0 / (1.0 + (-1.3f64).exp());
        assert!((entropy(1.3) + p * p.ln() + (1.0 - p) * (1.0 - p).ln()).abs() < 1e-15);
        assert_eq!(entropy(1.3), entropy(-1.3));
    }
}
