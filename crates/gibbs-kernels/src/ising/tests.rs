use super::decide::Comparison;
use super::*;
use crate::level::{available, detect};
use crate::vector::Vector;

/// A plane of fair bits.
fn random_plane(shape: Shape, key: u128) -> Plane {
    let mut lanes = Lanes::new(key, 99);
    Plane::from_fn(shape, |_, _| {
        let x = lanes.next_u32s();
        u64::from(x[0]) << 32 | u64::from(x[5])
    })
}

fn shapes() -> Vec<Shape> {
    let replicas = [2, 4, 6, 8, 10, 16, 34].map(|side| Shape::replicas(side).unwrap());
    replicas.into_iter().chain([128, 384].map(|side| Shape::strips(side).unwrap())).collect()
}

#[test]
fn levels_agree_bit_by_bit() {
    for shape in shapes() {
        for (rule, coupling) in
            [(Rule::HeatBath, 0.0), (Rule::HeatBath, 0.44), (Rule::Metropolis, 0.0), (Rule::Metropolis, 0.6)]
        {
            let decision = Decision::new(rule, coupling);
            let other = random_plane(shape, 1);
            let mut scalar = random_plane(shape, 2);
            let mut planes = [scalar.clone(), scalar.clone(), scalar.clone()];
            for sweep in 0..3 {
                half_sweep_on(Level::Scalar, &mut scalar, &other, 1, &decision, sweep);
                for (on, plane) in available().zip(&mut planes) {
                    half_sweep_on(on, plane, &other, 1, &decision, sweep);
                    assert_eq!(*plane, scalar, "{on:?} {shape:?} {decision:?}");
                }
            }
        }
    }
}

/// Differing bonds and spins up, counted one by one from the geometry: site `(i, j)` of replica `b`.
#[test]
fn counts_agree_with_counting() {
    for shape in [2, 4, 6, 10, 34].map(|side| Shape::replicas(side).unwrap()) {
        let planes = [random_plane(shape, 3), random_plane(shape, 4)];
        let side = shape.rows;
        let spin = |b: usize, i: usize, j: usize| planes[(i + j) % 2].row(i % side)[j % side / 2] >> b & 1;
        for on in available() {
            let (bonds, ups) = (bonds::bond_counts_on(on, &planes[0], &planes[1]), up_counts(&planes[0], &planes[1]));
            for b in 0..64 {
                let sites = (0..side * side).map(|k| (k / side, k % side));
                let differ = |(i, j)| (spin(b, i, j) ^ spin(b, i + 1, j)) + (spin(b, i, j) ^ spin(b, i, j + 1));
                assert_eq!(bonds[b], sites.clone().map(differ).sum::<u64>());
                assert_eq!(ups[b], sites.map(|(i, j)| spin(b, i, j)).sum::<u64>());
            }
        }
    }
}

/// The same for one lattice in strips: row `i` lies in strip `i / rows`.
#[test]
fn strips_close_to_a_torus() {
    let (side, shape) = (256, Shape::strips(256).unwrap());
    let planes = [random_plane(shape, 3), random_plane(shape, 4)];
    let spin = |i: usize, j: usize| {
        let (i, j) = (i % side, j % side);
        planes[(i + j) % 2].row(i % shape.rows)[j / 2] >> (i / shape.rows) & 1
    };
    let sites = (0..side * side).map(|k| (k / side, k % side));
    let differ: u64 = sites.map(|(i, j)| (spin(i, j) ^ spin(i + 1, j)) + (spin(i, j) ^ spin(i, j + 1))).sum();
    assert_eq!(bond_counts(&planes[0], &planes[1]).iter().sum::<u64>(), differ);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    for shape in [Shape::strips(512).unwrap(), Shape::replicas(66).unwrap()] {
        let decision = Decision::new(Rule::Metropolis, 0.44);
        let key = |sweep: u64, colour: usize| u128::from(sweep) << 64 | colour as u128;
        let mut one = [random_plane(shape, 5), random_plane(shape, 6)];
        let mut many = one.clone();
        sweeps_on(detect(), &mut one, &decision, 5, key, 1);
        sweeps_on(detect(), &mut many, &decision, 5, key, 7);
        assert!(one == many);
        let [even, odd] = &mut many;
        half_sweep(even, odd, 0, &decision, key(5, 0));
        half_sweep(odd, even, 1, &decision, key(5, 1));
        sweeps_on(Level::Scalar, &mut one, &decision, 1, |_, colour| key(5, colour), 1);
        assert!(one == many);
    }
}

