//! The report of a run: what to look at before believing a model.

use gibbs_core::rows::Rows;
use gibbs_spin::Bits;

use crate::chains::{self, ChainReport};
use crate::dataset::Prepared;
use crate::error::Error;
use crate::files;
use crate::fit::{FitResult, Metrics, read_metrics};
use crate::likelihood::Evaluation;
use crate::models::Model;
use crate::pipeline::model_of_run;
use crate::progress::Progress;
use crate::report::{
    Block, Histogram, ImageGrid, Level, Lines, Page, Panel, Sample, Scale, Section, Series, Table, number,
};
use crate::run_dir::RunDir;

/// Rows of each part in the energy histogram.
const ROWS: usize = 5_000;
/// Pictures of each kind.
const PICTURES: usize = 64;

/// Writes `report.html`. Returns what the chains did.
///
/// # Errors
/// [`Error::Interrupted`] if stopped; errors of reading the run and of writing the file.
pub fn write(run: &RunDir, data: &Prepared, progress: &dyn Progress) -> Result<ChainReport, Error> {
    let saved = model_of_run(run)?;
    let model = saved.model.as_ref();
    let seed = run.manifest()?.seed;
    let chains = chains::examine(model, &data.train.rows, seed, progress).ok_or(Error::Interrupted)?;
    let metrics = read_metrics(run)?;
    let result: Option<FitResult> = run.read_json("evaluation.json")?;
    let mut sections = vec![summary(&chains, result.as_ref())];
    if let Some(result) = &result {
        sections.push(likelihood(result, data.max_log_likelihood));
    }
    if metrics.len() > 1 {
        sections.push(learning(&metrics, result.as_ref()));
    }
    sections.push(energies(model, data, &chains));
    sections.extend(pictures(model, data, &chains));
    sections.push(diagnostics(&chains));
    sections.push(record(run)?);
    let page = Page {
        title: format!("Gibbs report: {}", run.options()?.data.unwrap_or_default()),
        subtitle: format!("{}, {} training rows", model.describe(), data.train.rows.n_rows()),
        sections,
    };
    files::write_atomic(&run.file("report.html"), page.to_html().as_bytes())?;
    Ok(chains)
}

fn summary(chains: &ChainReport, result: Option<&FitResult>) -> Section {
    let mut blocks = Vec::new();
    if let Some(result) = result {
        let (name, e) = held_out(result);
        let l = &e.log_likelihood;
        blocks.push(Block::Paragraph(format!(
            "Mean log-likelihood of the {} {name} rows: {} nats, 95 % interval {} to {} ({}).",
            e.n,
            number(l.mean),
            number(l.lower),
            number(l.upper),
            e.direction
        )));
        for warning in &e.log_z.warnings {
            blocks.push(Block::Notice(Level::Bad, warning.clone()));
        }
    }
    blocks.push(Block::Notice(chains.verdict.level, chains.verdict.sentence.clone()));
    Section { title: String::new(), blocks }
}

/// The part that was looked at least.
fn held_out(result: &FitResult) -> (&'static str, &Evaluation) {
    match (&result.test, &result.validation) {
        (Some(test), _) => ("test", test),
        (None, Some(validation)) => ("validation", validation),
        (None, None) => ("training", &result.train),
    }
}

fn likelihood(result: &FitResult, ceiling: Option<f64>) -> Section {
    let parts =
        [("train", Some(&result.train)), ("validation", result.validation.as_ref()), ("test", result.test.as_ref())];
    let rows = parts.into_iter().filter_map(|(name, e)| {
        let e = e?;
        let l = &e.log_likelihood;
        Some(vec![
            name.to_string(),
            e.n.to_string(),
            number(l.mean),
            number(l.std_err),
            format!("{} to {}", number(l.lower), number(l.upper)),
            number(e.bits_per_dim),
            number(e.pseudo_log_likelihood),
        ])
    });
    let head = ["part", "rows", "log-likelihood", "std. err.", "95 % interval", "bits / dim", "pseudo"];
    let z = &result.train.log_z;
    let mut blocks = vec![
        Block::Table(Table { head: head.map(String::from).to_vec(), rows: rows.collect() }),
        Block::Paragraph(format!(
            "Nats a row. log Z = {} \u{b1} {}, by {}. {}",
            number(z.value),
            number(z.std_err),
            z.method,
            if z.std_err == 0.0 { "It is exact." } else { result.train.direction.as_str() }
        )),
    ];
    if let Some(ceiling) = ceiling {
        blocks.push(Block::Paragraph(format!(
            "The data is synthetic: no model can expect more than {} nats a row.",
            number(ceiling)
        )));
    }
    Section { title: "Likelihood".into(), blocks }
}

fn learning(metrics: &[Metrics], result: Option<&FitResult>) -> Section {
    let series = |name: &str, value: &dyn Fn(&Metrics) -> Option<f64>| Series {
        name: name.into(),
        points: metrics.iter().filter_map(|m| Some((m.step as f64, value(m)?))).collect(),
    };
    let truth = Panel {
        y_label: "log-likelihood, nats".into(),
        series: vec![
            series("train", &|m| Some(m.train_log_likelihood)),
            series("validation", &|m| m.validation_log_likelihood),
        ],
    };
    let pseudo = Panel {
        y_label: "pseudo, nats".into(),
        series: vec![series("pseudo-log-likelihood", &|m| Some(m.pseudo_log_likelihood))],
    };
    let lines = Lines {
        x_label: "update".into(),
        panels: vec![truth, pseudo],
        marker: result.map(|r| (r.best_step as f64, "kept".to_string())),
        caption: "Above: the true log-likelihood while learning; the kept model is the one with the best validation \
                  value. Below: pseudo-log-likelihood, which is on another scale and can rise while the truth falls."
            .into(),
    };
    Section { title: "Learning".into(), blocks: vec![Block::Lines(lines)] }
}

