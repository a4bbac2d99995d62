//! Continuous generators against their densities.

use gibbs_core::dense::Dense;
use gibbs_core::energy::Energy;
use gibbs_core::key::Key;
use gibbs_core::log_partition::Quadrature;
use gibbs_core::rows::Continuous;
use gibbs_core::scratch::Scratch;
use gibbs_data::generators::{
    EightGaussians, GaussianMixture, Generator, Moons, Pinwheel, Rings, SwissRoll, TwoSpirals, from_name,
};
use gibbs_data::{DataError, Kind, Table, Values, inspect};
use gibbs_testkit::{chi_square_test, ks_test};
use proptest::prelude::*;

fn values(t: &Table) -> &[f64] {
    let Values::F64(v) = &t.values else { panic!("points are not bytes") };
    v
}

/// A square around the set, and the finest scale of its density.
const PLANE: &[(&str, f64, f64)] = &[
    ("moons", 2.5, 0.1),
    ("moons:noise=0.05", 2.0, 0.05),
    ("eight-gaussians", 3.2, 0.15),
    ("rings", 2.5, 0.05),
    ("checkerboard", 2.0, 0.5),
    ("pinwheel", 6.0, 0.1),
    ("two-spirals", 4.2, 0.1),
    ("swiss-roll", 4.5, 0.2),
    ("gaussian-mixture:spread=2", 14.0, 1.0),
];

fn build(name: &str) -> Box<dyn Generator> {
    from_name(name).unwrap().unwrap()
}

/// Cells of a side of the square.
const CELLS: usize = 24;

/// Probability of each cell of the square and `-integral p ln p`, by midpoints a fifth of the scale apart. The midpoint
/// rule errs by `(h / s)^2 / 24` = 0.2 % in a cell, and over the whole square, where the density vanishes at the border, it
/// converges faster than any power of `h`.
fn masses(g: &dyn Generator, half: f64, scale: f64) -> (Vec<f64>, f64) {
    let per_cell = (2.0 * half / CELLS as f64 / (0.2 * scale)).ceil() as usize;
    let n = CELLS * per_cell;
    let h = 2.0 * half / n as f64;
    let (mut probs, mut entropy) = (vec![0.0; CELLS * CELLS], 0.0);
    for i in 0..n {
        for j in 0..n {
            let at = |k: usize| -half + (k as f64 + 0.5) * h;
            let log_p = g.log_density(&[at(i), at(j)]).unwrap();
            let mass = log_p.exp() * h * h;
            probs[i / per_cell * CELLS + j / per_cell] += mass;
            entropy -= if mass > 0.0 { mass * log_p } else { 0.0 };
        }
    }
    (probs, entropy)
}

fn counts(x: &[f64], half: f64) -> Vec<u64> {
    let mut counts = vec![0; CELLS * CELLS];
    let cell = |v: f64| (((v + half) / (2.0 * half) * CELLS as f64) as usize).min(CELLS - 1);
    x.chunks_exact(2).for_each(|p| counts[cell(p[0]) * CELLS + cell(p[1])] += 1);
    counts
}

#[test]
fn draws_follow_the_density() {
    for &(name, half, scale) in PLANE {
        let g = build(name);
        let (mut probs, entropy) = masses(g.as_ref(), half, scale);
        let total: f64 = probs.iter().sum();
        assert!((total - 1.0).abs() < 1e-6, "{name}: the density integrates to {total}");
        assert!((g.entropy() - entropy).abs() < 1e-5, "{name}: entropy {} and {entropy}", g.entropy());
        probs.iter_mut().for_each(|p| *p /= total);
        // Errors of 0.2 % in the cells add 50,000 * 0.002^2 = 0.2 to chi-squared: nothing.
        let t = g.generate(Some(50_000), &Key::from_seed(4)).unwrap();
        chi_square_test(&counts(values(&t), half), &probs, 1e-6).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(t.max_log_likelihood, Some(-g.entropy()));
    }
}

/// The density as an energy, for the quadrature that models are held against.
struct Known(Box<dyn Generator>);

impl Energy for Known {
    type X = Dense<f64>;

    fn energy(&self, x: &Dense<f64>, out: &mut [f64], _ws: &mut Scratch) {
        out.iter_mut().enumerate().for_each(|(i, o)| *o = -self.0.log_density(x.row(i)).unwrap());
    }
}

/// Every density that is finite in a box has `log Z = 0` there, by code that knows nothing of its form.
#[test]
fn adaptive_quadrature_finds_that_they_are_normalised() {
    for &(name, ..) in PLANE.iter().filter(|p| p.0 != "checkerboard") {
        // The mixture is as wide as the box: its own.
        let half = if name.starts_with("gaussian-mixture") { 16.0 } else { 10.0 };
        let found = Quadrature::default().estimate(&Known(build(name)), &[-half; 2], &[half; 2]).unwrap();
        assert!(found.value.abs() < 1e-6 && found.error_bound <= 1e-5, "{name}: {found:?}");
        assert!(found.n_evaluations < 500_000, "{name}: {found:?}");
    }
}

