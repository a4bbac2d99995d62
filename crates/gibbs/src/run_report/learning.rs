//! Curves of learning.

use crate::fit::{FitResult, Metrics};
use crate::report::{Block, Lines, Panel, Section, Series};

pub(super) fn section(metrics: &[Metrics], result: Option<&FitResult>) -> Option<Section> {
    let series = |name: &str, value: &dyn Fn(&Metrics) -> Option<f64>| Series {
        name: name.into(),
        points: metrics.iter().filter_map(|m| Some((m.step as f64, value(m)?))).collect(),
        ..Series::default()
    };
    let band: Vec<(f64, f64, f64)> =
        metrics.iter().filter_map(|m| m.interval.map(|[low, high]| (m.step as f64, low, high))).collect();
    let judged = usize::from(metrics.iter().any(|m| m.validation_log_likelihood.is_some()));
    let mut true_ones =
        [series("train", &|m| m.train_log_likelihood), series("validation", &|m| m.validation_log_likelihood)];
    true_ones[judged].band.clone_from(&band);
    let panel = |y_label: &str, series: Vec<Series>| Panel {
        y_label: y_label.into(),
        series: series.into_iter().filter(|s| s.points.len() > 1).collect(),
    };
    let bound = metrics.iter().any(|m| m.bound);
    let panels = [
        panel(if bound { "lower bound, nats" } else { "log-likelihood, nats" }, true_ones.into()),
        panel("pseudo, nats", vec![series("pseudo-log-likelihood", &|m| m.pseudo_log_likelihood)]),
        panel("objective", vec![series("objective", &|m| m.update.loss)]),
        panel("energy gap, nats", vec![series("data minus chains", &|m| m.update.energy_gap)]),
        panel("acceptance", vec![series("acceptance of the chains", &|m| m.update.acceptance)]),
        panel("distance", vec![series("moved in an update (root mean square)", &|m| m.update.distance)]),
    ];
    let panels: Vec<Panel> = panels.into_iter().filter(|p| !p.series.is_empty()).collect();
    let (first, others) = panels.split_first()?;
    let lines = |panels: Vec<Panel>, caption: &str| {
        Block::Lines(Lines {
            x_label: "update".into(),
            panels,
            marker: result.map(|r| (r.best_step as f64, "kept".to_string())),
            caption: caption.into(),
        })
    };
    let likelihood = first.y_label.starts_with("log-likelihood");
    let alone = match first.y_label.as_str() {
        _ if likelihood => "The true log-likelihood while learning; the kept model has the best value.",
        "lower bound, nats" => {
            "The lower bound of the log-likelihood while learning; the kept model has the best value."
        }
        _ => "",
    };
    let pseudo = others.first().is_some_and(|p| p.y_label.starts_with("pseudo"));
    let mut blocks = Vec::new();
    if likelihood && pseudo {
        blocks.push(lines(
            panels,
            "Above: the true log-likelihood while learning; the kept model is the one with the best validation value. \
             Below: pseudo-log-likelihood, which is on another scale and can rise while the truth falls.",
        ));
    } else {
        blocks.push(lines(vec![first.clone()], alone));
        if !others.is_empty() {
            let caption = "What the updates were like. None of these is a likelihood: an energy gap near zero says \
                           that chains and data have the same energies, not that they have the same distribution.";
            blocks.push(lines(others.to_vec(), caption));
        }
    }
    if !band.is_empty() {
        let worst = metrics.iter().filter_map(|m| m.log_z_verdict).min();
        blocks.push(Block::Paragraph(format!(
            "The band is the interval that log Z, enclosed from both sides at every look, leaves to the log-likelihood of \
             these rows{}.",
            worst.map_or(String::new(), |v| format!("; the least of its verdicts is: {v}"))
        )));
    }
    Some(Section { title: "Learning".into(), blocks })
}
