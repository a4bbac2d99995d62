use super::graph::{self, Layout};
use super::picture::{self, Picture, SUMS, Table};
use super::thinning::thin_on;
use super::{thin, threshold};
use crate::level::{Level, available};
use crate::rng::Lanes;

fn random_picture(height: usize, width: usize, key: u128) -> Picture {
    let mut u = vec![0.0; height * width];
    crate::rng::fill_uniform(key, &mut u);
    Picture::from_fn(height, width, |i, j| u[i * width + j] < 0.5)
}

/// Thresholds without any pattern.
fn thresholds(n: usize) -> Vec<u32> {
    let mut lanes = Lanes::new(9, 9);
    (0..n).map(|_| lanes.next_u32s()[0]).collect()
}

fn tables() -> [Table; 2] {
    let t = thresholds(2 * SUMS * SUMS);
    let at = |y: bool, a: usize, d: usize| t[(usize::from(y) * SUMS + a) * SUMS + d];
    [Table::four(|y, a| at(y, a, 4)), Table::eight(at)]
}

#[test]
fn levels_agree_bit_by_bit() {
    for (height, width) in [(1, 1), (2, 3), (5, 64), (7, 130), (40, 511), (33, 1030)] {
        for table in tables() {
            let observed = random_picture(height, width, 1);
            let mut scalar = random_picture(height, width, 2);
            let mut pictures = [scalar.clone(), scalar.clone(), scalar.clone()];
            for key in 0..3 {
                picture::sweep_on(Level::Scalar, &mut scalar, &observed, &table, key);
                for (on, picture) in available().zip(&mut pictures) {
                    picture::sweep_on(on, picture, &observed, &table, key);
                    assert_eq!(*picture, scalar, "{on:?} {height} x {width}");
                }
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let (observed, [table, _]) = (random_picture(600, 700, 1), tables());
    let (ring, up) = (ring(9000), vec![Vec::new(), Vec::new(), thresholds(3)]);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut spins = random_picture(600, 700, 2);
        let mut words = vec![0; ring.n_words()];
        pool.install(|| {
            picture::sweep(&mut spins, &observed, &table, 5);
            graph::sweeps(&ring, &mut words, &up, 3, |t| u128::from(t) + 6);
        });
        (spins, words)
    };
    assert!(run(1) == run(3));
}

#[test]
fn bits_stand_where_they_were_put() {
    let picture = Picture::from_fn(5, 300, |i, j| (i * 31 + j * 7) % 11 < 4);
    let mut seen = vec![false; 5 * 300];
    for (k, word) in picture.words().enumerate() {
        picture.pixels_of(k, |i, j, bit| {
            assert_eq!(word >> bit & 1 == 1, picture.get(i, j));
            assert!(!std::mem::replace(&mut seen[i * 300 + j], true));
        });
    }
    assert!(seen.iter().all(|s| *s));
    picture.for_each(|i, j, bit| assert_eq!(bit, (i * 31 + j * 7) % 11 < 4));
}

/// Twice the neighbours up and the missing ones, of both kinds, from the coordinates.
fn sums(p: &Picture, i: usize, j: usize) -> [usize; 2] {
    let up = |di: isize, dj: isize| {
        let (r, c) = (i.checked_add_signed(di), j.checked_add_signed(dj));
        match (r, c) {
            (Some(r), Some(c)) if r < p.height() && c < p.width() => 2 * usize::from(p.get(r, c)),
            _ => 1,
        }
    };
    [up(-1, 0) + up(1, 0) + up(0, -1) + up(0, 1), up(-1, -1) + up(-1, 1) + up(1, -1) + up(1, 1)]
}

/// With thresholds of 0 and 2^32 - 1 a sweep is a deterministic rule, which a plain loop in the same order follows. Every
/// class in turn is the one that goes up.
#[test]
fn classes_are_those_of_the_coordinates() {
    for (height, width) in [(6, 135), (3, 2), (1, 9), (9, 1)] {
        let observed = random_picture(height, width, 3);
        for class in 0..2 * SUMS * SUMS {
            for eight in [false, true] {
                let is = |y: bool, a: usize, d: usize| {
                    let d = if eight { d } else { class % SUMS };
                    (usize::from(y) * SUMS + a) * SUMS + d == class
                };
                let rule = |y: bool, a: usize, d: usize| if is(y, a, d) { u32::MAX } else { 0 };
                let table = if eight { Table::eight(rule) } else { Table::four(|y, a| rule(y, a, 0)) };
                let mut spins = random_picture(height, width, 4);
                let mut bits: Vec<bool> = Vec::new();
                spins.for_each(|_, _, bit| bits.push(bit));
                for (p, c) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                    let now = Picture::from_fn(height, width, |i, j| bits[i * width + j]);
                    for i in (p..height).step_by(2) {
                        for j in (c..width).step_by(2) {
                            let [a, d] = sums(&now, i, j);
                            bits[i * width + j] = is(observed.get(i, j), a, d);
                        }
                    }
                }
                picture::sweep(&mut spins, &observed, &table, 7);
                assert!(spins == Picture::from_fn(height, width, |i, j| bits[i * width + j]), "{class} {eight}");
            }
        }
    }
}

/// A ring of `n` sites, `n` even.
fn ring(n: usize) -> Layout {
    let near: Vec<[u32; 2]> = (0..n).map(|i| [((i + 1) % n) as u32, ((i + n - 1) % n) as u32]).collect();
    let classes = [0, 1].map(|c| (0..n).filter(|i| i % 2 == c).collect());
    Layout::new(&classes, |i| &near[i])
}

/// Frequencies of every class against its threshold, 4.9 standard deviations: alpha = 1e-6 for each.
#[test]
fn decisions_have_their_probabilities() {
    let within =
        |ups: u64, n: u64, p: f64| (ups as f64 - n as f64 * p).abs() <= 4.9 * (n as f64 * p * (1.0 - p)).sqrt();
    // Pixels of the last plane decided see neighbours as they stay.
    let (height, width) = (400, 600);
    let observed = random_picture(height, width, 5);
    let t = thresholds(2 * SUMS);
    let table = Table::four(|y, a| t[usize::from(y) * SUMS + a]);
    let mut counts = vec![(0u64, 0u64); 2 * SUMS];
    for key in 0..20 {
        let mut spins = random_picture(height, width, 60 + key);
        picture::sweep(&mut spins, &observed, &table, key);
        for (i, j) in (0..height * width / 4).map(|k| (2 * (k / (width / 2)) + 1, 2 * (k % (width / 2)) + 1)) {
            let class = usize::from(observed.get(i, j)) * SUMS + sums(&spins, i, j)[0];
            counts[class].0 += u64::from(spins.get(i, j));
            counts[class].1 += 1;
        }
    }
    for ((ups, n), t) in counts.iter().zip(&t) {
        let p = f64::from(*t) / 2f64.powi(32);
        assert!(within(*ups, *n, p), "{ups} of {n}, {p}");
        // Planted: 5 % of it more, where there is enough to see it.
        assert!(*n < 100_000 || !within(*ups, *n, 0.95 * p), "{ups} of {n}, {p}");
    }
    // A ring, whose odd sites are decided last.
    let (n, up) = (1000, vec![Vec::new(), Vec::new(), vec![threshold(0.1), threshold(0.37), threshold(0.8)]]);
    let ring = ring(n);
    for on in available() {
        let (mut counts, mut words) = ([(0u64, 0u64); 3], vec![0x1234_5678_9abc_def0; ring.n_words()]);
        for key in 0..20 {
            graph::sweeps_on(on, &ring, &mut words, &up, 1, |_| key, 1);
            for (i, r) in (0..n / 2 * 64).map(|k| (k / 64 * 2 + 1, k % 64)) {
                let bit = |i: usize| words[ring.place(i % n)] >> r & 1;
                let k = (bit(i + 1) + bit(i + n - 1)) as usize;
                counts[k].0 += bit(i);
                counts[k].1 += 1;
            }
        }
        for ((ups, n), p) in counts.into_iter().zip([0.1, 0.37, 0.8]) {
            assert!(within(ups, n, p) && !within(ups, n, 1.05 * p), "{ups} of {n}, {p}");
        }
    }
}

#[test]
fn graphs_of_many_degrees_agree_on_all_levels() {
    // A star, a path and a wheel in one: degrees 0 to 15.
    let n = 200usize;
    let mut near: Vec<Vec<u32>> = vec![Vec::new(); n];
    for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))).filter(|(i, j)| i < j && (i * 7 + j * 13) % 31 == 0)
    {
        if near[i].len() < 15 && near[j].len() < 15 {
            near[i].push(j as u32);
            near[j].push(i as u32);
        }
    }
    let mut classes: Vec<Vec<usize>> = Vec::new();
    for i in 0..n {
        let free = classes.iter().position(|c| near[i].iter().all(|j| !c.contains(&(*j as usize))));
        let c = free.unwrap_or_else(|| {
            classes.push(Vec::new());
            classes.len() - 1
        });
        classes[c].push(i);
    }
    let layout = Layout::new(&classes, |i| &near[i]);
    let up: Vec<Vec<u32>> = (0..16).map(|d| thresholds(d + 1)).collect();
    let sweeps = |on, n_threads| {
        let mut words = vec![7; layout.n_words()];
        graph::sweeps_on(on, &layout, &mut words, &up, 10, u128::from, n_threads);
        words
    };
    let scalar = sweeps(Level::Scalar, 1);
    available().for_each(|on| assert_eq!(sweeps(on, 5), scalar, "{on:?}"));
}

