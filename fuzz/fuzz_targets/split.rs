//! Split files.
#![no_main]

use gibbs_data::Split;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(split) = Split::from_json(text, 100) {
        split.check(100).expect("checked when read");
    }
});
