//! Which commit is meant.

use std::path::Path;

use edeliver_core::name::{CommitId, Revision};

use super::{GitError, Repository};

/// What the user asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Whatever git understands: `HEAD~3`, a hash, a branch.
    Revision(Revision),
    /// This tag and no branch of the same name.
    Tag(Revision),
    /// The tip of this branch; if only `origin` has it, of that one's.
    Branch(Revision),
    /// What is checked out.
    Head,
}

/// A commit, chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Its id.
    pub commit: CommitId,
    /// Committer's time, seconds since 1970.
    pub unix: u64,
    /// The branch it was chosen by, or that is checked out.
    pub branch: Option<String>,
}

impl Wanted {
    fn in_words(&self) -> String {
        match self {
            Self::Revision(name) => format!("revision {:?}", name.as_str()),
            Self::Tag(name) => format!("tag {:?}", name.as_str()),
            Self::Branch(name) => format!("branch {:?}", name.as_str()),
            Self::Head => "commit".to_owned(),
        }
    }
}

impl Repository {
    /// The commit that is meant.
    ///
    /// # Errors
    /// [`GitError::NoSuch`] with similar names, [`GitError::Empty`].
    pub async fn choose(&self, wanted: &Wanted) -> Result<Chosen, GitError> {
        let (found, branch) = match wanted {
            Wanted::Revision(name) => {
                let branch = self.exact(&format!("refs/heads/{name}")).await?.map(|_| name.to_string());
                (self.commit(name.as_str()).await?, branch)
            }
            Wanted::Tag(name) => (self.exact(&format!("refs/tags/{name}")).await?, None),
            Wanted::Branch(name) => {
                let found = match self.exact(&format!("refs/heads/{name}")).await? {
                    Some(found) => Some(found),
                    None => self.exact(&format!("refs/remotes/origin/{name}")).await?,
                };
                (found, Some(name.to_string()))
            }
            Wanted::Head => (self.commit("HEAD").await?, None),
        };
        let Some(found) = found else { return Err(self.no_such(wanted).await?) };
        let branch = match branch {
            Some(branch) => Some(branch),
            None => self.ask(["symbolic-ref", "--quiet", "--short", "HEAD"]).await?,
        };
        let (commit, unix) = self.commit_and_time(&found).await?;
        Ok(Chosen { commit, unix, branch })
    }

    /// The commit as short as git makes it, and how many commits there are: of all branches, and in its own history.
    ///
    /// # Errors
    /// [`GitError`].
    pub async fn counted(&self, commit: &CommitId) -> Result<(String, u64, u64), GitError> {
        let short = self.git(["rev-parse", "--short", commit.as_str()]).await?;
        let all = self.count(&["--all", commit.as_str()]).await?;
        let own = self.count(&[commit.as_str()]).await?;
        Ok((String::from_utf8_lossy(&short).trim().to_owned(), all, own))
    }

    async fn count(&self, of: &[&str]) -> Result<u64, GitError> {
        let counted = self.git(["rev-list", "--count"].iter().chain(of)).await?;
        let counted = String::from_utf8_lossy(&counted);
        let failed = || GitError::Failed { what: "rev-list".to_owned(), why: format!("it printed {:?}", counted.trim()) };
        counted.trim().parse().map_err(|_| failed())
    }

    /// Whether this commit is what is checked out.
    ///
    /// # Errors
    /// [`GitError`].
    pub async fn is_checked_out(&self, commit: &CommitId) -> Result<bool, GitError> {
        Ok(self.commit("HEAD").await?.as_deref() == Some(commit.as_str()))
    }

    /// How many files of the project differ from what is committed, or are not known to git; those in this folder don't count.
    ///
    /// # Errors
    /// [`GitError`], e.g. in a repository without a working tree.
    pub async fn uncommitted(&self, but: &Path) -> Result<usize, GitError> {
        let but = but.strip_prefix(&self.project).ok().and_then(Path::to_str).map(|but| format!(":(exclude,literal){but}"));
        let words = ["status", "--porcelain", "-z", "--no-renames", "--", "."].map(str::to_owned);
        let listed = self.git(words.into_iter().chain(but)).await?;
        Ok(listed.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()).count())
    }

    /// The commit that a revision names, if it does.
    async fn commit(&self, revision: &str) -> Result<Option<String>, GitError> {
        let peeled = format!("{revision}^{{commit}}");
        self.ask(["rev-parse", "--verify", "--quiet", "--end-of-options", &peeled]).await
    }

    /// The commit of exactly this reference; nothing in its name is taken for an operator.
    async fn exact(&self, reference: &str) -> Result<Option<String>, GitError> {
        match self.ask(["show-ref", "--verify", "--hash", "--", reference]).await? {
            Some(object) => self.commit(&object).await,
            None => Ok(None),
        }
    }

    async fn commit_and_time(&self, commit: &str) -> Result<(CommitId, u64), GitError> {
        let shown = self.git(["show", "--no-patch", "--no-show-signature", "--format=%H %ct", commit]).await?;
        let shown = String::from_utf8_lossy(&shown);
        let parsed = shown.trim().split_once(' ').and_then(|(id, time)| Some((id.parse().ok()?, time.parse().ok()?)));
        parsed.ok_or_else(|| GitError::Failed { what: "show".to_owned(), why: format!("it printed {:?}", shown.trim()) })
    }

    async fn no_such(&self, wanted: &Wanted) -> Result<GitError, GitError> {
        let (name, references) = match wanted {
            Wanted::Head => return Ok(GitError::Empty),
            Wanted::Tag(name) => (name, &["refs/tags"][..]),
            Wanted::Branch(name) => (name, &["refs/heads", "refs/remotes/origin"][..]),
            Wanted::Revision(name) => (name, &["refs/heads", "refs/tags"][..]),
        };
        let listed = self.git(["for-each-ref", "--format=%(refname:lstrip=2)"].iter().chain(references)).await?;
        let listed = String::from_utf8_lossy(&listed);
        let similar = similar(name.as_str(), &listed);
        Ok(GitError::NoSuch { wanted: wanted.in_words(), similar, shallow: self.is_shallow() })
    }
}

/// At most three names that are nearly the wanted one, the nearest first.
fn similar(wanted: &str, listed: &str) -> Vec<String> {
    let near = |name: &&str| strsim::jaro_winkler(wanted, name);
    let mut names: Vec<&str> =
        listed.lines().map(|name| name.trim_start_matches("origin/")).filter(|name| near(name) > 0.8).collect();
    names.sort_by(|a, b| near(b).total_cmp(&near(a)).then(a.cmp(b)));
    names.dedup();
    names.into_iter().take(3).map(str::to_owned).collect()
}
