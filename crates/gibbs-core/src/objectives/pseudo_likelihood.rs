//! Pseudo-likelihood: every site from all the others.

use crate::key::Key;
use crate::objective::{Objective, ObjectiveInfo, mean_energy};
use crate::params::ParamMap;
use crate::path::Learnable;
use crate::rows::{Discrete, Rows};
use crate::scratch::Scratch;

/// `-sum_s log p(x_s | rest)`, its gradient exact: `Z` cancels, no chains. `loss` is its value, nats a row.
///
/// With `q_s = 1 / (1 + exp(E(x^s) - E(x)))` for the row `x^s` with site `s` flipped, the gradient is
/// `sum_s q_s (dE(x) - dE(x^s)) / dtheta`: rows are evaluated once a site. Consistent, less efficient than the
/// likelihood, and no likelihood itself. Meant for sites that are free: in one-hot groups a flip leaves the states of the
/// model.
///
/// # Source
/// Besag 1975, DOI 10.2307/2987782.
#[derive(Clone, Copy, Debug, Default)]
pub struct PseudoLikelihood;

impl<P: Learnable<X: Discrete>> Objective<P> for PseudoLikelihood {
    type State = ();

    fn init(&self, _path: &P, _data: &P::X, _key: &Key, _ws: &mut Scratch) {}

    fn gradient(
        &self,
        path: &P,
        data: &P::X,
        weights: &[f64],
        (): &mut (),
        out: &mut ParamMap,
        after_data: &mut dyn FnMut(&ParamMap),
        observe: bool,
        _key: &Key,
        ws: &mut Scratch,
    ) -> ObjectiveInfo {
        out.clear();
        let n = data.n_rows();
        let (mut here, mut flipped) = (path.empty_eval(), path.empty_eval());
        path.evaluate(data, &mut here, ws);
        // The gradient at the data alone, for whoever reads means of the units from it.
        path.add_grad(data, &here, weights, out, ws);
        after_data(out);
        out.clear();
        let (mut e, mut e_flipped) = (ws.take_f64(n), ws.take_f64(n));
        path.target_energy(data, &here, &mut e);
        let (mut total, mut weight_here, mut weight) = (0.0, ws.take_f64(n), ws.take_f64(n));
        let mut x = data.clone();
        for site in 0..data.n_sites() {
            let flip = |x: &mut P::X| (0..n).for_each(|row| x.set_site(row, site, !x.site(row, site)));
            flip(&mut x);
            path.evaluate(&x, &mut flipped, ws);
            path.target_energy(&x, &flipped, &mut e_flipped);
            for row in 0..n {
                let delta = e_flipped[row] - e[row];
                let q = weights[row] / (1.0 + delta.exp());
                total += weights[row] * ((-delta.abs()).exp().ln_1p() + (-delta).max(0.0));
                weight_here[row] += q;
                weight[row] = -q;
            }
            path.add_grad(&x, &flipped, &weight, out, ws);
            flip(&mut x);
        }
        path.add_grad(data, &here, &weight_here, out, ws);
        let data_energy = observe.then(|| mean_energy(path, data, &here, weights, ws));
        [e, e_flipped, weight_here, weight].into_iter().for_each(|b| ws.give_f64(b));
        ObjectiveInfo { data_energy, loss: Some(total), ..Default::default() }
    }
}
