//! Objectives, one file each.

pub mod adversarial;
mod batch;
pub mod conditional_nce;
pub mod contrastive_divergence;
pub mod denoising;
mod error;
pub mod exact_likelihood;
pub mod finite_difference;
pub mod noise_contrastive;
pub mod regularisers;
pub mod score_matching;
pub mod sliced;

pub use adversarial::{AdversarialReverseKl, Adversary, Generator};
pub use conditional_nce::ConditionalNce;
pub use contrastive_divergence::ContrastiveDivergence;
pub use denoising::Denoising;
pub use error::ObjectiveError;
pub use exact_likelihood::{ExactLikelihood, ExactMoments};
pub use finite_difference::FiniteDifferenceSliced;
pub use noise_contrastive::NoiseContrastive;
pub use regularisers::{EnergyMagnitude, GradientPenalty, InputNoise, Place, Regularised, Regulariser};
pub use score_matching::{ScoreMatching, Trace};
pub use sliced::{Sliced, SlicedForm};