fn energies(model: &dyn Model, data: &Prepared, chains: &ChainReport) -> Section {
    let of = |rows: &Bits| model.energy(&rows.slice(0, rows.n_rows().min(ROWS)));
    let mut samples = vec![Sample { name: "train".into(), values: of(&data.train.rows) }];
    if data.test.rows.n_rows() > 0 {
        samples.push(Sample { name: "test".into(), values: of(&data.test.rows) });
    }
    samples.push(Sample { name: "model samples".into(), values: chains.traces.iter().step_by(7).copied().collect() });
    let histogram = Histogram {
        x_label: "energy, nats (lower is more probable)".into(),
        samples,
        caption:
            "A good model gives held-out rows the energies of training rows, and draws samples of those energies. \
                  Test rows to the right of training rows are a sign of overfitting."
                .into(),
    };
    Section { title: "Energies".into(), blocks: vec![Block::Histogram(histogram)] }
}

/// Samples, data and filters as pictures where rows are pictures; samples as rows of a raster otherwise.
fn pictures(model: &dyn Model, data: &Prepared, chains: &ChainReport) -> Option<Section> {
    let images = |rows: &Bits| -> Vec<Vec<f32>> {
        let n = rows.n_rows().min(PICTURES);
        let bytes = rows.slice(0, n).to_bytes();
        bytes.chunks_exact(rows.n_cols()).map(|r| r.iter().map(|&b| f32::from(b)).collect()).collect()
    };
    let grid = |shape, images, scale, caption: &str| {
        Block::Images(ImageGrid { shape, images, scale, caption: caption.into() })
    };
    if let Some(shape) = data.shape {
        return Some(Section {
            title: "Samples and filters".into(),
            blocks: vec![
                grid(
                    shape,
                    images(&chains.last),
                    Scale::Grey,
                    "Samples: ends of the chains, the first half started at data.",
                ),
                grid(shape, images(&data.train.rows), Scale::Grey, "Training rows, for comparison."),
                grid(
                    shape,
                    model.filters().into_iter().take(PICTURES).collect(),
                    Scale::Signed,
                    "Filters: what switches each hidden unit on (red) and off (blue).",
                ),
            ],
        });
    }
    let columns = model.n_columns();
    if columns > 2_000 {
        return None;
    }
    let raster = |rows: &Bits| vec![images(rows).into_iter().take(32).flatten().collect::<Vec<f32>>()];
    let shape = |rows: &Bits| (rows.n_rows().min(32), columns);
    Some(Section {
        title: "Samples".into(),
        blocks: vec![
            grid(
                shape(&chains.last),
                raster(&chains.last),
                Scale::Grey,
                "Samples, one a line: columns are the table's columns, black is 1.",
            ),
            grid(shape(&data.train.rows), raster(&data.train.rows), Scale::Grey, "Training rows, for comparison."),
        ],
    })
}

fn diagnostics(chains: &ChainReport) -> Section {
    let e = &chains.energy;
    let n = chains.traces.len() / e.n_chains;
    let row = |name: &str, value: String, wanted: &str| vec![name.to_string(), value, wanted.to_string()];
    let table = Table {
        head: ["quantity", "value", "wanted"].map(String::from).to_vec(),
        rows: vec![
            row("R-hat of the energy (rank-normalised, split)", number(e.rhat), "below 1.01"),
            row("effective draws, centre", number(e.ess_bulk), "400 or more"),
            row("effective draws, tails", number(e.ess_tail), "400 or more"),
            row("mean energy, chains from data", number(chains.mean_by_start[0]), "equal"),
            row("mean energy, chains from independent bits", number(chains.mean_by_start[1]), "equal"),
            row("share of units that flip in a step", number(chains.flip_rate), "well above 0"),
            row("the same, slowest chain", number(chains.slowest_chain), "well above 0"),
            row("stuck chains", chains.stuck_chains.to_string(), "0"),
            row("stuck units", chains.stuck_sites.to_string(), "0"),
        ],
    };
    let trace = |chain: usize, name: &str| Series {
        name: name.into(),
        points: (0..n).step_by(2).map(|t| (t as f64, chains.traces[chain * n + t])).collect(),
    };
    let traces = Lines {
        x_label: "step after warm-up".into(),
        panels: vec![Panel {
            y_label: "energy, nats".into(),
            series: vec![trace(0, "a chain from data"), trace(e.n_chains / 2, "a chain from independent bits")],
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

fn record(run: &RunDir) -> Result<Section, Error> {
    let read = |name: &str| std::fs::read_to_string(run.file(name)).map_err(Error::io(run.file(name)));
    Ok(Section {
        title: "Record".into(),
        blocks: vec![
            Block::Folded("configuration (config.toml)".into(), read("config.toml")?),
            Block::Folded("manifest (manifest.json)".into(), read("manifest.json")?),
        ],
    })
}
