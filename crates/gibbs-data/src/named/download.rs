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
        .args([
            "--fail",
            "--location",
            "--silent",
            "--show-error",
            "--proto-redir",
            "=https",
            "--connect-timeout",
            "20",
            "--output",
        ])
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_checked_file_gets_its_name() {
        if Command::new("curl").arg("--version").output().is_err() {
            println!("skipped: no curl on this machine");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let (source, folder) = (dir.path().join("source"), dir.path().join("deep/down"));
        std::fs::write(&source, "content").unwrap();
        let (url, target) = (format!("file://{}", source.display()), folder.join("got"));
        let refuse = |_: &Path| Err(DataError::Empty);
        assert!(matches!(fetch(&url, &target, refuse), Err(DataError::Empty)));
        assert!(matches!(fetch(&format!("{url}-not"), &target, |_| Ok(())), Err(DataError::Download { .. })));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0); // nothing is left behind
        fetch(&url, &target, |_| Ok(())).unwrap();
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "content");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    }
}
