//! `log Z` by quadrature against closed forms and fine grids.

use std::f64::consts::{PI, TAU};

use gibbs_core::dense::Dense;
use gibbs_core::energy::Energy;
use gibbs_core::log_partition::{Bias, Quadrature, QuadratureError};
use gibbs_core::real::Real;
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::scratch::Scratch;

/// An energy from a function of a row.
struct By<T, F>(F, std::marker::PhantomData<fn(T)>);

fn by<T: Real, F: Fn(&[f64]) -> f64 + Send + Sync>(f: F) -> By<T, F> {
    By(f, std::marker::PhantomData)
}

impl<T: Real, F: Fn(&[f64]) -> f64 + Send + Sync> Energy for By<T, F> {
    type X = Dense<T>;

    fn energy(&self, x: &Dense<T>, out: &mut [f64], _ws: &mut Scratch) {
        assert!(x.n_rows() <= 128 && x.n_rows() == out.len());
        for (i, o) in out.iter_mut().enumerate() {
            let row: Vec<f64> = x.row(i).iter().map(|v| v.widen()).collect();
            *o = T::narrow((self.0)(&row)).widen();
        }
    }
}

fn squared(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum()
}

#[test]
fn gaussians_in_one_to_three_dimensions() {
    for d in 1..=3 {
        for (sd, offset) in [(1.0, 0.0), (0.3, 1e4), (1.7, -1e4)] {
            let energy = by::<f64, _>(|x| squared(x) / (2.0 * sd * sd) + offset);
            let found = Quadrature::default().estimate(&energy, &vec![-14.0; d], &vec![13.0; d]).unwrap();
            let exact = 0.5 * d as f64 * (TAU * sd * sd).ln() - offset;
            let error = (found.value - exact).abs();
            // Rounding of energies of 1e4 alone is 2e-12.
            assert!(error < found.error_bound + 1e-11 && found.error_bound <= 1e-5, "d {d}: {error}");
            assert!(error < 1e-7, "d {d}, sd {sd}: {error}");
            assert!(found.border < 1e-12 && found.outside < 1e-9 && found.n_evaluations <= 1 << 23);
            assert!(found.mode.iter().all(|x| x.abs() < 0.5));
        }
    }
}

/// Correlated: `log Z = log 2 pi - log det A / 2` for `E = x' A x / 2`.
#[test]
fn a_narrow_ridge() {
    let energy = by::<f64, _>(|x| 0.5 * (100.0 * (x[0] - x[1]).powi(2) + (x[0] + x[1]).powi(2)));
    let found = Quadrature::new(1e-8, 1 << 22).unwrap().estimate(&energy, &[-10.0; 2], &[10.0; 2]).unwrap();
    // A = [[101, -99], [-99, 101]], det 400.
    assert!((found.value - (TAU.ln() - 0.5 * 400f64.ln())).abs() < 1e-8, "{}", found.value);
}

/// Two small modes and a wide one: weights 1 and 1 and 2, so that `Z = 4`.
#[test]
fn a_mixture_with_narrow_modes() {
    let modes = [(1.0, 3.21, -4.03, 0.1), (1.0, -2.7, 1.9, 0.15), (2.0, 0.3, 0.0, 1.5)];
    let density = move |x: &[f64]| -> f64 {
        modes
            .iter()
            .map(|&(w, a, b, s): &(f64, f64, f64, f64)| {
                w * (-((x[0] - a).powi(2) + (x[1] - b).powi(2)) / (2.0 * s * s)).exp() / (TAU * s * s)
            })
            .sum()
    };
    // Far out the density underflows: the logarithm is kept finite by a floor 1e-300 of the whole.
    let found =
        Quadrature::default().estimate(&by::<f64, _>(move |x| -(density(x) + 1e-300).ln()), &[-12.0; 2], &[12.0; 2]);
    assert!((found.unwrap().value - 4f64.ln()).abs() < 1e-6);
    let single = by::<f32, _>(move |x| -(density(x) + 1e-300).ln());
    let found = Quadrature::default().estimate(&single, &[-12.0; 2], &[12.0; 2]).unwrap();
    assert!((found.value - 4f64.ln()).abs() < 1e-5, "single precision: {}", found.value);
}

/// Against a trapezoidal sum of 200,001 points, which for an analytic integrand that vanishes at the ends is exact.
#[test]
fn a_double_well() {
    let well = |x: f64| 3.0 * (x * x - 1.0).powi(2) + 0.4 * x;
    let h = 10.0 / 200_000.0;
    let fine = (0..=200_000).map(|i| (-well(-5.0 + f64::from(i) * h)).exp()).sum::<f64>() * h;
    let found = Quadrature::default().estimate(&by::<f64, _>(|x| well(x[0])), &[-5.0], &[5.0]).unwrap();
    assert!((found.value - fine.ln()).abs() < 1e-9);
    // Independent coordinates: three wells have three times the log Z.
    let three = by::<f64, _>(|x| x.iter().map(|&x| well(x)).sum());
    let found = Quadrature::default().estimate(&three, &[-5.0; 3], &[5.0; 3]).unwrap();
    assert!((found.value - 3.0 * fine.ln()).abs() < 1e-5);
}

