//! `gibbs data`: named sets and generators.

use gibbs::data::{SetKind, Table, Values, csv, npy};
use gibbs::dataset::read_table;
use gibbs::error::Error;
use gibbs::files::write_atomic_with;
use gibbs::options::FitOptions;

use super::{say, say_json};
use crate::Context;
use crate::args::{Data, DataMake};

pub fn run(args: &Data, context: &Context) -> Result<(), Error> {
    match args {
        Data::List => list(context),
        Data::Make(a) => make(a, context),
    }
}

fn list(context: &Context) -> Result<(), Error> {
    let sets = gibbs::data::list();
    if context.json {
        let rows: Vec<_> = sets
            .iter()
            .map(|s| serde_json::json!({ "name": s.name, "what": s.what, "kind": kind(s.kind), "size": s.size }))
            .collect();
        return say_json(&rows);
    }
    for set in sets {
        say(&format!("{:<18} {:<10} {}", set.name, kind(set.kind), set.what));
        for p in set.parameters {
            say(&format!("{:<18} {:<10}   {p:?}", "", ""));
        }
    }
    Ok(())
}

fn make(args: &DataMake, context: &Context) -> Result<(), Error> {
    let options = FitOptions {
        rows: args.n,
        seed: Some(args.seed),
        data_dir: args.data_dir.clone(),
        download: Some(args.download),
        ..FitOptions::default()
    };
    let table = read_table(&args.name, &options)?;
    let extension = args.out.extension().and_then(|e| e.to_str()).unwrap_or_default();
    write_atomic_with(&args.out, |out| match extension {
        "npy" => write_npy(out, &table),
        _ => csv::write_table(out, &table).map_err(std::io::Error::other),
    })?;
    if context.json {
        return say_json(&serde_json::json!({ "rows": table.n_rows, "columns": table.columns.len(), "out": args.out }));
    }
    say(&format!("{} rows x {} columns: {}", table.n_rows, table.columns.len(), args.out.display()));
    Ok(())
}

fn kind(kind: SetKind) -> &'static str {
    match kind {
        SetKind::Embedded => "embedded",
        SetKind::Generator => "generator",
        SetKind::Files => "files",
    }
}

fn write_npy(out: &mut dyn std::io::Write, table: &Table) -> std::io::Result<()> {
    let numbers = match &table.values {
        Values::U8(v) => npy::Numbers::U8(v),
        Values::F64(v) => npy::Numbers::F64(v),
    };
    npy::write(out, &[table.n_rows, table.n_cols()], numbers).map_err(std::io::Error::other)
}
