//! The page of a regression.

use super::training::Look;
use super::{Ensemble, Evaluation, Forecast, RegressionConfig, RegressionResult};
use crate::error::Error;
use crate::files;
use crate::forecasts::page::page;
use crate::report::{Block, Level, Lines, Page, Panel, Section, Series, Table, number};
use crate::run_dir::RunDir;

/// Rows of the picture of forecasts beside outcomes, at most.
const SHOWN: usize = 200;

/// Writes `report.html`; `shown` are forecasts of the test part with their outcomes.
pub(super) fn write(
    run: &RunDir,
    config: &RegressionConfig,
    model: &Ensemble,
    looks: &[Look],
    result: &RegressionResult,
    shown: Option<(&[Forecast], &[f64])>,
    toml: &str,
) -> Result<(), Error> {
    let mut sections = vec![summary(config, model, result)];
    if let Some((forecasts, outcome)) = shown
        && !matches!(forecasts[0], Forecast::Classes(_))
    {
        sections.push(beside(forecasts, outcome, config));
    }
    let test = result.test.as_ref().unwrap_or(&result.train);
    sections.extend(page(&test.forecasts, &config.data).sections);
    if !looks.is_empty() {
        sections.push(learning(looks));
    }
    sections.push(Section {
        title: "Settings".into(),
        blocks: vec![Block::Folded("config.toml".into(), toml.to_string())],
    });
    let page = Page {
        title: format!("{} from {}", config.target, config.data),
        subtitle: format!(
            "{} of {} networks of {} weights; {} training rows, {} inputs, {:.1} s",
            config.head.name(),
            model.members.len(),
            result.n_weights,
            result.rows[0],
            result.n_inputs,
            result.seconds
        ),
        sections,
    };
    files::write_atomic(&run.file("report.html"), page.to_html().as_bytes())
}

/// A table of every score on every part, with the linear model beside it.
fn summary(config: &RegressionConfig, model: &Ensemble, result: &RegressionResult) -> Section {
    let mut head = vec!["part".to_string(), "rows".to_string()];
    head.extend(result.train.forecasts.scores.iter().map(|s| s.name.clone()));
    let last = if config.head.has_classes() { "accuracy" } else { "RMSE" };
    head.push(last.into());
    let cell = |x: Option<f64>| x.map_or("infinite".to_string(), number);
    let row = |name: &str, e: &Evaluation| {
        let f = &e.forecasts;
        let mut cells = vec![name.to_string(), f.n.to_string()];
        cells.extend(f.scores.iter().map(|s| format!("{} \u{b1} {}", cell(s.mean), cell(s.std_err))));
        cells.push(f.classes.as_ref().map_or_else(
            || f.real.as_ref().map_or(String::new(), |r| number(r.rmse)),
            |c| format!("{:.2} %", 100.0 * c.accuracy),
        ));
        cells
    };
    let mut rows = vec![row("train", &result.train)];
    rows.extend(result.test.as_ref().map(|e| row("test", e)));
    if let Some(linear) = &result.linear {
        let mut cells = vec!["linear least squares, test".to_string(), result.rows[2].to_string()];
        let of = |name: &String| if name == "log score" { number(linear.log_score) } else { "\u{2013}".into() };
        cells.extend(result.train.forecasts.scores.iter().map(|s| of(&s.name)));
        cells.push(number(linear.rmse));
        rows.push(cells);
    }
    let mut blocks = vec![Block::Table(Table { head, rows })];
    blocks.push(Block::Paragraph(
        "Lower scores are better. The log score is the negative log-likelihood in nats, in the unit of the outcome."
            .into(),
    ));
    blocks.extend(conformal(model, result));
    if !result.members.is_empty() {
        let list: Vec<String> = result.members.iter().map(|m| number(*m)).collect();
        blocks
            .push(Block::Paragraph(format!("Members by themselves, mean loss on the test part: {}.", list.join(", "))));
    }
    Section { title: "How good the forecasts are".into(), blocks }
}

