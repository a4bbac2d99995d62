//! Exact samples of a torus by coupling from the past, 64 lattices a word.

use gibbs_core::key::Key;
use gibbs_core::rows::Rows;
use gibbs_core::samplers::MonotoneMap;
use gibbs_kernels::ising::{Plane, Shape};
use gibbs_kernels::rng::Lanes;

use super::replicas::PER_WORD;
use super::{LatticeError, Replicas, TorusPath};

/// A checkerboard sweep by heat bath that keeps the order of spins, for [`from_the_past`](gibbs_core::samplers::from_the_past).
///
/// [`Checkerboard`](super::Checkerboard) draws whether a spin goes *against* its neighbours, which keeps no order. Here a site
/// has one uniform number `u` and is up if `u < p(up | neighbours)`: with `s = [u >= 1/2]` and `w` the distance of `u` from
/// the nearer end over 1/2, `a = [w < 2 / (1 + e^(4 K))]` and `b = [w < 2 / (1 + e^(8 K))]`,
///
/// | neighbours up | 0 | 1 | 2 | 3 | 4 |
/// |---|---|---|---|---|---|
/// | the site is up | not s, b | not s, a | not s | not (s, a) | not (s, b) |
///
/// Both states of a step share `s`, `a` and `b`. Probabilities are rounded to multiples of 2^-33.
///
/// # Example
/// ```
/// use gibbs_core::{key::Key, rows::Rows, samplers::from_the_past};
/// use gibbs_spin::lattice::{MonotoneTorus, TorusPath};
/// let lattices = from_the_past(&MonotoneTorus::new(&TorusPath::new(8, 0.3)?)?, 64, &Key::from_seed(0));
/// assert_eq!(lattices.n_rows(), 64);
/// # Ok::<(), gibbs_spin::lattice::LatticeError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MonotoneTorus {
    side: usize,
    shape: Shape,
    /// `2 / (1 + e^(4 K))` and `2 / (1 + e^(8 K))` in units of 2^-32; 2^32 stands for certainty.
    thresholds: [u64; 2],
}

impl MonotoneTorus {
    /// Of the path's lattice at `beta = 1`.
    ///
    /// # Errors
    /// None for a path, whose side was checked.
    pub fn new(path: &TorusPath) -> Result<Self, LatticeError> {
        let side = path.side();
        let shape = Shape::replicas(side).ok_or(LatticeError::Side { side, wanted: "an even number from 2 on" })?;
        let threshold = |x: f64| ((2.0 / (1.0 + (x * path.coupling()).exp())) * 2f64.powi(32)).round() as u64;
        Ok(Self { side, shape, thresholds: [threshold(4.0), threshold(8.0)] })
    }

    /// Decides all sites of one colour of 64 lattices.
    fn half_sweep(&self, planes: &mut [Plane; 2], colour: usize, decisions: &[[u64; 3]]) {
        let (side, width) = (self.side, self.shape.width);
        let [even, odd] = planes;
        let (target, other) = if colour == 0 { (even, odd) } else { (odd, even) };
        target.update(|i, c, word| {
            let row = other.row(i);
            let beside = if (i + colour).is_multiple_of(2) { (c + width - 1) % width } else { (c + 1) % width };
            let (above, below) = (other.row((i + side - 1) % side)[c], other.row((i + 1) % side)[c]);
            *word = choose([above, below, row[c], row[beside]], decisions[i * width + c]);
        });
    }
}

/// The spins that four words of neighbours and the three decisions of a site give.
fn choose([p, q, r, t]: [u64; 4], [s, a, b]: [u64; 3]) -> u64 {
    // A full adder and a half: the number of neighbours up is `ones + 2 twos`, with `all` for four.
    let (x, both) = (p ^ q, p & q);
    let (y, pair) = (r ^ t, r & t);
    let (ones, all) = (x ^ y, both & pair);
    let two = !ones & !all & (both | pair | (x & y));
    let three = ones & (both | pair);
    let one = ones & !three;
    let none = !(ones | all | two);
    (none & !s & b) | (one & !s & a) | (two & !s) | (three & !(s & a)) | (all & !(s & b))
}

/// Random words, drawn eight numbers at a time.
struct Words {
    lanes: Lanes,
    buffer: [u64; 4],
    used: usize,
}

impl Words {
    fn new(key: &Key) -> Self {
        Self { lanes: Lanes::new(key.bits(), 0), buffer: [0; 4], used: 4 }
    }

    fn next(&mut self) -> u64 {
        if self.used == 4 {
            let eight = self.lanes.next_u32s();
            self.buffer = [0, 1, 2, 3].map(|i| u64::from(eight[2 * i]) | u64::from(eight[2 * i + 1]) << 32);
            self.used = 0;
        }
        self.used += 1;
        self.buffer[self.used - 1]
    }

    /// `s`, `a` and `b` of 64 sites: fair bits, and whether a number of 32 bits of its own lies below each threshold. Numbers are
    /// compared bit by bit from the highest, until none can change sides.
    fn decide(&mut self, thresholds: [u64; 2]) -> [u64; 3] {
        let s = self.next();
        // 2^32 itself: always below.
        let mut below = thresholds.map(|t| if t >> 32 == 1 { u64::MAX } else { 0 });
        let mut equal = thresholds.map(|t| if t >> 32 == 1 { 0 } else { u64::MAX });
        for bit in (0..32).rev() {
            if equal[0] | equal[1] == 0 {
                break;
            }
            let word = self.next();
            for k in 0..2 {
                if thresholds[k] >> bit & 1 == 1 {
                    below[k] |= equal[k] & !word;
                    equal[k] &= word;
                } else {
                    equal[k] &= !word;
                }
            }
        }
        [s, below[0], below[1]]
    }
}

impl MonotoneMap for MonotoneTorus {
    type X = Replicas;

    fn block_rows(&self) -> usize {
        PER_WORD
    }

    fn extremes(&self, n: usize) -> [Replicas; 2] {
        [u64::MAX, 0].map(|word| {
            let plane = Plane::from_fn(self.shape, |_, _| word);
            Replicas::from_blocks(self.side, n, vec![[plane.clone(), plane]; n.div_ceil(PER_WORD)])
        })
    }

    fn apply(&self, states: &mut [Replicas; 2], key: &Key) {
        let [greatest, least] = states;
        for (b, (g, l)) in greatest.blocks_mut().iter_mut().zip(least.blocks_mut()).enumerate() {
            let mut words = Words::new(&key.block(b as u64));
            for colour in 0..2 {
                let sites = 0..self.side * self.shape.width;
                let decisions: Vec<[u64; 3]> = sites.map(|_| words.decide(self.thresholds)).collect();
                self.half_sweep(g, colour, &decisions);
                self.half_sweep(l, colour, &decisions);
            }
        }
    }

    fn join(&self, blocks: Vec<Replicas>) -> Replicas {
        let n = blocks.iter().map(Rows::n_rows).sum();
        Replicas::from_blocks(self.side, n, blocks.into_iter().flat_map(Replicas::into_blocks).collect())
    }
}
