//! PNG pictures.
#![no_main]

use gibbs_data::{Picture, ReadOptions, read_bytes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let options = ReadOptions { max_bytes: 1 << 24, ..ReadOptions::default() };
    let file = [b"\x89PNG\r\n\x1a\n", bytes].concat();
    if let Ok(table) = read_bytes(&file, "fuzz", &options) {
        assert_eq!(table.values.len(), table.n_rows * table.n_cols());
    }
    if let Ok(p) = Picture::decode(&file, 1 << 24) {
        assert_eq!(p.samples.len(), p.height * p.width * p.channels);
    }
});
