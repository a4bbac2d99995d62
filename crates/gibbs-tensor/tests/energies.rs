//! Analytic energies against differences, closed forms and sums over grids.

use gibbs_core::compose::{Mixture, Scaled, Sum};
use gibbs_core::dense::Dense;
use gibbs_core::energy::{Distribution, Energy, Gradient};
use gibbs_core::key::Key;
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::scratch::Scratch;
use gibbs_tensor::energies::{
    Banana, DoubleWell, EightSchools, Funnel, Gaussian, GaussianMixture, KernelDensity, LogisticRegression,
    Parameterisation, Quadratic, Rings, UniformBox,
};
use gibbs_testkit::{check_gradient, z_test};

type Points = Dense<f64>;

const ALPHA: f64 = 1e-5;

fn energy_of<E: Energy<X = Points>>(energy: &E, x: &[f64]) -> f64 {
    let mut e = [f64::NAN];
    energy.energy(&Points::from_rows(x.len(), x.to_vec()), &mut e, &mut Scratch::default());
    e[0]
}

/// A symmetric positive definite matrix with no structure.
fn precision(n: usize) -> Vec<f64> {
    let mut a = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..n {
            let apart = i.abs_diff(j) as f64;
            a[i * n + j] = if i == j { 2.0 + 0.1 * i as f64 } else { 0.9 * (-apart).exp() * (1.0 + apart).cos() };
        }
    }
    a
}

/// Points of a size that suits all the energies, more than a block of rows and not a multiple of one.
fn points(n_cols: usize) -> Points {
    let mut rng = Key::from_seed(3).rng();
    Points::from_rows(n_cols, (0..11 * n_cols).map(|_| 1.3 * rng.normal()).collect())
}

/// Energies with and without gradients agree, gradients with and without energies agree, and gradients are those of
/// differences; a planted mistake of 1e-4 in one entry is seen. In `f32` the same to its precision.
fn check_energy<E: Gradient<X = Points>, F: Gradient<X = Dense<f32>>>(energy: &E, single: &F, n_cols: usize) {
    let x = points(n_cols);
    let n = x.n_rows();
    let mut ws = Scratch::default();
    let (mut e, mut plain) = (vec![f64::NAN; n], vec![f64::NAN; n]);
    let mut g = Points::from_rows(n_cols, vec![f64::NAN; n * n_cols]);
    let mut alone = g.clone();
    energy.energy_grad(&x, &mut e, &mut g, &mut ws);
    energy.energy(&x, &mut plain, &mut ws);
    energy.grad(&x, &mut alone, &mut ws);
    for (a, b) in e.iter().zip(&plain).chain(g.values().iter().zip(alone.values())) {
        assert!((a - b).abs() <= 1e-12 * (1.0 + a.abs()), "{a} {b}");
    }
    for i in 0..n {
        let f = |x: &[f64]| energy_of(energy, x);
        check_gradient(f, x.row(i), g.row(i)).unwrap();
        let mut planted = g.row(i).to_vec();
        planted[n_cols - 1] += 1e-4 * (1.0 + planted[n_cols - 1].abs());
        assert!(check_gradient(f, x.row(i), &planted).is_err());
    }
    // A few dozen roundings of f32, of the largest terms.
    let (mut e32, mut g32) = (vec![f64::NAN; n], Dense::<f32>::zeros(n, n_cols));
    single.energy_grad(&x.cast(), &mut e32, &mut g32, &mut ws);
    let size = |v: &[f64]| v.iter().fold(1.0f64, |s, v| s.max(v.abs()));
    let (size_e, size_g) = (size(&e), size(g.values()));
    assert!(e.iter().zip(&e32).all(|(a, b)| (a - b).abs() < 1e-5 * size_e));
    assert!(g.values().iter().zip(g32.values()).all(|(a, b)| (a - f64::from(*b)).abs() < 1e-5 * size_g));
}

