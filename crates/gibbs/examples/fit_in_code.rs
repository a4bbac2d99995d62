//! Fit, evaluate and score from Rust, without the command line.
//!
//! ```text
//! cargo run --release -p gibbs --example fit_in_code -- [--quick]
//! ```

use gibbs::error::Error;
use gibbs::fit::fit;
use gibbs::options::FitOptions;
use gibbs::pipeline::{model_of_run, plan};
use gibbs::progress::Silent;
use gibbs::run_dir::RunDir;

fn main() -> Result<(), Error> {
    let quick = std::env::args().any(|a| a == "--quick");
    let options = FitOptions {
        data: Some("bars-and-stripes".into()),
        rows: Some(500),
        hidden: Some(8),
        epochs: Some(if quick { 5 } else { 400 }),
        ..FitOptions::default()
    };
    let plan = plan(&options)?;
    for note in &plan.notes {
        println!("{note}");
    }
    let folder = std::env::temp_dir().join("gibbs-fit-in-code");
    let run = RunDir::create(&folder, true)?;
    let result = fit(&run, &plan.config, &plan.data, false, &Silent)?;
    if let Some(test) = &result.test {
        println!("test log-likelihood {:.4} +- {:.4} nats", test.log_likelihood.mean, test.log_likelihood.std_err);
    }
    if let Some(most) = plan.data.max_log_likelihood {
        println!("no model can expect more than {most:.4} nats");
    }
    let saved = model_of_run(&run)?;
    let energies = saved.model.energy(&plan.data.test.rows);
    println!("{}; energy of the first test row {:.3}", saved.model.describe(), energies[0]);
    Ok(())
}
