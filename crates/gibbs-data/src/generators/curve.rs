//! Densities of points on curves with isotropic Gaussian noise.

use super::plane;

/// Nodes that are kept or left out together.
const CHUNK: usize = 16;

/// A density `p(x) = integral w(t) N(x; c(t), sd^2 I) dt`, equal shares for several arms `c`, as a Gauss-Legendre sum over
/// `t`.
///
/// The nodes are at most 0.63 standard deviations apart along the curve. The sum over equally spaced points at distance `h`
/// would err by `2 exp(-2 (pi sd / h)^2)` relative, 1e-21 at that spacing; what is left is rounding.
#[derive(Clone)]
pub(super) struct NoisyCurve {
    nodes: Vec<[f64; 3]>,
    chunks: Vec<Chunk>,
    sd: f64,
}

/// A circle around [`CHUNK`] nodes.
#[derive(Clone)]
struct Chunk {
    centre: [f64; 2],
    radius: f64,
}

fn squared(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)
}

impl NoisyCurve {
    /// `arms` are curves over `range`, followed no faster than `speed`; `weight` is the density of `t` in the range.
    pub(super) fn new(
        arms: &[&dyn Fn(f64) -> [f64; 2]],
        range: (f64, f64),
        speed: f64,
        weight: impl Fn(f64) -> f64,
        sd: f64,
    ) -> Self {
        // Near the middle of the range Gauss-Legendre nodes are pi / 2 times their mean distance apart.
        let n = (2.5 * speed * (range.1 - range.0) / sd).ceil() as usize + 24;
        let rule = plane::gauss_legendre(n, range.0, range.1);
        let share = 1.0 / arms.len() as f64;
        let (mut nodes, mut chunks) = (Vec::new(), Vec::new());
        for arm in arms {
            for part in rule.chunks(CHUNK) {
                let points: Vec<[f64; 2]> = part.iter().map(|&(t, _)| arm(t)).collect();
                let mean = |k: usize| points.iter().map(|p| p[k]).sum::<f64>() / points.len() as f64;
                let centre = [mean(0), mean(1)];
                let radius = points.iter().map(|&p| squared(p, centre)).fold(0.0, f64::max).sqrt();
                chunks.push(Chunk { centre, radius });
                nodes.extend(points.iter().zip(part).map(|(p, &(t, w))| [p[0], p[1], share * w * weight(t)]));
                // The last chunk of an arm is filled with nodes of no weight, so that chunks have one length.
                nodes.resize(chunks.len() * CHUNK, [centre[0], centre[1], 0.0]);
            }
        }
        NoisyCurve { nodes, chunks, sd }
    }

    /// `ln p(x)`. Nodes whose term is below `exp(-45)` of the largest are left out.
    pub(super) fn log_density(&self, x: [f64; 2]) -> f64 {
        if x.iter().any(|x| x.is_nan()) {
            return f64::NAN;
        }
        let two_variances = 2.0 * self.sd * self.sd;
        let distance = |c: &Chunk| squared(x, c.centre).sqrt();
        let reach = self.chunks.iter().map(|c| distance(c) + c.radius).fold(f64::INFINITY, f64::min);
        let far = (reach * reach + 45.0 * two_variances).sqrt();
        let near = || {
            let chunks = self.chunks.iter().zip(self.nodes.chunks_exact(CHUNK));
            chunks.filter(|(c, _)| distance(c) - c.radius <= far).flat_map(|(_, nodes)| nodes)
        };
        let least = near().map(|n| squared(x, [n[0], n[1]])).fold(f64::INFINITY, f64::min);
        let sum: f64 = near().map(|n| n[2] * ((least - squared(x, [n[0], n[1]])) / two_variances).exp()).sum();
        sum.ln() - least / two_variances - (std::f64::consts::PI * two_variances).ln()
    }

    /// Differential entropy in nats, by a grid of half a standard deviation.
    pub(super) fn entropy(&self) -> f64 {
        let margin = 8.5 * self.sd;
        let extreme = |k: usize, pick: fn(f64, f64) -> f64| self.nodes.iter().map(|n| n[k]).reduce(pick).unwrap_or(0.0);
        let lower = [0, 1].map(|k| extreme(k, f64::min) - margin);
        let upper = [0, 1].map(|k| extreme(k, f64::max) + margin);
        plane::entropy(|x| self.log_density(x), lower, upper, 0.5 * self.sd)
    }
}
