//! The plain twin, in f64 whatever the numbers.

use super::Activation;

/// Numbers that can be taken to f64 and back.
pub(super) trait Number: Copy + std::ops::Add<Output = Self> {
    fn to_f64(self) -> f64;
    fn of_f64(x: f64) -> Self;
}

impl Number for f32 {
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    fn of_f64(x: f64) -> Self {
        x as f32
    }
}

impl Number for f64 {
    fn to_f64(self) -> f64 {
        self
    }
    fn of_f64(x: f64) -> Self {
        x
    }
}

pub(super) fn apply<T: Number>(kind: Activation, z: &[T], bias: Option<&[T]>, mut outs: [Option<&mut [T]>; 4]) {
    for (i, z) in z.iter().enumerate() {
        let z = bias.map_or(*z, |bias| *z + bias[i % bias.len()]);
        for (out, x) in outs.iter_mut().zip(evaluate(kind, z.to_f64())) {
            if let Some(out) = out {
                out[i] = T::of_f64(x);
            }
        }
    }
}

/// Value and three derivatives at one number.
pub(super) fn evaluate(kind: Activation, z: f64) -> [f64; 4] {
    // s and 1 - s, each without cancellation.
    let e = (-z.abs()).exp();
    let (s, r) = if z < 0.0 { (e / (1.0 + e), 1.0 / (1.0 + e)) } else { (1.0 / (1.0 + e), e / (1.0 + e)) };
    let v = s * r;
    match kind {
        Activation::Sigmoid => [s, v, v * (r - s), v * (1.0 - 6.0 * v)],
        Activation::Softplus => [if z.is_nan() { z } else { z.max(0.0) + e.ln_1p() }, s, v, v * (r - s)],
        Activation::Silu => [z * s, s + z * v, v * (2.0 + z * (r - s)), v * (3.0 * (r - s) + z * (1.0 - 6.0 * v))],
        Activation::Tanh => {
            let (t, e) = (z.tanh(), e * e);
            let d = 4.0 * e / ((1.0 + e) * (1.0 + e));
            [t, d, -2.0 * t * d, d * (4.0 - 6.0 * d)]
        }
        Activation::Gelu => {
            let (density, distribution) = normal(z);
            // The density is zero beyond 40; the polynomials must not overflow there.
            let c = z.clamp(-40.0, 40.0);
            [z * distribution, distribution + c * density, density * (2.0 - c * c), density * c * (c * c - 4.0)]
        }
        Activation::Elu | Activation::LeakyRelu(_) if z > 0.0 => [z, 1.0, 0.0, 0.0],
        Activation::Elu => [z.exp_m1(), z.exp(), z.exp(), z.exp()],
        Activation::LeakyRelu(slope) => [f64::from(slope) * z, f64::from(slope), 0.0, 0.0],
    }
}

/// Density and distribution function of a standard normal number.
///
/// Series `1/2 + phi(z) (z + z^3 / 3 + z^5 / (3 5) + ..)` in the middle, the continued fraction `phi(z) / (z + 1 / (z +
/// 2 / (z + ..)))` of the upper tail outside (Abramowitz & Stegun 26.2.11 and 26.2.14).
pub(super) fn normal(z: f64) -> (f64, f64) {
    let density = (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt();
    let x = z.abs();
    let upper = if x < 3.0 {
        let (mut term, mut sum, mut n) = (x, x, 1.0);
        while term > 1e-17 * sum {
            n += 2.0;
            term *= x * x / n;
            sum += term;
        }
        0.5 - density * sum
    } else {
        density / (1..=80).rev().fold(x, |fraction, n| x + f64::from(n) / fraction)
    };
    (
        density,
        if z.is_nan() {
            z
        } else if z < 0.0 {
            upper
        } else {
            1.0 - upper
        },
    )
}
