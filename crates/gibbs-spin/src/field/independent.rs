//! Sites without neighbours: the base of annealing.

use std::sync::Arc;

use gibbs_core::energy::{Blocks, Distribution, Energy};
use gibbs_core::key::Key;
use gibbs_core::rows::{Natural, Rows};
use gibbs_core::scratch::Scratch;

use super::labels::draw;
use super::{Field, FieldError, Labels, finite, length, log_sum_exp};
use crate::graph::Colouring;

/// Independent sites, `p(x) = prod_i p_i(x_i)`, normalised; in the blocks of a field, so that the two make a path
/// ([`gibbs_core::path::Geometric`]).
///
/// # Example
/// ```
/// use gibbs_core::key::Key;
/// use gibbs_core::log_partition::{Ais, ais::linear_ladder};
/// use gibbs_core::{path::Geometric, samplers::HeatBath, scratch::Scratch};
/// use gibbs_spin::field::{Elimination, Field, IndependentSites, Pair};
/// use gibbs_spin::graph::{Boundary, Graph};
/// use std::ops::ControlFlow;
/// let field = Field::uniform(Graph::grid(&[4, 4], Boundary::Open)?, 3, &Pair::Potts, 0.7)?;
/// let path = Geometric { base: IndependentSites::uniform(&field), target: field.clone() };
/// let (ais, go) = (Ais::new(HeatBath, 200, linear_ladder(100))?, &mut |_, _| ControlFlow::Continue(()));
/// let (log_z, _) = ais.estimate(&path, &Key::from_seed(1), &mut Scratch::default(), go)?;
/// let exact = Elimination::new(&field)?.log_z();
/// assert!((log_z.value - exact).abs() < 5.0 * log_z.std_err);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct IndependentSites {
    q: usize,
    log_p: Vec<f64>,
    colouring: Arc<Colouring>,
}

impl IndependentSites {
    /// All states of a site equally likely.
    pub fn uniform(field: &Field) -> Self {
        let (q, n) = (field.n_states(), field.n_sites());
        Self { q, log_p: vec![-(q as f64).ln(); n * q], colouring: field.colouring().clone() }
    }

    /// From log weights, `n_sites` x `q`, which are normalised here: a field's own [`Field::unary`], or the log of
    /// approximate marginals.
    ///
    /// # Errors
    /// A wrong length, numbers that are not finite.
    pub fn new(field: &Field, mut log_weights: Vec<f64>) -> Result<Self, FieldError> {
        length("log weights", log_weights.len(), field.unary().len())?;
        finite("log weight", &log_weights)?;
        for weights in log_weights.chunks_exact_mut(field.n_states()) {
            let total = log_sum_exp(weights);
            weights.iter_mut().for_each(|w| *w -= total);
        }
        Ok(Self { q: field.n_states(), log_p: log_weights, colouring: field.colouring().clone() })
    }

    /// `log p_i(.)`.
    pub fn log_p(&self, site: usize) -> &[f64] {
        &self.log_p[site * self.q..][..self.q]
    }
}

impl Energy for IndependentSites {
    type X = Labels;

    fn energy(&self, x: &Labels, out: &mut [f64], _ws: &mut Scratch) {
        assert_eq!(out.len(), x.n_rows(), "one place a row");
        for (row, o) in out.iter_mut().enumerate() {
            *o = -x.row(row).iter().enumerate().map(|(i, a)| self.log_p(i)[usize::from(*a)]).sum::<f64>();
        }
    }
}

impl Blocks for IndependentSites {
    fn n_blocks(&self) -> usize {
        self.colouring.classes.len()
    }

    fn sites(&self, block: usize) -> Vec<usize> {
        self.colouring.classes[block].clone()
    }

    fn natural(&self, x: &Labels, block: usize, out: &mut Natural, _ws: &mut Scratch) {
        let sites = &self.colouring.classes[block];
        out.reset(x.n_rows(), sites.len() * (self.q - 1));
        let one: Vec<f64> =
            sites.iter().flat_map(|&i| self.log_p(i)[1..].iter().map(move |l| l - self.log_p(i)[0])).collect();
        out.logits.chunks_exact_mut(one.len().max(1)).for_each(|row| row.copy_from_slice(&one));
    }
}

impl Distribution for IndependentSites {
    fn sample(&self, n: usize, key: &Key) -> Labels {
        let n_sites = self.log_p.len() / self.q;
        let (mut x, mut rng) = (Labels::zeros(self.q, n, n_sites), key.rng());
        let mut weights = vec![0.0; self.q];
        for row in 0..n {
            for (i, label) in x.row_mut(row).iter_mut().enumerate() {
                weights.copy_from_slice(self.log_p(i));
                *label = draw(&mut weights, rng.uniform()) as u8;
            }
        }
        x
    }
}
