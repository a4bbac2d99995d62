//! Samples, data and filters as pictures where rows are pictures; samples of bits as rows of a raster otherwise.

use crate::batch::Batch;
use crate::chains::ChainReport;
use crate::dataset::Prepared;
use crate::models::Model;
use crate::report::{Block, ImageGrid, Scale, Section};
use crate::run_dir::RunDir;

/// Pictures of each kind.
const PICTURES: usize = 64;
/// Widest raster.
const COLUMNS: usize = 2_000;

pub(super) fn section(model: &dyn Model, data: &Prepared, chains: &ChainReport, run: &RunDir) -> Option<Section> {
    let images = |rows: &Batch| -> Vec<Vec<f32>> { (0..rows.n_rows().min(PICTURES)).map(|i| rows.row(i)).collect() };
    let grid = |shape, images, scale, caption: &str| {
        Block::Images(ImageGrid { shape, images, scale, caption: caption.into() })
    };
    let columns = model.n_columns();
    if let Some(shape) = data.shape {
        // Units of classes stand behind the picture's own.
        let images = |rows: &Batch| cut(images(rows), shape);
        let ends = "Samples: ends of the chains, the first half started at data, the second at the base.";
        let mut blocks = vec![grid(shape, images(&chains.last), Scale::Grey, ends)];
        if let Some(buffer) = buffer(run, columns) {
            blocks.push(grid(shape, buffer, Scale::Grey, "Persistent chains as training left them."));
        }
        let train = "Training rows, for comparison.";
        blocks.push(grid(shape, images(&data.train.rows), Scale::Grey, train));
        let filters = cut(model.filters().into_iter().take(PICTURES).collect(), shape);
        if !filters.is_empty() {
            let what = "Filters: what switches each hidden unit on (red) and off (blue).";
            blocks.push(grid(shape, filters, Scale::Signed, what));
        }
        return Some(Section { title: "Samples".into(), blocks });
    }
    if columns > COLUMNS || data.train.rows.bits().is_none() {
        return None;
    }
    let raster = |rows: &Batch| vec![images(rows).into_iter().take(32).flatten().collect::<Vec<f32>>()];
    let shape = |rows: &Batch| (rows.n_rows().min(32), columns);
    let samples = "Samples, one a line: columns are the table's columns, black is 1.";
    let train = "Training rows, for comparison.";
    Some(Section {
        title: "Samples".into(),
        blocks: vec![
            grid(shape(&chains.last), raster(&chains.last), Scale::Grey, samples),
            grid(shape(&data.train.rows), raster(&data.train.rows), Scale::Grey, train),
        ],
    })
}

/// What of rows belongs to the picture.
fn cut(mut images: Vec<Vec<f32>>, (height, width): (usize, usize)) -> Vec<Vec<f32>> {
    images.iter_mut().for_each(|i| i.truncate(height * width));
    images
}

/// Persistent chains of real rows in the saved state, if it has any.
fn buffer(run: &RunDir, columns: usize) -> Option<Vec<Vec<f32>>> {
    let (state, _) = crate::tensors::read(&run.file("state.safetensors")).ok()?;
    let name = "objective.buffer.x.values";
    let values = state.get(name)?.to_f32(name).ok()?;
    Some(values.chunks_exact(columns).take(PICTURES).map(<[f32]>::to_vec).collect())
}
