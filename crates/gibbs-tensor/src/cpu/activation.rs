//! Activations and their derivatives of any order, any precision.

use gibbs_core::real::Real;

use crate::tape::Activation;

/// `outs[i] = d^orders[i] f / dz`, elementwise.
pub(crate) fn derivatives<T: Real>(how: Activation, orders: &[usize], z: &[T], outs: &mut [&mut [T]]) {
    for (&order, out) in orders.iter().zip(outs) {
        let terms = Terms::new(how, order);
        out.iter_mut().zip(z).for_each(|(o, &z)| *o = T::narrow(terms.at(z.widen())));
    }
}

/// A derivative as polynomials in the function that it is made of.
struct Terms {
    how: Activation,
    order: usize,
    /// Polynomial in `s = sigmoid`, `t = tanh` or `z`.
    main: Vec<f64>,
    /// For `silu`: the polynomial that is multiplied by `z`.
    times_z: Vec<f64>,
}

/// Derivative of `p(u)` where `u' = q(u)`.
fn chain(p: &[f64], q: &[f64]) -> Vec<f64> {
    let derivative: Vec<f64> = p.iter().enumerate().skip(1).map(|(i, c)| i as f64 * c).collect();
    let mut out = vec![0.0; derivative.len() + q.len()];
    for (i, a) in derivative.iter().enumerate() {
        for (j, b) in q.iter().enumerate() {
            out[i + j] += a * b;
        }
    }
    out
}

/// `sigmoid^(n)` as a polynomial in `s`, from `s' = s - s^2`.
fn sigmoid_terms(order: usize) -> Vec<f64> {
    (0..order).fold(vec![0.0, 1.0], |p, _| chain(&p, &[0.0, 1.0, -1.0]))
}

/// The Hermite polynomial `He_n`, of which `phi^(n) = (-1)^n He_n phi`.
fn hermite(n: usize) -> Vec<f64> {
    let (mut before, mut now) = (vec![0.0], vec![1.0]);
    for k in 0..n {
        let mut next = vec![0.0; now.len() + 1];
        now.iter().enumerate().for_each(|(i, c)| next[i + 1] += c);
        before.iter().enumerate().for_each(|(i, c)| next[i] -= k as f64 * c);
        (before, now) = (now, next);
    }
    now
}

fn polynomial(p: &[f64], u: f64) -> f64 {
    p.iter().rev().fold(0.0, |sum, c| sum * u + c)
}

fn sigmoid(z: f64) -> f64 {
    if z >= 0.0 { 1.0 / (1.0 + (-z).exp()) } else { z.exp() / (1.0 + z.exp()) }
}

impl Terms {
    fn new(how: Activation, order: usize) -> Self {
        let (mut main, mut times_z) = (Vec::new(), Vec::new());
        match how {
            Activation::Sigmoid => main = sigmoid_terms(order),
            Activation::Softplus if order > 0 => main = sigmoid_terms(order - 1),
            Activation::Silu => {
                times_z = sigmoid_terms(order);
                if order > 0 {
                    main = sigmoid_terms(order - 1).iter().map(|c| order as f64 * c).collect();
                }
            }
            Activation::Tanh => main = (0..order).fold(vec![0.0, 1.0], |p, _| chain(&p, &[1.0, 0.0, -1.0])),
            // gelu'' = (2 - z^2) phi; above: n phi^(n-2) + z phi^(n-1).
            Activation::Gelu if order > 1 => {
                let sign = |n: usize| if n.is_multiple_of(2) { 1.0 } else { -1.0 };
                main = vec![0.0; order + 1];
                hermite(order - 2).iter().enumerate().for_each(|(i, c)| main[i] += order as f64 * sign(order) * c);
                hermite(order - 1).iter().enumerate().for_each(|(i, c)| main[i + 1] -= sign(order) * c);
            }
            _ => {}
        }
        Self { how, order, main, times_z }
    }

    fn at(&self, z: f64) -> f64 {
        let phi = || (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
        match (self.how, self.order) {
            (Activation::Softplus, 0) => z.max(0.0) + (-z.abs()).exp().ln_1p(),
            (Activation::Sigmoid | Activation::Softplus, _) => polynomial(&self.main, sigmoid(z)),
            (Activation::Silu, _) => {
                let s = sigmoid(z);
                z * polynomial(&self.times_z, s) + polynomial(&self.main, s)
            }
            (Activation::Tanh, _) => polynomial(&self.main, z.tanh()),
            (Activation::Gelu, 0) => z * normal_cdf(z),
            (Activation::Gelu, 1) => normal_cdf(z) + z * phi(),
            (Activation::Gelu, _) => polynomial(&self.main, z) * phi(),
            (Activation::Elu, 0) => {
                if z > 0.0 {
                    z
                } else {
                    z.exp_m1()
                }
            }
            (Activation::Elu, 1) => {
                if z > 0.0 {
                    1.0
                } else {
                    z.exp()
                }
            }
            (Activation::Elu, _) => {
                if z > 0.0 {
                    0.0
                } else {
                    z.exp()
                }
            }
            (Activation::LeakyRelu, order) => rectified(z, LEAK, order),
            (Activation::Relu, order) => rectified(z, 0.0, order),
        }
    }
}

/// A derivative of `z` above 0 and `slope z` below.
fn rectified(z: f64, slope: f64, order: usize) -> f64 {
    let slope = if z > 0.0 { 1.0 } else { slope };
    match order {
        0 => slope * z,
        1 => slope,
        _ => 0.0,
    }
}

/// Slope of the leaky rectifier below zero.
pub(crate) const LEAK: f64 = 0.2;

fn normal_cdf(z: f64) -> f64 {
    0.5 * statrs::function::erf::erfc(-z / std::f64::consts::SQRT_2)
}