macro_rules! both {
    ($n_cols:expr, $e:ident :: $new:ident ( $($arg:expr),* )) => {
        check_energy(&$e::<f64>::$new($($arg),*).unwrap(), &$e::<f32>::$new($($arg),*).unwrap(), $n_cols)
    };
}

#[test]
fn gradients_are_derivatives() {
    for n in [1, 2, 3, 8, 10, 17, 40] {
        let mean: Vec<f64> = (0..n).map(|i| 0.3 * i as f64 - 0.5).collect();
        let diagonal: Vec<f64> = (0..n).map(|i| 0.5 + 0.2 * i as f64).collect();
        both!(n, Quadratic::diagonal(&mean, &diagonal));
        both!(n, Quadratic::dense(&mean, &precision(n)));
        both!(n, Gaussian::diagonal(&mean, &diagonal));
        both!(n, Gaussian::from_precision(&mean, &precision(n)));
        both!(n, DoubleWell::new(n, 1.7));
    }
    both!(2, GaussianMixture::ring(8, 2.0, 0.4));
    both!(
        3,
        GaussianMixture::diagonal(&[1.0, 3.0], &[0.0, 1.0, 2.0, -1.0, 0.5, 0.0], &[0.5, 1.0, 2.0, 1.0, 0.3, 0.8], 3)
    );
    both!(2, Rings::new(&[0.7, 1.4, 2.1], 0.3));
    both!(4, Banana::new(2, 0.5, 1.5, 0.7, 0.4));
    both!(2, Banana::rosenbrock());
    both!(10, Funnel::new(9, 3.0));
    let bumps = points(2);
    check_energy(
        &KernelDensity::new(&bumps, &[0.5, 0.8]).unwrap(),
        &KernelDensity::<f32>::new(&bumps.cast(), &[0.5, 0.8]).unwrap(),
        2,
    );
    let labels: Vec<bool> = (0..11).map(|i| i % 3 == 0).collect();
    check_energy(
        &LogisticRegression::new(&points(4), &labels, 2.0).unwrap(),
        &LogisticRegression::<f32>::new(&points(4).cast(), &labels, 2.0).unwrap(),
        4,
    );
    for p in [Parameterisation::Centred, Parameterisation::NonCentred] {
        check_energy(&EightSchools::<f64>::rubin(p), &EightSchools::<f32>::rubin(p), 10);
    }
}

/// Composition: each way of making a density of two, of two kinds.
#[test]
fn composed_gradients_are_derivatives() {
    let (a, a32) =
        (GaussianMixture::<f64>::ring(5, 1.0, 0.5).unwrap(), GaussianMixture::<f32>::ring(5, 1.0, 0.5).unwrap());
    let (b, b32) = (DoubleWell::<f64>::new(2, 0.6).unwrap(), DoubleWell::<f32>::new(2, 0.6).unwrap());
    check_energy(&Sum(&a, &b), &Sum(&a32, &b32), 2);
    check_energy(&Scaled { inner: &a, beta: 0.3 }, &Scaled { inner: &a32, beta: 0.3 }, 2);
    check_energy(&Mixture::new(&a, &b, 0.4).unwrap(), &Mixture::new(&a32, &b32, 0.4).unwrap(), 2);
}

