use proptest::prelude::*;

use super::*;
use crate::level::available;

const KINDS: [Activation; 8] = [
    Activation::Silu,
    Activation::Softplus,
    Activation::Tanh,
    Activation::Gelu,
    Activation::Elu,
    Activation::LeakyRelu(0.1),
    Activation::LeakyRelu(0.0),
    Activation::Sigmoid,
];

fn all(on: Level, kind: Activation, z: &[f32], bias: Option<&[f32]>) -> [Vec<f32>; 4] {
    let mut outs: [Vec<f32>; 4] = std::array::from_fn(|_| vec![f32::NAN; z.len()]);
    apply_on(on, kind, z, bias, outs.each_mut().map(|out| Some(out.as_mut_slice())));
    outs
}

/// A fine grid where the functions bend, a coarse one beyond, and the ends of the range.
fn grid() -> Vec<f32> {
    let mut z: Vec<f32> = (-60_000..=60_000).map(|i| i as f32 * 3.1e-4).collect();
    z.extend((-2000..=2000).map(|i| i as f32 * 0.1));
    z.extend([0.0, -0.0, 1e-30, -1e-30, 1e4, -1e4, 1e15, -1e15, f32::MAX, f32::MIN]);
    z
}

#[test]
fn within_the_documented_error() {
    let z = grid();
    for kind in KINDS {
        for on in available() {
            let outs = all(on, kind, &z, None);
            for (i, z) in z.iter().enumerate() {
                let exact = scalar::evaluate(kind, f64::from(*z));
                for (order, (out, exact)) in outs.iter().zip(exact).enumerate() {
                    let error = (f64::from(out[i]) - exact).abs() / exact.abs().max(1.0);
                    assert!(error <= 1e-6, "{kind:?} {on:?}, derivative {order} at {z}: {} not {exact}", out[i]);
                }
            }
        }
    }
}

/// Each derivative against a central difference of the one before, in f64.
///
/// Its error is `h^2 / 6` times the third derivative of that function, below 30 for all, and rounding `1e-15 / h` with
/// values up to 8: with h = 1e-5 below 1e-9.
#[test]
fn derivatives_are_derivatives() {
    let h = 1e-5;
    for kind in KINDS {
        let mut planted = 0;
        for z in (-800..800).map(|i| f64::from(i) * 0.01 + 0.003) {
            let [at, up, down] = [z, z + h, z - h].map(|z| scalar::evaluate(kind, z));
            for order in 0..3 {
                let slope = (up[order] - down[order]) / (2.0 * h);
                assert!((slope - at[order + 1]).abs() < 1e-8, "{kind:?}, derivative {} at {z}", order + 1);
                // Planted: a derivative wrong by a thousandth.
                planted += usize::from((slope - 1.001 * at[order + 1]).abs() > 1e-8);
            }
        }
        assert!(planted > 300, "{kind:?}: {planted}");
    }
}

/// `Phi(1)`, `Phi(-2)`, `Phi(-5)` to 12 digits, from tables.
#[test]
fn normal_distribution() {
    for (z, p) in [(1.0, 0.841_344_746_068_5), (-2.0, 0.022_750_131_948_2), (-5.0, 2.866_515_718_79e-7)] {
        assert!((scalar::normal(z).1 / p - 1.0).abs() < 1e-11, "{z}: {}", scalar::normal(z).1);
    }
    // The two formulas meet.
    let (a, b) = (scalar::normal(3f64.next_down()).1, scalar::normal(3.0).1);
    assert!((a - b).abs() < 1e-15);
}

#[test]
fn not_a_number_stays() {
    for on in available() {
        for kind in KINDS {
            let [value, first, ..] = all(on, kind, &[f32::NAN; 9], None);
            assert!(value.iter().all(|x| x.is_nan()), "{kind:?} {on:?}");
            let linear = matches!(kind, Activation::LeakyRelu(_));
            assert!(linear || first.iter().all(|x| x.is_nan()), "{kind:?} {on:?}");
        }
    }
}

#[test]
fn double_precision_with_bias() {
    let (mut value, mut third) = ([0.0; 4], [0.0; 4]);
    apply_f64(
        Activation::Tanh,
        &[0.0, 1.0, 2.0, 3.0],
        Some(&[1.0, -1.0]),
        [Some(&mut value), None, None, Some(&mut third)],
    );
    assert_eq!(value, [1f64.tanh(), 0.0, 3f64.tanh(), 2f64.tanh()]);
    assert_eq!(third[1], -2.0);
}

#[test]
#[should_panic(expected = "5 numbers are not whole rows of 2")]
fn broken_rows() {
    apply(Activation::Silu, &[0.0; 5], Some(&[0.0; 2]), [None, None, None, None]);
}

proptest! {
    #[test]
    fn rows_and_choices(m in 0usize..5, n in 1usize..40, seed: u64, kind in 0usize..8, asked in 0usize..16) {
        let (mut z, mut bias) = (vec![0.0; m * n], vec![0.0; n]);
        crate::rng::fill_normal_serial(u128::from(seed), &mut z);
        crate::rng::fill_normal_serial(u128::from(seed) + (1 << 64), &mut bias);
        let sums: Vec<f32> = z.iter().enumerate().map(|(i, z)| z + bias[i % n]).collect();
        for on in available() {
            let expected = all(on, KINDS[kind], &sums, None);
            prop_assert_eq!(&expected, &all(on, KINDS[kind], &z, Some(&bias)));
            // Those asked for are the same, alone or together.
            let mut some: [Vec<f32>; 4] = std::array::from_fn(|_| vec![f32::NAN; m * n]);
            let mut order = 0;
            let outs = some.each_mut().map(|out| {
                order += 1;
                (asked >> (order - 1) & 1 == 1).then_some(out.as_mut_slice())
            });
            apply_on(on, KINDS[kind], &z, Some(&bias), outs);
            for (order, (some, expected)) in some.iter().zip(&expected).enumerate() {
                if asked >> order & 1 == 1 {
                    prop_assert_eq!(some, expected);
                } else {
                    prop_assert!(some.iter().all(|x| x.is_nan()));
                }
            }
        }
    }
}
