//! Objectives that need no `Z`: gradients against differences of their own losses, and what they learn.

mod adversarial;
mod energies;
mod fit;
mod gradients;
mod noise;
mod scores;
mod terms;
