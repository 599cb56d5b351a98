//! The test programs of the workspace, as cargo builds them.

use std::{
    error::Error,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::cargo;

/// One file with tests, ready to be run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Program {
    /// The name of its folder or file below `tests`; that of the crate for unit tests.
    pub(super) name: String,
    /// `test`, or what its unit tests are of: `lib`, `bin`.
    pub(super) kind: String,
    executable: PathBuf,
    /// Its package's folder: tests are run there.
    package: PathBuf,
}

/// Builds all of them, with the programs that they start.
///
/// # Errors
/// If something does not build.
pub(super) fn build() -> Result<Vec<Program>, Box<dyn Error>> {
    let mut command = cargo::cargo(&["test", "--workspace", "--no-run", "--message-format=json-render-diagnostics"]);
    let output = command.stderr(Stdio::inherit()).output().map_err(|e| format!("cargo can't be started: {e}"))?;
    if !output.status.success() {
        return Err("the tests do not build".into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(Program::read).collect())
}

impl Program {
    /// Of what cargo says of everything that it has built.
    fn read(line: &str) -> Option<Self> {
        let said: Value = serde_json::from_str(line).ok()?;
        let is_test = said["profile"]["test"].as_bool()?;
        let executable = said["executable"].as_str().filter(|_| is_test)?;
        Some(Self {
            name: said["target"]["name"].as_str()?.to_owned(),
            kind: said["target"]["kind"][0].as_str()?.to_owned(),
            executable: executable.into(),
            package: Path::new(said["manifest_path"].as_str()?).parent()?.to_owned(),
        })
    }
    /// `crates/tool lab`, for unit tests `crates/tool edeliver lib`: a package's library and program have the same name.
    pub(super) fn title(&self) -> String {
        let package = self.package.strip_prefix(cargo::workspace()).unwrap_or(&self.package);
        let title = format!("{} {}", package.display(), self.name);
        if self.is_unit() { format!("{title} {}", self.kind) } else { title }
    }
    pub(super) fn is_unit(&self) -> bool {
        self.kind != "test"
    }
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.executable);
        command.current_dir(&self.package);
        command
    }
}

#[cfg(test)]
impl Program {
    pub(super) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), kind: "test".to_owned(), executable: name.into(), package: PathBuf::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::Program;

    #[test]
    fn what_has_tests_is_known_by_what_cargo_says() {
        let said = |kind: &str, test: bool| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"/w/crates/tool/Cargo.toml","target":{{"kind":["{kind}"],"name":"lab"}},"profile":{{"test":{test}}},"executable":"/w/target/debug/deps/lab-1"}}"#
            )
        };
        let program = Program::read(&said("test", true)).expect("a test program");
        assert_eq!((program.title().as_str(), program.is_unit()), ("/w/crates/tool lab", false));
        for kind in ["lib", "bin"] {
            let program = Program::read(&said(kind, true)).expect("unit tests");
            assert_eq!((program.title(), program.is_unit()), (format!("/w/crates/tool lab {kind}"), true));
        }
        assert_eq!(Program::read(&said("bin", false)), None);
        assert_eq!(Program::read(r#"{"reason":"build-finished","success":true}"#), None);
    }
}
