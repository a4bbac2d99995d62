//! Parquet: footer, pages, levels.
#![no_main]

use gibbs_data::{ReadOptions, read_bytes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // The reader turns panics of the decoder into errors; libFuzzer's hook would end the process before it can.
    std::panic::set_hook(Box::new(|_| {}));
    let options = ReadOptions { max_bytes: 1 << 24, ..ReadOptions::default() };
    if let Ok(table) = read_bytes(&[b"PAR1", bytes, b"PAR1"].concat(), "fuzz", &options) {
        assert_eq!(table.values.len(), table.n_rows * table.n_cols());
    }
});
