//! The landscape while it is learnt: a frame at every look, kept in the run, and the film that they make.

use std::collections::BTreeMap;
use std::path::Path;

use gibbs_core::persist::{Tensor, TensorMap};

use crate::dataset::Prepared;
use crate::error::Error;
use crate::models::Model;
use crate::report::{Animation, ColourScale, Field};
use crate::run_dir::RunDir;
use crate::tensors;
use crate::window::Window;

/// Cells of a frame along a side.
const CELLS: usize = 96;
/// Pixels of the film along a side.
const PIXELS: u16 = 384;
/// Nats over the lowest energy of a frame that the colours reach.
const ENERGY_RANGE: f64 = 12.0;
const FRAMES: &str = "frames";
const ENERGY: &str = "energy";
/// Where the film lies in a run.
pub const FILE: &str = "landscape.gif";

/// Whether a film of models of these data can be made.
pub(crate) fn check(data: &Prepared) -> Result<(), Error> {
    if Window::of(data).is_some() {
        return Ok(());
    }
    Err(Error::Usage(
        "--animate draws landscapes over the plane: it needs two real columns (choose them with --columns)".into(),
    ))
}

/// Keeps the landscape of `model` after update `step`.
pub(crate) fn keep(run: &RunDir, model: &dyn Model, data: &Prepared, step: u64) -> Result<(), Error> {
    let Some(window) = Window::of(data) else { return Ok(()) };
    let energy = model.energy(&window.rows(window.grid(CELLS)?));
    let mut frame = TensorMap::default();
    frame.insert(ENERGY, Tensor::from_f64(&[CELLS, CELLS], &energy));
    let folder = run.file(FRAMES);
    std::fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
    tensors::write(&folder.join(name(step)), &frame, &BTreeMap::new())
}

/// Names sort as steps do.
fn name(step: u64) -> String {
    format!("{step:012}.safetensors")
}

/// Forgets the frames after update `step`: a run that goes on from there makes them anew.
pub(crate) fn forget_after(run: &RunDir, step: u64) -> Result<(), Error> {
    for path in frames(run)?.into_iter().filter(|p| step_of(p) > Some(step)) {
        std::fs::remove_file(&path).map_err(Error::io(&path))?;
    }
    Ok(())
}

/// The film of a run, if there are frames. Energies are relative to the lowest of their frame.
pub(crate) fn of(run: &RunDir, data: &Prepared) -> Result<Option<Animation>, Error> {
    let (Some(window), frames) = (Window::of(data), frames(run)?) else { return Ok(None) };
    if frames.is_empty() {
        return Ok(None);
    }
    let scale = ColourScale::linear("energy above the lowest (nats)").between(0.0, ENERGY_RANGE)?;
    let mut film = Animation::new(PIXELS, PIXELS, scale)?;
    for path in &frames {
        let damaged = |reason: String| Error::run(path, reason);
        let (frame, _) = tensors::read(path)?;
        let energy = frame
            .expect(ENERGY, Some(&[CELLS, CELLS]))
            .and_then(|t| t.to_f64(ENERGY))
            .map_err(|e| damaged(e.to_string()))?;
        let lowest = energy.iter().copied().fold(f64::INFINITY, f64::min);
        let field = Field::new(window.grid(CELLS)?, energy.iter().map(|e| e - lowest).collect())?;
        film.push(field, &format!("step {}", step_of(path).unwrap_or_default()));
    }
    film.caption = "The energy while it was learnt.".into();
    Ok(Some(film))
}

/// Writes the film, if there is one.
pub(crate) fn write(run: &RunDir, data: &Prepared) -> Result<(), Error> {
    of(run, data)?.map_or(Ok(()), |film| film.write(&run.file(FILE)))
}

fn step_of(path: &Path) -> Option<u64> {
    path.file_stem()?.to_str()?.parse().ok()
}

/// Files of frames, in the order of their steps.
fn frames(run: &RunDir) -> Result<Vec<std::path::PathBuf>, Error> {
    let folder = run.file(FRAMES);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(&folder).map_err(Error::io(&folder))?;
    let mut paths: Vec<_> = entries.flatten().map(|e| e.path()).filter(|p| step_of(p).is_some()).collect();
    paths.sort();
    Ok(paths)
}
