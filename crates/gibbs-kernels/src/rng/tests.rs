use super::*;

/// One lane, written a second time after the reference code's description.
fn xoshiro128_plus_plus(s: &mut [u32; 4]) -> u32 {
    let result = s[0].wrapping_add(s[3]).rotate_left(7).wrapping_add(s[0]);
    let t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = s[3].rotate_left(11);
    result
}

/// The first outputs of xoshiro128++ from state (1, 2, 3, 4): (1 + 4) <<< 7 + 1 = 641, then by hand
/// s = (7, 0, 1026, 12288): (7 + 12288) <<< 7 + 7 = 1573767.
#[test]
fn known_answer() {
    let mut lanes = Lanes { state: std::array::from_fn(|i| [i as u32 + 1; 8]) };
    assert_eq!(lanes.next_u32s(), [641; 8]);
    assert_eq!(lanes.next_u32s(), [1_573_767; 8]);
}

#[test]
fn lanes_are_seeded_by_philox() {
    let key = 0x0123_4567_89ab_cdef_0011_2233_4455_6677_u128;
    let mut lanes = Lanes::new(key, 5);
    let k: [u32; 4] = [0x4455_6677, 0x0011_2233, 0x89ab_cdef, 0x0123_4567];
    let mut scalar: Vec<_> = (0..8).map(|l| philox4x32([5 ^ k[2], k[3], l, DOMAIN], [k[0], k[1]])).collect();
    for _ in 0..100 {
        let wide = lanes.next_u32s();
        let narrow: Vec<u32> = scalar.iter_mut().map(xoshiro128_plus_plus).collect();
        assert_eq!(wide.as_slice(), narrow);
    }
}

#[test]
fn golden_draws() {
    // A change here is value-breaking: say so in CHANGELOG.
    let first = [346_019_125, 782_741_898, 3_059_680_279, 4_233_024_700];
    let last = [2_199_531_751, 3_405_953_470, 2_443_821_177, 1_697_549_379];
    assert_eq!(Lanes::new(0, 0).next_u32s(), [first, last].concat().as_slice());
}

#[test]
fn uniform_law() {
    let n = 1 << 20;
    let mut u = vec![0.0; n];
    fill_uniform(11, &mut u);
    let mut counts = [0u32; 256];
    u.iter().for_each(|u| counts[(u * 256.0) as usize] += 1);
    let expected = n as f64 / 256.0;
    let chi2: f64 = counts.iter().map(|&c| (f64::from(c) - expected).powi(2) / expected).sum();
    // 255 degrees of freedom, two-sided alpha = 2e-4 (Wilson-Hilferty: 255 (1 - 2 / 2295 +- 3.719 sqrt(2 / 2295))^3).
    assert!((179.0..347.0).contains(&chi2), "chi2 {chi2}");
}

#[test]
fn normal_law() {
    let n = 1 << 20;
    let mut z = vec![0.0f32; n];
    fill_normal(12, &mut z);
    let moment = |p: i32| z.iter().map(|&z| f64::from(z).powi(p)).sum::<f64>() / n as f64;
    // Five standard errors: the variances of z, z^2, z^3, z^4 are 1, 2, 15, 96.
    let bound = |variance: f64| 5.0 * (variance / n as f64).sqrt();
    assert!(moment(1).abs() < bound(1.0));
    assert!((moment(2) - 1.0).abs() < bound(2.0));
    assert!(moment(3).abs() < bound(15.0));
    assert!((moment(4) - 3.0).abs() < bound(96.0));
    // The two halves of a Box-Muller pair are uncorrelated.
    let dot: f64 = z.chunks_exact(16).flat_map(|c| (0..8).map(|l| f64::from(c[l] * c[8 + l]))).sum();
    assert!((dot / (n / 2) as f64).abs() < 5.0 / ((n / 2) as f64).sqrt());
}

#[test]
fn blocks_do_not_depend_on_length() {
    let (mut short, mut long) = (vec![0.0; 5000], vec![0.0; 100_000]);
    fill_uniform(3, &mut short);
    fill_uniform(3, &mut long);
    assert_eq!(short, long[..5000]);
    fill_normal(3, &mut short);
    fill_normal(3, &mut long);
    assert_eq!(short, long[..5000]);
}