/// What conformal intervals or sets hold.
fn conformal(model: &Ensemble, result: &RegressionResult) -> Vec<Block> {
    let Some(c) = model.conformal() else {
        let text = "No validation rows were kept, so there are no conformal intervals (--validation-fraction).";
        return vec![Block::Notice(Level::Warning, text.into())];
    };
    if c.margin.is_none() {
        let text =
            format!("{} validation rows are too few to promise {:.0} %: intervals are infinite.", c.n, 100.0 * c.level);
        return vec![Block::Notice(Level::Warning, text)];
    }
    let Some(found) = result.test.as_ref().and_then(|t| t.conformal) else { return Vec::new() };
    // Both the calibration rows and the test rows are a sample.
    let variance = c.level * (1.0 - c.level) * (1.0 / c.n as f64 + 1.0 / result.rows[2] as f64);
    let far = (found.share - c.level).abs() > 3.0 * variance.sqrt();
    let what = if model.frame().classes.is_empty() { "intervals" } else { "sets of classes" };
    let text = format!(
        "Conformal {what} that promise {:.0} % hold {:.1} \u{b1} {:.1} % of the test part; mean width {}{}.",
        100.0 * c.level,
        100.0 * found.share,
        100.0 * found.std_err,
        number(found.width),
        if far { ": more than chance off, are the rows in an order?" } else { "" }
    );
    vec![Block::Notice(if far { Level::Warning } else { Level::Good }, text)]
}

/// Outcomes in the order of their forecasts, with intervals.
fn beside(forecasts: &[Forecast], outcome: &[f64], config: &RegressionConfig) -> Section {
    let mut order: Vec<usize> = (0..outcome.len()).collect();
    order.sort_by(|a, b| forecasts[*a].mean().total_cmp(&forecasts[*b].mean()));
    let step = order.len().div_ceil(SHOWN).max(1);
    let picked: Vec<usize> = order.into_iter().step_by(step).collect();
    let series = |name: &str, f: &dyn Fn(usize) -> f64| Series {
        name: name.into(),
        points: picked.iter().enumerate().map(|(i, r)| (i as f64, f(*r))).collect(),
        ..Series::default()
    };
    let band = |(i, r): (usize, &usize)| {
        let (low, high) = forecasts[*r].interval(config.level);
        (i as f64, low, high)
    };
    let name = format!("forecast, {:.0} %", 100.0 * config.level);
    let forecast =
        Series { band: picked.iter().enumerate().map(band).collect(), ..series(&name, &|r| forecasts[r].mean()) };
    let lines = Lines {
        x_label: "test rows in the order of their forecasts".into(),
        panels: vec![Panel {
            y_label: config.target.clone(),
            series: vec![series("what happened", &|r| outcome[r]), forecast],
        }],
        marker: None,
        caption: "Outcomes beside their forecasts and the model's own central intervals.".into(),
    };
    Section { title: "Forecasts".into(), blocks: vec![Block::Lines(lines)] }
}

/// Loss of every member on the rows that decide when to stop.
fn learning(looks: &[Look]) -> Section {
    let members = looks.iter().map(|l| l.member).max().unwrap_or(0) + 1;
    let one = |m: usize| Series {
        name: format!("member {}", m + 1),
        points: looks.iter().filter(|l| l.member == m).map(|l| (l.epoch as f64, l.loss)).collect(),
        ..Series::default()
    };
    let lines = Lines {
        x_label: "epoch".into(),
        // The legend has room for so many.
        panels: vec![Panel { y_label: "loss, standardised".into(), series: (0..members.min(4)).map(one).collect() }],
        marker: None,
        caption: "Mean loss of the first members on the rows that decide when to stop.".into(),
    };
    Section { title: "Learning".into(), blocks: vec![Block::Lines(lines)] }
}