/// Precisions add, and precision-weighted means too: the energies of product and known Gaussian differ by one constant,
/// the log of the integral of the product, `log normal(m1 - m2; 0, C1 + C2)`.
#[test]
fn the_product_of_two_gaussians_is_the_known_one() {
    let (m1, m2) = ([0.5, -1.0, 0.0], [1.5, 0.25, -2.0]);
    let (p1, p2) = (precision(3), vec![1.0, 0.2, 0.0, 0.2, 2.0, -0.3, 0.0, -0.3, 0.7]);
    let (a, b) = (Gaussian::<f64>::from_precision(&m1, &p1).unwrap(), Gaussian::from_precision(&m2, &p2).unwrap());
    let joint: Vec<f64> = p1.iter().zip(&p2).map(|(x, y)| x + y).collect();
    let times = |p: &[f64], m: &[f64]| -> Vec<f64> {
        p.chunks_exact(3).map(|row| row.iter().zip(m).map(|(p, m)| p * m).sum()).collect()
    };
    let pull: Vec<f64> = times(&p1, &m1).iter().zip(times(&p2, &m2)).map(|(x, y)| x + y).collect();
    let covariance = Quadratic::<f64>::dense(&[0.0; 3], &joint).unwrap().covariance();
    let known = Gaussian::<f64>::from_precision(&times(&covariance, &pull), &joint).unwrap();
    let spread: Vec<f64> = a.covariance().iter().zip(b.covariance()).map(|(x, y)| x + y).collect();
    let overlap = energy_of(&Gaussian::from_covariance(&m2, &spread).unwrap(), &m1);
    for row in points(3).values().chunks_exact(3) {
        let product = energy_of(&Sum(&a, &b), row);
        assert!((product - energy_of(&known, row) - overlap).abs() < 1e-12 * (1.0 + product.abs()));
    }
    // Half the energy is twice the covariance.
    let wide =
        Gaussian::<f64>::from_covariance(&m1, &a.covariance().iter().map(|c| 2.0 * c).collect::<Vec<_>>()).unwrap();
    let shift = energy_of(&Scaled { inner: &a, beta: 0.5 }, &m1) - energy_of(&wide, &m1);
    for row in points(3).values().chunks_exact(3) {
        let tempered = energy_of(&Scaled { inner: &a, beta: 0.5 }, row);
        assert!((tempered - energy_of(&wide, row) - shift).abs() < 1e-12 * (1.0 + tempered.abs()));
    }
}

/// The first two moments of exact draws, each at `ALPHA`: `z_test` with the standard error of independent draws. The
/// planted mistake, an expectation 9 standard errors away, fails: the draw is within 4.42 of the right one.
fn check_draws<D: Distribution<X = Points>>(p: &D, mean: &[f64], covariance: &[f64]) {
    let n = mean.len();
    let x = p.sample(40_000, &Key::from_seed(11));
    let average = |f: &dyn Fn(&[f64]) -> f64| {
        let values: Vec<f64> = x.values().chunks_exact(n).map(f).collect();
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        (mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count / count).sqrt())
    };
    for i in 0..n {
        let (found, se) = average(&|row| row[i]);
        z_test(found, se, mean[i], ALPHA).unwrap();
        assert!(z_test(found, se, mean[i] + 9.0 * se, ALPHA).is_err());
        for j in 0..=i {
            let (found, se) = average(&|row| (row[i] - mean[i]) * (row[j] - mean[j]));
            z_test(found, se, covariance[i * n + j], ALPHA).unwrap();
        }
    }
}

/// Draws and density belong together: `E_p[q / p] = 1` for every density `q` that lives where `p` does. `q` is narrower,
/// so that the ratio has a variance. A `log Z` off by 0.1 fails.
fn check_density<P: Distribution<X = Points>, Q: Energy<X = Points>>(p: &P, q: &Q) {
    let x = p.sample(40_000, &Key::from_seed(12));
    let (mut ep, mut eq) = (vec![f64::NAN; x.n_rows()], vec![f64::NAN; x.n_rows()]);
    p.energy(&x, &mut ep, &mut Scratch::default());
    q.energy(&x, &mut eq, &mut Scratch::default());
    let ratios: Vec<f64> = ep.iter().zip(&eq).map(|(p, q)| (p - q).exp()).collect();
    let n = ratios.len() as f64;
    let mean = ratios.iter().sum::<f64>() / n;
    let se = (ratios.iter().map(|r| (r - mean).powi(2)).sum::<f64>()).sqrt() / n;
    z_test(mean, se, 1.0, ALPHA).unwrap();
    assert!(z_test(mean * 0.1f64.exp(), se * 0.1f64.exp(), 1.0, ALPHA).is_err());
}

