//! Objectives, one file each.
//!
//! | objective | asks of the energy | learns | bias |
//! |---|---|---|---|
//! | [`ExactLikelihood`] | [`ExactMoments`] | the density | none |
//! | [`PseudoLikelihood`] | a path over two-valued sites | the density up to `Z` | none, less efficient |
//! | [`ContrastiveDivergence`] | a path with cached gradients | the density up to `Z` | short or lagging chains |
//! | [`NoiseContrastive`] | `Parametric` | the density **with** `log Z` | none where the noise covers the data |
//! | [`ConditionalNce`] | `Parametric` | the density up to `Z` | none |
//! | [`ScoreMatching`], [`Sliced`] | `ScoreParametric` | the score | none |
//! | [`FiniteDifferenceSliced`] | `Parametric` | the score | `O(step^2)` |
//! | [`Denoising`] | `ScoreParametric` | the score of the noised data | width `sigma` |
//! | [`AdversarialReverseKl`] | `Parametric + Gradient` | a generator, and its log density ratio to the data | mode-seeking |
//!
//! [`Regularised`] adds penalties to any of them, [`InputNoise`] noise.

pub mod adversarial;
mod batch;
pub mod conditional_nce;
pub mod contrastive_divergence;
pub mod denoising;
mod error;
pub mod exact_likelihood;
pub mod finite_difference;
pub mod maximum_likelihood;
pub mod noise_contrastive;
pub mod pseudo_likelihood;
pub mod regularisers;
pub mod score_matching;
pub mod sliced;

pub use adversarial::{AdversarialReverseKl, Adversary, Generator};
pub use conditional_nce::ConditionalNce;
pub use contrastive_divergence::ContrastiveDivergence;
pub use denoising::Denoising;
pub use error::ObjectiveError;
pub use exact_likelihood::{ExactLikelihood, ExactMoments, ModelMoments};
pub use finite_difference::FiniteDifferenceSliced;
pub use maximum_likelihood::{MaximumLikelihood, Negatives};
pub use noise_contrastive::NoiseContrastive;
pub use pseudo_likelihood::PseudoLikelihood;
pub use regularisers::{EnergyMagnitude, GradientPenalty, InputNoise, Place, Regularised, Regulariser};
pub use score_matching::{ScoreMatching, Trace};
pub use sliced::{Sliced, SlicedForm};
