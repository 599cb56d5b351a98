//! What has changed between two revisions.

use edeliver_core::name::Revision;

use super::{GitError, Repository};

impl Repository {
    /// The last tag on the way to what is checked out.
    ///
    /// # Errors
    /// git can't be started.
    pub async fn last_tag(&self) -> Result<Option<String>, GitError> {
        self.ask(["describe", "--tags", "--abbrev=0"]).await
    }

    /// The files that differ, below the project's folder.
    ///
    /// # Errors
    /// No such revision, or git can't be started.
    pub async fn changed(&self, from: &Revision, to: &Revision) -> Result<Vec<String>, GitError> {
        let range = format!("{from}..{to}");
        let listed = self.git(["diff", "--name-only", "--relative", "-z", &range, "--"]).await?;
        let names = listed.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        Ok(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    }
}
