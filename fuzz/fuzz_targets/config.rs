//! Configuration files.
#![no_main]

use gibbs::config::{DataFacts, FitConfig};
use gibbs::options::FitOptions;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(options) = FitOptions::from_toml(text) {
        let _ = FitConfig::resolve(&options, DataFacts { n_train: 100, n_columns: 20 });
    }
});
