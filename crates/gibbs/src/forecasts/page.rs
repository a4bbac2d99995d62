//! The page of a table of forecasts.

use std::fmt::Write;

use super::{ClassReport, ForecastReport, MeanScore, RealReport};
use crate::report::{Block, Level, Lines, Page, Panel, Section, Series, Table, number};

/// Below this the test speaks against the calibration.
const DOUBT: f64 = 0.01;

/// The report as a page; `source` is the table's name.
pub fn page(report: &ForecastReport, source: &str) -> Page {
    let p = report.classes.as_ref().map(|c| c.p_value).or(report.real.as_ref().map(|r| r.p_value)).unwrap_or(1.0);
    let level = if p < DOUBT { Level::Warning } else { Level::Good };
    let mut sections = vec![Section {
        title: "Scores".into(),
        blocks: vec![Block::Notice(level, report.verdict.clone()), Block::Table(scores(&report.scores))],
    }];
    if let Some(c) = &report.classes {
        sections.push(reliability(c));
    }
    if let Some(r) = &report.real {
        sections.push(transforms(r));
    }
    if !report.scaling.is_empty() {
        sections.push(scaling(report));
    }
    Page {
        title: "Forecasts".into(),
        subtitle: format!("{source}: {} rows, outcome in column {}", report.n, report.outcome),
        sections,
    }
}

fn scores(scores: &[MeanScore]) -> Table {
    let cell = |x: Option<f64>| x.map_or("infinite".to_string(), number);
    Table {
        head: ["score (lower is better)", "mean", "std err", "95 % interval"].map(String::from).to_vec(),
        rows: scores
            .iter()
            .map(|s| {
                let interval = format!("{} to {}", cell(s.lower), cell(s.upper));
                vec![s.name.clone(), cell(s.mean), cell(s.std_err), interval]
            })
            .collect(),
    }
}

fn series(name: &str, points: Vec<(f64, f64)>) -> Series {
    Series { name: name.into(), points, ..Series::default() }
}

fn reliability(c: &ClassReport) -> Section {
    let event = if c.n_classes == 2 { "class 1 came" } else { "the most probable class came" };
    let at = |f: fn(&super::classes::Bin) -> f64| c.diagram.iter().map(|b| (b.forecast, f(b))).collect();
    let diagram = Lines {
        x_label: "forecast".into(),
        panels: vec![Panel {
            y_label: "frequency".into(),
            series: vec![
                series("what happened", at(|b| b.happened)),
                series("calibrated", vec![(0.0, 0.0), (1.0, 1.0)]),
                series("95 %, low", at(|b| b.low)),
                series("95 %, high", at(|b| b.high)),
            ],
        }],
        marker: None,
        caption: format!(
            "How often {event}, by what was forecast. Where the diagonal leaves the band, forecasts and frequencies differ by \
             more than chance."
        ),
    };
    let rows = [
        ("accuracy", c.accuracy),
        ("expected calibration error, equal widths", c.ece),
        ("expected calibration error, equal counts", c.ece_equal_mass),
        ("largest calibration error", c.mce),
        ("mean calibration error of single classes", c.classwise_ece),
        ("squared error less chance", c.debiased_square),
        ("p-value of calibration", c.p_value),
    ];
    let mut rows: Vec<Vec<String>> = rows.iter().map(|(name, x)| vec![(*name).to_string(), number(*x)]).collect();
    rows.push(vec![format!("classes in a set that holds {:.0} %", 100.0 * c.level), number(c.set_size)]);
    let table = Table { head: vec!["calibration".into(), String::new()], rows };
    Section { title: "Reliability".into(), blocks: vec![Block::Lines(diagram), Block::Table(table)] }
}

fn transforms(r: &RealReport) -> Section {
    let (bins, n) = (r.pit.len() as f64, r.pit.iter().sum::<usize>() as f64);
    // A step for every bin.
    let steps = r.pit.iter().enumerate().flat_map(|(i, count)| {
        let height = *count as f64 * bins / n;
        [(i as f64 / bins, height), ((i as f64 + 1.0) / bins, height)]
    });
    let diagram = Lines {
        x_label: "F(y), the share of the forecast below what happened".into(),
        panels: vec![Panel {
            y_label: "density".into(),
            series: vec![series("found", steps.collect()), series("calibrated", vec![(0.0, 1.0), (1.0, 1.0)])],
        }],
        marker: None,
        caption: "Flat if calibrated; a bowl if the forecasts are too narrow, a hump if too wide, a slope if biased."
            .into(),
    };
    let coverage = Table {
        head: ["interval", "holds", "std err", "mean width"].map(String::from).to_vec(),
        rows: r
            .coverage
            .iter()
            .map(|c| vec![number(c.level), number(c.share), number(c.std_err), number(c.width)])
            .collect(),
    };
    let mut text = format!("Root mean squared error of the means: {}.", number(r.rmse));
    if let Some(margin) = r.conformal_margin {
        let _ = write!(
            text,
            " Intervals of {} standard deviations to either side hold {:.0} % by construction (split conformal).",
            number(margin),
            100.0 * r.coverage[0].level
        );
    }
    Section {
        title: "Calibration".into(),
        blocks: vec![Block::Lines(diagram), Block::Table(coverage), Block::Paragraph(text)],
    }
}

fn scaling(report: &ForecastReport) -> Section {
    let table = Table {
        head: ["scaling", "log score", "gain", "std err", "p-value"].map(String::from).to_vec(),
        rows: report
            .scaling
            .iter()
            .map(|s| vec![s.method.clone(), number(s.log_score), number(s.gain), number(s.std_err), number(s.p_value)])
            .collect(),
    };
    let text = "Mean log score of scaled forecasts by five-fold cross-validation, nats a row, and what is gained over the \
                forecasts as they are.";
    Section {
        title: "What scaling would gain".into(),
        blocks: vec![Block::Table(table), Block::Paragraph(text.into())],
    }
}
