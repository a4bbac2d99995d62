//! Columns that know nothing of each other.

use gibbs_core::energy::{Energy, Gradient};
use gibbs_core::key::Rng;
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::scratch::Scratch;

use super::distribution::distribution;
use super::error::{length, same};
use super::{Conjugate, ExponentialFamily, FamilyError, Fault, Sufficient};

/// Independent members of one family side by side: `p(x) = prod_i p_i(x_i)`. Of [`Gaussian`](super::Gaussian)s it is the
/// normal law with a diagonal covariance, of [`Bernoulli`](super::Bernoulli)s the usual base for binary rows.
///
/// Statistics and parameters are those of the members, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Independent<F> {
    members: Vec<F>,
}

impl<F: ExponentialFamily> Independent<F> {
    /// From one member or more.
    pub fn new(members: Vec<F>) -> Result<Self, FamilyError> {
        if members.is_empty() {
            return Err(FamilyError::Length { family: F::NAME, what: "members", found: 0, wanted: 1 });
        }
        Ok(Self { members })
    }

    /// The members.
    pub fn members(&self) -> &[F] {
        &self.members
    }

    /// Members with their first column and first parameter.
    fn parts(&self) -> impl Iterator<Item = (&F, usize, usize)> {
        self.members.iter().scan((0, 0), |at, f| {
            let here = *at;
            at.0 += f.n_cols();
            at.1 += f.n_params();
            Some((f, here.0, here.1))
        })
    }

    fn map(
        &self,
        what: &'static str,
        values: &[f64],
        f: impl Fn(&F, &[f64]) -> Result<F, FamilyError>,
    ) -> Result<Self, FamilyError> {
        length(F::NAME, what, values.len(), self.n_params())?;
        let members = self.parts().map(|(m, _, at)| f(m, &values[at..at + m.n_params()])).collect::<Result<_, _>>()?;
        Ok(Self { members })
    }

    fn zip(&self, other: &Self, f: impl Fn(&F, &F) -> Result<f64, FamilyError>) -> Result<f64, FamilyError> {
        self.compatible(other)?;
        self.members.iter().zip(&other.members).map(|(p, q)| f(p, q)).sum()
    }
}

impl<F: ExponentialFamily> ExponentialFamily for Independent<F> {
    const NAME: &'static str = F::NAME;

    fn n_cols(&self) -> usize {
        self.members.iter().map(ExponentialFamily::n_cols).sum()
    }

    fn n_params(&self) -> usize {
        self.members.iter().map(ExponentialFamily::n_params).sum()
    }

    fn customary(&self) -> Vec<(String, f64)> {
        let named = |(i, f): (usize, &F)| f.customary().into_iter().map(move |(n, v)| (format!("{n}[{i}]"), v));
        self.members.iter().enumerate().flat_map(named).collect()
    }

    fn natural(&self) -> Vec<f64> {
        self.members.iter().flat_map(ExponentialFamily::natural).collect()
    }

    fn with_natural(&self, eta: &[f64]) -> Result<Self, FamilyError> {
        self.map("natural parameters", eta, F::with_natural)
    }

    fn mean(&self) -> Vec<f64> {
        self.members.iter().flat_map(ExponentialFamily::mean).collect()
    }

    fn with_mean(&self, mean: &[f64]) -> Result<Self, FamilyError> {
        self.map("mean parameters", mean, F::with_mean)
    }

    fn variance(&self) -> Vec<f64> {
        let p = self.n_params();
        let mut out = vec![0.0; p * p];
        for (f, _, at) in self.parts() {
            let (k, block) = (f.n_params(), f.variance());
            for i in 0..k {
                out[(at + i) * p + at..(at + i) * p + at + k].copy_from_slice(&block[i * k..(i + 1) * k]);
            }
        }
        out
    }

    fn log_partition(&self) -> f64 {
        self.members.iter().map(ExponentialFamily::log_partition).sum()
    }

