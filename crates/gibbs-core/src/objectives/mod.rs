//! Objectives, one file each.

mod batch;
pub mod conditional_nce;
pub mod contrastive_divergence;
mod error;
pub mod exact_likelihood;
pub mod noise_contrastive;

pub use conditional_nce::ConditionalNce;
pub use contrastive_divergence::ContrastiveDivergence;
pub use error::ObjectiveError;
pub use exact_likelihood::{ExactLikelihood, ExactMoments};
pub use noise_contrastive::NoiseContrastive;
