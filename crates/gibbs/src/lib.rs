//! Energy-based models that tell the truth about their likelihood.
//!
//! The facade: options become a configuration, data becomes bits, a model is trained, evaluated, sampled and reported,
//! and all of it is kept in a run directory.
//!
//! | module | what it holds |
//! |---|---|
//! | [`options`], [`config`] | what a user may ask, and every choice that was made |
//! | [`batch`], [`dataset`], [`pipeline`] | from a name or a file to prepared rows; from a run back to its model and rows |
//! | [`models`] | every kind of model behind one interface, and the registry |
//! | [`fit`], [`trainers`] | training, watched and stopped by the true log-likelihood |
//! | [`likelihood`] | held-out log-likelihood with its interval |
//! | [`conservative`] | the same without `log Z`, on the low side, by reverse annealing |
//! | [`bracket`] | `log Z` from both sides, with a verdict |
//! | [`compare`] | two models on the same rows |
//! | [`classifier`] | a softmax classifier that starts from a deep belief net |
//! | [`chains`], [`two_sample`] | samples with diagnostics, and beside data |
//! | [`impute`] | what a model says of the missing cells of a table |
//! | [`diagnose`] | the sampler doctor on a model |
//! | [`run_dir`], [`tensors`], [`files`] | the run on disk |
//! | [`report`], [`run_report`], [`film`] | the page to look at, and the landscape as it was learnt |
//! | [`anneal`] | low states of QUBO problems |
//! | [`recall`] | associative memories: patterns stored, queries recalled |
//! | [`forecasts`] | forecasts in a table held against what happened |
//! | [`families`], [`one_pass`] | laws that a column may be drawn from, ranked; one law fitted to a file of any size |
//! | [`denoise`](mod@denoise) | pictures restored from noisy ones |
//! | [`ising`], [`ising_log_z`] | the two-dimensional Ising model beside its exact solution |
//! | [`regression`] | networks that predict a law of one column: regression, counts, classes |
//! | [`tagging`] | label sequences: sentences in columns, features, conditional random fields, spans |
//! | [`import`] | models trained elsewhere |
pub mod anneal;
pub mod batch;
pub mod bracket;
pub mod chains;
pub mod classifier;
pub mod compare;
pub mod config;
pub mod conservative;
pub mod dataset;
pub mod denoise;
pub mod diagnose;
pub mod error;
pub mod families;
pub mod files;
pub mod film;
pub mod fit;
pub mod forecasts;
pub mod import;
pub mod impute;
pub mod ising;
pub mod ising_log_z;
pub mod likelihood;
pub mod models;
mod monitor;
pub mod one_pass;
pub mod options;
mod perfect;
pub mod pipeline;
mod preparation;
pub mod progress;
pub mod recall;
pub mod regression;
pub mod report;
pub mod rounds;
pub mod run_dir;
pub mod run_report;
pub mod tagging;
pub mod tensors;
pub mod trainers;
pub mod two_sample;
mod window;

pub use gibbs_core as core;
pub use gibbs_data as data;
pub use gibbs_spin as spin;
pub use gibbs_stats as stats;
pub use gibbs_tensor as tensor;

/// The examples of the README run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
