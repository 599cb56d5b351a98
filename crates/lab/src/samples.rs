//! Sample projects in git: a small Elixir and a small Erlang application with state, configuration read at boot, and a module that
//! differs from version to version.
//!
//! The files lie in `samples/` of this crate. Commits have a fixed author and date, so the same content has the same commit id wherever
//! and whenever it is made.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Stands for the version in the files of `samples/`.
const PLACEHOLDER: &str = "@VERSION@";

/// A sample project in a git repository.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The working tree.
    pub dir: PathBuf,
    /// Application and release name: `hotapp` or `relapp`.
    pub app: &'static str,
    files: &'static [(&'static str, &'static str)],
    marker: &'static str,
}

/// Why a sample could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// A file.
    #[error("can't write {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// git is missing, or refused; with its own words.
    #[error("git {what} failed: {why}")]
    Git {
        /// The subcommand.
        what: String,
        /// What it printed.
        why: String,
    },
    /// A line to be edited is not in the file.
    #[error("{path} has no {text:?}")]
    NoSuchText {
        /// Which file.
        path: PathBuf,
        /// What was to be replaced.
        text: String,
    },
}

macro_rules! files {
    ($kind:literal: $($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../samples/", $kind, "/", $name)))),*]
    };
}

const ELIXIR: &[(&str, &str)] = files!("elixir": "mix.exs", "gitignore", "lib/hotapp.ex", "lib/hotapp/application.ex",
    "lib/hotapp/counter.ex", "lib/hotapp/version.ex", "lib/hotapp/web.ex", "config/config.exs", "config/runtime.exs");

const ERLANG: &[(&str, &str)] = files!("erlang": "rebar.config", "gitignore", "src/relapp.app.src", "src/relapp.erl", "src/relapp_app.erl",
    "src/relapp_counter.erl", "src/relapp_sup.erl", "src/relapp_version.erl", "src/relapp_web.erl", "config/sys.config.src",
    "config/vm.args.src");

/// Makes the Elixir sample `hotapp` in `dir` (created if missing) and commits it as this version, tagged `vVERSION`.
/// On a `dir` that has the sample already, this commits the next version.
///
/// # Errors
/// [`SampleError`]: files or git.
pub fn elixir(dir: &Path, version: &str) -> Result<Sample, SampleError> {
    make(Sample { dir: dir.to_owned(), app: "hotapp", files: ELIXIR, marker: "lib/hotapp/version.ex" }, version)
}

/// Makes the Erlang sample `relapp`, likewise.
///
/// # Errors
/// [`SampleError`]: files or git.
pub fn erlang(dir: &Path, version: &str) -> Result<Sample, SampleError> {
    make(Sample { dir: dir.to_owned(), app: "relapp", files: ERLANG, marker: "src/relapp_version.erl" }, version)
}

fn make(sample: Sample, version: &str) -> Result<Sample, SampleError> {
    if !sample.dir.join(".git").exists() {
        fs::create_dir_all(&sample.dir).map_err(|source| SampleError::File { path: sample.dir.clone(), source })?;
        sample.git(&["init", "--quiet", "--initial-branch=main"])?;
    }
    sample.set_version(version)?;
    Ok(sample)
}

impl Sample {
    /// The same sample in another working tree: a clone, or a folder it was copied to.
    #[must_use]
    pub fn at(&self, dir: &Path) -> Self {
        Self { dir: dir.to_owned(), ..self.clone() }
    }
    /// Rewrites all files for this version, commits and tags `vVERSION`; gives the commit id.
    ///
    /// # Errors
    /// [`SampleError`]: files or git.
    pub fn set_version(&self, version: &str) -> Result<String, SampleError> {
        for (name, text) in self.files {
            self.write(&name.replace("gitignore", ".gitignore"), &text.replace(PLACEHOLDER, version))?;
        }
        let commit = self.commit(&format!("{} {version}", self.app))?;
        self.git(&["tag", "--force", &format!("v{version}")])?;
        Ok(commit)
    }
    /// Changes one line in one module, the version staying the same: the marker becomes `text`. Not committed.
    ///
    /// # Errors
    /// [`SampleError`]: files.
    pub fn set_marker(&self, text: &str) -> Result<(), SampleError> {
        let (_, original) = self.files.iter().find(|(name, _)| *name == self.marker).expect("every sample has its marker module");
        self.write(self.marker, &original.replace(PLACEHOLDER, text))
    }
    /// Writes a file below the project, with its directories.
    ///
    /// # Errors
    /// [`SampleError::File`].
    pub fn write(&self, name: &str, text: &str) -> Result<(), SampleError> {
        let path = self.dir.join(name);
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
        written.map_err(|source| SampleError::File { path, source })
    }
    /// Replaces text that must be in a file.
    ///
    /// # Errors
    /// [`SampleError`]: the file, or it has no such text.
    pub fn edit(&self, name: &str, from: &str, to: &str) -> Result<(), SampleError> {
        let path = self.dir.join(name);
        let text = fs::read_to_string(&path).map_err(|source| SampleError::File { path: path.clone(), source })?;
        if !text.contains(from) {
            return Err(SampleError::NoSuchText { path, text: from.to_owned() });
        }
        self.write(name, &text.replace(from, to))
    }
    /// Commits everything, also when nothing changed; gives the commit id.
    ///
    /// # Errors
    /// [`SampleError::Git`].
    pub fn commit(&self, message: &str) -> Result<String, SampleError> {
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message])?;
        self.git(&["rev-parse", "HEAD"])
    }
    /// Runs git in the working tree, without the user's configuration; gives what it printed.
    ///
    /// # Errors
    /// [`SampleError::Git`] with git's own words.
    pub fn git(&self, args: &[&str]) -> Result<String, SampleError> {
        git(&self.dir, args)
    }
}

