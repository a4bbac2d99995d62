//! What the chains did.

use crate::chains::ChainReport;
use crate::report::{Block, Lines, Panel, Section, Series, Table, number};

pub(super) fn section(chains: &ChainReport) -> Section {
    let e = &chains.energy;
    let n = chains.traces.len() / e.n_chains;
    let row = |name: &str, value: String, wanted: &str| vec![name.to_string(), value, wanted.to_string()];
    let mut table = Table {
        head: ["quantity", "value", "wanted"].map(String::from).to_vec(),
        rows: vec![
            row("R-hat of the energy (rank-normalised, split)", number(e.rhat), "below 1.01"),
            row("effective draws, centre", number(e.ess_bulk), "at least 400"),
            row("effective draws, tails", number(e.ess_tail), "at least 400"),
            row("mean energy, chains from data", number(chains.mean_by_start[0]), "equal"),
            row("mean energy, chains from the base", number(chains.mean_by_start[1]), "equal"),
            row("stuck chains", chains.stuck_chains.to_string(), "none"),
        ],
    };
    if let Some(flips) = chains.flips {
        table.rows.extend([
            row("share of units that flip in a step", number(flips.rate), "well above 0"),
            row("the same, slowest chain", number(flips.slowest_chain), "well above 0"),
            row("stuck units", flips.stuck_sites.to_string(), "none"),
        ]);
    }
    let trace = |chain: usize, name: &str| Series {
        name: name.into(),
        points: (0..n).step_by(2).map(|t| (t as f64, chains.traces[chain * n + t])).collect(),
        ..Series::default()
    };
    let traces = Lines {
        x_label: "step after warm-up".into(),
        panels: vec![Panel {
            y_label: "energy, nats".into(),
            series: vec![trace(0, "a chain from data"), trace(e.n_chains / 2, "a chain from the base")],
        }],
        marker: None,
        caption: "Energy of two chains: they should wander over the same range.".into(),
    };
    let autocorrelation = Lines {
        x_label: "lag, steps".into(),
        panels: vec![Panel {
            y_label: "autocorrelation".into(),
            series: vec![Series {
                name: "energy".into(),
                points: chains.autocorrelation.iter().enumerate().map(|(i, &r)| (i as f64, r)).collect(),
                ..Series::default()
            }],
        }],
        marker: None,
        caption: "How long a chain remembers: the sooner this falls to zero, the more a step is worth.".into(),
    };
    Section {
        title: "Chains".into(),
        blocks: vec![Block::Table(table), Block::Lines(traces), Block::Lines(autocorrelation)],
    }
}
