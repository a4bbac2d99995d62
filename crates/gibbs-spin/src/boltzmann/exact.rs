//! Exact `log Z` and moments of up to two dozen sites.

use gibbs_core::energy::Parametric;
use gibbs_core::log_partition::LogZError;
use gibbs_kernels::activation::log_sum_exp;

use super::{BIAS, Boltzmann, COUPLINGS};

/// Most sites that are enumerated: a number a state, 128 MiB.
pub const ENUMERATION_LIMIT: usize = 24;

/// Moments of a machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// `log Z`, nats.
    pub log_z: f64,
    /// `E x_i`.
    pub means: Vec<f64>,
    /// `E x_i x_j` of every pair.
    pub joint: Vec<f64>,
}

/// Exact `log Z` in nats.
///
/// # Errors
/// [`LogZError::TooLarge`] above [`ENUMERATION_LIMIT`] sites.
pub fn log_z(model: &Boltzmann) -> Result<f64, LogZError> {
    check_size(model)?;
    let wide = |name| model.params().get(name).iter().map(|&p| f64::from(p)).collect::<Vec<f64>>();
    Ok(log_sum_exp(&log_weights(model, &wide(COUPLINGS), &wide(BIAS))))
}

/// Exact moments.
///
/// # Errors
/// [`LogZError::TooLarge`] above [`ENUMERATION_LIMIT`] sites.
pub fn moments(model: &Boltzmann) -> Result<Moments, LogZError> {
    check_size(model)?;
    let wide = |name| model.params().get(name).iter().map(|&p| f64::from(p)).collect::<Vec<f64>>();
    Ok(moments_at(model, &wide(COUPLINGS), &wide(BIAS)))
}

pub(super) fn check_size(model: &Boltzmann) -> Result<(), LogZError> {
    let (bits, limit) = (model.n_sites(), ENUMERATION_LIMIT);
    if bits > limit { Err(LogZError::TooLarge { bits, limit }) } else { Ok(()) }
}

/// Moments at other parameters than the model's own, in f64.
pub(super) fn moments_at(model: &Boltzmann, couplings: &[f64], bias: &[f64]) -> Moments {
    let mut p = log_weights(model, couplings, bias);
    let log_z = log_sum_exp(&p);
    p.iter_mut().for_each(|w| *w = (*w - log_z).exp());
    // Sums over supersets: afterwards p[S] = P(all sites of S are on).
    for site in 0..model.n_sites() {
        for pair in p.chunks_exact_mut(2 << site) {
            let (off, on) = pair.split_at_mut(1 << site);
            off.iter_mut().zip(on).for_each(|(off, on)| *off += *on);
        }
    }
    Moments {
        log_z,
        means: (0..model.n_sites()).map(|i| p[1 << i]).collect(),
        joint: model.pairs().iter().map(|&(i, j)| p[1 << i | 1 << j]).collect(),
    }
}

/// `-E` of all states, site `i` in bit `i`: site by site, each doubling the table by the states with that site on. The
/// field of a site is a sum over the sites below it, itself built up bit by bit, so a state costs two additions.
fn log_weights(model: &Boltzmann, couplings: &[f64], bias: &[f64]) -> Vec<f64> {
    let n = model.n_sites();
    let mut dense = vec![0.0; n * n];
    for (&(i, j), &coupling) in model.pairs().iter().zip(couplings) {
        dense[i.max(j) * n + i.min(j)] = coupling;
    }
    let mut out = Vec::with_capacity(1 << n);
    out.push(0.0);
    let mut field: Vec<f64> = Vec::with_capacity(1 << (n - 1));
    for (site, b) in bias.iter().enumerate() {
        field.clear();
        field.push(*b);
        for below in 0..site {
            let coupling = dense[site * n + below];
            field.extend_from_within(..);
            field[1 << below..].iter_mut().for_each(|f| *f += coupling);
        }
        out.extend_from_within(..);
        let on = &mut out[1 << site..];
        on.iter_mut().zip(&field).for_each(|(w, f)| *w += f);
    }
    out
}
