//! One-pass fits of ever longer Parquet columns: speed and peak memory (`record/stats.md`).
//! `cargo run --release -p gibbs --example one_pass -- DIR OUT.svg` writes files of 1 to 20 million rows into DIR, fits a normal
//! law to a column of each in a process of its own, prints a table and draws the peak memory; `--quick` does it with few rows.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use gibbs::core::key::Key;
use gibbs::data::ReadOptions;
use gibbs::one_pass::{FamilyKind, fit_stream};
use gibbs::progress::Silent;
use gibbs::report::{Measured, Measurement};
use parquet::basic::Compression;
use parquet::data_type::{DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Rows of a row group.
const GROUP: usize = 1 << 20;

/// A column of normal numbers beside one of row numbers, compressed by Snappy as most writers do.
fn write(path: &Path, rows: usize) -> Result<()> {
    let schema = Arc::new(parse_message_type("message m { required int64 id; required double x; }")?);
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).set_dictionary_enabled(false);
    let mut file = SerializedFileWriter::new(File::create(path)?, schema, Arc::new(properties.build()))?;
    for (g, start) in (0..rows).step_by(GROUP).enumerate() {
        let end = (start + GROUP).min(rows);
        let mut rng = Key::from_seed(1).block(g as u64).rng();
        let mut group = file.next_row_group()?;
        if let Some(mut column) = group.next_column()? {
            let ids: Vec<i64> = (start as i64..end as i64).collect();
            column.typed::<Int64Type>().write_batch(&ids, None, None)?;
            column.close()?;
        }
        if let Some(mut column) = group.next_column()? {
            let x: Vec<f64> = (start..end).map(|_| 5.0 + 2.0 * rng.normal()).collect();
            column.typed::<DoubleType>().write_batch(&x, None, None)?;
            column.close()?;
        }
        group.close()?;
    }
    file.close()?;
    Ok(())
}

/// Peak resident memory of this process in MiB, where the system tells.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}

/// What the process of one file prints: seconds, MiB, and the law.
fn child(path: &Path) -> Result<()> {
    let clock = Instant::now();
    let found = fit_stream(path, Some("x"), FamilyKind::Gaussian, None, &ReadOptions::default(), &Silent)?;
    let seconds = clock.elapsed().as_secs_f64();
    let law: Vec<String> = found.parameters.iter().map(|p| format!("{} {:.5}", p.name, p.value)).collect();
    println!("{seconds} {} {}", peak_memory().unwrap_or(f64::NAN), law.join(", "));
    Ok(())
}

fn study(dir: &Path, millions: &[f64]) -> Result<Measured> {
    std::fs::create_dir_all(dir)?;
    let mut points = Vec::new();
    println!(
        "| rows | file, MB | seconds | MB of doubles a second | peak memory, MiB | law |\n|---|---|---|---|---|---|"
    );
    for m in millions {
        let (rows, path) = ((1e6 * m) as usize, dir.join(format!("{m}.parquet")));
        if !path.exists() {
            write(&path, rows)?;
        }
        let bytes = std::fs::metadata(&path)?.len();
        let once = || -> Result<(f64, f64, String)> {
            let output = Command::new(std::env::current_exe()?).arg("child").arg(&path).output()?;
            let text = String::from_utf8(output.stdout)?;
            let mut words = text.trim().splitn(3, ' ');
            let mut next = || words.next().ok_or("the process of a file said nothing");
            Ok((next()?.parse()?, next()?.parse()?, next()?.to_string()))
        };
        let mut runs = (0..3).map(|_| once()).collect::<Result<Vec<_>>>()?;
        runs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (seconds, _, law) = &runs[1];
        let (low, high) = runs.iter().fold((f64::INFINITY, 0.0f64), |(a, b), r| (a.min(r.1), b.max(r.1)));
        println!(
            "| {rows} | {:.1} | {seconds:.3} | {:.0} | {low:.1} to {high:.1} | {law} |",
            1e-6 * bytes as f64,
            8e-6 * rows as f64 / seconds
        );
        points.push((*m, f64::midpoint(low, high), 0.5 * (high - low)));
    }
    let whole = millions.iter().map(|m| (*m, 8e6 * m / f64::from(1 << 20), 0.0)).collect();
    Ok(Measured {
        x_label: "rows, millions".into(),
        y_label: "MiB".into(),
        series: vec![
            Measurement { name: "peak memory of the fit".into(), points },
            Measurement { name: "the column itself".into(), points: whole },
        ],
        marker: None,
        caption: "A normal law fitted in one pass: bars are the extremes of three runs.".into(),
    })
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["child", path] => child(Path::new(path)),
        ["--quick"] => {
            let dir: PathBuf = std::env::temp_dir().join(format!("gibbs-one-pass-{}", std::process::id()));
            let drawn = study(&dir, &[0.02, 0.1])?;
            println!("{}", drawn.to_svg().len());
            Ok(std::fs::remove_dir_all(dir)?)
        }
        [dir, out] => Ok(std::fs::write(out, study(Path::new(dir), &[1.0, 3.0, 5.0, 10.0, 20.0])?.to_svg())?),
        _ => Err("DIR OUT.svg, or --quick".into()),
    }
}
