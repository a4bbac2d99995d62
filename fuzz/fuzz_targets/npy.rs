//! NPY headers and what follows them.
#![no_main]

use gibbs_data::npy;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(array) = npy::read(&[b"\x93NUMPY", bytes].concat()[..], 1 << 24) {
        assert_eq!(array.values.len(), array.shape.iter().product::<usize>());
    }
});
