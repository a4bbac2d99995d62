//! One large lattice, 64 sites a word.

use gibbs_core::key::{Key, Purpose};
use gibbs_core::persist::{Persist, StateError, Tensor, TensorMap};
use gibbs_kernels::ising::{self, Decision, Plane, Rule, Shape};
use gibbs_kernels::rng::Lanes;

use super::{Grid, LatticeError, checked_coupling};

/// A `side` x `side` torus of spins, packed 64 sites of one colour a word.
///
/// A sweep decides all sites of colour 0 (`i + j` even) given colour 1 and then the other way, each site with a 32-bit random
/// number of its own. The law of a sweep is [`Rule`]'s; probabilities are rounded to multiples of 2^-32. Keys fix the
/// result, whatever the number of threads.
///
/// Measured (`record/ising.md`): 10 to 14 decisions a nanosecond on one core.
///
/// # Example
/// ```
/// use gibbs_core::key::Key;
/// use gibbs_spin::lattice::{Rule, Torus};
/// let mut torus = Torus::random(128, &Key::from_seed(1))?;
/// torus.sweep(Rule::HeatBath, 0.3, 200, &Key::from_seed(2))?;
/// let energy = -torus.bonds() as f64 / torus.n_sites() as f64;
/// // Kaufman's exact energy a site is -0.70459; one lattice of this size scatters by 0.013.
/// assert!((energy + 0.7046).abs() < 0.06, "{energy}");
/// # Ok::<(), gibbs_spin::lattice::LatticeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torus {
    side: usize,
    planes: [Plane; 2],
}

impl Torus {
    /// All spins down.
    ///
    /// # Errors
    /// If `side` is not a multiple of 128.
    pub fn ordered(side: usize) -> Result<Self, LatticeError> {
        let wanted = "a positive multiple of 128, as 64 strips of sites need; `Replicas` and `Grid` take other sides";
        let shape = Shape::strips(side).ok_or(LatticeError::Side { side, wanted })?;
        Ok(Self { side, planes: [Plane::new(shape), Plane::new(shape)] })
    }

    /// Fair independent spins: infinite temperature.
    ///
    /// # Errors
    /// As [`Torus::ordered`].
    pub fn random(side: usize, key: &Key) -> Result<Self, LatticeError> {
        let mut torus = Self::ordered(side)?;
        for (colour, plane) in torus.planes.iter_mut().enumerate() {
            fill(plane, &key.purpose(Purpose::Init).block(colour as u64));
        }
        Ok(torus)
    }

    /// Sites of a side.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Sites, `side^2`.
    pub fn n_sites(&self) -> usize {
        self.side * self.side
    }

    /// `n` sweeps at coupling `coupling`.
    ///
    /// # Errors
    /// If the coupling is negative or not finite.
    pub fn sweep(&mut self, rule: Rule, coupling: f64, n: u64, key: &Key) -> Result<(), LatticeError> {
        let decision = Decision::new(rule, checked_coupling(coupling)?);
        ising::sweeps(&mut self.planes, &decision, n, |t, colour| key.step(t).block(colour as u64).bits());
        Ok(())
    }

    /// `sum_<ij> s_i s_j` over the `2 side^2` bonds; the energy is `-K` times it.
    pub fn bonds(&self) -> i64 {
        let differ: u64 = ising::bond_counts(&self.planes[0], &self.planes[1]).iter().sum();
        2 * self.n_sites() as i64 - 2 * differ as i64
    }

    /// `sum_i s_i`.
    pub fn magnetisation(&self) -> i64 {
        let ups: u64 = ising::up_counts(&self.planes[0], &self.planes[1]).iter().sum();
        2 * ups as i64 - self.n_sites() as i64
    }

    /// Whether the spin of row `i`, column `j` is +1.
    ///
    /// # Panics
    /// If a coordinate is not below the side.
    pub fn is_up(&self, i: usize, j: usize) -> bool {
        assert!(i < self.side && j < self.side, "site ({i}, {j}) of a side of {}", self.side);
        let rows = self.planes[0].shape().rows;
        self.planes[(i + j) % 2].row(i % rows)[j / 2] >> (i / rows) & 1 == 1
    }

    /// The same spins, a byte each.
    pub fn to_grid(&self) -> Grid {
        Grid::from_fn(self.side, |i, j| self.is_up(i, j))
    }
}

/// Fair bits.
pub(super) fn fill(plane: &mut Plane, key: &Key) {
    let mut lanes = Lanes::new(key.bits(), 0);
    let mut words = Vec::new();
    plane.update(|_, _, word| {
        if words.is_empty() {
            words.extend(lanes.next_u32s().as_chunks::<2>().0.iter().map(|[a, b]| u64::from(*a) | u64::from(*b) << 32));
        }
        *word = words.pop().unwrap_or_default();
    });
}

/// Words of both colours, row after row.
pub(super) fn plane_words(planes: &[Plane; 2]) -> impl Iterator<Item = u64> {
    planes.iter().flat_map(|p| (0..p.shape().rows).flat_map(|r| p.row(r).iter().copied()))
}

/// Takes the words of [`plane_words`] back.
pub(super) fn set_plane_words(planes: &mut [Plane; 2], words: &mut impl Iterator<Item = u64>) {
    for plane in planes {
        plane.update(|_, _, word| *word = words.next().unwrap_or_default());
    }
}

impl Persist for Torus {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        let words: Vec<u64> = plane_words(&self.planes).collect();
        to.insert(format!("{prefix}spins"), Tensor::from_u64(&[words.len()], &words));
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        let name = format!("{prefix}spins");
        let words = from.expect(&name, Some(&[self.n_sites() / 64]))?.to_u64(&name)?;
        set_plane_words(&mut self.planes, &mut words.into_iter());
        Ok(())
    }
}
