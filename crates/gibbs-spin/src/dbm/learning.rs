//! Maximum likelihood of a deep Boltzmann machine: mean field for the data, persistent chains for the model.

use gibbs_core::kernel::{Evaluated, Kernel};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::objective::{Objective, ObjectiveInfo};
use gibbs_core::params::ParamMap;
use gibbs_core::path::{Learnable, Path};
use gibbs_core::rows::Rows;
use gibbs_core::scratch::Scratch;
use gibbs_kernels::gemm::matmul_tn;
use gibbs_kernels::{bit_gemm, bits};
use rayon::prelude::*;

use super::{Dbm, Layers, MeanField, Posterior};
use crate::rbm::{HIDDEN_BIAS, RbmEval, VISIBLE_BIAS, WEIGHTS};
use crate::{Bits, BlockGibbs, RbmPath};

/// Even hidden units whose gradients one thread takes at a time.
const UNITS: usize = 64;

/// The gradient of `mean_v F_q(v) + log Z`, an upper bound of the negative log-likelihood: data phase under the mean-field
/// posterior, model phase from persistent block-Gibbs chains.
///
/// At the fixed point of mean field `F_q` is stationary in `q`, so its gradient is that at fixed `q`:
/// `dF_q/dW = -E_q[even odd']`, a product of means. The model phase is that of persistent contrastive divergence on the
/// RBM between even and odd layers, with its caches.
///
/// `path` is [`Dbm::path`]; **`data` holds rows of visible units alone**. [`ObjectiveInfo::data_energy`] is the mean energy
/// of the even layers at their means, without their entropy, so that it stands beside that of the chains.
///
/// # Source
/// Salakhutdinov & Hinton 2009, PMLR 5:448-455, algorithm 1; chains that survive: Tieleman 2008,
/// DOI 10.1145/1390156.1390290.
#[derive(Clone, Debug)]
pub struct MeanFieldLikelihood {
    /// The layers of the machine.
    pub layers: Layers,
    /// Inference for the data.
    pub mean_field: MeanField,
    /// Gibbs steps an update.
    pub n_steps: u64,
    /// Number of persistent chains.
    pub n_chains: usize,
}

impl Objective<RbmPath> for MeanFieldLikelihood {
    type State = Evaluated<Bits, RbmEval>;

    /// Chains start at visible rows of the data, other even layers at draws of the base.
    fn init(&self, path: &RbmPath, data: &Bits, key: &Key, ws: &mut Scratch) -> Self::State {
        let mut rng = key.purpose(Purpose::Init).rng();
        let start: Vec<usize> = (0..self.n_chains).map(|_| rng.below(data.n_rows())).collect();
        let machine = Dbm { layers: self.layers.clone(), path: path.clone() };
        let x = machine.even_rows(&data.select(&start), &key.purpose(Purpose::Hidden));
        BlockGibbs.init(path, x, ws)
    }

    fn gradient(
        &self,
        path: &RbmPath,
        data: &Bits,
        weights: &[f64],
        chains: &mut Self::State,
        out: &mut ParamMap,
        after_data: &mut dyn FnMut(&ParamMap),
        observe: bool,
        key: &Key,
        ws: &mut Scratch,
    ) -> ObjectiveInfo {
        out.clear();
        let q = self.mean_field.posterior_of(path, data, ws);
        add_data_phase(path, data, &q, weights, out, ws);
        after_data(out);
        for t in 0..self.n_steps {
            BlockGibbs.step(path, 1.0, &(), chains, &key.step(t), ws);
        }
        let n = chains.x.n_rows();
        path.add_grad(&chains.x, &chains.eval, &vec![-1.0 / n as f64; n], out, ws);
        self.layers.keep_neighbours(out.get_mut(WEIGHTS));
        if !observe {
            return ObjectiveInfo::default();
        }
        let at_means = q.free_energy.iter().zip(&q.entropy).zip(weights).map(|((f, h), w)| w * (f + h)).sum();
        let mut energies = ws.take_f64(n);
        path.target_energy(&chains.x, &chains.eval, &mut energies);
        let of_chains = energies.iter().sum::<f64>() / n as f64;
        ws.give_f64(energies);
        ObjectiveInfo { data_energy: Some(at_means), model_energy: Some(of_chains), ..ObjectiveInfo::default() }
    }
}

/// `out += sum_i w_i dF_q(v_i)/dtheta` at fixed `q`.
fn add_data_phase(path: &RbmPath, v: &Bits, q: &Posterior, w: &[f64], out: &mut ParamMap, ws: &mut Scratch) {
    let (n, nv, n_odd) = (v.n_rows(), v.n_cols(), path.target.n_hidden());
    let n_even = path.target.n_visible() - nv;
    let weights: Vec<f32> = w.iter().map(|&w| -w as f32).collect();
    let mut odd = ws.take_f32(n * n_odd);
    for ((to, from), w) in odd.chunks_exact_mut(n_odd).zip(q.odd.chunks_exact(n_odd)).zip(&weights) {
        to.iter_mut().zip(from).for_each(|(t, f)| *t = w * f);
    }
    let [d_weights, d_even, d_odd] = out.get_many_mut([WEIGHTS, VISIBLE_BIAS, HIDDEN_BIAS]);
    for row in odd.chunks_exact(n_odd) {
        d_odd.iter_mut().zip(row).for_each(|(d, m)| *d += m);
    }
    let mut sums = ws.take_f32(nv);
    bits::column_sums(v.view(), Some(&weights), &mut sums);
    d_even.iter_mut().zip(&sums).for_each(|(d, s)| *d += s);
    ws.give_f32(sums);
    for (row, w) in q.even.chunks_exact(n_even.max(1)).zip(&weights) {
        d_even[nv..].iter_mut().zip(row).for_each(|(d, m)| *d += w * m);
    }
    let (d_visible, d_hidden) = d_weights.split_at_mut(nv * n_odd);
    let mut scratch = ws.take_u64(0);
    bit_gemm::bit_gemm_tn(v.view(), &odd, n_odd, 1.0, d_visible, &mut scratch);
    ws.give_u64(scratch);
    d_hidden.par_chunks_mut(UNITS * n_odd).with_max_len(1).enumerate().for_each(|(b, d)| {
        let (start, width) = (b * UNITS, d.len() / n_odd);
        let means: Vec<f32> = q.even.chunks_exact(n_even).flat_map(|row| &row[start..start + width]).copied().collect();
        matmul_tn(n, width, n_odd, &means, &odd, true, d);
    });
    ws.give_f32(odd);
}