#[test]
fn draws_and_densities_belong_together() {
    let half: Vec<f64> = precision(3).iter().map(|p| 2.0 * p).collect();
    let gaussian = |p: &[f64]| Gaussian::<f64>::from_precision(&[1.0, -2.0, 0.5], p).unwrap();
    check_density(&gaussian(&precision(3)), &gaussian(&half));
    let ring = |sd| GaussianMixture::<f64>::ring(8, 2.0, sd).unwrap();
    check_density(&ring(0.3), &ring(0.2));
    let bumps = |h| KernelDensity::new(&points(2), &[h, h]).unwrap();
    check_density(&bumps(0.5), &bumps(0.4));
    let rings = |sd| Rings::<f64>::new(&[0.7, 1.4, 2.1], sd).unwrap();
    check_density(&rings(0.05), &rings(0.04));
    let banana = |width| Banana::<f64>::new(2, 0.5, 1.0, 0.7, width).unwrap();
    check_density(&banana(0.4), &banana(0.3));
    let funnel = |sd| Funnel::<f64>::new(3, sd).unwrap();
    check_density(&funnel(1.0), &funnel(0.8));
    let inside = |low| UniformBox::<f64>::new(&[low, 0.0], &[2.0, 3.0]).unwrap();
    check_density(&inside(0.0), &inside(0.5));
}

#[test]
fn exact_draws_have_the_known_moments() {
    let g = Gaussian::<f64>::from_precision(&[1.0, -2.0, 0.5], &precision(3)).unwrap();
    check_draws(&g, g.mean(), &g.covariance());
    let g = Gaussian::<f64>::diagonal(&[1.0, -2.0], &[4.0, 0.25]).unwrap();
    assert_eq!(g.covariance(), [4.0, 0.0, 0.0, 0.25]);
    check_draws(&g, g.mean(), &g.covariance());
    let m = GaussianMixture::<f64>::diagonal(&[0.2, 0.8], &[3.0, 0.0, -1.0, 1.0], &[0.1, 1.0, 0.5, 2.0], 2).unwrap();
    check_draws(&m, &m.mean(), &m.covariance());
    let k = KernelDensity::fit(&points(2), 7, 0.5, &Key::from_seed(1)).unwrap();
    check_draws(&k, &k.mixture().mean(), &k.mixture().covariance());
    let b = UniformBox::<f64>::new(&[-1.0, 2.0], &[1.0, 5.0]).unwrap();
    check_draws(&b, &[0.0, 3.5], &[4.0 / 12.0, 0.0, 0.0, 9.0 / 12.0]);
    let r = Rings::<f64>::new(&[0.7, 1.4, 2.1], 0.05).unwrap();
    let half = 0.5 * r.mean_square();
    check_draws(&r, &[0.0, 0.0], &[half, 0.0, 0.0, half]);
    let b = Banana::<f64>::new(1, 0.5, 1.0, 0.7, 0.4).unwrap();
    let [xx, yy, xy] = b.covariance();
    check_draws(&b, &b.mean(), &[xx, xy, xy, yy]);
    // A scale of 1 keeps the fourth moments of the funnel's mouth within reach of the normal approximation.
    let f = Funnel::<f64>::new(2, 1.0).unwrap();
    let s = f.mean_square();
    check_draws(&f, &[0.0; 3], &[1.0, 0.0, 0.0, 0.0, s, 0.0, 0.0, 0.0, s]);
}

