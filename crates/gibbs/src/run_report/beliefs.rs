//! What later commands left in the run directory: `log Z` from both sides, and the doctor's diagnosis.

use gibbs_core::log_partition::Verdict;
use serde::Deserialize;

use crate::bracket::{self, BracketReport, SideReport};
use crate::diagnose;
use crate::error::Error;
use crate::report::{Block, Level, Section, Table, known_to, number};
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
            known_to(s.value, s.std_err),
            known_to(s.std_err, s.std_err),
            known_to(s.bound, s.std_err),
            s.effective_chains.map_or("\u{2013}".into(), number),
        ]
    };
    let mut rows = vec![side("forward", &report.forward)];
    rows.extend(report.reverse.iter().map(|s| side("reverse", s)));
    let head = ["side", "starts", "value", "std. err.", "end", "effective chains"].map(String::from).to_vec();
    let known = |x| known_to(x, 0.5 * (z.upper - z.lower));
    let exact = report.exact.map_or(String::new(), |e| format!(" The exact value is {}.", known(e)));
    let mut blocks = vec![
        Block::Notice(
            level,
            format!(
                "log Z = {} nats, from {} (lower end) to {} (upper end): {}.{exact}",
                known(z.value),
                known(z.lower),
                known(z.upper),
                z.verdict
            ),
        ),
        Block::Table(Table { head, rows }),
    ];
    blocks.extend(report.concerns.iter().map(|c| Block::Paragraph(format!("{}.", sentence(c)))));
    Section { title: "log Z from both sides".into(), blocks }
}

/// What is read of a diagnosis; numbers that were not finite are missing.
#[derive(Deserialize)]
struct Diagnosed {
    state: String,
    advice: Vec<String>,
    rhat: Option<f64>,
    ess: Option<f64>,
    energy: Option<f64>,
    mcse: Option<f64>,
    energy_by_start: Vec<(String, Option<f64>)>,
    data_energy: Option<f64>,
    short_run_energy: Option<f64>,
    self_transition: Option<f64>,
    acceptance: Option<f64>,
    e_bfmi: Option<f64>,
    temperature: Option<Thermal>,
    tempering: Option<Swaps>,
}

#[derive(Deserialize)]
struct Thermal {
    overall: Span,
    #[serde(default)]
    directions: Vec<Span>,
}

#[derive(Deserialize)]
struct Span {
    value: Option<f64>,
    lower: Option<f64>,
    upper: Option<f64>,
}

#[derive(Deserialize)]
struct Swaps {
    swap_rates: Vec<Option<f64>>,
    round_trips: u64,
    ideal_round_trips: Option<f64>,
}

fn doctor(d: &Diagnosed) -> Section {
    let level = match d.state.as_str() {
        "converged" => Level::Good,
        "slow" => Level::Warning,
        _ => Level::Bad,
    };
    let mut blocks = vec![Block::Notice(level, format!("The chains: {}.", d.state.replace('-', " ")))];
    blocks.extend(d.advice.iter().map(|a| Block::Paragraph(format!("{}.", sentence(a)))));
    let head = ["quantity", "value", "wanted"].map(String::from).to_vec();
    blocks.push(Block::Table(Table { head, rows: doctor_rows(d) }));
    Section { title: "Sampler doctor".into(), blocks }
}

/// With a capital.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn doctor_rows(d: &Diagnosed) -> Vec<Vec<String>> {
    let show = |x: Option<f64>| number(x.unwrap_or(f64::NAN));
    let percent = |x: Option<f64>| x.map_or(number(f64::NAN), |x| format!("{} %", number(100.0 * x)));
    let mut rows: Vec<[String; 3]> = vec![
        ["R-hat of the energy".into(), show(d.rhat), "below 1.01".into()],
        ["effective draws".into(), show(d.ess), "at least 400".into()],
        ["mean energy, nats".into(), format!("{} \u{b1} {}", show(d.energy), show(d.mcse)), String::new()],
    ];
    for (start, energy) in &d.energy_by_start {
        rows.push([format!("mean energy, chains from {start}"), show(*energy), "equal".into()]);
    }
    rows.extend([
        ["mean energy of the data".into(), show(d.data_energy), String::new()],
        ["mean energy of short runs".into(), show(d.short_run_energy), String::new()],
        ["steps that stay".into(), percent(d.self_transition), "well below 99 %".into()],
    ]);
    if d.acceptance.is_some() {
        rows.push(["acceptance".into(), percent(d.acceptance), "at least 15 %".into()]);
    }
    if let Some(t) = &d.temperature {
        let span = |s: &Span| format!("{} ({} to {})", show(s.value), show(s.lower), show(s.upper));
        rows.push(["temperature (95 % interval)".into(), span(&t.overall), "near 1".into()]);
        let of = |worst: fn(f64, f64) -> f64| t.directions.iter().filter_map(|s| s.value).reduce(worst);
        if let (Some(low), Some(high)) = (of(f64::min), of(f64::max)) {
            let range = format!("{} to {}", number(low), number(high));
            rows.push(["temperature, range over directions".into(), range, "near 1".into()]);
        }
    }
    if d.e_bfmi.is_some() {
        rows.push(["E-BFMI".into(), show(d.e_bfmi), "at least 0.3".into()]);
    }
    if let Some(t) = &d.tempering {
        let lowest = t.swap_rates.iter().flatten().copied().reduce(f64::min);
        rows.push([
            format!("lowest swap rate of {} levels", t.swap_rates.len() + 1),
            show(lowest),
            "at least 0.2".into(),
        ]);
        let ideal = format!("near {}, as if levels mixed at once", show(t.ideal_round_trips));
        rows.push(["round trips of replicas".into(), t.round_trips.to_string(), ideal]);
    }
    rows.into_iter().map(Vec::from).collect()
}
