use super::*;

fn numbers(n: usize, key: u128) -> Vec<f32> {
    let mut x = vec![0.0; n];
    crate::rng::fill_normal(key, &mut x);
    x
}

/// The build of a loop with vectors rounds as the plain one does.
#[test]
fn arithmetic_is_that_of_the_definition() {
    for n in [0, 1, 7, 8, 33, 100] {
        let (a, b) = (numbers(n, 1), numbers(n, 2));
        let mut out = vec![0.0; n];
        for (f, g) in [
            (add as fn(&[f32], &[f32], &mut [f32]), (|a, b| a + b) as fn(f32, f32) -> f32),
            (sub, |a, b| a - b),
            (mul, |a, b| a * b),
        ] {
            f(&a, &b, &mut out);
            assert!(out.iter().zip(a.iter().zip(&b)).all(|(o, (a, b))| *o == g(*a, *b)));
        }
        let (rows, mut wide) = (numbers(3 * n, 3), vec![0.0; 3 * n]);
        mul_rows(&rows, &b, &mut wide);
        assert!((0..3 * n).all(|i| wide[i] == rows[i] * b[i % n]));
        add_rows(&rows, &b, &mut wide);
        assert!((0..3 * n).all(|i| wide[i] == rows[i] + b[i % n]));
        sum_rows(&rows, &mut out);
        assert!((0..n).all(|i| out[i] == (0.0 + rows[i]) + rows[n + i] + rows[2 * n + i]));
        add_assign(&a, &mut out);
        assert!((0..n).all(|i| out[i] == (0.0 + rows[i]) + rows[n + i] + rows[2 * n + i] + a[i]));
    }
}

#[test]
fn adam_moves_by_the_rate_at_first() {
    let (mut p, mut m, mut s) = (vec![1.0; 9], vec![0.0; 9], vec![0.0; 9]);
    adam(&mut p, &[0.3; 9], &mut m, &mut s, 0.1, [0.9, 0.999], [0.1, 0.001]);
    assert!(p.iter().all(|p| (p - 0.9).abs() < 1e-6));
}

/// Against f64, over the whole range; each instruction set gives the same bits as any other plain loop here.
#[test]
fn exponentials() {
    let x: Vec<f32> = (0..20_000).map(|i| -86.9 + 174.8 * i as f32 / 20_000.0).collect();
    let mut out = vec![0.0; x.len()];
    super::exp(&x, &mut out);
    for (x, e) in x.iter().zip(&out) {
        let exact = f64::from(*x).exp();
        assert!((f64::from(*e) / exact - 1.0).abs() < 4e-7, "exp({x}) = {e}, not {exact}");
    }
    super::exp(&[-1e9, f32::NEG_INFINITY, 0.0], &mut out);
    assert!(out[0] > 0.0 && out[1] > 0.0 && out[0] < 1e-37 && out[2] == 1.0);
}

#[test]
fn scaled_rows() {
    let x: Vec<f32> = (0..11).map(|i| i as f32).collect();
    let mut out = vec![1.0; 11];
    super::add_scaled(2.0, &x, &mut out);
    super::add_four_scaled([1.0, -1.0, 0.5, 0.5], [&x, &x, &x, &x], &mut out);
    assert!(out.iter().enumerate().all(|(i, o)| *o == 1.0 + 3.0 * i as f32));
}
