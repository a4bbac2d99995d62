//! The report of a run: what to look at before believing a model.

mod beliefs;
mod chains;
mod energies;
mod learning;
mod likelihood;
mod pictures;
mod plane;

use crate::chains::ChainReport;
use crate::dataset::Prepared;
use crate::error::Error;
use crate::files;
use crate::film;
use crate::fit::{FitResult, read_metrics};
use crate::likelihood::Evaluation;
use crate::pipeline::model_of_run;
use crate::progress::Progress;
use crate::report::{Block, Level, Page, Section, known_to, plus_minus};
use crate::run_dir::RunDir;

/// Writes `report.html`. Returns what the chains did.
///
/// # Errors
/// [`Error::Interrupted`] if stopped; errors of reading the run and of writing the file.
pub fn write(run: &RunDir, data: &Prepared, progress: &dyn Progress) -> Result<ChainReport, Error> {
    let saved = model_of_run(run)?;
    let model = saved.model.as_ref();
    let seed = run.manifest()?.seed;
    let report = crate::chains::examine(model, &data.train.rows, seed, progress).ok_or(Error::Interrupted)?;
    let metrics = read_metrics(run)?;
    let result: Option<FitResult> = run.read_json("evaluation.json")?;
    let mut sections = vec![summary(&report, result.as_ref(), metrics.last().map_or(&[], |m| &m.warnings[..]))];
    if let Some(result) = &result {
        sections.extend(likelihood::section(result, data.max_log_likelihood));
    }
    if metrics.len() > 1 {
        sections.extend(learning::section(&metrics, result.as_ref()));
    }
    sections.extend(plane::section(model, data, &report, result.as_ref(), film::of(run, data)?)?);
    let input_noise = run.options()?.input_noise.unwrap_or(0.0);
    sections.push(energies::section(model, data, &report, input_noise, seed));
    sections.extend(pictures::section(model, data, &report, run));
    sections.push(chains::section(&report));
    sections.extend(beliefs::sections(run)?);
    sections.push(record(run)?);
    let page = Page {
        title: format!("Gibbs report: {}", run.options()?.data.unwrap_or_default()),
        subtitle: format!("{}, {} training rows", model.describe(), data.train.rows.n_rows()),
        sections,
    };
    files::write_atomic(&run.file("report.html"), page.to_html().as_bytes())?;
    Ok(report)
}

fn summary(chains: &ChainReport, result: Option<&FitResult>, warnings: &[String]) -> Section {
    let mut blocks = Vec::new();
    if let Some((name, e)) = result.and_then(held_out) {
        let l = &e.log_likelihood;
        blocks.push(Block::Paragraph(format!(
            "Mean {} of the {} {name} rows: {} nats, 95 % interval {} to {} ({}).",
            if e.bound { "lower bound of the log-likelihood" } else { "log-likelihood" },
            e.n,
            known_to(l.mean, l.std_err),
            known_to(l.lower, l.std_err),
            known_to(l.upper, l.std_err),
            e.direction
        )));
        if let Some(r) = e.regret {
            blocks.push(Block::Paragraph(format!(
                "Regret against the true density on the same rows: {} nats a row.",
                plus_minus(r.mean, r.std_err)
            )));
        }
        for warning in &e.log_z.warnings {
            blocks.push(Block::Notice(Level::Bad, warning.clone()));
        }
    } else {
        blocks.push(Block::Paragraph(
            "No log Z was asked for, so there is no likelihood: energies can be compared with each other, not turned \
             into probabilities."
                .into(),
        ));
    }
    blocks.extend(warnings.iter().map(|w| Block::Notice(Level::Warning, w.clone())));
    blocks.push(Block::Notice(chains.verdict.level, chains.verdict.sentence.clone()));
    Section { title: String::new(), blocks }
}

/// The part that was looked at least.
fn held_out(result: &FitResult) -> Option<(&'static str, &Evaluation)> {
    let parts = [("test", &result.test), ("validation", &result.validation), ("training", &result.train)];
    parts.into_iter().find_map(|(name, e)| Some((name, e.as_ref()?)))
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