/// Lengths with and without a last group that is not full; a word more or less changes none before it.
#[test]
fn thinning_is_the_same_at_every_level() {
    for len in [0, 1, 8, 13, 200] {
        let words: Vec<u64> = (0..len).map(|i| 0x9e37_79b9_7f4a_7c15u64.wrapping_mul(i + 1)).collect();
        for threshold in [0, 1, 1 << 31, 0x8765_4321, u32::MAX] {
            let mut scalar = words.clone();
            thin_on(Level::Scalar, &mut scalar, threshold, 3);
            assert!(scalar.iter().zip(&words).all(|(kept, all)| kept & !all == 0));
            for on in available() {
                let mut kept = words.clone();
                thin_on(on, &mut kept, threshold, 3);
                assert_eq!(kept, scalar, "{on:?}, {len} words, {threshold}");
            }
        }
    }
}

/// Each bit is kept with its probability and independently of the one before it: 4.9 standard deviations, alpha = 1e-6 each.
#[test]
fn thinning_keeps_the_share_asked_for() {
    let n = 10_000_000u64;
    let within =
        |found: u64, n: u64, p: f64| (found as f64 - n as f64 * p).abs() <= 4.9 * (n as f64 * p * (1.0 - p)).sqrt();
    for (key, p) in [0.003, 0.1, 0.25, 0.5858, 0.9].into_iter().enumerate() {
        let mut words = vec![u64::MAX; n as usize / 64];
        thin(&mut words, threshold(p), key as u128);
        let kept: u64 = words.iter().map(|w| u64::from(w.count_ones())).sum();
        let pairs: u64 = words.iter().map(|w| u64::from((w & w >> 1).count_ones())).sum();
        let after: u64 = words.windows(2).map(|w| u64::from((w[0] & w[1]).count_ones())).sum();
        assert!(within(kept, n, p), "{kept} of {n}, {p}");
        // Pairs overlap, which widens their scatter by no more than sqrt(1 + 2 p) = 1.7; a bit has a partner in 63 of 64 cases.
        let wide =
            |found: u64, n: u64| (found as f64 - n as f64 * p * p).abs() <= 4.9 * 1.7 * (n as f64 * p * p).sqrt();
        assert!(wide(pairs, n / 64 * 63) && wide(after, n - 64), "{pairs} and {after} pairs, {p}");
        assert!(!within(kept, n, 0.95 * p), "planted");
    }
    let mut words = vec![u64::MAX; 100];
    thin(&mut words, 0, 1);
    assert_eq!(words, [0; 100]);
}
