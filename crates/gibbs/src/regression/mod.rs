//! Probabilistic regression and classification: networks that predict a law of the outcome, not a number.
//!
//! A [`Network`] maps inputs to the parameters of a law through a [`Head`]; its negative log-likelihood is an energy of rows
//! of inputs and outcome, `-ln p(y | x)`, which is learnt like any other. An [`Ensemble`] of networks from different starting
//! points is their mixture (Lakshminarayanan, Pritzel & Blundell 2017, arXiv:1612.01474). Standardisation of inputs and
//! outcome is part of the model.
//!
//! | file | what it holds |
//! |---|---|
//! | [`head`] | laws and losses |
//! | [`network`] | a network with a head |
//! | [`training`] | training of one member |
//! | [`ensemble`] | members, standardisation, forecasts |
//! | [`forecast`] | what is predicted of one row |
//! | [`conformal`] | intervals and sets of a promised coverage |
//! | [`evaluation`] | forecasts held against outcomes |
//! | [`least_squares`] | the linear model that every network should beat |
//! | [`table`] | inputs and outcome from tables |
//! | [`file`](mod@file) | the model on disk |
//! | [`config`], [`fit`](mod@fit) | a run from options to report |

pub mod config;
pub mod conformal;
pub mod ensemble;
pub mod evaluation;
pub mod file;
pub mod fit;
pub mod forecast;
pub mod head;
pub mod least_squares;
pub mod network;
mod report;
pub mod table;
pub mod training;

pub use config::RegressionConfig;
pub use conformal::Conformal;
pub use ensemble::Ensemble;
pub use evaluation::Evaluation;
pub use fit::{RegressionResult, fit};
pub use forecast::Forecast;
pub use head::Head;
pub use network::Network;
pub use training::Settings;
