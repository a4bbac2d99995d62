//! Diagnostics of Markov chains.
