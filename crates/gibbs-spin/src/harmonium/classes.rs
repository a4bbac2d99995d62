//! The law of one group of units given all the others, exactly; and learning by it.

use gibbs_core::energy::Parametric;
use gibbs_core::key::Key;
use gibbs_core::objective::{Objective, ObjectiveInfo};
use gibbs_core::params::ParamMap;
use gibbs_core::path::{Learnable, Path};
use gibbs_core::rows::Rows;
use gibbs_core::scratch::Scratch;

use super::visible::softmax;
use super::{Groups, Harmonium, HarmoniumPath, Hidden};
use crate::Bits;
use crate::rbm::VISIBLE_BIAS;

impl<H: Hidden> Harmonium<Groups, H> {
    /// `log p(v_g = k | the other groups)` of every state `k` of a group, rows x states (of a bit: 0 and 1), nats:
    /// `b_k + sum_j A(x_j + W_kj)` up to its normaliser, with `x` the inputs from the other groups. Exact, without `Z`.
    ///
    /// With the group of labels this is the classifier `p(y | v)` of the machine.
    ///
    /// # Panics
    /// If there is no such group.
    ///
    /// # Source
    /// Larochelle & Bengio 2008, DOI 10.1145/1390156.1390224, equation 2.
    pub fn conditional(&self, group: usize, x: &Bits) -> Vec<f64> {
        let (range, n, nh) = (self.visible().range(group), x.n_rows(), self.n_hidden());
        let mut others = x.clone();
        (0..n).for_each(|row| range.clone().for_each(|k| others.set(row, k, false)));
        let mut input = vec![0.0; n * nh];
        self.hidden_input(&others, &mut input);
        // A bit has a state without any unit on.
        let units: Vec<Option<usize>> =
            if range.len() == 1 { vec![None, Some(range.start)] } else { range.map(Some).collect() };
        let mut logits = vec![0.0; n * units.len()];
        let (mut shifted, mut sums) = (vec![0.0; n * nh], vec![0.0; n]);
        for (k, unit) in units.iter().enumerate() {
            let row = |unit: usize| &self.weights()[unit * nh..(unit + 1) * nh];
            shifted.copy_from_slice(&input);
            if let Some(unit) = *unit {
                for x in shifted.chunks_exact_mut(nh) {
                    x.iter_mut().zip(row(unit)).for_each(|(x, w)| *x += w);
                }
            }
            H::log_normaliser(&shifted, n, nh, 1.0, &mut sums);
            let bias = unit.map_or(0.0, |u| f64::from(self.params().get(VISIBLE_BIAS)[u]));
            for (row, s) in sums.iter().enumerate() {
                logits[row * units.len() + k] = bias + s;
            }
        }
        for row in logits.chunks_exact_mut(units.len()) {
            let log_sum = softmax(&mut row.to_vec());
            row.iter_mut().for_each(|l| *l -= log_sum);
        }
        logits
    }

    /// State of a group in every row: of a wide group the unit that is on.
    ///
    /// # Panics
    /// If there is no such group.
    pub fn state_of(&self, group: usize, x: &Bits) -> Vec<usize> {
        let range = self.visible().range(group);
        let state = |row: usize| match range.len() {
            1 => usize::from(x.get(row, range.start)),
            _ => range.clone().position(|k| x.get(row, k)).unwrap_or(0),
        };
        (0..x.n_rows()).map(state).collect()
    }

    /// Pseudo-log-likelihood of every row: the sum over groups of `log p(v_g | the other groups)`. Not a likelihood.
    pub fn pseudo_log_likelihood(&self, x: &Bits) -> Vec<f64> {
        let mut out = vec![0.0; x.n_rows()];
        for group in 0..self.visible().widths().len() {
            let log_p = self.conditional(group, x);
            let states = log_p.len() / x.n_rows().max(1);
            for (row, (o, state)) in out.iter_mut().zip(self.state_of(group, x)).enumerate() {
                *o += log_p[row * states + state];
            }
        }
        out
    }
}

/// The mean of `-log p(v_g | the other groups)` over the batch, its gradient exact: the machine as a classifier of a group.
///
/// `loss` is the value in nats, `accuracy` the share of rows whose most probable state is theirs.
///
/// # Source
/// Larochelle & Bengio 2008, DOI 10.1145/1390156.1390224, section 4.
#[derive(Clone, Copy, Debug)]
pub struct Discriminative {
    /// The group that is told from the others.
    pub group: usize,
}

impl<H: Hidden> Objective<HarmoniumPath<Groups, H>> for Discriminative {
    type State = ();

    fn init(&self, _path: &HarmoniumPath<Groups, H>, _data: &Bits, _key: &Key, _ws: &mut Scratch) {}

    fn gradient(
        &self,
        path: &HarmoniumPath<Groups, H>,
        data: &Bits,
        weights: &[f64],
        (): &mut (),
        out: &mut ParamMap,
        after_data: &mut dyn FnMut(&ParamMap),
        observe: bool,
        _key: &Key,
        ws: &mut Scratch,
    ) -> ObjectiveInfo {
        out.clear();
        let mut eval = path.empty_eval();
        path.evaluate(data, &mut eval, ws);
        path.add_grad(data, &eval, weights, out, ws);
        after_data(out);
        let (model, n) = (&path.target, data.n_rows());
        let (log_p, range) = (model.conditional(self.group, data), model.visible().range(self.group));
        let states = log_p.len() / n.max(1);
        // The expectation over the group's states: each row once for every state.
        for k in 0..states {
            let mut rows = data.clone();
            for row in 0..n {
                range.clone().for_each(|unit| rows.set(row, unit, false));
                match states - range.len() {
                    0 => rows.set(row, range.start + k, true),
                    _ => rows.set(row, range.start, k == 1),
                }
            }
            let negative: Vec<f64> = (0..n).map(|row| -weights[row] * log_p[row * states + k].exp()).collect();
            model.add_grad(&rows, &negative, out, ws);
        }
        let mut info = ObjectiveInfo::default();
        if observe {
            let truth = model.state_of(self.group, data);
            let rows = || log_p.chunks_exact(states).zip(&truth).zip(weights);
            info.loss = Some(rows().map(|((l, &y), w)| -w * l[y]).sum());
            let right = |l: &[f64], y: usize| l.iter().all(|other| *other <= l[y]);
            info.accuracy = Some(rows().filter(|((l, y), _)| right(l, **y)).map(|(_, w)| w).sum());
        }
        info
    }
}