/// `log int exp(-E)` over the plane by midpoint sums; exact far beyond the tolerance for smooth integrands that vanish at
/// the edge.
fn grid_log_z<E: Energy<X = Points>>(energy: &E, [x0, x1]: [f64; 2], [y0, y1]: [f64; 2], n: usize) -> f64 {
    let (hx, hy) = ((x1 - x0) / n as f64, (y1 - y0) / n as f64);
    let mut sum = 0.0;
    let mut e = vec![0.0; n];
    for i in 0..n {
        let x = x0 + (i as f64 + 0.5) * hx;
        let row = (0..n).flat_map(|j| [x, y0 + (j as f64 + 0.5) * hy]).collect();
        energy.energy(&Points::from_rows(2, row), &mut e, &mut Scratch::default());
        sum += e.iter().map(|e| (-e).exp()).sum::<f64>();
    }
    (sum * hx * hy).ln()
}

#[test]
fn normalising_constants_are_those_of_sums_over_grids() {
    let q = Quadratic::<f64>::dense(&[0.5, -0.5], &precision(2)).unwrap();
    assert!((grid_log_z(&q, [-8.0, 8.0], [-8.0, 8.0], 200) - q.log_z()).abs() < 1e-10);
    let q = Quadratic::<f64>::diagonal(&[0.5, -0.5], &[1.0, 3.0]).unwrap();
    assert!((grid_log_z(&q, [-9.0, 9.0], [-8.0, 8.0], 200) - q.log_z()).abs() < 1e-10);
    let m = GaussianMixture::<f64>::ring(8, 2.0, 0.3).unwrap();
    assert!(grid_log_z(&m, [-5.0, 5.0], [-5.0, 5.0], 300).abs() < 1e-10);
    let k = KernelDensity::new(&points(2), &[0.3, 0.5]).unwrap();
    assert!(grid_log_z(&k, [-9.0, 9.0], [-9.0, 9.0], 400).abs() < 1e-10);
    // The grid's midpoints avoid the pole at the origin, whose weight is exp(-98).
    let r = Rings::<f64>::new(&[0.7, 1.4, 2.1], 0.05).unwrap();
    assert!(grid_log_z(&r, [-3.0, 3.0], [-3.0, 3.0], 600).abs() < 1e-10);
    let b = Banana::<f64>::new(1, 0.5, 1.0, 0.7, 0.4).unwrap();
    assert!(grid_log_z(&b, [-9.0, 9.0], [-5.0, 70.0], 1500).abs() < 1e-10);
    let f = Funnel::<f64>::new(1, 0.7).unwrap();
    assert!(grid_log_z(&f, [-6.0, 6.0], [-100.0, 100.0], 4000).abs() < 1e-8);
    for h in [0.05, 1.0, 2.0, 20.0, 70.0, 300.0] {
        let w = DoubleWell::<f64>::new(2, h).unwrap();
        let edge = 1.0 + 4.0 * h.powf(-0.25);
        let found = grid_log_z(&w, [-edge, edge], [-edge, edge], 800);
        assert!((found - w.log_z()).abs() < 1e-10, "h = {h}: {found} {}", w.log_z());
    }
}

#[test]
fn double_well_moments_are_those_of_a_grid() {
    for h in [0.3_f64, 2.0, 80.0] {
        let w = DoubleWell::<f64>::new(1, h).unwrap();
        let (mut z, mut square, mut fourth) = (0.0, 0.0, 0.0);
        for i in 0..40_000 {
            let x = -5.0 + (f64::from(i) + 0.5) * 2.5e-4;
            let p = (-h * (x * x - 1.0).powi(2)).exp();
            z += p;
            square += p * x * x;
            fourth += p * x.powi(4);
        }
        assert!((square / z - w.mean_square()).abs() < 1e-11, "{h}");
        assert!((fourth / z - w.mean_fourth_power()).abs() < 1e-11, "{h}");
    }
}

