//! The local git repository: which commit is meant, what is in it, and sending it to the build host.
//!
//! git itself does the work; what comes from the user or from the repository reaches it only as a checked name or behind
//! `--end-of-options`. Nothing here changes the repository.

mod changed;
mod commit;
mod project;
mod push;
mod submodules;

use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use tokio::{io::AsyncWriteExt as _, process::Command};

pub use commit::{Chosen, Wanted};
pub use push::push;

/// A repository with the project in it.
#[derive(Debug, Clone)]
pub struct Repository {
    /// Where git is run: the project's folder.
    project: PathBuf,
    /// The repository of this working tree.
    git_dir: PathBuf,
    /// The repository that it shares with other working trees.
    common_dir: PathBuf,
    /// The project's folder inside the repository: empty, or ending in `/`.
    prefix: String,
}

/// Why git could not do it.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// git can't be started.
    #[error("git can't be run on this machine")]
    Start(#[source] io::Error),
    /// The project's folder is in no repository that git accepts.
    #[error("{} is not in a git repository: {why}", project.display())]
    NoRepository {
        /// The project's folder.
        project: PathBuf,
        /// git's words.
        why: String,
    },
    /// There is no such commit.
    #[error("there is no {wanted} in this repository")]
    NoSuch {
        /// What was asked for: `tag "v9"`.
        wanted: String,
        /// Similar names that do exist.
        similar: Vec<String>,
        /// Whether the repository has only a part of the history.
        shallow: bool,
    },
    /// The repository has no commit yet.
    #[error("this repository has no commit yet")]
    Empty,
    /// A submodule that can't be used as it is written.
    #[error("the submodule {path:?} can't be used: {why}")]
    Submodule {
        /// Its path.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// git refused.
    #[error("git {what} failed: {why}")]
    Failed {
        /// The subcommand.
        what: String,
        /// The last lines it printed.
        why: String,
    },
    /// The build host's repository did not take it.
    #[error("{repository} on the build host did not take the commit: {why}")]
    Rejected {
        /// The repository, below the application's folder.
        repository: String,
        /// The reasons that git gives, reference by reference.
        why: String,
    },
    /// Sending to the build host failed.
    #[error("the commit could not be sent to the build host: {why}")]
    Push {
        /// The last lines git and ssh printed.
        why: String,
    },
}

/// What git must not take over from a git that started us (as a hook): `git rev-parse --local-env-vars`.
const LOCAL_VARIABLES: [&str; 14] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
    "GIT_OBJECT_DIRECTORY",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_REPLACE_REF_BASE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
];

/// A git command without a terminal, that dies with its future.
fn command(dir: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    LOCAL_VARIABLES.iter().for_each(|name| {
        command.env_remove(name);
    });
    // Looking must not write: another git of the user's may be at work in this repository.
    command.env("GIT_OPTIONAL_LOCKS", "0");
    command
}

/// The last lines of what git printed, in one line.
fn last_words(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<_> = text.lines().map(crate::report::printable).filter(|line| !line.is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(3)..];
    if last.is_empty() { "it gave no reason".to_owned() } else { last.join("; ") }
}

impl Repository {
    /// The repository that the project's folder is in.
    ///
    /// # Errors
    /// [`GitError::NoRepository`] with git's own reason, [`GitError::Start`].
    pub async fn open(project: &Path) -> Result<Self, GitError> {
        let words = ["rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir", "--show-prefix"];
        let output = command(project).args(words).output().await.map_err(GitError::Start)?;
        let no = |why| GitError::NoRepository { project: project.to_owned(), why };
        if !output.status.success() {
            return Err(no(last_words(&output.stderr)));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let mut lines = text.lines();
        let (Some(git_dir), Some(common_dir)) = (lines.next(), lines.next()) else {
            return Err(no("git told no folders".to_owned()));
        };
        let prefix = lines.next().unwrap_or_default().to_owned();
        Ok(Self { project: project.to_owned(), git_dir: git_dir.into(), common_dir: common_dir.into(), prefix })
    }

    /// Whether only a part of the history is here.
    fn is_shallow(&self) -> bool {
        self.common_dir.join("shallow").exists()
    }

    /// Runs git in the project; gives what it printed.
    async fn git<W: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = W>) -> Result<Vec<u8>, GitError> {
        let words: Vec<W> = words.into_iter().collect();
        let what = words.first().map(|word| word.as_ref().to_string_lossy().into_owned()).unwrap_or_default();
        let output = command(&self.project).args(words).output().await.map_err(GitError::Start)?;
        success(output, what)
    }

    /// Runs git in the project and gives what it printed as text, or nothing if it ended with an error.
    async fn ask<W: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = W>) -> Result<Option<String>, GitError> {
        let output = command(&self.project).args(words).output().await.map_err(GitError::Start)?;
        let text = || String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
        Ok(output.status.success().then(text))
    }

    /// Contents of blobs, in the order of their ids.
    async fn blobs(&self, ids: &[&str]) -> Result<Vec<Vec<u8>>, GitError> {
        let mut child =
            command(&self.project).args(["cat-file", "--batch"]).stdin(Stdio::piped()).spawn().map_err(GitError::Start)?;
        let mut stdin = child.stdin.take().expect("it was piped");
        let wanted: String = ids.iter().flat_map(|id| [id, "\n"]).collect();
        // Written beside the reading, so that neither pipe can fill up and stop the other.
        let writing = tokio::spawn(async move { stdin.write_all(wanted.as_bytes()).await });
        let output = child.wait_with_output().await.map_err(GitError::Start)?;
        let _ = writing.await;
        Ok(batch(&success(output, "cat-file".to_owned())?))
    }
}

fn success(output: Output, what: String) -> Result<Vec<u8>, GitError> {
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(GitError::Failed { what, why: last_words(&output.stderr) }),
    }
}

/// Takes `cat-file --batch` apart: `ID TYPE SIZE`, newline, content, newline.
fn batch(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut blobs = Vec::new();
    while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
        let head = String::from_utf8_lossy(&bytes[..end]);
        let size = head.rsplit(' ').next().and_then(|size| size.parse::<usize>().ok());
        let Some(content) = size.and_then(|size| bytes.get(end + 1..end + 1 + size)) else { break };
        blobs.push(content.to_vec());
        bytes = bytes.get(end + content.len() + 2..).unwrap_or_default();
    }
    blobs
}

#[cfg(test)]
mod tests;
