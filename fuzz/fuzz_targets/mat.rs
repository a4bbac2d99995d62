//! MAT-files: what follows a header that is right.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut file = vec![b' '; 124];
    file.extend(b"\0\x01IM");
    let _ = gibbs_data::mat::read_bytes(&[&file, bytes].concat(), 1 << 24);
});
