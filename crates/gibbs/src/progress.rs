//! How long work speaks to whoever waits for it.

/// Receives the news of long work and may ask it to stop. The command line draws a bar; tests listen.
pub trait Progress: Sync {
    /// A new piece of work begins; `total` parts, or 0 where their number is not known.
    fn begin(&self, what: &str, total: u64) {
        let _ = (what, total);
    }

    /// `done` parts of the current work are done.
    fn advance(&self, done: u64) {
        let _ = done;
    }

    /// A short text beside the bar, such as the current log-likelihood.
    fn note(&self, text: &str) {
        let _ = text;
    }

    /// One line that stays: a look at the likelihood, a decision, a warning.
    fn line(&self, text: &str) {
        let _ = text;
    }

    /// The current piece of work is over.
    fn end(&self) {}

    /// Whether to stop at the next safe point.
    fn stop(&self) -> bool {
        false
    }
}

/// Says nothing, never stops.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {}
