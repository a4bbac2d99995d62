//! Sums, temperature, mixtures and clamping, against energies of all states.

mod common;

use common::{all_rows, counts, small_rbm};
use gibbs_core::compose::{Clamped, Mixture, Scaled, Sum};
use gibbs_core::energy::{Blocks, Energy, Flips};
use gibbs_core::kernel::{Kernel, run, unobserved};
use gibbs_core::key::Key;
use gibbs_core::path::Geometric;
use gibbs_core::rows::{Discrete, Natural, Rows};
use gibbs_core::samplers::HeatBath;
use gibbs_core::scratch::Scratch;
use gibbs_spin::{Bernoulli, Bits, Rbm};

fn parts() -> (Bernoulli, Rbm) {
    (Bernoulli::new(vec![0.5, -1.0, 0.0, 2.0]), small_rbm(4, 3, 1.0, 5))
}

fn energies<E: Energy<X = Bits>>(energy: &E) -> Vec<f64> {
    let mut out = vec![0.0; 16];
    energy.energy(&all_rows(4), &mut out, &mut Scratch::default());
    out
}

/// Flips must be differences of energies, whatever the energy is made of.
fn flips_agree<E: Flips<X = Bits>>(energy: &E) {
    let e = energies(energy);
    let mut deltas = vec![0.0; 64];
    energy.flip_deltas(&all_rows(4), &mut deltas, &mut Scratch::default());
    for row in 0..16 {
        for site in 0..4 {
            let exact = e[row ^ 1 << site] - e[row];
            assert!((deltas[row * 4 + site] - exact).abs() < 1e-4, "row {row} site {site}");
        }
    }
}

/// Natural parameters must be energy(0) - energy(1) of the site.
fn naturals_agree<E: Blocks<X = Bits>>(energy: &E) {
    let e = energies(energy);
    let mut natural = Natural::default();
    for block in 0..energy.n_blocks() {
        energy.natural(&all_rows(4), block, &mut natural, &mut Scratch::default());
        for (k, site) in energy.sites(block).into_iter().enumerate() {
            for row in 0..16 {
                let exact = e[row & !(1 << site)] - e[row | 1 << site];
                assert!((natural.logits[row * natural.width + k] - exact).abs() < 1e-4);
            }
        }
    }
}

#[test]
fn a_product_adds_energies() {
    let (a, b) = parts();
    let sum = Sum(b.clone(), b.clone());
    for (s, e) in energies(&sum).iter().zip(energies(&b)) {
        assert!((s - 2.0 * e).abs() < 1e-9);
    }
    flips_agree(&Sum(a, b.clone()));
    naturals_agree(&sum);
}

#[test]
fn temperature_scales_energies() {
    let (_, b) = parts();
    let cool = Scaled { inner: &b, beta: 2.5 };
    for (s, e) in energies(&cool).iter().zip(energies(&b)) {
        assert!((s - 2.5 * e).abs() < 1e-9);
    }
    flips_agree(&Scaled { inner: b.clone(), beta: 2.5 });
    naturals_agree(&Scaled { inner: b, beta: 2.5 });
}

#[test]
fn a_mixture_of_distributions_is_normalised() {
    let (a, b) = (Bernoulli::new(vec![3.0; 4]), Bernoulli::new(vec![-1.0, 0.0, 1.0, -3.0]));
    let mixture = Mixture::new(a.clone(), b.clone(), 0.3).unwrap();
    let p: Vec<f64> = energies(&mixture).iter().map(|e| (-e).exp()).collect();
    assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-6);
    for (i, p) in p.iter().enumerate() {
        let exact = 0.3 * (-energies(&a)[i]).exp() + 0.7 * (-energies(&b)[i]).exp();
        assert!((p - exact).abs() < 1e-9);
    }
    flips_agree(&mixture);
    assert!(Mixture::new(a, b, 1.0).is_err());
}

#[test]
fn clamped_sites_stay_and_the_rest_follows_the_conditional() {
    let (base, rbm) = parts();
    let target = Clamped::new(rbm.clone(), vec![false, true, false, false]);
    let mut deltas = vec![0.0; 64];
    target.flip_deltas(&all_rows(4), &mut deltas, &mut Scratch::default());
    assert!(deltas.iter().skip(1).step_by(4).all(|d| d.is_infinite()));

    // 20,000 chains from one state with site 1 on, ten sweeps each.
    let start = all_rows(4).select(&vec![0b0010; 20_000]);
    let path = Geometric { base, target };
    let mut ws = Scratch::default();
    let mut chain = HeatBath.init(&path, start, &mut ws);
    run(&HeatBath, &path, 1.0, &(), &mut chain, 10, &Key::from_seed(1), &mut ws, &mut unobserved);
    assert!((0..20_000).all(|row| chain.x.site(row, 1)));
    let joint: Vec<f64> =
        energies(&rbm).iter().enumerate().map(|(i, e)| if i >> 1 & 1 == 1 { (-e).exp() } else { 0.0 }).collect();
    let total: f64 = joint.iter().sum();
    let probs: Vec<f64> = joint.iter().map(|p| p / total).collect();
    gibbs_testkit::chi_square_test(&counts(&chain.x), &probs, 1e-4).unwrap();
}
