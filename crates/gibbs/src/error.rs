//! What can go wrong, said with what was found, where, and what to do.

use std::path::PathBuf;

/// Errors of the facade; [`Error::exit_code`] is what the command line returns.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Options that contradict each other or make no sense.
    #[error("{0}")]
    Usage(String),
    /// The data cannot be used.
    #[error(transparent)]
    Data(#[from] gibbs_data::DataError),
    /// A table whose cells cannot be what they stand for.
    #[error("{0}")]
    Table(String),
    /// A run directory or one of its files cannot be used.
    #[error("{path}: {reason}")]
    Run {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it and what to do.
        reason: String,
    },
    /// Training left the finite numbers.
    #[error(
        "diverged at step {step}: {quantity} is not finite. The last good checkpoint is kept; \
         try a smaller --learning-rate (it was {learning_rate})"
    )]
    Diverged {
        /// The update.
        step: u64,
        /// What became NaN or infinite.
        quantity: String,
        /// Rate at that step.
        learning_rate: f64,
    },
    /// An estimate of `log Z` could not be made.
    #[error(transparent)]
    LogZ(#[from] gibbs_core::log_partition::LogZError),
    /// An integral could not be computed.
    #[error(transparent)]
    Quadrature(#[from] gibbs_core::log_partition::QuadratureError),
    /// Writing or reading failed.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Stopped by the user; what is needed to go on is saved.
    #[error("interrupted; nothing is lost")]
    Interrupted,
}

impl Error {
    /// Exit status: 2 usage, 3 bad data, 4 bad run directory (or a file that cannot be written), 5 diverged,
    /// 130 interrupted.
    pub fn exit_code(&self) -> u8 {
        match self {
            // A name, a flag or a setting is the user's words, not the data's content.
            Error::Data(e) if is_usage(e) => 2,
            Error::Data(_) | Error::Table(_) => 3,
            Error::Run { .. } | Error::Io { .. } => 4,
            Error::Diverged { .. } => 5,
            Error::LogZ(gibbs_core::log_partition::LogZError::Interrupted) | Error::Interrupted => 130,
            Error::Usage(_) | Error::LogZ(_) | Error::Quadrature(_) => 2,
        }
    }

    pub(crate) fn run(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Error::Run { path: path.into(), reason: reason.into() }
    }

    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Error::Io { path, source }
    }
}

fn is_usage(error: &gibbs_data::DataError) -> bool {
    use gibbs_data::DataError;
    matches!(error.root(), DataError::UnknownSet { .. } | DataError::Setting(_) | DataError::Parameter { .. })
}
