//! Boxes, the product rule that integrates one, and the choice of those to halve.

use rayon::prelude::*;

use super::QuadratureError;
use crate::dense::Dense;
use crate::energy::Energy;
use crate::ensemble::BLOCK_ROWS;
use crate::real::Real;
use crate::rows::Continuous;
use crate::scratch::Scratch;

/// Positive nodes of the 15-point Kronrod rule on `[-1, 1]`, from the outside in, with their weights; the middle is last.
const NODES: [f64; 8] = [
    0.991_455_371_120_812_6,
    0.949_107_912_342_758_5,
    0.864_864_423_359_769_1,
    0.741_531_185_599_394_4,
    0.586_087_235_467_691_1,
    0.405_845_151_377_397_2,
    0.207_784_955_007_898_47,
    0.0,
];
const KRONROD: [f64; 8] = [
    0.022_935_322_010_529_225,
    0.063_092_092_629_978_55,
    0.104_790_010_322_250_18,
    0.140_653_259_715_525_92,
    0.169_004_726_639_267_9,
    0.190_350_578_064_785_4,
    0.204_432_940_075_298_9,
    0.209_482_141_084_727_82,
];
/// Weights of the 7-point Gauss rule, which uses every second of those nodes.
const GAUSS: [f64; 4] =
    [0.129_484_966_168_869_7, 0.279_705_391_489_276_64, 0.381_830_050_505_118_9, 0.417_959_183_673_469_4];

/// What the difference of the two rules is multiplied by, for kinks.
const SAFETY: f64 = 4.0;
/// Points of the rule along an axis.
pub(super) const POINTS: usize = 15;

/// A box with its integral `exp(log_scale) * value`.
#[derive(Clone, Copy, Default)]
pub(super) struct Cell {
    pub(super) lower: [f64; 3],
    pub(super) side: [f64; 3],
    log_scale: f64,
    value: f64,
    /// Error of `value`, and the axis that has most of it.
    error: f64,
    axis: usize,
}

/// `log` of the sum of all boxes, and the sum of their errors relative to it.
pub(super) fn total(cells: &[Cell]) -> (f64, f64) {
    let most = cells.iter().map(|c| c.log_scale).fold(f64::NEG_INFINITY, f64::max);
    let sum = |part: fn(&Cell) -> f64| cells.iter().map(|c| part(c) * (c.log_scale - most).exp()).sum::<f64>();
    let z = sum(|c| c.value);
    (most + z.ln(), sum(|c| c.error) / z)
}

/// Takes the boxes of largest error out, until those that stay have together at most `enough` of `Z` or as many as `limit`
/// halves are made, and returns their halves.
pub(super) fn halves(cells: &mut Vec<Cell>, log_z: f64, enough: f64, limit: usize) -> Vec<Cell> {
    let error = |c: &Cell| c.error * (c.log_scale - log_z).exp();
    cells.sort_by(|a, b| error(a).total_cmp(&error(b)));
    let mut stay = 0.0;
    let first = cells.iter().position(|c| {
        stay += error(c);
        stay > enough
    });
    let first = first.unwrap_or(cells.len()).max(cells.len().saturating_sub((limit / 2).max(1)));
    let halved = |c: Cell| {
        let mut left = c;
        left.side[c.axis] *= 0.5;
        let mut right = left;
        right.lower[c.axis] += left.side[c.axis];
        [left, right]
    };
    cells.drain(first..).flat_map(halved).collect()
}

/// One node of the product rule on the unit cube: place, Kronrod weight, and the weight with Gauss along each axis.
pub(super) struct Node {
    at: [f64; 3],
    kronrod: f64,
    gauss: [f64; 3],
}

/// The product rule, and what was evaluated so far.
pub(super) struct Work<'a, E: ?Sized> {
    energy: &'a E,
    d: usize,
    pub(super) rule: Vec<Node>,
    pub(super) n_evaluations: usize,
    /// Lowest energy so far, and where.
    pub(super) least: f64,
    pub(super) mode: [f64; 3],
}

/// Place in `[0, 1]`, Kronrod weight and Gauss weight of point `i` of 15.
fn point(i: usize) -> (f64, f64, f64) {
    let (j, sign) = if i < 8 { (i, -1.0) } else { (POINTS - 1 - i, 1.0) };
    let gauss = if j % 2 == 1 { GAUSS[j / 2] } else { 0.0 };
    (0.5 + 0.5 * sign * NODES[j], 0.5 * KRONROD[j], 0.5 * gauss)
}

