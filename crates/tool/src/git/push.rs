//! Sending commits to the build host, over the login that the transport has already.

use std::{path::Path, time::Duration};

use edeliver_core::plan::build::{ModuleFrom, Push};

use super::{GitError, Repository, command, last_words};
use crate::transport::Transport;

/// So many references go with one `git push`: command lines have an end.
const AT_ONCE: usize = 500;

/// Sends what is missing there. `own` is the application's folder on the build host, absolute; `name` that of the repository in it.
///
/// # Errors
/// [`GitError::Rejected`], [`GitError::Push`] with git's and ssh's own words.
pub async fn push(from: &Repository, name: &str, what: &Push, transport: &dyn Transport, own: &str) -> Result<(), GitError> {
    let commit: Vec<_> = what.commit.iter().map(|commit| format!("+{commit}:refs/edeliver/{commit}")).collect();
    let tags: Vec<_> = what.tags.iter().map(|tag| format!("+{}:{}", tag.object, tag.name)).collect();
    // A commit at which a shallow history ends is accepted under one new reference at a time: git receive-pack forgets to answer for
    // a second one. So tags come after it then.
    let together = if from.is_shallow() { vec![commit, tags] } else { vec![[commit, tags].concat()] };
    for some in together.iter().flat_map(|references| references.chunks(AT_ONCE)) {
        send(&from.common_dir, some, transport, own, name).await?;
    }
    for module in &what.modules {
        if let ModuleFrom::Here { git_dir } = &module.from {
            let reference = format!("+{0}:refs/edeliver/{0}", module.commit);
            send(git_dir, &[reference], transport, own, &format!("modules/{}.git", module.module)).await?;
        }
    }
    Ok(())
}

/// Sends these references. Another build that pushes the same tags at this moment holds their locks, and git refuses rather than waits: so
/// a rejected push is tried again.
async fn send(git_dir: &Path, references: &[String], transport: &dyn Transport, own: &str, name: &str) -> Result<(), GitError> {
    for wait in [200, 500, 1000].map(Duration::from_millis) {
        match send_once(git_dir, references, transport, own, name).await {
            Err(GitError::Rejected { .. }) => tokio::time::sleep(wait).await,
            done => return done,
        }
    }
    send_once(git_dir, references, transport, own, name).await
}

/// The user's push settings (hooks, signing, following tags, submodules) are for publishing; this is none.
async fn send_once(
    git_dir: &Path,
    references: &[String],
    transport: &dyn Transport,
    own: &str,
    name: &str,
) -> Result<(), GitError> {
    let remote = transport.git(&format!("{own}/{name}"));
    let mut git = command(git_dir);
    git.arg("--git-dir").arg(git_dir).args(["push", "--porcelain", "--no-verify", "--no-signed", "--no-follow-tags"]);
    git.args(["--recurse-submodules=no", "--end-of-options", &remote.url]).args(references).envs(remote.env);
    let output = git.output().await.map_err(GitError::Start)?;
    if output.status.success() {
        return Ok(());
    }
    match rejected(&String::from_utf8_lossy(&output.stdout)) {
        Some(why) => Err(GitError::Rejected { repository: name.to_owned(), why }),
        None => Err(GitError::Push { why: last_words(&output.stderr) }),
    }
}

/// The reasons in `git push --porcelain`: `!`, tab, references, tab, reason.
fn rejected(porcelain: &str) -> Option<String> {
    let reason = |line: &str| Some(crate::report::printable(line.strip_prefix("!\t")?.split_once('\t')?.1));
    let mut reasons: Vec<_> = porcelain.lines().filter_map(reason).collect();
    reasons.dedup();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}
