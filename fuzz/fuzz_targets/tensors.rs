//! Model and state files.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok((tensors, metadata)) = gibbs::tensors::from_bytes(bytes) {
        let again = gibbs::tensors::to_bytes(&tensors, &metadata).expect("what was read can be written");
        assert_eq!(gibbs::tensors::from_bytes(&again).expect("and read again").0, tensors);
    }
});
