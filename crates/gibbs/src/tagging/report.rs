//! The page of a fit of label sequences.

use super::train::Metric;
use super::{Evaluation, TaggerConfig, TaggerResult};
use crate::error::Error;
use crate::files;
use crate::report::{Block, Level, Lines, Page, Panel, Section, Series, Table};
use crate::run_dir::RunDir;

/// Writes `report.html`.
pub(super) fn write(
    run: &RunDir,
    config: &TaggerConfig,
    metrics: &[Metric],
    result: &TaggerResult,
    toml: &str,
) -> Result<(), Error> {
    let mut outcome = vec![Block::Table(scores(result))];
    if !result.converged {
        outcome.push(Block::Notice(
            Level::Warning,
            format!("Training ended after {} iterations before the optimum was reached.", result.iterations),
        ));
    }
    let by_type = result.validation.as_ref().unwrap_or(&result.train);
    if by_type.spans.is_some() {
        outcome.push(Block::Table(types(by_type)));
    }
    let points = |f: &dyn Fn(&Metric) -> Option<f64>| -> Vec<(f64, f64)> {
        metrics.iter().filter_map(|m| Some((m.iteration as f64, f(m)?))).collect()
    };
    let panel = |y_label: &str, name: &str, f: &dyn Fn(&Metric) -> Option<f64>| Panel {
        y_label: y_label.into(),
        series: vec![Series { name: name.into(), points: points(f), ..Series::default() }],
    };
    let mut panels = vec![panel("nats", "objective", &|m| Some(m.objective))];
    panels.push(panel("log10", "norm of the gradient", &|m| Some(m.gradient_norm.log10())));
    if metrics.iter().filter(|m| m.validation_log_likelihood.is_some()).count() > 1 {
        panels.push(panel("nats a token", "held-out log-likelihood", &|m| m.validation_log_likelihood));
    }
    let lines = Lines {
        x_label: "iteration".into(),
        panels,
        marker: None,
        caption: "The objective is convex: where the gradient vanishes it is the least there is.".into(),
    };
    let page = Page {
        title: format!("Label sequences: {}", config.data),
        subtitle: format!(
            "{} features, {} labels, {} weights; {} iterations in {:.1} s",
            result.n_features, result.n_labels, result.n_weights, result.iterations, result.seconds
        ),
        sections: vec![
            Section { title: "How well labels are found".into(), blocks: outcome },
            Section { title: "Learning".into(), blocks: vec![Block::Lines(lines)] },
            Section { title: "Settings".into(), blocks: vec![Block::Folded("config.toml".into(), toml.to_string())] },
        ],
    };
    files::write_atomic(&run.file("report.html"), page.to_html().as_bytes())
}

fn scores(result: &TaggerResult) -> Table {
    let head = ["part", "sentences", "tokens", "accuracy", "whole sentences", "log-likelihood a token", "span F1"];
    let row = |name: &str, e: &Evaluation| {
        vec![
            name.to_string(),
            e.sentences.to_string(),
            e.tokens.to_string(),
            format!("{:.2} %", 100.0 * e.accuracy),
            format!("{:.2} %", 100.0 * e.sentence_accuracy),
            format!("{:.4} nats", e.log_likelihood),
            e.spans.map_or_else(|| "labels mark no spans".into(), |s| format!("{:.2}", 100.0 * s.f1)),
        ]
    };
    let mut rows = vec![row("train", &result.train)];
    rows.extend(result.validation.as_ref().map(|e| row("held out", e)));
    Table { head: head.map(String::from).to_vec(), rows }
}

fn types(evaluation: &Evaluation) -> Table {
    let head = ["span", "gold", "found", "precision", "recall", "F1"];
    let row = |(kind, s): (&String, &super::evaluation::Spans)| {
        vec![
            kind.clone(),
            s.counts.gold.to_string(),
            s.counts.found.to_string(),
            format!("{:.2} %", 100.0 * s.precision),
            format!("{:.2} %", 100.0 * s.recall),
            format!("{:.2}", 100.0 * s.f1),
        ]
    };
    Table { head: head.map(String::from).to_vec(), rows: evaluation.by_type.iter().map(row).collect() }
}
