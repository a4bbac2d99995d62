//! Analytic energies, one file each, with the moments and `log Z` that are known of them.
//!
//! States are rows of real numbers, [`Dense<T>`](gibbs_core::dense::Dense) with `T` either `f32` or `f64`. Constants are
//! kept in `f64`; a row is evaluated in `T`, and its energy handed out in `f64`. Gradients are written by hand, and
//! `grad` leaves the energy out: it is what Langevin kernels call.
//!
//! | module | energy | exact draws | `log Z` |
//! |---|---|---|---|
//! | [`quadratic`] | `(x - m)' A (x - m) / 2` | through [`gaussian`] | yes |
//! | [`gaussian`] | the same, normalised; fitted to data | yes | 0 |
//! | [`uniform_box`] | constant inside a box | yes | 0 |

mod cholesky;
mod rows;

pub mod gaussian;
pub mod quadratic;
pub mod uniform_box;

pub use gaussian::{FitError, Gaussian};
pub use quadratic::{Quadratic, QuadraticError};
pub use uniform_box::{UniformBox, UniformBoxError};
