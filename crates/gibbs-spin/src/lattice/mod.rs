//! The two-dimensional Ising and Potts models on a square torus.
//!
//! `p(s) prop exp(K sum_<ij> s_i s_j)` over nearest neighbours, `s_i = +-1` (+1 is bit 1), coupling `K = J / T >= 0`. An
//! antiferromagnet on an even torus is the ferromagnet with every second spin turned.
//!
//! | file | what it holds |
//! |---|---|
//! | [`torus`] | one lattice, 64 sites a word: checkerboard sweeps of whole words, for large lattices |
//! | [`replicas`] | many small lattices, 64 a word: the rows of a batch |
//! | [`path`](mod@path) | from free spins to the lattice, and the kernel along it: what `log Z` is estimated with |
//! | [`clusters`] | the same with a cluster now and then, for paths through the transition |
//! | [`perfect`] | exact samples by coupling from the past |
//! | [`grid`] | one lattice, a byte a spin: what cluster samplers walk on |
//! | [`wolff`] | one cluster at a time |
//! | [`swendsen_wang`] | all clusters at once |
//! | [`potts`] | `q` states a site |
//! | [`exact`] | `log Z`, energy and specific heat without sampling |
//! | [`observables`] | energy, magnetisation, susceptibility, Binder cumulant with their errors |
pub mod clusters;
pub mod exact;
mod flood;
pub mod grid;
mod labels;
pub mod observables;
pub mod path;
pub mod perfect;
pub mod potts;
pub mod replicas;
pub mod swendsen_wang;
pub mod torus;
pub mod wolff;

pub use clusters::Clusters;
pub use exact::ExactTorus;
pub use gibbs_kernels::ising::Rule;
pub use grid::Grid;
pub use observables::{Estimate, Observables, Series};
pub use path::{Bonds, Checkerboard, TorusPath};
pub use perfect::MonotoneTorus;
pub use potts::Potts;
pub use replicas::Replicas;
pub use swendsen_wang::SwendsenWang;
pub use torus::Torus;
pub use wolff::Wolff;

/// `ln(1 + sqrt 2) / 2`: the coupling at which the infinite square lattice orders (Onsager 1944, DOI 10.1103/PhysRev.65.117).
pub const CRITICAL_COUPLING: f64 = 0.440_686_793_509_771_5;

/// Why a lattice cannot be made or measured.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LatticeError {
    /// The side does not fit the layout.
    #[error("a side of {side} is not {wanted}")]
    Side {
        /// The side asked for.
        side: usize,
        /// What it must be, and what else would do.
        wanted: &'static str,
    },
    /// A coupling below 0, infinite, or NaN.
    #[error(
        "the coupling is {0}: it must be finite and not negative; an antiferromagnet on an even torus is the ferromagnet with \
         every second spin turned"
    )]
    Coupling(f64),
    /// Too few measurements for an error bar.
    #[error("{found} measurements are too few for error bars: take {least} or more")]
    TooFew {
        /// How many there are.
        found: usize,
        /// How many are needed.
        least: usize,
    },
    /// A number of states that the Potts model does not have.
    #[error("{0} states: the Potts model here has 2 to 256")]
    States(usize),
}

/// A coupling that can be used.
fn checked_coupling(coupling: f64) -> Result<f64, LatticeError> {
    if coupling >= 0.0 && coupling.is_finite() { Ok(coupling) } else { Err(LatticeError::Coupling(coupling)) }
}
