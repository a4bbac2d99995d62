//! Softmax as a Gibbs distribution: `p_i = exp(beta z_i) / sum_j exp(beta z_j)`, the energies being `-z_i`.
//!
//! `beta -> 0` is the uniform law with entropy `ln K`, `beta -> inf` the uniform law on the largest logits. Logits may be
//! of any size and `-inf` (probability zero); NaN and `+inf` are errors.

use gibbs_core::key::Rng;

use crate::family::Categorical;

/// What is wrong with logits or with how they are to be sampled.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SoftmaxError {
    /// A logit that is NaN or infinite.
    #[error("logit {index} is {value}: logits are finite, or -inf for probability zero")]
    Logit {
        /// Which.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// No logit, or none above `-inf`.
    #[error("none of {0} logits is above -inf: at least one class must be possible")]
    Empty(usize),
    /// An inverse temperature that is negative or no number.
    #[error("the inverse temperature is {0}: give a number from 0 up (infinity picks the largest logit)")]
    Beta(f64),
    /// A cut that keeps nothing.
    #[error("{what} is {value}: {wanted}")]
    Cut {
        /// Which cut.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What is asked for.
        wanted: &'static str,
    },
}

/// `ln sum exp(z_i)`, of any size; `-inf` for an empty list or where all are, NaN for NaN.
///
/// # Example
/// ```
/// use gibbs_stats::softmax::log_sum_exp;
/// assert_eq!(log_sum_exp(&[1000.0, 1000.0]), 1000.0 + 2f64.ln());
/// ```
pub fn log_sum_exp(z: &[f64]) -> f64 {
    let (most, rest) = split(z);
    most + rest
}

/// The largest entry, and what all of them add to it: `ln sum exp(z_i - max)`, precise where the others are tiny.
pub(crate) fn split(z: &[f64]) -> (f64, f64) {
    if z.iter().any(|z| z.is_nan()) {
        return (f64::NAN, f64::NAN);
    }
    let Some(at) = (0..z.len()).max_by(|&i, &j| z[i].total_cmp(&z[j])) else { return (f64::NEG_INFINITY, 0.0) };
    let most = z[at];
    if !most.is_finite() {
        return (most, 0.0);
    }
    let others: f64 = (0..z.len()).filter(|&i| i != at).map(|i| (z[i] - most).exp()).sum();
    (most, others.ln_1p())
}

/// `ln p_i` of the softmax at inverse temperature `beta`, from 0 (uniform over the possible classes) to infinity (uniform
/// over the largest logits).
///
/// # Example
/// ```
/// use gibbs_stats::softmax::log_softmax;
/// let cold = log_softmax(&[1.0, 2.0, 2.0], f64::INFINITY)?;
/// assert_eq!(cold, [f64::NEG_INFINITY, -2f64.ln(), -2f64.ln()]);
/// # Ok::<(), gibbs_stats::softmax::SoftmaxError>(())
/// ```
pub fn log_softmax(z: &[f64], beta: f64) -> Result<Vec<f64>, SoftmaxError> {
    if beta.is_nan() || beta < 0.0 {
        return Err(SoftmaxError::Beta(beta));
    }
    if let Some(index) = z.iter().position(|z| z.is_nan() || *z == f64::INFINITY) {
        return Err(SoftmaxError::Logit { index, value: z[index] });
    }
    let most = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if most == f64::NEG_INFINITY {
        return Err(SoftmaxError::Empty(z.len()));
    }
    // The largest becomes 0 before it is scaled: nothing overflows, and 0 * inf is avoided at both ends.
    let scaled: Vec<f64> = z
        .iter()
        .map(|&z| match z {
            f64::NEG_INFINITY => z,
            _ if z == most || beta == 0.0 => 0.0,
            _ => beta * (z - most),
        })
        .collect();
    let (top, rest) = split(&scaled);
    Ok(scaled.iter().map(|z| (z - top) - rest).collect())
}

/// `p_i` of the softmax at inverse temperature `beta`.
pub fn softmax(z: &[f64], beta: f64) -> Result<Vec<f64>, SoftmaxError> {
    Ok(log_softmax(z, beta)?.into_iter().map(f64::exp).collect())
}

/// Entropy `-sum p_i ln p_i` of the softmax, in nats: between the logarithm of the number of largest logits and that of
/// the number of possible classes, falling in `beta`.
pub fn entropy(z: &[f64], beta: f64) -> Result<f64, SoftmaxError> {
    Ok(entropy_of(&log_softmax(z, beta)?))
}

fn entropy_of(log_p: &[f64]) -> f64 {
    -log_p.iter().map(|l| if *l == f64::NEG_INFINITY { 0.0 } else { l.exp() * l }).sum::<f64>()
}

/// A point of the curve of entropy against temperature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thermal {
    /// Inverse temperature.
    pub beta: f64,
    /// `ln sum exp(beta z)`, minus beta times the free energy.
    pub log_partition: f64,
    /// `E[z]`, minus the mean energy.
    pub mean: f64,
    /// `Var[z]`: minus the slope of the mean energy in `beta`. `beta^2` times it is the heat capacity.
    pub variance: f64,
    /// Entropy, `log_partition - beta mean`.
    pub entropy: f64,
}

