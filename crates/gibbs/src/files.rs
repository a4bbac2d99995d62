//! Atomic writes: a file is there whole, or as it was before.

use std::io::Write;
use std::path::Path;

use crate::error::Error;

/// Writes to a temporary file in the same folder, flushes it to disk and renames it into place.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write_atomic_with(path, |out| out.write_all(bytes))
}

/// As [`write_atomic`], with the content produced by a closure.
pub fn write_atomic_with(path: &Path, fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<(), Error> {
    let folder = match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    };
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".gibbs-").suffix(".tmp").tempfile_in(folder)?;
        let mut out = std::io::BufWriter::new(file.as_file_mut());
        fill(&mut out)?;
        out.flush()?;
        drop(out);
        file.as_file().sync_all()?;
        set_permissions(file.as_file())?;
        file.persist(path).map_err(|e| e.error)?;
        // The rename itself must survive a power cut; not every file system lets a folder be synced.
        if let Ok(folder) = std::fs::File::open(folder) {
            let _ = folder.sync_all();
        }
        Ok(())
    };
    write().map_err(Error::io(path))
}

/// Temporary files are private; results are not.
#[cfg(unix)]
fn set_permissions(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn set_permissions(_file: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}
