//! The plain twin.

/// `exp(-|x|)`.
pub(crate) fn exp_of_minus_abs(x: f32) -> f32 {
    (-x.abs()).exp()
}

pub(super) fn sigmoid(scale: f32, x: &[f32], out: &mut [f32]) {
    for (o, x) in out.iter_mut().zip(x) {
        let y = scale * x;
        let e = exp_of_minus_abs(y);
        *o = if y.is_sign_negative() { e } else { 1.0 } / (1.0 + e);
    }
}

pub(super) fn softplus_sum(scale: f32, x: &[f32]) -> f64 {
    x.iter().map(|x| softplus(f64::from(scale * x))).sum()
}

pub(crate) fn softplus(x: f64) -> f64 {
    if x.is_nan() { x } else { x.max(0.0) + (-x.abs()).exp().ln_1p() }
}
