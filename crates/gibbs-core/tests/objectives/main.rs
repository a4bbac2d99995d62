//! Objectives that need no `Z`: gradients against differences of their own losses, and what they learn.

mod energies;
mod gradients;
mod noise;
