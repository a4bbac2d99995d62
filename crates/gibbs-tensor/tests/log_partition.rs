//! Both sides of log Z for energies over real numbers: mixtures of Gaussians, whose log Z is known in closed form.

use std::ops::ControlFlow;

use gibbs_core::dense::Dense;
use gibbs_core::energy::{Distribution, Energy, Gradient};
use gibbs_core::key::Key;
use gibbs_core::log_partition::ais::linear_ladder;
use gibbs_core::log_partition::{Ais, Bracket, Concern, Progress, ReverseAis, Starts, Thermodynamic, Verdict};
use gibbs_core::path::Bridge;
use gibbs_core::samplers::{Hmc, Mala, RandomWalk};
use gibbs_core::scratch::Scratch;
use gibbs_tensor::energies::{Gaussian, GaussianMixture};

/// A normalised mixture without its constant: `log Z = -by`.
struct Lifted {
    mixture: GaussianMixture<f64>,
    by: f64,
}

impl Energy for Lifted {
    type X = Dense<f64>;

    fn energy(&self, x: &Dense<f64>, out: &mut [f64], ws: &mut Scratch) {
        self.mixture.energy(x, out, ws);
        out.iter_mut().for_each(|o| *o += self.by);
    }
}

impl Gradient for Lifted {
    fn energy_grad(&self, x: &Dense<f64>, e: &mut [f64], g: &mut Dense<f64>, ws: &mut Scratch) {
        self.mixture.energy_grad(x, e, g, ws);
        e.iter_mut().for_each(|e| *e += self.by);
    }
}

const LOG_Z: f64 = 7.25;

/// Two components in the plane, `apart` from each other, with a third and two thirds of the weight.
fn path(apart: f64) -> Bridge<Gaussian<f64>, Lifted> {
    let means = [-0.5 * apart, 0.0, 0.5 * apart, 0.0];
    let mixture = GaussianMixture::isotropic(&[1.0, 2.0], &means, &[0.8, 1.0], 2).unwrap();
    Bridge { base: Gaussian::diagonal(&[0.0; 2], &[2.0; 2]).unwrap(), target: Lifted { mixture, by: -LOG_Z } }
}

fn go(_: Progress<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn both_sides_and_the_integral_agree_with_the_closed_form() {
    let (path, mut ws) = (path(1.5), Scratch::default());
    let tell = &mut |_, _| ControlFlow::Continue(());
    // Hardly wider than the mixture, so that weights have a variance both ways. Three rungs and many chains: a wrong kernel or order would show.
    let (low, _) = Ais::new(Mala::new(0.3).unwrap(), 20_000, linear_ladder(3))
        .unwrap()
        .estimate(&path, &Key::from_seed(0), &mut ws, tell)
        .unwrap();
    let x = path.target.mixture.sample(20_000, &Key::from_seed(1));
    let (high, _) = ReverseAis::new(Mala::new(0.3).unwrap(), linear_ladder(3))
        .unwrap()
        .estimate(&path, x, &Key::from_seed(2), &mut ws, tell)
        .unwrap();
    let hmc = Hmc::new(0.4, 4).unwrap();
    let integral = Thermodynamic::new(hmc, 500, 12, linear_ladder(30)).unwrap();
    let integral = integral.estimate(&path, &Key::from_seed(3), &mut ws, tell).unwrap().log_z;
    for z in [&low, &high, &integral] {
        // alpha = 6e-5 each
        assert!((z.value - LOG_Z).abs() < 4.0 * z.std_err, "{}: {} +- {}", z.method, z.value, z.std_err);
        assert!(z.std_err < 0.03 && z.warnings.is_empty(), "{}: {} {:?}", z.method, z.std_err, z.warnings);
    }
}

/// Mean over 3,000 runs of three chains on two rungs: below forward, above backward, by more than the noise.
#[test]
fn bounds_are_bounds() {
    let (path, mut ws) = (path(2.0), Scratch::default());
    let tell = &mut |_, _| ControlFlow::Continue(());
    let kernel = || Mala::new(0.3).unwrap();
    let (up, down) =
        (Ais::new(kernel(), 3, linear_ladder(2)).unwrap(), ReverseAis::new(kernel(), linear_ladder(2)).unwrap());
    let (mut low, mut high) = (Vec::new(), Vec::new());
    for seed in 0..3_000 {
        let key = Key::from_seed(seed);
        low.push(up.estimate(&path, &key.step(0), &mut ws, tell).unwrap().0.value - LOG_Z);
        let x = path.target.mixture.sample(3, &key.step(1));
        high.push(down.estimate(&path, x, &key.step(2), &mut ws, tell).unwrap().0.value - LOG_Z);
    }
    let sigmas = |v: &[f64]| {
        let (n, mean) = (v.len() as f64, v.iter().sum::<f64>() / v.len() as f64);
        mean / (v.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n * (n - 1.0))).sqrt()
    };
    // alpha = 3e-5 each, were the bias zero.
    assert!(sigmas(&low) < -4.0 && sigmas(&high) > 4.0, "{} {}", sigmas(&low), sigmas(&high));
}

#[test]
fn a_mixture_is_certified() {
    let path = path(3.0);
    let starts = [Starts::exact("the mixture itself", |n, key: &Key| path.target.mixture.sample(n, key))];
    let bracket = Bracket::new(Mala::new(0.3).unwrap()).reversible().until(0.1).unwrap();
    let found = bracket.estimate(&path, &starts, &Key::from_seed(4), &mut go).unwrap();
    assert_eq!(found.verdict, Verdict::Certified, "{:?}", found.concerns);
    assert!(found.lower <= LOG_Z && LOG_Z <= found.upper && found.width() <= 0.1);
    let bennett = found.bennett.unwrap();
    assert!((found.value - LOG_Z).abs() < 4.0 * found.std_err && bennett.std_err == found.std_err, "{found:?}"); // 6e-5
}

/// A random walk whose steps are a thousandth of the width hardly moves at all: plain importance sampling between a wide
/// base and two far and narrow components.
#[test]
fn chains_that_hardly_move_are_not_certified() {
    let mut path = path(1.0);
    path.target.mixture = GaussianMixture::isotropic(&[1.0, 1.0], &[-6.0, 0.0, 6.0, 0.0], &[0.01; 2], 2).unwrap();
    let starts = [Starts::exact("the mixture itself", |n, key: &Key| path.target.mixture.sample(n, key))];
    let bracket = Bracket::new(RandomWalk::new(0.001).unwrap()).reversible().within(100_000);
    for seed in 0..5 {
        let found = bracket.estimate(&path, &starts, &Key::from_seed(seed), &mut go).unwrap();
        assert!(found.verdict < Verdict::Certified, "{:?}", found.concerns);
        assert!(found.concerns.iter().any(|c| matches!(c, Concern::FewEffective { .. })), "{:?}", found.concerns);
    }
}
