//! Cholesky factors of small dense matrices, row-major.

/// Lower factor `L` of `a = L L'` (`d x d`), or the pivot that is not positive: its index and value.
pub(crate) fn cholesky(a: &[f64], d: usize) -> Result<Vec<f64>, (usize, f64)> {
    let mut l = vec![0.0; d * d];
    for i in 0..d {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| l[i * d + k] * l[j * d + k]).sum();
            let rest = a[i * d + j] - dot;
            if i == j {
                // A pivot of a few roundings of the diagonal is no information: the matrix is singular.
                if !(rest.is_finite() && rest > 8.0 * d as f64 * f64::EPSILON * a[i * d + i]) {
                    return Err((i, rest));
                }
                l[i * d + i] = rest.sqrt();
            } else {
                l[i * d + j] = rest / l[j * d + j];
            }
        }
    }
    Ok(l)
}

/// Solves `L y = b` in place.
pub(crate) fn forward(l: &[f64], d: usize, b: &mut [f64]) {
    for i in 0..d {
        let dot: f64 = (0..i).map(|k| l[i * d + k] * b[k]).sum();
        b[i] = (b[i] - dot) / l[i * d + i];
    }
}

/// Solves `L' y = b` in place.
pub(crate) fn backward(l: &[f64], d: usize, b: &mut [f64]) {
    for i in (0..d).rev() {
        let dot: f64 = (i + 1..d).map(|k| l[k * d + i] * b[k]).sum();
        b[i] = (b[i] - dot) / l[i * d + i];
    }
}

/// `(L L')^-1`, symmetric.
pub(crate) fn inverse(l: &[f64], d: usize) -> Vec<f64> {
    let mut out = vec![0.0; d * d];
    let mut column = vec![0.0; d];
    for j in 0..d {
        column.fill(0.0);
        column[j] = 1.0;
        forward(l, d, &mut column);
        backward(l, d, &mut column);
        for i in 0..d {
            out[i * d + j] = column[i];
        }
    }
    for i in 0..d {
        for j in 0..i {
            let mean = 0.5 * (out[i * d + j] + out[j * d + i]);
            (out[i * d + j], out[j * d + i]) = (mean, mean);
        }
    }
    out
}

/// `ln det(L L')`.
pub(crate) fn ln_det(l: &[f64], d: usize) -> f64 {
    2.0 * (0..d).map(|i| l[i * d + i].ln()).sum::<f64>()
}
