//! Gradients of composed energies against central differences.

use gibbs_core::compose::{Mixture, Scaled, Sum};
use gibbs_core::dense::Dense;
use gibbs_core::energy::{Energy, Gradient};
use gibbs_core::rows::Continuous;
use gibbs_core::scratch::Scratch;

type Points = Dense<f64>;

/// `E(x) = |x - centre|^2 / 2 + log(2 pi)`: a normal density.
#[derive(Clone, Copy)]
struct Normal([f64; 2]);

impl Energy for Normal {
    type X = Points;

    fn energy(&self, x: &Points, out: &mut [f64], _ws: &mut Scratch) {
        for (o, p) in out.iter_mut().zip(x.values().chunks_exact(2)) {
            *o = 0.5 * ((p[0] - self.0[0]).powi(2) + (p[1] - self.0[1]).powi(2)) + std::f64::consts::TAU.ln();
        }
    }
}

impl Gradient for Normal {
    fn energy_grad(&self, x: &Points, e: &mut [f64], g: &mut Points, ws: &mut Scratch) {
        self.energy(x, e, ws);
        for (g, p) in g.values_mut().chunks_exact_mut(2).zip(x.values().chunks_exact(2)) {
            (g[0], g[1]) = (p[0] - self.0[0], p[1] - self.0[1]);
        }
    }
}

fn check<E: Gradient<X = Points>>(energy: &E) {
    let x = Points::from_rows(2, vec![0.3, -0.2, 1.9, 1.0, -3.0, 2.5]);
    let mut ws = Scratch::default();
    let (mut e, mut plain, mut g) = (vec![0.0; 3], vec![0.0; 3], x.clone());
    energy.energy_grad(&x, &mut e, &mut g, &mut ws);
    energy.energy(&x, &mut plain, &mut ws);
    assert!(e.iter().zip(&plain).all(|(a, b)| (a - b).abs() < 1e-12));
    // Truncation h^2 and rounding eps / h balance near h = 1e-5: errors of about 1e-10 times the third derivative.
    let h = 1e-5;
    for k in 0..2 {
        let shifted = |by: f64| {
            let mut y = x.clone();
            y.values_mut().chunks_exact_mut(2).for_each(|p| p[k] += by);
            let mut e = vec![0.0; 3];
            energy.energy(&y, &mut e, &mut Scratch::default());
            e
        };
        for (row, (up, down)) in shifted(h).iter().zip(shifted(-h)).enumerate() {
            assert!((g.row(row)[k] - (up - down) / (2.0 * h)).abs() < 1e-8, "row {row}, coordinate {k}");
        }
    }
}

#[test]
fn composed_gradients_are_derivatives() {
    let (a, b) = (Normal([0.0, 0.0]), Normal([2.0, 1.0]));
    check(&Sum(a, b));
    check(&Scaled { inner: a, beta: 0.3 });
    check(&Mixture::new(a, b, 0.25).unwrap());
    check(&Sum(Mixture::new(a, b, 0.25).unwrap(), Scaled { inner: b, beta: 2.0 }));
}

/// The product of two normal densities is the normal density between them.
#[test]
fn a_product_of_normals_is_normal() {
    let product = Sum(Normal([0.0, 0.0]), Normal([2.0, 1.0]));
    let narrow = Scaled { inner: Normal([1.0, 0.5]), beta: 2.0 };
    let x = Points::from_rows(2, vec![0.0, 0.0, 5.0, -1.0, 0.7, 0.1]);
    let (mut p, mut q) = (vec![0.0; 3], vec![0.0; 3]);
    product.energy(&x, &mut p, &mut Scratch::default());
    narrow.energy(&x, &mut q, &mut Scratch::default());
    let differences: Vec<f64> = p.iter().zip(&q).map(|(a, b)| a - b).collect();
    assert!(differences.iter().all(|d| (d - differences[0]).abs() < 1e-12));
}
