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
    let mut command = here();
    command.args(args).current_dir(workspace());
    command
}

/// cargo, in the folder that we are in. It does not hear what the cargo that has started us says of this package: build scripts listen to that
/// (ring's does), and what was compiled before we were started would be compiled again, and again by the next `cargo xtask`.
pub(crate) fn here() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let is_ours = |name: &String| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for name in env::vars_os().filter_map(|(name, _)| name.into_string().ok()).filter(is_ours) {
        command.env_remove(name);
    }
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

/// Builds the program of a package and the lab's, and gives its path. With xtask, which is there already: alone they would have other
/// features, and be compiled anew.
///
/// # Errors
/// If it does not build.
pub(crate) fn build_program(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    run(&["build", "--package", "xtask", "--package", "edeliver-lab", "--package", name, "--bins"])?;
    Ok(target_dir().join("debug").join(name))
}

/// The optimised program, for measuring.
///
/// # Errors
/// If it does not build.
pub(crate) fn build_release_program(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    build_program("edeliver-lab")?;
    run(&["build", "--release", "--package", name, "--bins"])?;
    Ok(target_dir().join("release").join(name))
}

pub(crate) fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), |dir| workspace().join(dir))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    /// The features of every library, with these kinds of dependencies.
    fn features(kinds: &str) -> BTreeMap<String, BTreeSet<String>> {
        let args = ["tree", "--workspace", "--offline", "--no-dedupe", "--prefix=none", "--format={p}\t{f}", "--edges", kinds];
        let output = super::cargo(&args).output().expect("cargo is there");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("cargo speaks UTF-8");
        let mut all = BTreeMap::<_, BTreeSet<_>>::new();
        for (library, features) in text.lines().filter_map(|line| line.split_once('\t')) {
            // What stands behind the version is where it is from, or that it was shown before.
            let name = library.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" ");
            all.entry(name).or_default().extend(features.split(',').map(str::to_owned));
        }
        all
    }

    #[test]
    fn what_xtask_is_made_of_has_the_features_that_tests_ask_for() {
        let (plain, tests) = (features("normal,build"), features("normal,build,dev"));
        assert!(plain.len() > 100, "{plain:?}");
        let lacking: Vec<String> = plain
            .iter()
            .filter_map(|(library, has)| {
                let more: Vec<&str> = tests[library].difference(has).map(String::as_str).collect();
                (!more.is_empty()).then(|| format!("{library}: {}", more.join(", ")))
            })
            .collect();
        assert!(lacking.is_empty(), "add to xtask/Cargo.toml, or these are compiled twice: {lacking:#?}");
    }
}
