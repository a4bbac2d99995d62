use super::*;

#[test]
fn exponentials_are_exact_to_rounding() {
    for i in 0..200_000 {
        let x = -0.0035 * f64::from(i);
        let (found, exact) = (exp(x), x.exp());
        assert!((found - exact).abs() <= 8e-16 * exact, "{x}: {found} {exact}");
    }
    assert_eq!(exp(0.0), 1.0);
    assert!(exp(-1e9) < 1e-300 && exp(-1e9) > 0.0 && exp(f64::NAN).is_nan());
}

fn numbers(n: usize, phase: f64) -> Vec<f64> {
    (0..n).map(|i| 3.0 * (1.7 * i as f64 + phase).sin()).collect()
}

/// The AVX2 build rounds as the plain one does.
#[test]
fn both_builds_are_the_same_to_the_bit() {
    for n in [1, 2, 7, 8, 9, 26, 33, 50] {
        let transitions = Transitions::new(n, &numbers(n * n, 0.1));
        let scores = numbers(11 * n, 0.7);
        let (mut fast, mut slow) = (Workspace::default(), Workspace::default());
        fast.clear_steps(&transitions);
        slow.clear_steps(&transitions);
        let (mut nodes, mut twin) = (vec![0.0; 11 * n], vec![0.0; 11 * n]);
        let z = marginals(&transitions, &scores, &mut nodes, &mut fast);
        assert_eq!(z, forward(&transitions, &scores, &mut slow));
        assert!(backward(&transitions, &mut twin, &mut slow));
        assert_eq!(nodes, twin);
        assert_eq!(fast.steps, slow.steps);
    }
}

/// Two labels, three positions, all eight sequences by hand.
#[test]
fn a_small_chain_is_its_sum() {
    let (w, s) = ([0.3, -1.0, 0.5, 2.0], [1.0, 0.2, -0.5, 0.9, 0.0, 1.5]);
    let transitions = Transitions::new(2, &w);
    let mut ws = Workspace::default();
    ws.clear_steps(&transitions);
    let mut nodes = [0.0; 6];
    let found = marginals(&transitions, &s, &mut nodes, &mut ws);
    let (mut z, mut p, mut counts) = (0.0, [0.0; 6], [0.0; 4]);
    for y in 0..8usize {
        let y = [y & 1, y >> 1 & 1, y >> 2];
        let weight: f64 = (s[y[0]] + s[2 + y[1]] + s[4 + y[2]] + w[2 * y[0] + y[1]] + w[2 * y[1] + y[2]]).exp();
        z += weight;
        (0..3).for_each(|t| p[2 * t + y[t]] += weight);
        (1..3).for_each(|t| counts[2 * y[t - 1] + y[t]] += weight);
    }
    assert!((found - z.ln()).abs() < 1e-14);
    assert!(p.iter().zip(nodes).all(|(p, n)| (p / z - n).abs() < 1e-14));
    let mut expected = [0.0; 4];
    transitions.add_counts(&ws.steps, &mut expected);
    assert!(counts.iter().zip(expected).all(|(c, e)| (c / z - e).abs() < 1e-14));
}

#[test]
fn underflow_is_noticed() {
    // Only 0 -> 1 is not forbidden, and the nodes want 0 twice: what is left is exp(-2000) of the scale.
    let transitions = Transitions::new(2, &[-1000.0, 0.0, -1000.0, -1000.0]);
    let found = log_z(&transitions, &[0.0, -1000.0, 0.0, -1000.0, 0.0, -1000.0], &mut Workspace::default());
    assert!(found.is_nan());
}