/// A ring has a kink nowhere and a mode everywhere: `Z = 2 pi integral r exp(-(r - 2)^2 / (2 s^2)) dr = 2 pi 2 sqrt(2 pi) s` up to a
/// tail of 1e-80.
#[test]
fn a_ring_and_a_kink() {
    let s = 0.1;
    let ring = by::<f64, _>(|x| (squared(x).sqrt() - 2.0).powi(2) / (2.0 * s * s));
    let found = Quadrature::default().estimate(&ring, &[-10.0; 2], &[10.0; 2]).unwrap();
    assert!((found.value - (TAU * 2.0 * (TAU * s * s).sqrt()).ln()).abs() < 1e-7, "{found:?}");
    // Kinks, as of rectifiers: each coordinate's integral of exp(-|x - 1 / 3|) is 2, and the slow decay needs a wide box.
    let kink = by::<f64, _>(|x| x.iter().map(|x| (x - 1.0 / 3.0).abs()).sum());
    for tolerance in [1e-3, 1e-4, 1e-5, 1e-6] {
        let found = Quadrature::new(tolerance, 1 << 23).unwrap().estimate(&kink, &[-30.0; 2], &[30.0; 2]).unwrap();
        assert!((found.value - 4f64.ln()).abs() < found.error_bound, "{found:?}");
        assert!(found.error_bound <= tolerance);
    }
}

#[test]
fn improper_energies_are_refused() {
    let refused = |f: fn(&[f64]) -> f64, d: usize| {
        let e = Quadrature::default().estimate(&by::<f64, _>(f), &vec![-10.0; d], &vec![10.0; d]).unwrap_err();
        assert!(matches!(e, QuadratureError::Improper { limit: 0.02, .. }), "{e}");
        e.to_string()
    };
    for d in 1..=3 {
        refused(|_| 3.0, d);
        refused(|x| -0.1 * squared(x), d);
        refused(|x| squared(x).ln_1p(), d);
    }
    // A leak in one direction only: the density falls on three sides and not on the fourth.
    let text = refused(|x| 0.5 * x[1] * x[1] + if x[0] < 0.0 { 0.5 * x[0] * x[0] } else { 0.0 }, 2);
    assert!(text.contains("confine the energy") && text.contains("1.0e0 of its peak"), "{text}");
}

/// The tail of a Gaussian cut at 10 of 3: `Z` in the box lacks 1 - (1 - 2 Q(10 / 3))^2 of it, which the bound must cover
/// and not exaggerate.
#[test]
fn the_tail_is_bounded() {
    let energy = by::<f64, _>(|x| squared(x) / 18.0);
    let plain = Quadrature::default().with_max_outside(0.5).unwrap();
    let bounded = plain.with_quadratic_tail(3.0).unwrap();
    let (a, b) = ([-10.0; 2], [10.0; 2]);
    let found = bounded.estimate(&energy, &a, &b).unwrap();
    let lacking = (18.0 * PI).ln() - found.value;
    assert!(lacking > 1e-3 && found.outside >= lacking && found.outside < 1.01 * lacking, "{found:?}");
    assert!((found.border - (-100.0f64 / 18.0).exp()).abs() < 1e-4);
    assert!(plain.estimate(&energy, &a, &b).unwrap().outside > lacking);
    assert_eq!(found.log_z().bias, Bias::Exact);
    assert!(found.log_z().method.contains("outside at most 1.7e-3 nats"), "{}", found.log_z().method);
    // An energy that falls faster than the confinement rises is refused with the bound too.
    let escaping = by::<f64, _>(|x| squared(x) / 18.0 - 2.0 * x[0]);
    assert!(matches!(bounded.estimate(&escaping, &a, &b), Err(QuadratureError::Improper { .. })));
}

#[test]
fn misuse_is_named() {
    let q = Quadrature::default();
    let one = by::<f64, _>(squared);
    assert_eq!(q.estimate(&one, &[], &[]), Err(QuadratureError::Dimensions(0)));
    assert_eq!(q.estimate(&one, &[0.0; 4], &[1.0; 4]), Err(QuadratureError::Dimensions(4)));
    assert!(matches!(q.estimate(&one, &[0.0, 1.0], &[1.0, 1.0]), Err(QuadratureError::Box { axis: 1, .. })));
    assert!(q.estimate(&one, &[f64::NEG_INFINITY], &[0.0]).is_err() && q.estimate(&one, &[f64::NAN], &[0.0]).is_err());
    assert!(Quadrature::new(0.0, 10).is_err() && q.with_quadratic_tail(-1.0).is_err());
    let hole = by::<f64, _>(|x| if x[0] > 3.0 { f64::NAN } else { squared(x) });
    let e = q.estimate(&hole, &[-9.0], &[9.0]).unwrap_err();
    assert!(matches!(&e, QuadratureError::Energy { value, at } if value.is_nan() && at[0] > 3.0), "{e}");
    let wall = by::<f64, _>(|x| if x[0] > 3.0 { f64::INFINITY } else { squared(x) });
    assert!(matches!(q.estimate(&wall, &[-9.0], &[9.0]), Err(QuadratureError::Energy { .. })));
    // A jump converges slowly in two dimensions: the budget ends it, and the error reached is told.
    let jump = by::<f64, _>(|x| squared(x) + if squared(x) > 0.5 { 3.0 } else { 0.0 });
    let few = Quadrature::new(1e-9, 100_000).unwrap().estimate(&jump, &[-9.0; 2], &[9.0; 2]).unwrap_err();
    assert!(matches!(few, QuadratureError::NotConverged { error, .. } if error > 1e-9 && error < 1.0), "{few}");
    assert!(Quadrature::new(1e-3, 100).unwrap().estimate(&one, &[-9.0], &[9.0]).is_err());
}

/// Blocks are evaluated by whichever thread is free; the sums have one order.
#[test]
fn threads_do_not_change_a_bit() {
    let energy = by::<f64, _>(|x| (squared(x) - 2.0).powi(2) + x[0].sin());
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Quadrature::default().estimate(&energy, &[-5.0; 2], &[5.0; 2]).unwrap())
    };
    assert_eq!(run(1), run(3));
}
