//! Energies over bits: restricted Boltzmann machines and what they need.
//!
//! | module | what it holds |
//! |---|---|
//! | [`bits`] | bit-packed rows, the state of every model here |
//! | [`bernoulli`] | independent bits: the usual base of annealing |
//! | [`boltzmann`] | the fully visible Boltzmann machine: heat bath by colours, exact sums, the likelihood's maximum |
//! | [`dbm`] | the deep Boltzmann machine: an RBM between even and odd layers, mean field and its bound, learning |
//! | [`dbn`] | the deep belief net: features, its bound, draws downwards |
//! | [`harmonium`] | restricted machines with other units: real, categorical, counts, labels; rectified hidden units |
//! | [`exact`] | the ways to each model's exact `log Z`, with their prices |
//! | [`graph`] | undirected graphs: grids, random regular ones, colourings |
//! | [`field`] | pairwise Markov random fields on a graph: samplers, exact sums, inference, learning |
//! | [`perfect`] | maps that keep an order: exact samples of attractive models by coupling from the past |
//! | [`newton`] | the largest value of a concave function of a few parameters |
//! | [`crf`] | label sequences: the linear-chain conditional random field, exact throughout |
//! | [`lattice`] | Ising and Potts models on a square torus: sweeps of whole words, clusters, observables, path |
//! | [`memory`] | associative memories: Hopfield, dense, continuous; storage and recall |
//! | [`qubo`], [`annealing`] | quadratic energies with few couplings: files, flips, tempering, ground states |
//! | [`restoration`] | pictures restored from noisy ones |
//! | [`rbm`] | the binary restricted Boltzmann machine: energy, path, block Gibbs, exact sums, centring |
//! | [`relaxed`] | energies of real inputs on the corners of the unit cube |
pub mod annealing;
pub mod bernoulli;
pub mod bits;
pub mod boltzmann;
pub mod crf;
pub mod dbm;
pub mod dbn;
pub mod exact;
pub mod field;
pub mod graph;
pub mod harmonium;
pub mod lattice;
pub mod memory;
pub mod newton;
pub mod perfect;
pub mod qubo;
pub mod rbm;
pub mod relaxed;
pub mod restoration;

pub use bernoulli::Bernoulli;
pub use bits::Bits;
pub use boltzmann::Boltzmann;
pub use dbm::Dbm;
pub use dbn::Dbn;
pub use rbm::{BlockGibbs, Rbm, RbmPath};
