//! Cluster moves along the path of a torus.

use gibbs_core::kernel::{Evaluated, Kernel};
use gibbs_core::key::Key;
use gibbs_core::path::Path;
use gibbs_core::scratch::Scratch;
use gibbs_kernels::ising::{Decision, Rule};
use rayon::prelude::*;

use super::path::Bonds;
use super::swendsen_wang::join_probability;
use super::{Checkerboard, Replicas, TorusPath, flood};

/// Checkerboard sweeps by heat bath, and in a share of the steps a Wolff cluster of every lattice instead.
///
/// Clusters of 64 lattices are found at once, bit by bit, for the price of some six sweeps; sweeps are several a step, since
/// counting bonds at its end costs half as much as one. Where single flips would never arrive (stripes beyond the transition) or
/// forget slowly (at the transition) a cluster does what no number of sweeps can; where spins are hardly coupled it is a spin.
///
/// **Reversible**: a coin of the step's key says which colour its sweeps begin with, even before odd or odd before even, each
/// the other read backwards, and whether the step is a cluster instead, which turns back as likely as it turned; a mixture of a
/// move and its reverse satisfies detailed balance, so both sides of a bracket may be joined by Bennett's acceptance ratio. The
/// coins are tossed for all lattices of a key together.
///
/// # Source
/// Wolff 1989, DOI 10.1103/PhysRevLett.62.361.
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
    /// Four sweeps a step, and a cluster in one step of eight.
    fn default() -> Self {
        Self { share: 1.0 / 8.0, n_sweeps: 4 }
    }
}

impl Clusters {
    /// With clusters in this share of the steps, cut to `0..=1`.
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
            turn(&mut chain.x, coupling, &clusters, ws);
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

/// Turns a cluster of every lattice over; block `b` of lattices draws from `key.block(b)`.
fn turn(x: &mut Replicas, coupling: f64, key: &Key, ws: &mut Scratch) {
    let join = join_probability(coupling);
    let words = flood::WORDS_PER_SITE * x.side() * x.side();
    let mut space = ws.take_u64(words * x.blocks_mut().len());
    let blocks = x.blocks_mut().par_iter_mut().with_max_len(1).zip(space.par_chunks_mut(words)).enumerate();
    blocks.for_each(|(b, (planes, space))| flood::turn(planes, join, &key.block(b as u64), space));
    ws.give_u64(space);
}
