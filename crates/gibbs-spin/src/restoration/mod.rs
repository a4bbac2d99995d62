//! Pictures restored from noisy ones: fields of pixels given what was seen.
//!
//! | file | what it holds |
//! |---|---|
//! | [`binary`] | black and white pictures with flipped pixels: the Ising posterior, and sweeps of whole words |
//! | [`estimate`] | coupling and noise from the noisy picture alone |
//! | `window` | the same with 24 neighbours a pixel, pixel by pixel |
//! | [`levels`] | grey pictures with Gaussian noise on a few levels |
pub mod binary;
pub mod estimate;
pub mod levels;
mod window;

pub use binary::{Flips, Prior, Restoration};
pub use estimate::Estimate;
pub use levels::Levels;