    fn statistics(&self, x: &[f64], out: &mut [f64]) {
        for (f, col, at) in self.parts() {
            f.statistics(&x[col..col + f.n_cols()], &mut out[at..at + f.n_params()]);
        }
    }

    fn log_base(&self, x: &[f64]) -> f64 {
        self.parts().map(|(f, col, _)| f.log_base(&x[col..col + f.n_cols()])).sum()
    }

    fn base_in_statistics(&self) -> Option<Vec<f64>> {
        let parts: Option<Vec<Vec<f64>>> = self.members.iter().map(ExponentialFamily::base_in_statistics).collect();
        parts.map(|parts| parts.concat())
    }

    fn products(&self) -> Vec<(usize, usize, usize)> {
        self.parts()
            .flat_map(|(f, _, at)| f.products().into_iter().map(move |(i, j, k)| (at + i, at + j, at + k)))
            .collect()
    }

    fn fault(&self, x: &[f64]) -> Option<Fault> {
        self.parts().find_map(|(f, col, _)| {
            f.fault(&x[col..col + f.n_cols()]).map(|fault| Fault { col: fault.col + col, ..fault })
        })
    }

    fn compatible(&self, other: &Self) -> Result<(), FamilyError> {
        same(F::NAME, "the number of members", self.members.len() as f64, other.members.len() as f64)?;
        self.members.iter().zip(&other.members).try_for_each(|(p, q)| p.compatible(q))
    }

    fn log_prob(&self, x: &[f64]) -> f64 {
        self.parts().map(|(f, col, _)| f.log_prob(&x[col..col + f.n_cols()])).sum()
    }

    fn sample_row(&self, rng: &mut Rng, out: &mut [f64]) {
        for (f, col, _) in self.parts() {
            f.sample_row(rng, &mut out[col..col + f.n_cols()]);
        }
    }

    fn entropy(&self) -> f64 {
        self.members.iter().map(ExponentialFamily::entropy).sum()
    }

    fn bregman(&self, other: &Self) -> Result<f64, FamilyError> {
        self.zip(other, F::bregman)
    }

    fn kl(&self, other: &Self) -> Result<f64, FamilyError> {
        self.zip(other, F::kl)
    }

    fn maximum_likelihood(&self, data: &Sufficient) -> Result<Self, FamilyError> {
        data.check::<Self>(self.n_params())?;
        let members =
            self.parts().map(|(f, _, at)| f.maximum_likelihood(&data.part(f, at))).collect::<Result<_, _>>()?;
        Ok(Self { members })
    }

    fn mean_log_prob(&self, data: &Sufficient) -> Result<f64, FamilyError> {
        data.check::<Self>(self.n_params())?;
        let parts = self.parts().map(|(f, _, at)| f.mean_log_prob(&data.part(f, at)));
        Ok(parts.sum::<Result<f64, _>>()? + data.mean_log_base())
    }
}

/// The product of the members' priors, all of one weight.
impl<F: Conjugate> Conjugate for Independent<F> {
    fn log_prior_integral(&self, prior: &Sufficient) -> f64 {
        self.parts().map(|(f, _, at)| f.log_prior_integral(&prior.part(f, at))).sum()
    }
}

distribution!(Independent<F>, F);

impl<F: ExponentialFamily + Gradient> Gradient for Independent<F> {
    fn energy_grad(&self, x: &Self::X, e: &mut [f64], g: &mut Self::X, ws: &mut Scratch) {
        self.energy(x, e, ws);
        for (f, col, _) in self.parts() {
            let n = ExponentialFamily::n_cols(f);
            let rows = (0..x.n_rows()).flat_map(|i| x.row(i)[col..col + n].to_vec()).collect();
            let part = gibbs_core::dense::Dense::from_rows(n, rows);
            let (mut grad, mut energy) = (part.clone(), ws.take_f64(x.n_rows()));
            f.energy_grad(&part, &mut energy, &mut grad, ws);
            ws.give_f64(energy);
            (0..x.n_rows()).for_each(|i| g.row_mut(i)[col..col + n].copy_from_slice(grad.row(i)));
        }
    }
}
