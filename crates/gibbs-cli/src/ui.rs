//! What a person sees while waiting: a bar with rate and ETA on a terminal, plain lines otherwise. All on stderr.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use gibbs::progress::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// Set by Ctrl-C; read by whoever works.
static STOP: AtomicBool = AtomicBool::new(false);

/// Ctrl-C (and SIGTERM) asks the work to finish its step and save; a second one ends the program at once.
pub fn catch_interrupts() {
    let result = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
        eprintln!("\nstopping after this step; press Ctrl-C again to stop at once");
    });
    if let Err(e) = result {
        eprintln!("warning: Ctrl-C cannot be caught ({e}); checkpoints are still written");
    }
}

/// Speaks to the person at the terminal.
pub struct Terminal {
    quiet: bool,
    verbose: bool,
    bar: Mutex<Option<ProgressBar>>,
    total: AtomicU64,
}

impl Terminal {
    /// With the flags `--quiet` and `--verbose`.
    pub fn new(quiet: bool, verbose: bool) -> Self {
        Self { quiet, verbose, bar: Mutex::new(None), total: AtomicU64::new(0) }
    }

    fn with_bar(&self, act: impl FnOnce(&ProgressBar)) {
        if let Ok(bar) = self.bar.lock()
            && let Some(bar) = bar.as_ref()
        {
            act(bar);
        }
    }
}

impl Progress for Terminal {
    fn begin(&self, what: &str, total: u64) {
        self.total.store(total, Ordering::Relaxed);
        if self.quiet || !std::io::stderr().is_terminal() {
            return;
        }
        let (bar, template) = if total > 0 {
            (ProgressBar::new(total), "{prefix} [{bar:30}] {pos}/{len} {per_sec} ETA {eta} {msg}")
        } else {
            (ProgressBar::no_length(), "{prefix} {pos} {per_sec} {msg}")
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(what.to_string());
        if let Ok(mut place) = self.bar.lock() {
            *place = Some(bar);
        }
    }

    fn advance(&self, done: u64) {
        self.with_bar(|bar| bar.set_position(done));
    }

    fn note(&self, text: &str) {
        self.with_bar(|bar| bar.set_message(text.to_string()));
    }

    fn line(&self, text: &str) {
        if self.quiet {
            return;
        }
        let mut drawn = false;
        self.with_bar(|bar| {
            drawn = true;
            if self.verbose {
                bar.println(text);
            }
        });
        if !drawn {
            eprintln!("{text}");
        }
    }

    fn end(&self) {
        self.with_bar(ProgressBar::finish_and_clear);
        if let Ok(mut place) = self.bar.lock() {
            *place = None;
        }
    }

    fn stop(&self) -> bool {
        STOP.load(Ordering::SeqCst)
    }
}