/// The comparison bit by bit is `number < threshold`, at the edges and for random numbers.
#[test]
fn comparisons_are_exact_to_the_last_bit() {
    let mut lanes = Lanes::new(8, 8);
    for _ in 0..200 {
        let [three, four, numbers @ ..] = lanes.next_u32s();
        let decision = Decision { rule: Rule::Metropolis, three, four };
        for threshold in [three, four] {
            let edges = [threshold, threshold.wrapping_add(1), threshold.wrapping_sub(1), 0, u32::MAX];
            let all: Vec<u32> = edges.into_iter().chain(numbers).collect();
            let class = Words::splat(u64::from(threshold == three) * u64::MAX);
            let mut comparison = Comparison::new(Words::splat(u64::MAX), class);
            for (z, pair) in threshold_bits(&decision).into_iter().enumerate() {
                let differs = |u: u32| u64::from((u ^ threshold) >> (31 - z) & 1);
                comparison.bit(pair, Words::splat(all.iter().enumerate().fold(0, |w, (k, u)| w | differs(*u) << k)));
            }
            for (k, number) in all.iter().enumerate() {
                assert_eq!(comparison.event.0[0] >> k & 1 == 1, *number < threshold, "{number} {threshold}");
                assert_eq!(comparison.open.0[0] >> k & 1 == 1, *number == threshold);
            }
        }
    }
}

/// Sites of colour 0 by what their neighbours in `other` are, and whether their spin is up, from the geometry of replicas.
fn neighbours_up(other: &Plane, b: usize, i: usize, c: usize) -> u64 {
    let Shape { rows, width, .. } = other.shape();
    let beside = if i.is_multiple_of(2) { (c + width - 1) % width } else { (c + 1) % width };
    let up = |i: usize, c: usize| other.row(i % rows)[c] >> b & 1;
    up(i + rows - 1, c) + up(i + 1, c) + up(i, c) + up(i, beside)
}

/// Frequencies of every decision against its threshold, for every number of neighbours up.
#[test]
fn decisions_have_their_probabilities() {
    let shape = Shape::replicas(64).unwrap();
    let other = random_plane(shape, 11);
    for rule in [Rule::HeatBath, Rule::Metropolis] {
        for (three, four) in [(0x2BEC_0000, 0x0787_FFFF), (0x7FFF_FFFF, 0x0003_0000), (0xFF00_00FF, 0x4000_0000)] {
            let decision = Decision { rule, three, four };
            // Ups of spins that were down and up, and their numbers, by neighbours up.
            let (mut ups, mut total) = ([[0u64; 5]; 2], [[0u64; 5]; 2]);
            for repeat in 0..6 {
                let old = random_plane(shape, 12 + repeat);
                let mut new = old.clone();
                half_sweep(&mut new, &other, 0, &decision, 40 + repeat);
                for (b, i, c) in (0..64 * 64 * 32).map(|k| (k / (64 * 32), k / 32 % 64, k % 32)) {
                    let (before, near) = ((old.row(i)[c] >> b & 1) as usize, neighbours_up(&other, b, i, c) as usize);
                    total[before][near] += 1;
                    ups[before][near] += new.row(i)[c] >> b & 1;
                }
            }
            let (p3, p4) = (f64::from(three) / 2f64.powi(32), f64::from(four) / 2f64.powi(32));
            for (before, near) in (0..10).map(|k| (k / 5, k % 5)) {
                let agree = if before == 1 { near } else { 4 - near };
                let expected = match rule {
                    Rule::HeatBath => [p4, p3, 0.5, 1.0 - p3, 1.0 - p4][near],
                    Rule::Metropolis => {
                        let flips = [1.0, 1.0, 1.0, p3, p4][agree];
                        if before == 1 { 1.0 - flips } else { flips }
                    }
                };
                let n = total[before][near] as f64;
                let off = |expected: f64| {
                    let share = ups[before][near] as f64 / n;
                    (share - expected).abs() - 4.9 * (expected * (1.0 - expected) / n).sqrt()
                };
                // 4.9 standard deviations: alpha = 1e-6 for each of 60 shares.
                assert!(off(expected) <= 0.0, "{decision:?} {before} {near}: {} over", off(expected));
                // Planted: a probability 15 % off is 20 standard deviations away or more.
                if (0.1..0.8).contains(&expected) {
                    assert!(off(1.15 * expected) > 0.0, "{decision:?} {before} {near} {n}");
                }
            }
        }
    }
}

