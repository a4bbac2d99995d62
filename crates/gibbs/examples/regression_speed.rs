//! Seconds to train an ensemble of five networks, to hold beside `record/peers/torch_regression.py`: the same nets, batches and
//! numbers of updates.
//!
//! `cargo run --release -p gibbs --example regression_speed -- [ROWS INPUTS BATCH EPOCHS] [--quick]`

use std::time::Instant;

use gibbs::core::key::Key;
use gibbs::data::{Table, Values};
use gibbs::error::Error;
use gibbs::progress::Silent;
use gibbs::regression::ensemble::{Data, Ensemble};
use gibbs::regression::{Head, Settings};

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|a| a == "--quick");
    let given: Vec<usize> = arguments.iter().filter_map(|a| a.parse().ok()).collect();
    let [rows, inputs, batch_size, epochs] = given[..].try_into().unwrap_or([455, 13, 32, if quick { 2 } else { 40 }]);
    let mut rng = Key::from_seed(0).rng();
    let x: Vec<f64> = (0..rows * inputs).map(|_| rng.normal()).collect();
    let y: Vec<f64> = x.chunks_exact(inputs).map(|x| x[0] + 0.1 * rng.normal()).collect();
    let table = Table::from_values(inputs, Values::F64(x))?;
    let settings = Settings { batch_size, epochs: epochs as u64, ..Settings::default() };
    let all: Vec<usize> = (0..rows).collect();
    let begin = Instant::now();
    let head = Head::Gaussian { beta: 0.0 };
    Ensemble::fit(&Data::new(&table, &y), head, &settings, &all, &[], &Key::from_seed(0), &Silent)?;
    let (seconds, updates) = (begin.elapsed().as_secs_f64(), rows.div_ceil(batch_size) * epochs * settings.members);
    println!("{updates} updates in {seconds:.3} s: {:.1} us an update", 1e6 * seconds / updates as f64);
    Ok(())
}
