//! QUBO problems.
#![no_main]

use gibbs::spin::qubo::Qubo;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(problem) = Qubo::parse(bytes) {
        Qubo::parse(problem.to_qbsolv().as_bytes()).expect("what was read can be written and read again");
    }
});
