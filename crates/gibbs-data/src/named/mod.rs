//! Data sets with a name: embedded, generated, or public files in a folder.

mod debd;
mod digits;
mod download;
mod files;
mod mnist;

use std::path::PathBuf;

use gibbs_core::key::Key;
use serde::{Deserialize, Serialize};

use crate::{DataError, Table, generators};

/// Which official part of a public set to load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// All parts, one after the other; [`Table::suggested_split`] says which rows are which.
    #[default]
    All,
    /// The training part.
    Train,
    /// The validation part, where there is one.
    Validation,
    /// The test part.
    Test,
}

/// Where named sets come from and how much of them.
#[derive(Clone, Debug, Default)]
pub struct NamedOptions {
    /// Folder of public files. If absent: the environment variable `GIBBS_DATA`, then the user's cache folder.
    pub data_dir: Option<PathBuf>,
    /// Whether missing files may be downloaded, with the system's `curl`.
    pub download: bool,
    /// Number of rows: how many a generator draws, or the first ones of other sets.
    pub n: Option<usize>,
    /// Official part of a public set.
    pub part: Part,
}

/// How a named set is obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetKind {
    /// Part of the program.
    Embedded,
    /// Computed; parameters follow the name, as in `ising:side=5,beta=0.3`.
    Generator,
    /// Public files that a folder holds or a download brings.
    Files,
}

/// One named set.
#[derive(Clone, Debug)]
pub struct SetInfo {
    /// Name for [`named`].
    pub name: &'static str,
    /// What it is, in a phrase.
    pub what: &'static str,
    /// How it is obtained.
    pub kind: SetKind,
    /// Rows and columns, where they are fixed.
    pub size: Option<(usize, usize)>,
    /// A generator's parameters.
    pub parameters: &'static [generators::Parameter],
}

/// Every named set: the embedded ones, the generators, the public files.
///
/// # Example
/// ```
/// assert!(gibbs_data::list().iter().any(|s| s.name == "digits"));
/// ```
pub fn list() -> &'static [SetInfo] {
    static LIST: std::sync::OnceLock<Vec<SetInfo>> = std::sync::OnceLock::new();
    LIST.get_or_init(|| {
        let generated = generators::REGISTRY.iter().map(|e| SetInfo {
            name: e.name,
            what: e.what,
            kind: SetKind::Generator,
            size: None,
            parameters: e.parameters,
        });
        let file_sets = mnist::SETS.iter().map(mnist::Set::info).chain(debd::SETS.iter().map(debd::Set::info));
        std::iter::once(digits::info()).chain(generated).chain(file_sets).collect()
    })
}

/// Loads a set by its name; the key is used only by generators.
///
/// # Errors
/// [`DataError::UnknownSet`] with the nearest name, [`DataError::FilesNotFound`] with every path tried,
/// [`DataError::Checksum`], [`DataError::Download`], [`DataError::Parameter`].
///
/// # Example
/// ```
/// use gibbs_core::key::Key;
/// use gibbs_data::{named, NamedOptions};
/// let t = named("digits", &NamedOptions::default(), &Key::from_seed(0)).unwrap();
/// assert_eq!((t.n_rows, t.n_cols(), t.shape), (1797, 64, Some((8, 8))));
/// let e = named("digts", &NamedOptions::default(), &Key::from_seed(0)).unwrap_err();
/// assert!(e.to_string().contains("did you mean \"digits\"?"));
/// ```
pub fn named(name: &str, options: &NamedOptions, key: &Key) -> Result<Table, DataError> {
    if let Some(generator) = generators::from_name(name)? {
        let mut table = generator.generate(options.n, key)?;
        table.source = name.to_string();
        return Ok(table);
    }
    let mut table = if name == digits::NAME {
        digits::load()
    } else if let Some(set) = mnist::SETS.iter().find(|s| s.name == name) {
        set.load(options)
    } else if let Some(set) = debd::SETS.iter().find(|s| s.name == name) {
        set.load(options)
    } else {
        let known: Vec<String> = list().iter().map(|s| s.name.to_string()).collect();
        let base = name.split(':').next().unwrap_or(name);
        let nearest = crate::nearest(base, known.iter().map(String::as_str));
        return Err(DataError::UnknownSet { name: name.to_string(), nearest, known });
    }?;
    table.source = name.to_string();
    match options.n {
        Some(0) => return Err(DataError::NoRows { columns: table.n_cols() }),
        Some(n) => table.truncate(n),
        None => {}
    }
    Ok(table)
}
