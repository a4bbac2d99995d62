//! Turns a panic of a foreign decoder into an error.
//!
//! Fuzzing found panics in crate `parquet` 60.1 on damaged files (a page of dictionary codes without its dictionary, for
//! one). A damaged file is the user's ordinary bad luck, so the decoder runs behind `catch_unwind`, and the message that
//! a panic prints is kept back for this thread only, meanwhile.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use crate::DataError;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `decode`; its panic becomes [`DataError::Corrupt`].
pub(super) fn guarded<T>(decode: impl FnOnce() -> Result<T, DataError>) -> Result<T, DataError> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !GUARDED.get() {
                before(info);
            }
        }));
    });
    GUARDED.set(true);
    // What `decode` owns is dropped with the panic, and nothing it borrows is looked at afterwards.
    let result = catch_unwind(AssertUnwindSafe(decode));
    GUARDED.set(false);
    result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        Err(DataError::Corrupt(format!(
            "its decoder failed: {}",
            super::columns::short(text.unwrap_or("no reason given"))
        )))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error() {
        let numbers: &[u8] = &[];
        let e = guarded(|| Ok(numbers[std::hint::black_box(3)])).unwrap_err();
        assert!(e.to_string().contains("index out of bounds"), "{e}");
        assert_eq!(guarded(|| Ok(1)).unwrap(), 1);
        assert!(!GUARDED.get());
    }
}
