//! Labels for the tokens of sentences: conditional random fields over text in columns.
//!
//! [`fit`] reads sentences with their labels ([`gibbs_data::conll`]), makes features of the tokens by [`Templates`], fits a
//! [`gibbs_spin::crf::Crf`] by its exact likelihood and keeps it in a run directory. A [`Tagger`] labels other sentences and
//! scores labels that are given: accuracy, spans as `conlleval` counts them, and the log-likelihood.

pub mod dictionary;
pub mod evaluation;
mod report;
pub mod spans;
pub mod tagger;
pub mod templates;
mod train;

pub use dictionary::Dictionary;
pub use evaluation::Evaluation;
pub use tagger::Tagger;
pub use templates::Templates;
pub use train::{TaggerConfig, TaggerResult, fit};

use crate::error::Error;

/// What the conditional random field says, to the user.
#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
pub(crate) fn usage(error: gibbs_spin::crf::CrfError) -> Error {
    Error::Usage(error.to_string())
}