/// `E_noncentred(z) = E_centred(mu + tau z) - J log tau`, the Jacobian of the change of coordinates.
#[test]
fn the_two_parameterisations_are_one_posterior() {
    let centred = EightSchools::<f64>::rubin(Parameterisation::Centred);
    let free = EightSchools::<f64>::rubin(Parameterisation::NonCentred);
    for row in points(10).values().chunks_exact(10) {
        let (mu, tau, theta) = free.effects(row);
        let mapped: Vec<f64> = [mu, row[1]].into_iter().chain(theta).collect();
        let expected = energy_of(&centred, &mapped) - 8.0 * tau.ln();
        assert!((energy_of(&free, row) - expected).abs() < 1e-11 * (1.0 + expected.abs()));
        assert_eq!(centred.effects(&mapped).2, mapped[2..]);
    }
}

/// With one school the effect is integrated over a grid, which checks every constant of the energy: what is left is
/// `p(mu, log tau, y)` by the closed form.
#[test]
fn one_school_integrates_to_its_marginal() {
    for p in [Parameterisation::Centred, Parameterisation::NonCentred] {
        let school = EightSchools::<f64>::new(&[3.0], &[2.0], p).unwrap();
        for (mu, log_tau) in [(0.0, 0.0), (4.0, 1.0), (-2.0, -0.5)] {
            let h = 0.01;
            let integral: f64 =
                (-4000..4000).map(|i| h * (-energy_of(&school, &[mu, log_tau, h * f64::from(i)])).exp()).sum();
            assert!((-integral.ln() - school.marginal_energy(mu, log_tau)).abs() < 1e-10, "{mu} {log_tau}");
        }
    }
}

/// One observation and a symmetric prior: the evidence is 1/2 exactly. Two opposite ones make no difference to the mean.
#[test]
fn logistic_regression_has_the_evidence_of_symmetry() {
    let one = LogisticRegression::<f64>::new(&Points::from_rows(2, vec![0.7, -1.2]), &[true], 1.5).unwrap();
    assert!((grid_log_z(&one, [-14.0, 14.0], [-14.0, 14.0], 400) - 0.5f64.ln()).abs() < 1e-10);
    let two = Points::from_rows(1, vec![0.7, 0.7]);
    let posterior = LogisticRegression::new(&two, &[true, false], 1.5).unwrap();
    assert!((energy_of(&posterior, &[0.9]) - energy_of(&posterior, &[-0.9])).abs() < 1e-14);
}

#[test]
fn a_fit_recovers_mean_and_covariance() {
    let x = Points::from_rows(2, vec![0.0, 0.0, 2.0, 0.0, 0.0, 4.0, 2.0, 4.0]);
    let full = Gaussian::fit(&x, 0.0).unwrap();
    assert_eq!(full.mean(), [1.0, 2.0]);
    let expected = [1.0, 0.0, 0.0, 4.0];
    assert!(full.covariance().iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-14));
    let diagonal = Gaussian::fit_diagonal(&x, 0.5).unwrap();
    let expected = [1.0 + 1.25, 0.0, 0.0, 4.0 + 1.25];
    assert!(diagonal.covariance().iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-14));
    // The maximum-likelihood covariance makes the mean energy the entropy.
    let mut e = [0.0; 4];
    full.energy(&x, &mut e, &mut Scratch::default());
    let entropy = std::f64::consts::TAU.ln() + 1.0 + 0.5 * 4f64.ln();
    assert!((e.iter().sum::<f64>() / 4.0 - entropy).abs() < 1e-12);
}

