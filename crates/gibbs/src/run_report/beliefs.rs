//! What later commands left in the run directory: `log Z` from both sides, and the doctor's diagnosis.

use gibbs_core::log_partition::Verdict;
use serde::Deserialize;

use crate::bracket::{self, BracketReport, SideReport};
use crate::diagnose;
use crate::error::Error;
use crate::report::{Block, Level, Section, Table, number};
use crate::run_dir::RunDir;

pub(super) fn sections(run: &RunDir) -> Result<Vec<Section>, Error> {
    let log_z = run.read_json::<BracketReport>(bracket::REPORT)?.map(|r| log_z(&r));
    let doctor = run.read_json::<Diagnosed>(diagnose::REPORT)?.map(|d| doctor(&d));
    Ok(log_z.into_iter().chain(doctor).collect())
}

fn log_z(report: &BracketReport) -> Section {
    let z = &report.log_z;
    let level = match z.verdict {
        Verdict::Certified => Level::Good,
        Verdict::Plausible => Level::Warning,
        Verdict::NotToBeTrusted => Level::Bad,
    };
    let side = |name: &str, s: &SideReport| {
        vec![
            name.to_string(),
            s.starts.clone(),
            number(s.value),
            number(s.std_err),
            number(s.bound),
            s.effective_chains.map_or("\u{2013}".into(), number),
        ]
    };
    let mut rows = vec![side("forward", &report.forward)];
    rows.extend(report.reverse.iter().map(|s| side("reverse", s)));
    let head = ["side", "starts", "value", "std. err.", "end", "effective chains"].map(String::from).to_vec();
    let exact = report.exact.map_or(String::new(), |e| format!(" The exact value is {}.", number(e)));
    let mut blocks = vec![
        Block::Notice(
            level,
            format!(
                "log Z = {} nats, from {} (lower end) to {} (upper end): {}.{exact}",
                number(z.value),
                number(z.lower),
                number(z.upper),
                z.verdict
            ),
        ),
        Block::Table(Table { head, rows }),
    ];
    blocks.extend(report.concerns.iter().map(|c| Block::Paragraph(format!("{c}."))));
    Section { title: "log Z from both sides".into(), blocks }
}

/// What is read of a diagnosis.
#[derive(Deserialize)]
struct Diagnosed {
    state: String,
    advice: Vec<String>,
}

fn doctor(d: &Diagnosed) -> Section {
    let level = match d.state.as_str() {
        "converged" => Level::Good,
        "slow" => Level::Warning,
        _ => Level::Bad,
    };
    let mut blocks = vec![Block::Notice(level, format!("The chains: {}.", d.state.replace('-', " ")))];
    blocks.extend(d.advice.iter().map(|a| Block::Paragraph(format!("{a}."))));
    Section { title: "Sampler doctor".into(), blocks }
}
