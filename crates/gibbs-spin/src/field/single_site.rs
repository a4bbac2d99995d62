//! One site at a time.

use gibbs_core::kernel::{Evaluated, Kernel};
use gibbs_core::key::{Key, Rng};
use gibbs_core::path::{Geometric, GeometricEval, Path};
use gibbs_core::rows::Rows;
use gibbs_core::scratch::Scratch;
use gibbs_kernels::ising::Rule;

use super::labels::draw;
use super::{Field, IndependentSites, Labels};

/// Moves as many sites as there are, one after the other, each given all others at the time.
///
/// Heat bath goes through the sites in their order and draws each afresh. Metropolis picks sites at random and proposes one of
/// the other states: in a fixed order it would be periodic where every proposal is accepted. Both leave `p_beta` invariant
/// exactly.
///
/// # Source
/// Metropolis et al. 1953, DOI 10.1063/1.1699114; Geman & Geman 1984, DOI 10.1109/TPAMI.1984.4767596.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SingleSite(pub Rule);

type FieldPath = Geometric<IndependentSites, Field>;

impl SingleSite {
    fn move_row(self, path: &FieldPath, beta: f64, x: &mut [u8], rng: &mut Rng, weights: &mut [f64]) {
        let q = weights.len();
        for k in 0..x.len() {
            let site = if self.0 == Rule::HeatBath { k } else { rng.below(x.len()) };
            path.target.log_weights(x, site, beta, weights);
            weights.iter_mut().zip(path.base.log_p(site)).for_each(|(w, b)| *w += (1.0 - beta) * b);
            if self.0 == Rule::HeatBath {
                x[site] = draw(weights, rng.uniform()) as u8;
            } else {
                let old = usize::from(x[site]);
                let new = (old + 1 + rng.below(q - 1)) % q;
                if rng.uniform() < (weights[new] - weights[old]).exp() {
                    x[site] = new as u8;
                }
            }
        }
    }
}

impl Kernel<FieldPath> for SingleSite {
    type Chain = Evaluated<Labels, GeometricEval>;
    type Tuning = ();
    type Info = ();

    fn init(&self, path: &FieldPath, x: Labels, ws: &mut Scratch) -> Self::Chain {
        let mut eval = path.empty_eval();
        path.evaluate(&x, &mut eval, ws);
        Evaluated { x, eval }
    }

    fn step(&self, path: &FieldPath, beta: f64, (): &(), chain: &mut Self::Chain, key: &Key, ws: &mut Scratch) {
        let (mut rng, mut weights) = (key.rng(), vec![0.0; path.target.n_states()]);
        for row in 0..chain.x.n_rows() {
            self.move_row(path, beta, chain.x.row_mut(row), &mut rng, &mut weights);
        }
        path.evaluate(&chain.x, &mut chain.eval, ws);
    }

    fn position<'a>(&self, chain: &'a Self::Chain) -> &'a Labels {
        &chain.x
    }

    fn eval<'a>(&self, chain: &'a Self::Chain) -> &'a GeometricEval {
        &chain.eval
    }
}