#[test]
fn misuse_is_an_error_with_numbers_and_advice() {
    let flat = Points::from_rows(2, vec![1.0, 0.0, 1.0, 2.0, 1.0, 3.0]);
    let text = Gaussian::fit(&flat, 0.0).unwrap_err().to_string();
    assert!(text.contains("pivot 0") && text.contains("ridge"), "{text}");
    assert!(Gaussian::fit(&flat, 1e-6).is_ok());
    assert!(Gaussian::fit(&flat, -1.0).is_err() && Gaussian::fit(&flat.slice(0, 1), 0.1).is_err());
    let missing = Points::from_rows(1, vec![1.0, f64::NAN]);
    assert!(Gaussian::fit(&missing, 0.1).unwrap_err().to_string().contains("row 1"));
    let text = Gaussian::<f64>::from_covariance(&[0.0; 2], &[1.0, 2.0, 2.0, 1.0]).unwrap_err().to_string();
    assert!(text.contains("not positive definite"), "{text}");
    assert!(Quadratic::<f64>::dense(&[0.0; 2], &[1.0, 0.5, 0.0, 1.0]).unwrap_err().to_string().contains("symmetric"));
    assert!(Quadratic::<f64>::diagonal(&[0.0; 2], &[1.0, 0.0]).is_err());
    assert!(Quadratic::<f64>::diagonal(&[], &[]).is_err() && Gaussian::<f32>::standard(0).is_err());
    assert!(GaussianMixture::<f64>::isotropic(&[1.0, -1.0], &[0.0, 1.0], &[1.0, 1.0], 1).is_err());
    assert!(GaussianMixture::<f64>::isotropic(&[1.0], &[0.0, 1.0], &[1.0], 1).is_err());
    assert!(KernelDensity::fit(&flat, 0, 1.0, &Key::from_seed(0)).is_err());
    assert!(KernelDensity::fit(&flat, 2, 0.0, &Key::from_seed(0)).is_err());
    assert!(UniformBox::<f64>::new(&[1.0], &[1.0]).unwrap_err().to_string().contains("from 1 to 1"));
    assert!(UniformBox::around(&flat, 0.1).is_err() && UniformBox::around(&flat, f64::NAN).is_err());
    assert!(DoubleWell::<f64>::new(0, 1.0).is_err() && DoubleWell::<f64>::new(1, -1.0).is_err());
    assert!(Rings::<f64>::new(&[], 0.1).is_err() && Funnel::<f64>::new(1, f64::NAN).is_err());
    assert!(Banana::<f64>::new(1, f64::NAN, 1.0, 1.0, 1.0).is_err());
    assert!(LogisticRegression::new(&flat, &[true], 1.0).is_err());
    assert!(EightSchools::<f64>::new(&[1.0], &[0.0], Parameterisation::Centred).is_err());
}

#[test]
fn a_box_is_flat_inside_and_forbidden_outside() {
    let b = UniformBox::<f64>::new(&[0.0, 0.0], &[2.0, 3.0]).unwrap();
    assert!((energy_of(&b, &[1.0, 1.0]) - 6f64.ln()).abs() < 1e-15);
    assert_eq!(energy_of(&b, &[1.0, 3.5]), f64::INFINITY);
    assert_eq!(energy_of(&b, &[1.0, f64::NAN]), f64::INFINITY);
    let around = UniformBox::around(&Points::from_rows(1, vec![1.0, 3.0]), 0.5).unwrap();
    assert_eq!((around.low(), around.high()), (&[0.0][..], &[4.0][..]));
}

/// A number that is none stays none: a chain that has left the numbers must not look well.
#[test]
fn nan_is_not_hidden() {
    let mixture = GaussianMixture::<f64>::ring(8, 2.0, 0.15).unwrap();
    assert!(energy_of(&mixture, &[f64::NAN, 0.0]).is_nan());
    assert!(energy_of(&Gaussian::<f64>::standard(2).unwrap(), &[0.0, f64::NAN]).is_nan());
    assert!(energy_of(&DoubleWell::<f64>::new(2, 1.0).unwrap(), &[f64::NAN, 0.0]).is_nan());
    assert!(energy_of(&Rings::<f64>::new(&[1.0], 0.1).unwrap(), &[f64::NAN, 0.0]).is_nan());
    assert!(energy_of(&Funnel::<f64>::new(1, 3.0).unwrap(), &[0.0, f64::NAN]).is_nan());
}
