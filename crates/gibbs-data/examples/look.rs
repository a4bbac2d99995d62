//! Looks at a table: what it holds, and what it takes to make it binary.
//!
//! `cargo run -p gibbs-data --example look -- TABLE_OR_SET`; without an argument it looks at the embedded digits.

use std::path::Path;

use gibbs_core::key::Key;
use gibbs_data::{BinariseOption, DataError, NamedOptions, Preprocess, ReadOptions, inspect, list, named, read};

fn main() -> Result<(), DataError> {
    let name = std::env::args().nth(1).filter(|a| a != "--quick").unwrap_or_else(|| "digits".into());
    let key = Key::from_seed(0);
    let is_set = list().iter().any(|s| name.split(':').next() == Some(s.name));
    let table = if is_set {
        named(&name, &NamedOptions::default(), &key)?
    } else {
        read(Path::new(&name), &ReadOptions::default())?
    };
    println!(
        "{}: {} rows, {} columns, SHA-256 {}",
        table.source,
        table.n_rows,
        table.n_cols(),
        table.source_hash_hex()
    );
    println!("{}", inspect(&table));
    match Preprocess::fit(&table, BinariseOption::None) {
        Ok(_) => println!("ready for binary units"),
        Err(e) => println!("not ready for binary units: {e}"),
    }
    Ok(())
}
