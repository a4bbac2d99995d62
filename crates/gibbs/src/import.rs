//! Models trained elsewhere, brought in as runs.

use std::path::Path;

use gibbs_core::key::{Key, Purpose};
use gibbs_data::{Binarise, Header, Preprocess, ReadOptions};
use gibbs_spin::{Bernoulli, Rbm, RbmPath};

use crate::config::{DataFacts, FORMAT, FitConfig, ModelKind};
use crate::dataset::Preparation;
use crate::error::Error;
use crate::models::{self, ModelHeader, RbmModel};
use crate::options::FitOptions;
use crate::run_dir::{Machine, Manifest, RunDir, Status, commit};

/// The arrays of a binary RBM, as files (NPY or anything a table can be read from).
#[derive(Clone, Debug)]
pub struct RbmFiles<'a> {
    /// Weights, visible x hidden (hidden x visible is recognised by the biases and transposed).
    pub weights: &'a Path,
    /// Visible biases.
    pub visible_bias: &'a Path,
    /// Hidden biases.
    pub hidden_bias: &'a Path,
}

/// Makes a run of an RBM whose parameters come from files.
pub fn rbm(files: &RbmFiles<'_>, run: &RunDir) -> Result<String, Error> {
    let (weights, rows, cols) = matrix(files.weights)?;
    let (visible_bias, ..) = matrix(files.visible_bias)?;
    let (hidden_bias, ..) = matrix(files.hidden_bias)?;
    let (nv, nh) = (visible_bias.len(), hidden_bias.len());
    let (weights, note) = if (rows, cols) == (nv, nh) {
        (weights, String::new())
    } else if (rows, cols) == (nh, nv) {
        let transposed = (0..nv * nh).map(|k| weights[(k % nh) * nv + k / nh]).collect();
        (transposed, format!("; the weights were {rows} x {cols} and are transposed"))
    } else {
        return Err(Error::Usage(format!(
            "the weights are {rows} x {cols}, the biases have {nv} visible and {nh} hidden units: \
             weights must be {nv} x {nh} (or {nh} x {nv})"
        )));
    };
    let target = Rbm::from_arrays(&weights, &visible_bias, &hidden_bias).map_err(|e| Error::Usage(e.to_string()))?;
    let base = Bernoulli::from_pilot(&target, &Key::from_seed(0).purpose(Purpose::LogZ))?;
    let header = ModelHeader {
        kind: ModelKind::Rbm,
        preprocess: Preparation::Bits(unnamed_bits(nv)),
        shape: None,
        settings: None,
        units: None,
    };
    let options = FitOptions { hidden: Some(nh), model: Some(ModelKind::Rbm), ..FitOptions::default() };
    let mut config = FitConfig::resolve(
        &FitOptions { objective: Some(crate::config::ObjectiveKind::Pcd), ..options },
        DataFacts { n_train: 1, n_columns: nv, shape: None },
    )?;
    config.source.data = "imported".into();
    let config_sha256 = run.write_config(&config)?;
    let model = RbmModel { path: RbmPath::new(base, target) };
    models::write(&run.file("model.safetensors"), &model, &header)?;
    run.write_manifest(&Manifest {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").into(),
        commit: commit().into(),
        config_sha256,
        data_sha256: String::new(),
        seed: config.seed,
        machine: Machine::here(),
        wall_seconds: 0.0,
        status: Status::Imported,
    })?;
    Ok(format!("binary RBM, {nv} visible x {nh} hidden units{note}"))
}

fn matrix(path: &Path) -> Result<(Vec<f32>, usize, usize), Error> {
    let table = gibbs_data::read(path, &ReadOptions { header: Header::No, ..ReadOptions::default() })?;
    table.check_finite()?;
    let (rows, cols) = (table.n_rows, table.n_cols());
    let values = (0..rows * cols).map(|i| table.values.get(i) as f32).collect();
    Ok((values, rows, cols))
}

/// Rows of 0/1 columns in the model's order.
fn unnamed_bits(n_cols: usize) -> Preprocess {
    let columns = (0..n_cols).map(|i| format!("x{i}")).collect();
    Preprocess { columns, has_names: false, n_cols, binarise: Binarise::None, shape: None }
}