/// Planted: draws with noise 0.11 held against the density at 0.1.
#[test]
fn the_density_test_sees_a_wrong_noise() {
    let (mut probs, _) = masses(&Moons::new(0.1).unwrap(), 2.5, 0.1);
    let total: f64 = probs.iter().sum();
    probs.iter_mut().for_each(|p| *p /= total);
    let t = Moons::new(0.11).unwrap().generate(Some(50_000), &Key::from_seed(4)).unwrap();
    assert!(chi_square_test(&counts(values(&t), 2.5), &probs, 1e-6).is_err());
}

#[test]
fn ceilings() {
    for (name, ceiling) in [
        ("moons", -1.0076),
        ("moons:noise=0.05", -0.2892),
        ("eight-gaussians", -1.1231),
        ("rings", -1.599),
        ("checkerboard", -2.0794),
    ] {
        let g = build(name);
        assert!((g.entropy() + ceiling).abs() < 3e-3, "{name}: {}", -g.entropy());
    }
}

/// The mean of `log p` over draws is minus the entropy, within five of its standard errors: in any dimension.
#[test]
fn mean_log_density_is_minus_the_entropy() {
    let names = PLANE.iter().map(|p| p.0);
    for name in names.chain([
        "gaussian-mixture:d=1,k=3,spread=2",
        "gaussian-mixture:d=5,k=7,spread=1",
        "gaussian-mixture:d=30,k=4,spread=0.3",
        "gaussian-mixture:d=3,k=1",
        "gaussian-mixture:d=2,k=3,spread=900",
    ]) {
        let g = build(name);
        let t = g.generate(None, &Key::from_seed(1)).unwrap();
        let log_p: Vec<f64> = values(&t).chunks_exact(t.n_cols()).map(|x| g.log_density(x).unwrap()).collect();
        let n = log_p.len() as f64;
        let mean = log_p.iter().sum::<f64>() / n;
        let sd = (log_p.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
        // 1e-12 where every point has the same density; 0.01 covers the drawn entropies beyond the plane (ln k / 512).
        let drawn = if t.n_cols() == 2 { 1e-12 } else { 0.01 };
        assert!((mean + g.entropy()).abs() < 5.0 * sd / n.sqrt() + drawn, "{name}: {mean} {}", -g.entropy());
    }
}

#[test]
fn the_default_has_the_split_of_the_protocol() {
    for &(name, ..) in PLANE {
        let t = build(name).generate(None, &Key::from_seed(0)).unwrap();
        let split = t.suggested_split.clone().unwrap();
        split.check(t.n_rows).unwrap();
        assert_eq!((t.n_rows, t.n_cols(), split.train.len(), split.test.len()), (12_192, 2, 8192, 4000));
        assert_eq!((split.train[0], split.test[0]), (0, 8192));
        assert!(matches!(inspect(&t), Kind::Continuous { .. }));
        // Fewer rows begin with the same rows, and have no split.
        let few = build(name).generate(Some(200), &Key::from_seed(0)).unwrap();
        assert_eq!(values(&few), &values(&t)[..400]);
        assert!(few.suggested_split.is_none() && few.source_hash != t.source_hash);
    }
}

/// The density of the moons by brute force: Simpson's rule over 100,000 angles errs by `(h L)^4 / 180`, where `1 / L` is the
/// scale of the integrand at the end of the arc. At the smallest noise, 0.15 past the end, `L = 0.15 / 0.02^2 = 375`, so the
/// error is 1e-10.
#[test]
fn quadrature_over_the_arc_is_exact() {
    for noise in [0.02, 0.1, 1.0] {
        let moons = Moons::new(noise).unwrap();
        for x in [[-0.5, 0.75], [0.5, -0.25], [0.0, 0.0], [1.45, 0.3], [-1.6, -0.4], [0.2, -0.9], [2.0, 0.3]] {
            let (n, pi) = (100_000, std::f64::consts::PI);
            let exponents = |i: i32| {
                let (sin, cos) = (f64::from(i) * pi / f64::from(n)).sin_cos();
                let squared = |cx: f64, cy: f64| (x[0] - cx).powi(2) + (x[1] - cy).powi(2);
                [squared(cos - 0.5, sin - 0.25), squared(0.5 - cos, 0.25 - sin)].map(|d| -d / (2.0 * noise * noise))
            };
            let most = (0..=n).flat_map(exponents).fold(f64::NEG_INFINITY, f64::max);
            let simpson = |i: i32| if i == 0 || i == n { 1.0 } else { f64::from(2 + 2 * (i % 2)) };
            let sum: f64 =
                (0..=n).map(|i| simpson(i) * exponents(i).iter().map(|e| (e - most).exp()).sum::<f64>()).sum();
            let brute = most + (sum / f64::from(6 * n)).ln() - (2.0 * pi * noise * noise).ln();
            let found = moons.log_density(&x).unwrap();
            assert!((found - brute).abs() < 3e-10, "noise {noise} at {x:?}: {found} {brute}");
        }
    }
}

/// The radius of a ring's points, and its angle: two one-dimensional laws known in closed form.
#[test]
fn rings_have_their_radius() {
    let t = Rings::new(0.05).unwrap().generate(Some(20_000), &Key::from_seed(8)).unwrap();
    let (radius, turn): (Vec<f64>, Vec<f64>) =
        values(&t).chunks_exact(2).map(|p| (p[0].hypot(p[1]), p[1].atan2(p[0]) / std::f64::consts::TAU + 0.5)).unzip();
    // The normal distribution function by its density's trapezoidal sum from -10: exact to 1e-5, the bound is 0.02.
    let normal = |z: f64| {
        let (z, n) = (z.clamp(-10.0, 10.0), 2000);
        let h = (z + 10.0) / f64::from(n);
        let density = |i: i32| (-0.5 * (-10.0 + f64::from(i) * h).powi(2)).exp() * 0.398_942_280_401_432_7;
        ((0..n).map(density).sum::<f64>() * h).min(1.0)
    };
    ks_test(&radius[..2000], |r| [0.7, 1.4, 2.1].iter().map(|c| normal((r - c) / 0.05) / 3.0).sum(), 1e-6).unwrap();
    ks_test(&turn, |u| u, 1e-6).unwrap();
}

#[test]
fn a_mixture_is_the_same_for_everybody() {
    let a = GaussianMixture::new(3, 4, 5.0, 7).unwrap();
    let b = build("gaussian-mixture:d=3,k=4,spread=5,centres=7");
    assert_eq!(a.log_density(&[0.1, 0.2, 0.3]), b.log_density(&[0.1, 0.2, 0.3]));
    assert_ne!(
        a.log_density(&[0.1, 0.2, 0.3]),
        GaussianMixture::new(3, 4, 5.0, 8).unwrap().log_density(&[0.1, 0.2, 0.3])
    );
}

#[test]
fn limits() {
    assert!(
        Moons::new(0.01).is_err()
            && Moons::new(f64::NAN).is_err()
            && TwoSpirals::new(0.04).is_err()
            && SwissRoll::new(2.0).is_err()
    );
    assert!(Rings::new(0.2).is_err());
    assert!(EightGaussians::new(100.0, 0.01).is_err() && Pinwheel::new(0, 0.1).is_err());
    assert!(GaussianMixture::new(0, 3, 1.0, 0).is_err() && GaussianMixture::new(1000, 1000, 1.0, 0).is_err());
    let e = from_name("moons:noise=-1").unwrap_err().to_string();
    assert!(e.contains("noise is -1, it must be 0.02 to 1"), "{e}");
    let g = build("moons");
    assert!(matches!(g.generate(Some(0), &Key::from_seed(0)), Err(DataError::NoRows { .. })));
    assert!(matches!(g.generate(Some(usize::MAX), &Key::from_seed(0)), Err(DataError::TooLarge { .. })));
    assert_eq!((g.log_density(&[0.0]), g.log_density(&[0.0; 3])), (None, None));
    assert_eq!(build("parity").log_density(&[0.0; 10]), None);
    // Far away the density is tiny, and its logarithm is still a number: about -|x - arc|^2 / (2 noise^2).
    let far = g.log_density(&[1e4, 0.0]).unwrap();
    assert!((far / -(1e8 / 0.02) - 1.0).abs() < 1e-3, "{far}");
    assert!(g.log_density(&[f64::NAN, 0.0]).unwrap().is_nan());
}

proptest! {
    /// The density of a mixture is the plain average of its components' densities, found here from the draws' side: the
    /// centres are those that points with the component's number scatter around.
    #[test]
    fn eight_gaussians_by_their_formula(x in -4.0..4.0f64, y in -4.0..4.0f64, radius in 0.5..3.0f64, sd in 0.1..0.5f64) {
        let g = EightGaussians::new(radius, sd).unwrap();
        let p: f64 = (0..8).map(|k| {
            let angle = std::f64::consts::FRAC_PI_4 * f64::from(k);
            let d2 = (x - radius * angle.cos()).powi(2) + (y - radius * angle.sin()).powi(2);
            (-d2 / (2.0 * sd * sd)).exp() / (8.0 * std::f64::consts::TAU * sd * sd)
        }).sum();
        if p > 1e-300 {
            prop_assert!((g.log_density(&[x, y]).unwrap() - p.ln()).abs() < 1e-9);
        }
    }
}

/// Turning by an eighth, or by an arm, changes nothing.
#[test]
fn symmetries() {
    let mut rng = Key::from_seed(12).rng();
    for (name, k) in [("eight-gaussians", 8.0), ("pinwheel:arms=3", 3.0), ("two-spirals", 2.0), ("rings", 2.4)] {
        let g = build(name);
        let (sin, cos) = (std::f64::consts::TAU / k).sin_cos();
        for _ in 0..200 {
            let (x, y) = (6.0 * rng.uniform() - 3.0, 6.0 * rng.uniform() - 3.0);
            let (a, b) =
                (g.log_density(&[x, y]).unwrap(), g.log_density(&[cos * x - sin * y, sin * x + cos * y]).unwrap());
            assert!((a - b).abs() < 1e-8 * (1.0 + a.abs()), "{name}: {a} {b}");
        }
    }
}
