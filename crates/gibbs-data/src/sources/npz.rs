//! NPZ: a ZIP archive of NPY arrays, stored or deflated.

use std::io::{Read, Seek};

use zip::{ZipArchive, result::ZipError};

use super::npy;
use crate::{DataError, ReadOptions, Table};

pub(crate) fn read(file: impl Read + Seek, options: &ReadOptions) -> Result<Table, DataError> {
    let mut archive = ZipArchive::new(file).map_err(damaged)?;
    let files: Vec<String> =
        (0..archive.len()).filter_map(|i| archive.name_for_index(i)?.ok().map(Into::into)).collect();
    let names: Vec<String> = files.iter().filter_map(|f| f.strip_suffix(".npy").map(str::to_string)).collect();
    let choose = |problem: String| Err(DataError::ChooseArray { problem, names: names.clone() });
    let name = match (&options.array, names.as_slice()) {
        (_, []) => return Err(DataError::Corrupt("a ZIP archive without .npy arrays".into())),
        (Some(name), _) if names.contains(name) => name.clone(),
        (Some(name), _) => {
            let hint = crate::nearest(name, names.iter().map(String::as_str));
            return choose(format!(
                "no array is called {name:?}{}",
                hint.map_or(String::new(), |n| format!(", did you mean {n:?}?"))
            ));
        }
        (None, [only]) => only.clone(),
        (None, several) => return choose(format!("there are {} arrays", several.len())),
    };
    let entry = archive.by_name(&format!("{name}.npy")).map_err(damaged)?;
    npy::read(entry, options.max_bytes)?.into_table(options)
}

fn damaged(error: ZipError) -> DataError {
    match error {
        ZipError::Io(e) => DataError::from_read(e),
        other => DataError::Corrupt(format!("as a ZIP archive: {other}")),
    }
}
