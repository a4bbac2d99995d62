//! Sums over the whole numbers of something times a unimodal probability.

/// Beyond this standard deviation a sum is taken as an integral: its error is that of the midpoint rule between whole
/// numbers, of relative size `sd^-4` once the first correction is in.
const SMOOTH_SD: f64 = 2000.0;
/// Below this count terms are always added one by one.
const FIRST_SMOOTH: f64 = 4096.0;

/// `sum_k term(k)` over whole numbers `k` in `0..=most`, where `term` is a unimodal probability with a peak near `mode`
/// and a standard deviation near `sd`, times something that varies slowly beside it.
pub(super) fn sum(mode: f64, sd: f64, most: f64, term: impl Fn(f64) -> f64) -> f64 {
    let mode = mode.clamp(0.0, most).floor();
    if sd < SMOOTH_SD { outwards(mode, most, &term) } else { integral(mode, sd, most, &term) }
}

/// `-p log p` from `log p`.
pub(super) fn surprise(log_p: f64) -> f64 {
    if log_p == f64::NEG_INFINITY { 0.0 } else { -log_p.exp() * log_p }
}

/// Terms one by one from the mode to both sides until they no longer count.
fn outwards(mode: f64, most: f64, term: &impl Fn(f64) -> f64) -> f64 {
    let mut sum = term(mode);
    for step in [1.0, -1.0] {
        let (mut k, mut before) = (mode, 0.0);
        loop {
            k += step;
            if k < 0.0 || k > most {
                break;
            }
            let t = term(k);
            sum += t;
            // Past the peak of -p log p, and what is left is a geometric tail.
            if t <= before && t <= 1e-19 * sum {
                break;
            }
            before = t;
        }
    }
    sum
}

/// Blocks of Gauss-Legendre quadrature outwards from the mode; whole numbers below [`FIRST_SMOOTH`] one by one.
fn integral(mode: f64, sd: f64, most: f64, term: &impl Fn(f64) -> f64) -> f64 {
    let low = FIRST_SMOOTH.min(most + 1.0);
    let mut sum: f64 = (0..low as u64).map(|k| term(k as f64)).sum();
    let (left, right) = (low - 0.5, most + 0.5);
    // Euler and Maclaurin about midpoints: sum = integral - [f'] / 24 + ..., where only the left end counts.
    sum += (term(low) - term(low - 1.0)) / 24.0;
    let start = mode.max(left);
    for direction in [1.0, -1.0] {
        let (mut from, mut width) = (start, 0.25 * sd.min(start));
        loop {
            let to = (from + direction * width).clamp(left, right);
            if to == from {
                break;
            }
            let part = gauss_legendre(from, to, term) * direction;
            sum += part;
            if part.abs() <= 1e-19 * sum {
                break;
            }
            from = to;
            // Towards zero a power law bends ever more sharply, so blocks shrink with the distance to it.
            width = if direction > 0.0 { width * 1.1 } else { (0.25 * sd).min(0.25 * from) };
        }
    }
    sum
}

/// Abscissae and weights of the 16-point rule on `[-1, 1]`, positive half.
const NODES: [(f64, f64); 8] = [
    (0.095_012_509_837_637_44, 0.189_450_610_455_068_5),
    (0.281_603_550_779_258_9, 0.182_603_415_044_923_6),
    (0.458_016_777_657_227_4, 0.169_156_519_395_002_54),
    (0.617_876_244_402_643_8, 0.149_595_988_816_576_73),
    (0.755_404_408_355_003, 0.124_628_971_255_533_88),
    (0.865_631_202_387_831_7, 0.095_158_511_682_492_78),
    (0.944_575_023_073_232_6, 0.062_253_523_938_647_894),
    (0.989_400_934_991_649_9, 0.027_152_459_411_754_096),
];

fn gauss_legendre(from: f64, to: f64, f: &impl Fn(f64) -> f64) -> f64 {
    let (centre, half) = (0.5 * (from + to), 0.5 * (to - from));
    half * NODES.iter().map(|&(x, w)| w * (f(centre + half * x) + f(centre - half * x))).sum::<f64>()
}
