//! Sentences in columns.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = gibbs_data::conll::parse(bytes) {
        assert_eq!(text.lengths.iter().sum::<usize>(), text.n_tokens());
    }
});
