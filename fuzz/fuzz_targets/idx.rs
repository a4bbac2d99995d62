//! IDX headers and what follows them.
#![no_main]

use gibbs_data::{ReadOptions, read_bytes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let options = ReadOptions { max_bytes: 1 << 24, ..ReadOptions::default() };
    if let Ok(table) = read_bytes(&[b"\0\0", bytes].concat(), "fuzz", &options) {
        assert_eq!(table.values.len(), table.n_rows * table.n_cols());
    }
});
