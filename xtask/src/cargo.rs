//! Calling cargo.

use std::{
    env,
    error::Error,
    path::{Path, PathBuf},
    process::Command,
};

/// The checkout this xtask was built from.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

/// cargo, in the workspace.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(workspace());
    command
}

/// Runs cargo and waits.
///
/// # Errors
/// If it can't be started or does not succeed.
pub(crate) fn run(args: &[&str]) -> Result<(), Box<dyn Error>> {
    let status = cargo(args).status().map_err(|e| format!("cargo can't be started: {e}"))?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("`cargo {}` failed", args.join(" ")).into()),
    }
}

/// Builds the program of a package and the lab's, and gives its path.
///
/// # Errors
/// If it does not build.
pub(crate) fn build_program(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    run(&["build", "--package", "edeliver-lab", "--package", name, "--bins"])?;
    Ok(target_dir().join("debug").join(name))
}

/// The optimised program, for measuring.
///
/// # Errors
/// If it does not build.
pub(crate) fn build_release_program(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    run(&["build", "--package", "edeliver-lab", "--bins"])?;
    run(&["build", "--release", "--package", name, "--bins"])?;
    Ok(target_dir().join("release").join(name))
}

pub(crate) fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), |dir| workspace().join(dir))
}
