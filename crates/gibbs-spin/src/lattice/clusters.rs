//! Cluster moves along the path of a torus.

use gibbs_core::kernel::{Evaluated, Kernel};
use gibbs_core::key::{Key, Rng};
use gibbs_core::path::Path;
use gibbs_core::scratch::Scratch;
use gibbs_kernels::ising::{Decision, Rule};
use rayon::prelude::*;

use super::labels::Labels;
use super::path::Bonds;
use super::replicas::PER_WORD;
use super::swendsen_wang::join_probability;
use super::{Checkerboard, Replicas, TorusPath};

/// Checkerboard sweeps by heat bath, and in a share of the steps a Swendsen-Wang move of every lattice instead.
///
/// A sweep of 64 lattices costs what a cluster move of one does, so nearly all steps are sweeps, several a step, since
/// counting bonds at its end costs half as much as a sweep. Where single flips would never arrive (stripes beyond the
/// transition) a rare cluster move does what no number of sweeps can.
///
/// **Reversible**: a coin of the step's key says which colour its sweeps begin with, even before odd or odd before even, each
/// the other read backwards, and whether the step is a cluster move instead; a mixture of a move and its reverse satisfies
/// detailed balance, so both sides of a bracket may be joined by Bennett's acceptance ratio. The coins are tossed for all
/// lattices of a key together.
///
/// # Source
/// Swendsen & Wang 1987, DOI 10.1103/PhysRevLett.58.86.
///
/// # Example
/// ```
/// use gibbs_core::key::Key;
/// use gibbs_core::log_partition::{Ais, ais::linear_ladder};
/// use gibbs_core::scratch::Scratch;
/// use gibbs_spin::lattice::{CRITICAL_COUPLING, Clusters, TorusPath};
/// use std::ops::ControlFlow;
/// let path = TorusPath::new(16, CRITICAL_COUPLING)?;
/// let ais = Ais::new(Clusters::default(), 64, linear_ladder(200))?;
/// let go = &mut |_, _| ControlFlow::Continue(());
/// let (log_z, _) = ais.estimate(&path, &Key::from_seed(0), &mut Scratch::default(), go)?;
/// // Kaufman: 238.6423.
/// assert!((log_z.value - 238.6423).abs() < 5.0 * log_z.std_err);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clusters {
    share: f64,
    n_sweeps: u64,
}

impl Default for Clusters {
    /// Four sweeps a step, and a cluster move in one step of 256.
    fn default() -> Self {
        Self { share: 1.0 / 256.0, n_sweeps: 4 }
    }
}

impl Clusters {
    /// With a cluster move in this share of the steps, cut to `0..=1`.
    pub fn with_share(share: f64) -> Self {
        Self { share: share.clamp(0.0, 1.0), ..Self::default() }
    }

    /// With this many sweeps in the other steps, at least one.
    pub fn with_sweeps(self, n_sweeps: u64) -> Self {
        Self { n_sweeps: n_sweeps.max(1), ..self }
    }
}

impl Kernel<TorusPath> for Clusters {
    type Chain = Evaluated<Replicas, Bonds>;
    type Tuning = ();
    type Info = ();

    fn init(&self, path: &TorusPath, x: Replicas, ws: &mut Scratch) -> Self::Chain {
        Checkerboard(Rule::HeatBath).init(path, x, ws)
    }

    fn step(&self, path: &TorusPath, beta: f64, (): &(), chain: &mut Self::Chain, key: &Key, ws: &mut Scratch) {
        let (sweeps, clusters, coupling) = (key.block(0), key.block(1), beta * path.coupling());
        let mut coins = clusters.rng();
        if coins.uniform() < self.share {
            redraw(&mut chain.x, coupling, &clusters);
        } else {
            let (decision, first) = (Decision::new(Rule::HeatBath, coupling), usize::from(coins.uniform() < 0.5));
            (0..self.n_sweeps).for_each(|t| chain.x.sweep(&decision, first, &sweeps.step(t)));
        }
        path.evaluate(&chain.x, &mut chain.eval, ws);
    }

    fn position<'a>(&self, chain: &'a Self::Chain) -> &'a Replicas {
        &chain.x
    }

    fn eval<'a>(&self, chain: &'a Self::Chain) -> &'a Bonds {
        &chain.eval
    }
}

/// One Swendsen-Wang move of every lattice; block `b` draws from `key.block(b)`.
fn redraw(x: &mut Replicas, coupling: f64, key: &Key) {
    let (side, join) = (x.side(), join_probability(coupling));
    x.blocks_mut().par_iter_mut().with_max_len(1).enumerate().for_each(|(b, planes)| {
        let key = key.block(b as u64);
        let spin = |i: usize, j: usize| planes[(i + j) % 2].row(i)[j / 2];
        // Bonds of 64 lattices at once: joined where spins are equal and a draw says so.
        let mut rng = key.block(0).rng();
        let (mut right, mut below) = (Vec::with_capacity(side * side), Vec::with_capacity(side * side));
        for i in 0..side {
            for j in 0..side {
                let here = spin(i, j);
                right.push(thin(!(here ^ spin(i, (j + 1) % side)), join, &mut rng));
                below.push(thin(!(here ^ spin((i + 1) % side, j)), join, &mut rng));
            }
        }
        let turned: Vec<Vec<u8>> = (0..PER_WORD)
            .into_par_iter()
            .map_init(Labels::default, |labels, lattice| {
                labels.find(side, |s| right[s] >> lattice & 1 == 1, |s| below[s] >> lattice & 1 == 1);
                let mut rng = key.block(1 + lattice as u64).rng();
                let coins: Vec<u8> = (0..labels.bound()).map(|_| (rng.next_u32() >> 31) as u8).collect();
                (0..side * side).map(|s| coins[labels.of(s)]).collect()
            })
            .collect();
        for (colour, plane) in planes.iter_mut().enumerate() {
            plane.update(|i, column, word| {
                let s = i * side + 2 * column + (i + colour) % 2;
                *word ^= turned.iter().rev().fold(0, |bits, t| bits << 1 | u64::from(t[s]));
            });
        }
    });
}

/// Keeps each bit of `word` with probability `p / 2^32`, bit of the probability by bit, until all are decided.
fn thin(word: u64, p: u64, rng: &mut Rng) -> u64 {
    if p >> 32 == 1 {
        return word;
    }
    let (mut kept, mut open) = (0, word);
    for place in (0..32).rev() {
        if open == 0 {
            break;
        }
        let draw = rng.next_u64();
        if p >> place & 1 == 1 {
            kept |= open & !draw;
            open &= draw;
        } else {
            open &= !draw;
        }
    }
    kept
}
