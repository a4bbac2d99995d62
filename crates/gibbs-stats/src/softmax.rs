//! Softmax as a Gibbs distribution: `p_i = exp(beta z_i) / sum_j exp(beta z_j)`, the energies being `-z_i`.

/// `ln sum exp(z_i)`, of any size; `-inf` for an empty list or where all are, NaN for NaN.
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
