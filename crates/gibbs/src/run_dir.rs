//! The run directory: the record of a fit on disk.
//!
//! ```text
//! run/
//!   config.toml         the resolved configuration, complete
//!   manifest.json       version, commit, hashes, seed, machine, wall time, status
//!   model.safetensors   parameters, and how to feed them, in its metadata
//!   state.safetensors   optimiser, persistent chains, step: resuming is bit-exact
//!   split.json          which rows were held out, when a file said so
//!   metrics.jsonl       one line a look at the likelihood
//!   evaluation.json     the last evaluation of the model
//!   logz.json           log Z from both sides, as `gibbs logz` found it
//!   logz.safetensors    ladders and weights of its rounds: a killed `gibbs logz` goes on from them
//!   diagnosis.json      what `gibbs diagnose` found
//!   report.html         one self-contained file to look at
//! ```

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::config::{FORMAT, FitConfig};
use crate::error::Error;
use crate::files;
use crate::options::FitOptions;

/// How far a run came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Status {
    /// Training is going on, or was killed.
    Running,
    /// Stopped by the user; can be resumed.
    Interrupted,
    /// All epochs are done.
    Complete,
    /// The validation log-likelihood stopped rising.
    StoppedEarly,
    /// Something became NaN or infinite.
    Diverged,
    /// Brought in from elsewhere.
    Imported,
}

/// Where a run comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the run directory.
    pub format: u32,
    /// Version of the program.
    pub version: String,
    /// Commit the program was built from, where known.
    pub commit: String,
    /// SHA-256 of `config.toml`.
    pub config_sha256: String,
    /// SHA-256 of the raw bytes of the data.
    pub data_sha256: String,
    /// Seed of every random choice.
    pub seed: u64,
    /// Processor, cores, operating system, instruction set of the kernels.
    pub machine: Machine,
    /// Seconds of training, over all sittings.
    pub wall_seconds: f64,
    /// How far it came.
    pub status: Status,
}

/// The machine of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Processor as the system names it.
    pub processor: String,
    /// Logical cores.
    pub cores: usize,
    /// Operating system and architecture.
    pub system: String,
    /// Instruction set of the kernels; results are bit-identical within one.
    pub kernels: String,
    /// Threads used.
    pub threads: usize,
}

impl Machine {
    /// This machine.
    pub fn here() -> Self {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let name = cpuinfo.lines().find_map(|l| l.strip_prefix("model name")).and_then(|l| l.split(':').nth(1));
        Self {
            processor: name.map_or("unknown", str::trim).to_string(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            kernels: gibbs_kernels::level().name().to_string(),
            threads: rayon::current_num_threads(),
        }
    }
}

/// A run directory.
#[derive(Clone, Debug)]
pub struct RunDir {
    path: PathBuf,
}

const MANIFEST: &str = "manifest.json";

impl RunDir {
    /// Makes a directory for a new run.
    ///
    /// # Errors
    /// [`Error::Run`] if it holds another run and `force` is not set, or other files; [`Error::Io`] if it cannot be made.
    pub fn create(path: &Path, force: bool) -> Result<Self, Error> {
        if path.join(MANIFEST).exists() {
            if !force {
                return Err(Error::run(
                    path,
                    "holds another run; choose another --out, go on with --resume, or overwrite with --force",
                ));
            }
            for file in [
                "state.safetensors",
                "model.safetensors",
                crate::classifier::FILE,
                "metrics.jsonl",
                "evaluation.json",
                "logz.json",
                "logz.safetensors",
                "diagnosis.json",
                "report.html",
                "split.json",
                MANIFEST,
                "config.toml",
            ] {
                match std::fs::remove_file(path.join(file)) {
                    Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(Error::io(path.join(file))(e)),
                    _ => {}
                }
            }
        } else if path.is_file() {
            return Err(Error::run(path, "is a file; --out names a directory"));
        }
        std::fs::create_dir_all(path).map_err(Error::io(path))?;
        Ok(Self { path: path.to_path_buf() })
    }

    /// Opens an existing run.
    ///
    /// # Errors
    /// [`Error::Run`] if it is not a run directory or of another format version.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let run = Self { path: path.to_path_buf() };
        if !path.exists() {
            return Err(Error::run(path, "no such run directory"));
        }
        if !path.join(MANIFEST).exists() {
            return Err(Error::run(
                path,
                "is not a run directory: it has no manifest.json (make one with `gibbs fit --out`)",
            ));
        }
        run.manifest()?;
        Ok(run)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file of the run.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The manifest.
    pub fn manifest(&self) -> Result<Manifest, Error> {
        let path = self.file(MANIFEST);
        let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
        let damaged = |e: serde_json::Error| Error::run(&path, format!("damaged ({e})"));
        let value: serde_json::Value = serde_json::from_str(&text).map_err(damaged)?;
        match value.get("format").and_then(serde_json::Value::as_u64) {
            Some(f) if f == u64::from(FORMAT) => {}
            Some(f) if f > u64::from(FORMAT) => {
                return Err(Error::run(
                    &path,
                    format!("was written by a newer gibbs (run format {f}, this one reads {FORMAT}): update gibbs"),
                ));
            }
            Some(f) => {
                return Err(Error::run(
                    &path,
                    format!("has run format {f}, which this gibbs no longer reads ({FORMAT}): fit again"),
                ));
            }
            None => return Err(Error::run(&path, "damaged: it names no format version")),
        }
        serde_json::from_value(value).map_err(damaged)
    }

    /// Writes the manifest.
    pub fn write_manifest(&self, manifest: &Manifest) -> Result<(), Error> {
        self.write_json(MANIFEST, manifest)
    }

    /// Writes a value as a JSON file.
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), Error> {
        let path = self.file(name);
        let mut text = serde_json::to_string_pretty(value).map_err(|e| Error::run(&path, e.to_string()))?;
        text.push('\n');
        files::write_atomic(&path, text.as_bytes())
    }

    /// Reads a JSON file of the run, `None` if it is not there.
    pub fn read_json<T: for<'a> Deserialize<'a>>(&self, name: &str) -> Result<Option<T>, Error> {
        let path = self.file(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map(Some).map_err(|e| Error::run(&path, format!("damaged ({e})"))),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::io(path)(e)),
        }
    }

    /// Writes `config.toml`; returns its hash.
    pub fn write_config(&self, config: &FitConfig) -> Result<String, Error> {
        let path = self.file("config.toml");
        let text = toml::to_string(config).map_err(|e| Error::run(&path, e.to_string()))?;
        files::write_atomic(&path, text.as_bytes())?;
        Ok(hex(&Sha256::digest(text.as_bytes())))
    }

    /// Reads `config.toml` as options: the complete set of choices of the run.
    pub fn options(&self) -> Result<FitOptions, Error> {
        let path = self.file("config.toml");
        let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
        FitOptions::from_toml(&text).map_err(|e| Error::run(&path, e.to_string()))
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut s, b| {
        let _ = write!(s, "{b:02x}");
        s
    })
}

/// The commit the program was built from, where the build knew it.
pub fn commit() -> &'static str {
    option_env!("GIBBS_COMMIT").unwrap_or("unknown")
}
