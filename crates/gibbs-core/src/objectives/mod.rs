//! Objectives, one file each.

pub mod contrastive_divergence;
pub mod exact_likelihood;

pub use contrastive_divergence::ContrastiveDivergence;
pub use exact_likelihood::{ExactLikelihood, ExactMoments};
