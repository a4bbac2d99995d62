//! Download through the system's `curl`: no network code of our own, and the user's proxy settings hold.

use std::path::Path;
use std::process::Command;

use crate::DataError;

/// Downloads to a temporary name beside `target`, checks the file, and only then gives it its name.
pub(super) fn fetch(url: &str, target: &Path, check: impl Fn(&Path) -> Result<(), DataError>) -> Result<(), DataError> {
    if let Some(folder) = target.parent() {
        std::fs::create_dir_all(folder).map_err(|e| DataError::from(e).in_file(folder))?;
    }
    // The extension stays: nothing depends on it, but a person who finds the file sees what it is.
    let mut name = std::ffi::OsString::from(format!(".part-{}-", std::process::id()));
    name.push(target.file_name().unwrap_or_default());
    let temporary = target.with_file_name(name);
    let result = curl(url, &temporary)
        .and_then(|()| check(&temporary))
        .and_then(|()| std::fs::rename(&temporary, target).map_err(|e| DataError::from(e).in_file(target)));
    if result.is_err() {
        // The download failed already; a remainder that cannot be removed changes nothing.
        let _ = std::fs::remove_file(&temporary);
    }
    result
}

fn curl(url: &str, to: &Path) -> Result<(), DataError> {
    let failed = |problem: String| DataError::Download { url: url.to_string(), problem };
    let output = Command::new("curl")
        .args(["--fail", "--location", "--silent", "--show-error", "--connect-timeout", "20", "--output"])
        .arg(to)
        .arg("--")
        .arg(url)
        .output()
        .map_err(|e| failed(format!("curl could not be started ({e}); get the file by hand")))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_string()))
}