impl<'a, E: ?Sized> Work<'a, E> {
    pub(super) fn new(energy: &'a E, d: usize) -> Self {
        let node = |i: usize| {
            let points: Vec<_> = (0..d).map(|k| point(i / POINTS.pow(k as u32) % POINTS)).collect();
            let mut node = Node { at: [0.0; 3], kronrod: points.iter().map(|p| p.1).product(), gauss: [0.0; 3] };
            for (k, p) in points.iter().enumerate() {
                node.at[k] = p.0;
                node.gauss[k] = node.kronrod / p.1 * p.2;
            }
            node
        };
        let rule = (0..POINTS.pow(d as u32)).map(node).collect();
        Work { energy, d, rule, n_evaluations: 0, least: f64::INFINITY, mode: [0.0; 3] }
    }

    /// Energies at `n` places.
    pub(super) fn energies<T: Real>(
        &mut self,
        n: usize,
        place: impl Fn(usize) -> [f64; 3] + Sync,
    ) -> Result<Vec<f64>, QuadratureError>
    where
        E: Energy<X = Dense<T>>,
    {
        let (d, energy) = (self.d, self.energy);
        let mut energies = vec![0.0; n];
        energies.par_chunks_mut(BLOCK_ROWS).enumerate().for_each_init(
            || (Dense::<T>::default(), Scratch::default()),
            |(x, ws), (b, out)| {
                x.reset(out.len(), d);
                for r in 0..out.len() {
                    let at = place(b * BLOCK_ROWS + r);
                    x.row_mut(r).iter_mut().zip(at).for_each(|(x, at)| *x = T::narrow(at));
                }
                energy.energy(x, out, ws);
            },
        );
        self.n_evaluations += n;
        for (i, &e) in energies.iter().enumerate() {
            if !e.is_finite() {
                return Err(QuadratureError::Energy { value: e, at: place(i)[..d].to_vec() });
            }
            if e < self.least {
                (self.least, self.mode) = (e, place(i));
            }
        }
        Ok(energies)
    }

    /// Fills in the integrals of boxes.
    pub(super) fn integrate<T: Real>(&mut self, mut cells: Vec<Cell>) -> Result<Vec<Cell>, QuadratureError>
    where
        E: Energy<X = Dense<T>>,
    {
        let n = self.rule.len();
        let rule = std::mem::take(&mut self.rule);
        let place = |i: usize| {
            let (cell, node) = (&cells[i / n], &rule[i % n]);
            std::array::from_fn(|k| cell.lower[k] + cell.side[k] * node.at[k])
        };
        let energies = self.energies(cells.len() * n, place)?;
        for (cell, energies) in cells.iter_mut().zip(energies.chunks_exact(n)) {
            let least = energies.iter().copied().fold(f64::INFINITY, f64::min);
            let (mut value, mut gauss) = (0.0, [0.0; 3]);
            for (node, e) in rule.iter().zip(energies) {
                let p = (least - e).exp();
                value += node.kronrod * p;
                gauss.iter_mut().zip(node.gauss).for_each(|(g, w)| *g += w * p);
            }
            let volume: f64 = cell.side[..self.d].iter().product();
            let differences: Vec<f64> = gauss[..self.d].iter().map(|g| (value - g).abs()).collect();
            cell.axis = (0..self.d).fold(0, |a, k| if differences[k] > differences[a] { k } else { a });
            (cell.value, cell.error) = (value * volume, SAFETY * differences.iter().sum::<f64>() * volume);
            cell.log_scale = -least;
        }
        self.rule = rule;
        Ok(cells)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On `[0, 1]` the Kronrod rule integrates `x^k` exactly up to `k = 23` and the Gauss rule up to 13, and neither beyond.
    #[test]
    fn rules_have_their_degrees() {
        let error = |k: i32, pick: fn((f64, f64, f64)) -> f64| {
            (0..POINTS).map(|i| pick(point(i)) * (2.0 * point(i).0 - 1.0).powi(k)).sum::<f64>()
                - if k % 2 == 0 { 1.0 / f64::from(k + 1) } else { 0.0 }
        };
        assert!((0..24).all(|k| error(k, |p| p.1).abs() < 1e-15) && error(24, |p| p.1).abs() > 1e-10);
        assert!((0..14).all(|k| error(k, |p| p.2).abs() < 1e-15) && error(14, |p| p.2).abs() > 1e-6);
    }
}
