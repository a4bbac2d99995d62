//! Analytic energies, one file each, with the moments and `log Z` that are known of them.
//!
//! States are rows of real numbers, [`Dense<T>`](gibbs_core::dense::Dense) with `T` either `f32` or `f64`. Constants are
//! kept in `f64`; energies are handed out in `f64`. Gradients are written by hand; `grad`, which is
//! what Langevin kernels call, leaves the energy out where that saves anything.
//!
//! | module | energy | exact draws | `log Z` |
//! |---|---|---|---|
//! | [`quadratic`] | `(x - m)' A (x - m) / 2` | through [`gaussian`] | yes |
//! | [`gaussian`] | the same, normalised; fitted to data | yes | 0 |
//! | [`uniform_box`] | constant inside a box | yes | 0 |
//! | [`gaussian_mixture`] | weighted Gaussians | yes | 0 |
//! | [`kernel_density`] | a bump on each of some rows of data | yes | 0 |
//! | [`double_well`] | `h sum (x_i^2 - 1)^2` | | yes |
//! | [`rings`] | rings in the plane | yes | 0 |
//! | [`banana`] | Rosenbrock's valley | yes | 0 |
//! | [`funnel`] | Neal's funnel | yes | 0 |
//! | [`logistic_regression`] | a posterior | | log evidence, unknown |
//! | [`eight_schools`] | a posterior, centred or not | | log evidence, a 2-D integral |

mod bessel;
mod cholesky;
mod error;
mod precision;
mod rows;

pub mod banana;
pub mod double_well;
pub mod eight_schools;
pub mod funnel;
pub mod gaussian;
pub mod gaussian_mixture;
pub mod kernel_density;
pub mod logistic_regression;
pub mod quadratic;
pub mod rings;
pub mod uniform_box;

pub use banana::Banana;
pub use double_well::DoubleWell;
pub use eight_schools::{EightSchools, Parameterisation};
pub use error::TargetError;
pub use funnel::Funnel;
pub use gaussian::{FitError, Gaussian};
pub use gaussian_mixture::{GaussianMixture, MixtureError};
pub use kernel_density::{KernelDensity, KernelDensityError};
pub use logistic_regression::LogisticRegression;
pub use quadratic::{Quadratic, QuadraticError};
pub use rings::Rings;
pub use uniform_box::{UniformBox, UniformBoxError};
