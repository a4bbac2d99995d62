//! The library's eight schools with the reference's quantities.

use gibbs_core::dense::Dense;
use gibbs_core::energy::Gradient;
use gibbs_core::rows::Continuous;
use gibbs_core::scratch::Scratch;
use gibbs_tensor::energies::EightSchools;

use super::model::Posterior;

pub struct Schools(pub EightSchools<f64>);

impl Posterior for Schools {
    fn n_cols(&self) -> usize {
        self.0.n_cols()
    }

    fn energy_grad(&self, x: &[f64], g: &mut [f64]) -> f64 {
        let (mut e, mut out) = ([0.0], Dense::zeros(1, x.len()));
        self.0.energy_grad(&Dense::from_rows(x.len(), x.to_vec()), &mut e, &mut out, &mut Scratch::default());
        g.copy_from_slice(out.values());
        e[0]
    }

    fn quantities(&self, x: &[f64]) -> Vec<f64> {
        let (mu, tau, mut theta) = self.0.effects(x);
        theta.extend([mu, tau]);
        theta
    }
}
