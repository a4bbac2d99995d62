//! Public files: looked for, checked, joined.

use std::path::{Path, PathBuf};

use super::{NamedOptions, Part, download};
use crate::{DataError, ReadOptions, Split, Table, hash, sources};

/// A file of a set: its published name (without `.gz`) and the digest of its uncompressed content.
#[derive(Clone, Copy, Debug)]
pub(super) struct PublicFile {
    pub(super) name: &'static str,
    pub(super) sha256: &'static str,
}

/// Where the files of a set may be.
pub(super) struct Place<'a> {
    pub(super) set: &'a str,
    /// Folders below the data folder, the first is where downloads go.
    pub(super) folders: &'a [String],
    /// Where a file is published: a function of its name.
    pub(super) url: &'a dyn Fn(&str) -> String,
}

impl Place<'_> {
    /// Reads one file, checked; downloads it if that is allowed and needed.
    pub(super) fn read(&self, file: &PublicFile, options: &NamedOptions) -> Result<Table, DataError> {
        let candidates: Vec<PathBuf> = roots(options)
            .iter()
            .flat_map(|root| self.folders.iter().map(move |f| root.join(f)))
            .flat_map(|folder| [folder.join(format!("{}.gz", file.name)), folder.join(file.name)])
            .collect();
        let path = match candidates.iter().find(|p| p.is_file()) {
            Some(path) => path.clone(),
            None if options.download => self.fetch(file, options)?,
            None => return Err(self.not_found(candidates)),
        };
        read_checked(&path, file.sha256)
    }

    fn fetch(&self, file: &PublicFile, options: &NamedOptions) -> Result<PathBuf, DataError> {
        let url = (self.url)(file.name);
        let root = roots(options).into_iter().next().ok_or_else(|| DataError::Download {
            url: url.clone(),
            problem: "there is no folder to put it in; give one with --data-dir".into(),
        })?;
        let folder = root.join(&self.folders[0]);
        let target = folder.join(url.rsplit('/').next().unwrap_or(file.name));
        download::fetch(&url, &target, |path| read_checked(path, file.sha256).map(|_| ()))?;
        Ok(target)
    }

    fn not_found(&self, looked_for: Vec<PathBuf>) -> DataError {
        let advice = format!(
            "Put the files there, or name their folder with --data-dir DIR or the environment variable GIBBS_DATA, \
             or say --download to get them from {}",
            (self.url)("")
        );
        DataError::FilesNotFound { set: self.set.to_string(), looked_for, advice }
    }
}

/// Reads a file whose uncompressed content must have the published digest.
fn read_checked(path: &Path, sha256: &str) -> Result<Table, DataError> {
    let read = || {
        let (table, digest) = sources::read_uncompressed(path, &ReadOptions::default())?;
        let found = hash::hex(&digest);
        if found != sha256 {
            return Err(DataError::Checksum { found, expected: sha256.to_string() });
        }
        Ok(Table { source_hash: digest, ..table })
    };
    read().map_err(|e| e.in_file(path))
}

/// Folders that may hold public files, in order.
fn roots(options: &NamedOptions) -> Vec<PathBuf> {
    if let Some(dir) = &options.data_dir {
        return vec![dir.clone()];
    }
    let variable = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let cache = variable("XDG_CACHE_HOME")
        .or_else(|| variable("LOCALAPPDATA"))
        .or_else(|| variable("HOME").map(|h| h.join(".cache")))
        .map(|c| c.join("gibbs"));
    variable("GIBBS_DATA").into_iter().chain(cache).collect()
}

/// Appends the parts of a set, and says which rows came from which.
pub(super) fn join(parts: Vec<(Part, Table)>) -> Result<Table, DataError> {
    let single = parts.len() == 1;
    let (mut split, mut joined): (Split, Option<Table>) = (Split::default(), None);
    let mut hashes = Vec::new();
    for (part, table) in parts {
        let start = joined.as_ref().map_or(0, |t| t.n_rows);
        let rows = start..start + table.n_rows;
        match part {
            Part::Validation => split.validation.extend(rows),
            Part::Test => split.test.extend(rows),
            Part::Train | Part::All => split.train.extend(rows),
        }
        hashes.push(table.source_hash);
        match &mut joined {
            None => joined = Some(table),
            Some(whole) => {
                whole.n_rows += table.n_rows;
                whole.values.append(table.values);
                if let (Some(a), Some(b)) = (&mut whole.labels, table.labels) {
                    a.extend(b);
                }
            }
        }
    }
    let mut whole = joined.ok_or(DataError::Empty)?;
    if !single {
        whole.suggested_split = Some(split);
        whole.source_hash = hash::of_parts(&hashes.iter().map(<[u8; 32]>::as_slice).collect::<Vec<_>>());
    }
    Ok(whole)
}
