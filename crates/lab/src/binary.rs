//! Finding the program `edeliver-lab`, which the library has to execute: a test process itself has threads, and so cannot
//! enter namespaces.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

use crate::LabError;
use crate::error::During;

/// Names the program; what it names is taken as it is.
const VARIABLE: &str = "EDELIVER_LAB_BIN";
const PROGRAM: &str = "edeliver-lab";

/// `EDELIVER_LAB_BIN`, or the one in the target directory this process was built in; built now if it is not there or older
/// than its sources.
pub(crate) fn locate() -> Result<PathBuf, LabError> {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    if let Some(found) = FOUND.get() {
        return Ok(found.clone());
    }
    let found = search()?;
    Ok(FOUND.get_or_init(|| found).clone())
}

fn search() -> Result<PathBuf, LabError> {
    if let Some(path) = std::env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    let own = std::env::current_exe().during(|| "find this program".to_owned())?;
    if own.file_name().is_some_and(|name| name == PROGRAM) {
        return Ok(own);
    }
    // Tests lie in target/PROFILE/deps, examples in target/PROFILE/examples, programs in target/PROFILE.
    let profile = own.ancestors().skip(1).find(|dir| dir.join(".fingerprint").is_dir());
    let profile = profile
        .ok_or_else(|| LabError::NotPossible(format!("{} is in no cargo target directory; set {VARIABLE}", own.display())))?;
    let path = profile.join(PROGRAM);
    if is_stale(&path) {
        build(profile)?;
    }
    Ok(path)
}

fn is_stale(path: &Path) -> bool {
    let changed = |path: &Path| path.metadata().and_then(|meta| meta.modified()).ok();
    let Some(built) = changed(path) else {
        return true;
    };
    let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    sources.iter().filter_map(|path| changed(path)).max().is_some_and(|latest: SystemTime| latest > built)
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

fn build(profile: &Path) -> Result<(), LabError> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--package", PROGRAM, "--bin", PROGRAM]);
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    if let Some(target) = profile.parent() {
        cargo.arg("--target-dir").arg(target);
    }
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    let output = cargo.output().during(|| "start cargo".to_owned())?;
    if output.status.success() {
        return Ok(());
    }
    Err(LabError::Tool {
        command: format!("cargo build --package {PROGRAM}"),
        said: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}