/// Events that the shared end of the comparison decides, `p = 2^-9` at the threshold `2^23`: those of different sites, of
/// different groups that finish together, of neighbouring rows, and of successive half-sweeps come together `n p^2` times.
#[test]
fn decisions_are_independent() {
    let shape = Shape::replicas(128).unwrap();
    let decision = Decision { rule: Rule::HeatBath, three: 1 << 23, four: 1 << 23 };
    let other = Plane::new(shape);
    // A site goes against its four neighbours, all down.
    let moves = [(0, 0, 1), (0, 0, 7), (0, 1, 0), (0, 4, 0), (0, 8, 0), (0, 28, 0), (1, 0, 0), (8, 0, 0), (1, 4, 3)];
    let (mut together, mut in_turn, mut events) = ([0u64; 9], 0, 0);
    let mut last = other.clone();
    let repeats = 128;
    for repeat in 0..repeats {
        let mut now = other.clone();
        half_sweep(&mut now, &other, 0, &decision, repeat);
        for i in 0..shape.rows {
            for c in 0..shape.width {
                let word = now.row(i)[c];
                events += u64::from(word.count_ones());
                in_turn += u64::from((word & last.row(i)[c]).count_ones());
                if word != 0 {
                    for (count, (down, right, turn)) in together.iter_mut().zip(moves) {
                        let near = now.row((i + down) % shape.rows)[(c + right) % shape.width];
                        *count += u64::from((word & near.rotate_left(turn)).count_ones());
                    }
                }
            }
        }
        last = now;
    }
    let n = (repeats as usize * shape.rows * shape.width * 64) as f64;
    let p = 2f64.powi(-9);
    // Poisson means of 1.3e5 and 256, five standard deviations: alpha = 6e-7 each.
    assert!((events as f64 - n * p).abs() < 5.0 * (n * p).sqrt(), "{events} {}", n * p);
    for count in together.into_iter().chain([in_turn]) {
        // Were the last bits of two groups the same, sites of both would come together twice as often: 512.
        assert!((count as f64 - n * p * p).abs() < 5.0 * (n * p * p).sqrt(), "{together:?} {in_turn} {}", n * p * p);
    }
}

#[test]
fn thresholds_of_a_coupling() {
    let at = |rule, k| Decision::new(rule, k);
    assert_eq!(at(Rule::HeatBath, 0.0), Decision { rule: Rule::HeatBath, three: 1 << 31, four: 1 << 31 });
    assert_eq!(at(Rule::Metropolis, 0.0).three, u32::MAX);
    // exp(-4 K) = 1 / (1 + sqrt 2)^2 at the critical coupling.
    let critical = (1.0 + 2f64.sqrt()).ln() / 2.0;
    let expected = (2f64.powi(32) / (1.0 + 2f64.sqrt()).powi(2)).round() as u32;
    assert!(at(Rule::Metropolis, critical).three.abs_diff(expected) <= 1);
    assert_eq!(at(Rule::Metropolis, 100.0).four, 0);
    assert!(Shape::strips(64).is_none() && Shape::replicas(5).is_none() && Shape::strips(0).is_none());
}
