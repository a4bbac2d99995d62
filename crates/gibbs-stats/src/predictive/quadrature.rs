//! The integral of a squared distance to a step, over the whole line.

/// Five-point Gauss-Legendre rule on `[-1, 1]` (Abramowitz & Stegun 25.4.30).
const NODES: [(f64, f64); 5] = [
    (0.0, 0.568_888_888_888_888_9),
    (0.538_469_310_105_683_1, 0.478_628_670_499_366_47),
    (-0.538_469_310_105_683_1, 0.478_628_670_499_366_47),
    (0.906_179_845_938_664, 0.236_926_885_056_189_08),
    (-0.906_179_845_938_664, 0.236_926_885_056_189_08),
];
/// Panels to each side of the step.
const PANELS: usize = 48;

/// `int_(-inf)^y f(x)^2 dx + int_y^inf (1 - f(x))^2 dx` for a distribution function `f` that varies on the scale `s`.
///
/// Each side is mapped to the unit interval by `x = y -+ s u / (1 - u)`.
pub(super) fn squared_distance(f: impl Fn(f64) -> f64, y: f64, s: f64) -> f64 {
    let width = 1.0 / PANELS as f64;
    let mut sum = 0.0;
    for panel in 0..PANELS {
        for (node, weight) in NODES {
            let u = (panel as f64 + 0.5 + 0.5 * node) * width;
            let (x, slope) = (s * u / (1.0 - u), s / (1.0 - u).powi(2));
            sum += 0.5 * width * weight * slope * (f(y - x).powi(2) + (1.0 - f(y + x)).powi(2));
        }
    }
    sum
}
