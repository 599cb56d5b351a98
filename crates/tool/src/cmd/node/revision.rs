//! What the project's own git knows of the commit in a version (`1.2.3+3027-82a5834`): branch, date, the last commits.

use std::{collections::BTreeSet, path::Path, process::Stdio};

use edeliver_core::name::Version;
use tokio::process::Command;

/// How many commits are told, if `VERSION_INFO_LAST_COMMITS` says nothing; as in the original.
const LAST_COMMITS: u32 = 5;

/// One text for each version whose commit the project has.
pub(super) async fn of_versions(project: &Path, versions: impl Iterator<Item = &Version>) -> Vec<String> {
    let mut told = Vec::new();
    for version in versions.collect::<BTreeSet<_>>() {
        if let Some(commit) = commit_in(version) {
            told.extend(of_commit(project, version, commit).await);
        }
    }
    told
}

/// The abbreviated commit in a version's metadata: 7 hex digits or more, the last such part.
fn commit_in(version: &Version) -> Option<&str> {
    let (_, metadata) = version.as_str().split_once('+')?;
    let is_commit = |part: &&str| part.len() >= 7 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    metadata.split(['-', '.', '_', '+']).rfind(is_commit)
}

async fn of_commit(project: &Path, version: &Version, commit: &str) -> Option<String> {
    let last = last_commits(std::env::var("VERSION_INFO_LAST_COMMITS").ok());
    let log = git(project, &["log", &format!("--max-count={last}"), "--date=short", "--format=  %h %ad %s", commit, "--"]).await?;
    let branch = git(project, &["name-rev", "--name-only", "--no-undefined", "--refs=refs/heads/*", commit]).await;
    let date = git(project, &["show", "--no-patch", "--date=iso", "--format=%cd", commit, "--"]).await?;
    let branch = branch.map(|branch| format!("branch {}, ", branch.trim())).unwrap_or_default();
    Some(format!("{version}: {branch}committed {}\n{}", date.trim(), log.trim_end()))
}

fn last_commits(setting: Option<String>) -> u32 {
    setting.and_then(|number| number.parse().ok()).unwrap_or(LAST_COMMITS)
}

/// What git prints; `None` if it does not know the commit, or is not there.
async fn git(project: &Path, args: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(project).args(args).stdin(Stdio::null()).output().await.ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_found_in_the_metadata_of_a_version_only() {
        let found = |version: &str| commit_in(&version.parse().unwrap()).map(str::to_owned);
        assert_eq!(found("1.2.3+3027-82a5834").as_deref(), Some("82a5834"));
        assert_eq!(found("1.2.3+82a5834.20261123").as_deref(), Some("20261123"), "nobody can tell a date from a commit");
        assert_eq!(found("1.2.3-82a5834"), None);
        assert_eq!(found("1.2.3+master"), None);
    }

    #[tokio::test]
    async fn branch_date_and_last_commits_come_from_the_projects_git() {
        let dir = tempfile::tempdir().unwrap();
        let sample = edeliver_lab::samples::erlang(dir.path(), "0.1.0").unwrap();
        let commit = sample.git(&["rev-parse", "--short=7", "HEAD"]).unwrap();
        let version: Version = format!("0.1.0+{}", commit.trim()).parse().unwrap();
        let told = of_versions(dir.path(), [&version].into_iter()).await;
        let [told] = &told[..] else { panic!("{told:?}") };
        assert!(told.starts_with(&format!("{version}: branch main, committed 20")), "{told}");
        assert!(told.contains(&format!("\n  {} 20", commit.trim())), "{told}");
        let unknown: Version = "0.1.0+0000000".parse().unwrap();
        assert!(of_versions(dir.path(), [&unknown].into_iter()).await.is_empty());
    }
}