/// Runs git in `dir` as somebody without any configuration, at a fixed time.
///
/// # Errors
/// [`SampleError::Git`] with git's own words.
pub fn git(dir: &Path, args: &[&str]) -> Result<String, SampleError> {
    let failed = |why: String| SampleError::Git { what: args.join(" "), why };
    let when = "2026-01-01T00:00:00Z";
    let Output { status, stdout, stderr } = Command::new("git")
        .args(["-c", "protocol.file.allow=always", "-c", "commit.gpgSign=false"])
        .args(args)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs([("GIT_AUTHOR_NAME", "Sample"), ("GIT_AUTHOR_EMAIL", "sample@example.org"), ("GIT_AUTHOR_DATE", when)])
        .envs([("GIT_COMMITTER_NAME", "Sample"), ("GIT_COMMITTER_EMAIL", "sample@example.org"), ("GIT_COMMITTER_DATE", when)])
        .output()
        .map_err(|error| failed(error.to_string()))?;
    match status.success() {
        true => Ok(String::from_utf8_lossy(&stdout).trim_end().to_owned()),
        false => Err(failed(String::from_utf8_lossy(&stderr).trim_end().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_version_is_the_same_commit_everywhere() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let head = |sample: Sample| sample.git(&["rev-parse", "v0.1.0"]).unwrap();
        assert_eq!(head(elixir(one.path(), "0.1.0").unwrap()), head(elixir(two.path(), "0.1.0").unwrap()));
    }

    #[test]
    fn two_versions_differ_in_the_version_and_one_module() {
        for make in [elixir, erlang] {
            let dir = tempfile::tempdir().unwrap();
            make(dir.path(), "0.1.0").unwrap();
            let sample = make(dir.path(), "0.2.0").unwrap();
            let changed = sample.git(&["diff", "--name-only", "v0.1.0", "v0.2.0"]).unwrap();
            let expected: &[&str] = match sample.app {
                "hotapp" => &["lib/hotapp/version.ex", "mix.exs"],
                _ => &["rebar.config", "src/relapp.app.src", "src/relapp_version.erl"],
            };
            assert_eq!(changed.lines().collect::<Vec<_>>(), expected);
        }
    }
}
