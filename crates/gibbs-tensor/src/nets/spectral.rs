//! Spectral normalisation.

use crate::tape::Var;

/// Power iterations. They start afresh from the same vector each time the parameters change, so that the energy is a
/// function of its parameters alone, and are differentiated like everything else, so that its gradient is exact; with
/// eight of them the singular value is right to a few per cent.
const ITERATIONS: usize = 8;

/// `W / sigma`, where `sigma` estimates the largest singular value of a `[k, n]` matrix from below.
pub(super) fn normalise(w: &Var) -> Var {
    let dims = w.shape().dims;
    let unit = |v: &Var| v * &(v.square().sum() + 1e-12).sqrt().recip();
    // The start is the sum of the rows, moved so that it does not vanish.
    let mut u = unit(&(w + 1.0).sum_to_row(dims[1]));
    let mut v = unit(&u.times_transposed(w));
    for _ in 0..ITERATIONS {
        u = unit(&v.matmul(w));
        v = unit(&u.times_transposed(w));
    }
    let sigma = (&v.matmul(w) * &u).sum();
    w * &sigma.recip()
}
