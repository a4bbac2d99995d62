//! The paths that every command shares: from options to prepared data, from a run to its model and its rows.

use gibbs_data::{Kind, Split, Table, inspect};

use crate::config::{DataFacts, FitConfig, ModelKind, VisibleKind};
use crate::dataset::{self, Part, Preparation, Prepared};
use crate::error::Error;
use crate::models::Saved;
use crate::options::FitOptions;
use crate::run_dir::RunDir;

/// Everything a fit needs, and what was decided on the way, in words.
#[derive(Debug)]
pub struct Plan {
    /// The resolved configuration.
    pub config: FitConfig,
    /// The data, divided and prepared.
    pub data: Prepared,
    /// Decisions taken without being asked, one sentence each.
    pub notes: Vec<String>,
}

/// Reads the data, decides what the options leave open, and prepares the rows.
pub fn plan(options: &FitOptions) -> Result<Plan, Error> {
    let Some(name) = options.data.as_deref() else {
        return Err(Error::Usage("name the data: a file, a folder of PNGs or a set (see `gibbs data list`)".into()));
    };
    let mut notes = Vec::new();
    let mut options = options.clone();
    let chosen_model = options.model.is_some();
    let units = options.visible.is_some() || options.hidden_units.is_some() || options.classes.is_some();
    if units && options.model.is_some_and(|m| m != ModelKind::Rbm) {
        return Err(Error::Usage("--visible, --hidden-units and --classes are for --model rbm".into()));
    }
    if let (Some(VisibleKind::Gaussian | VisibleKind::Counts), Some(_)) = (options.visible, &options.classes) {
        return Err(Error::Usage("--classes goes with bits and categories, not with real columns or counts".into()));
    }
    let table = dataset::read_unknown(name, &mut options)?;
    if units || options.visible.is_some() {
        options.model = Some(ModelKind::Rbm);
    }
    choose_visible(name, &table, &mut options, &mut notes);
    let bits =
        options.model.is_none_or(ModelKind::takes_bits) && options.visible.is_none_or(|v| v == VisibleKind::Bernoulli);
    if let (true, None, Some(t)) = (bits, &options.binarize, dataset::customary_threshold(name)) {
        options.binarize = Some(t.to_string());
        notes.push(format!("{name}: values >= {t} are 1 (--binarize {t})"));
    }
    let chosen = chosen_model && options.model.is_some();
    if options.model.is_none() && options.binarize.is_none() {
        let (kind, why) = dataset::recognise(&table)?;
        options.model = Some(kind);
        notes.push(format!("{name}: {why}"));
    }
    // Where the truth is known nothing has to be held back to stop by.
    if options.model == Some(ModelKind::Mlp) && table.max_log_likelihood.is_some() {
        options.validation_fraction.get_or_insert(0.0);
    }
    let split = dataset::split_of(&table, &options)?;
    let (config, data, facts) = resolve(&options, table, split)?;
    if !chosen {
        notes.push(format!("picked: {}", config.describe(facts)));
    }
    Ok(Plan { config, data, notes })
}

/// Visible units of an RBM about which nothing was said: real ones for columns of real numbers that nobody makes bits of.
fn choose_visible(name: &str, table: &Table, options: &mut FitOptions, notes: &mut Vec<String>) {
    if options.visible == Some(VisibleKind::Categorical) && table.levels.is_some() {
        notes.push(format!("{name}: columns are categories, {} in all", table.n_cols()));
    }
    let bits = options.binarize.is_some() || dataset::customary_threshold(name).is_some() || options.classes.is_some();
    if options.model != Some(ModelKind::Rbm) || options.visible.is_some() || bits {
        return;
    }
    let kind = inspect(table);
    if matches!(kind, Kind::UnitInterval | Kind::Continuous { .. }) {
        options.visible = Some(VisibleKind::Gaussian);
        notes.push(format!("{name}: {kind}, so the visible units are Gaussian (--visible gaussian)"));
    }
}

/// The plan of an existing run: same data, same division, same configuration.
pub fn replan(run: &RunDir) -> Result<Plan, Error> {
    let options = run.options()?;
    let table = dataset::read_table(options.data.as_deref().unwrap_or_default(), &options)?;
    // The division was fixed when the run began, wherever it came from.
    let split = match run.read_json("split.json")? {
        Some(split) => split,
        None => dataset::split_of(&table, &options)?,
    };
    let (config, data, _) = resolve(&options, table, split)?;
    Ok(Plan { config, data, notes: Vec::new() })
}

fn resolve(options: &FitOptions, table: Table, split: Split) -> Result<(FitConfig, Prepared, DataFacts), Error> {
    let mut facts = DataFacts { n_train: split.train.len(), n_columns: table.n_cols(), shape: table.shape };
    if facts.n_train == 0 {
        return Err(Error::Usage(format!(
            "no rows are left to train on: {} rows, {} for validation, {} for the test",
            table.n_rows,
            split.validation.len(),
            split.test.len()
        )));
    }
    if options.visible.is_none() && options.classes.is_none() {
        let config = FitConfig::resolve(options, facts)?;
        let preparation = Preparation::fit(config.kind(), &table, &split, options)?;
        let data = dataset::prepare(&config.source.data, table, preparation, split, config.seed)?;
        return Ok((config, data, facts));
    }
    // Units are not columns: what they are decides what is cheap.
    let preparation = Preparation::fit(ModelKind::Rbm, &table, &split, options)?;
    facts.n_columns = preparation.n_units();
    let config = FitConfig::resolve(options, facts)?;
    let data = dataset::prepare(&config.source.data, table, preparation, split, config.seed)?;
    Ok((config, data, facts))
}

/// Parts of a run's own data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum PartName {
    /// Rows the model was trained on.
    Train,
    /// Rows that decided when to stop.
    Validation,
    /// Rows never looked at.
    Test,
}

/// One part of the data that a run was fitted on.
pub fn part_of_run(run: &RunDir, part: PartName) -> Result<Part, Error> {
    if run.manifest()?.status == crate::run_dir::Status::Imported {
        return Err(Error::run(run.path(), "was imported: it has no data of its own; name a table instead of --part"));
    }
    let plan = replan(run)?;
    let manifest = run.manifest()?;
    if plan.data.data_sha256 != manifest.data_sha256 {
        return Err(Error::run(
            run.path(),
            format!("was fitted on other bytes than {} holds now: --part would mix the parts", plan.config.source.data),
        ));
    }
    let rows = match part {
        PartName::Train => plan.data.train,
        PartName::Validation => plan.data.validation,
        PartName::Test => plan.data.test,
    };
    if rows.rows.n_rows() == 0 {
        return Err(Error::Usage(format!("the {part:?} part of this run is empty").to_lowercase()));
    }
    Ok(rows)
}

/// The rows of another table, under the preprocessing of a run.
pub fn table_for_run(run: &RunDir, saved: &Saved, data: &str) -> Result<Part, Error> {
    let mut options = run.options().unwrap_or_default();
    if let Preparation::Labelled(l) = &saved.header.preprocess {
        options.classes = Some(l.column.clone());
    }
    let table = saved.header.preprocess.read(data, &options)?;
    saved.header.preprocess.apply(&table, options.seed.unwrap_or(0))
}

/// The model of a run.
pub fn model_of_run(run: &RunDir) -> Result<Saved, Error> {
    let path = run.file("model.safetensors");
    if !path.exists() {
        return Err(Error::run(run.path(), "has no model yet: it was stopped before its first look; --resume it"));
    }
    Saved::read(&path)
}