/// The curve of entropy (and of mean and variance of the logits) against inverse temperature, for finite logits.
pub fn thermal_curve(z: &[f64], betas: &[f64]) -> Result<Vec<Thermal>, SoftmaxError> {
    let most = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if let Some(index) = z.iter().position(|z| !z.is_finite()) {
        return Err(SoftmaxError::Logit { index, value: z[index] });
    }
    betas
        .iter()
        .map(|&beta| {
            let log_p = log_softmax(z, beta)?;
            let mean: f64 = log_p.iter().zip(z).map(|(l, z)| l.exp() * (z - most)).sum::<f64>() + most;
            let variance = log_p.iter().zip(z).map(|(l, z)| l.exp() * (z - mean).powi(2)).sum();
            let scaled: Vec<f64> = z.iter().map(|z| beta * z).collect();
            Ok(Thermal { beta, log_partition: log_sum_exp(&scaled), mean, variance, entropy: entropy_of(&log_p) })
        })
        .collect()
}

/// Which classes may be drawn; the others get `-inf`, and the rest is a softmax again.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Cut {
    /// The `k` most probable classes; ties go to the lower index.
    TopK(usize),
    /// The fewest most probable classes that hold the mass `p` together (nucleus sampling).
    TopP(f64),
    /// Classes at least `p` times as probable as the most probable one.
    MinP(f64),
}

/// Log-probabilities after a cut, renormalised; `-inf` for classes that were cut away.
///
/// # Example
/// ```
/// use gibbs_stats::softmax::{Cut, cut, log_softmax};
/// let log_p = log_softmax(&[3.0, 2.0, 0.0], 1.0)?; // 0.71, 0.26, 0.04
/// let kept = cut(&log_p, Cut::TopP(0.9))?;
/// assert!(kept[1].is_finite() && kept[2] == f64::NEG_INFINITY);
/// # Ok::<(), gibbs_stats::softmax::SoftmaxError>(())
/// ```
///
/// # Source
/// Top-p: Holtzman et al. 2020, arXiv:1904.09751; min-p: Nguyen et al. 2024, arXiv:2407.01082.
pub fn cut(log_p: &[f64], how: Cut) -> Result<Vec<f64>, SoftmaxError> {
    let log_p = log_softmax(log_p, 1.0)?;
    let mut order: Vec<usize> = (0..log_p.len()).collect();
    // A stable sort: ties stay in the order of the index.
    order.sort_by(|&i, &j| log_p[j].total_cmp(&log_p[i]));
    let share = |what, value: f64| {
        let wanted = "give a number above 0, up to 1";
        if value > 0.0 && value <= 1.0 { Ok(value) } else { Err(SoftmaxError::Cut { what, value, wanted }) }
    };
    let n_kept = match how {
        Cut::TopK(0) => return Err(SoftmaxError::Cut { what: "top-k", value: 0.0, wanted: "give 1 or more" }),
        Cut::TopK(k) => k.min(log_p.len()),
        Cut::TopP(p) => {
            let p = share("top-p", p)?;
            let mut mass = 0.0;
            let enough = order.iter().position(|&i| {
                mass += log_p[i].exp();
                mass >= p
            });
            enough.map_or(log_p.len(), |at| at + 1)
        }
        Cut::MinP(p) => {
            let least = log_p[order[0]] + share("min-p", p)?.ln();
            order.iter().take_while(|&&i| log_p[i] >= least).count()
        }
    };
    let mut kept = vec![f64::NEG_INFINITY; log_p.len()];
    order[..n_kept].iter().for_each(|&i| kept[i] = log_p[i]);
    log_softmax(&kept, 1.0)
}

/// A standard Gumbel number, `-ln(-ln u)`.
pub fn gumbel(rng: &mut Rng) -> f64 {
    // u in (0, 1), so that both logarithms are finite.
    -(-(rng.uniform() + 0.5 / (1u64 << 53) as f64).ln()).ln()
}

/// A draw from the softmax of `z` by the Gumbel-max trick: the index of the largest `z_i + G_i`. No normalisation is
/// needed, and the `k` largest are `k` draws without replacement.
///
/// # Source
/// Gumbel 1954; Maddison, Tarlow & Minka 2014, arXiv:1411.0030.
pub fn gumbel_max(z: &[f64], rng: &mut Rng) -> Result<usize, SoftmaxError> {
    Ok(gumbel_top_k(z, 1, rng)?[0])
}

/// `k` draws without replacement, in the order drawn; fewer where fewer classes are possible.
pub fn gumbel_top_k(z: &[f64], k: usize, rng: &mut Rng) -> Result<Vec<usize>, SoftmaxError> {
    let log_p = log_softmax(z, 1.0)?;
    let noisy: Vec<f64> = log_p.iter().map(|l| l + gumbel(rng)).collect();
    let mut order: Vec<usize> = (0..z.len()).filter(|&i| noisy[i] > f64::NEG_INFINITY).collect();
    order.sort_by(|&i, &j| noisy[j].total_cmp(&noisy[i]));
    order.truncate(k);
    Ok(order)
}

/// The softmax as a [`Categorical`] law at inverse temperature `beta`, which must leave every class possible.
pub fn categorical(z: &[f64], beta: f64) -> Result<Categorical, crate::family::FamilyError> {
    Categorical::from_logits(&z.iter().map(|z| beta * z).collect::<Vec<_>>())
}
