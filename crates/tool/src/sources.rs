//! Asking the sources of hosts, each once in a command, before anything is connected. What they answer is read in
//! [`edeliver_core::config::inventory`].

mod command;
mod dir;
mod srv;

use std::{io, net::SocketAddr, path::Path, time::Duration};

use edeliver_core::{
    config::{
        HostSource, HostSpec, Inventory, Problems, SourceKind,
        inventory::{self, Answer},
    },
    event::EventKind,
    name::TargetName,
};

use crate::{hook::shell::LastWords, program::ProgramError, report::Reporter};

/// Why the hosts of a target are not known.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A source can't be asked.
    #[error("the hosts of `{target}` are not known: {source_of} (at {at}) can't be asked")]
    Asking {
        /// The target.
        target: TargetName,
        /// Which source.
        source_of: Box<HostSource>,
        /// Where it was written.
        at: String,
        /// Why.
        #[source]
        source: AskError,
    },
    /// What they answered is wrong.
    #[error(transparent)]
    Wrong(#[from] Problems),
}

/// Why a source can't be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Its program did not come to its end.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// It failed.
    #[error("it failed with {status}")]
    Failed {
        /// How it ended.
        status: std::process::ExitStatus,
        /// What it said.
        #[source]
        said: LastWords,
    },
    /// It did not end in time.
    #[error("it gave no answer within {} s", after.as_secs())]
    Late {
        /// The limit.
        after: Duration,
        /// What it said before.
        #[source]
        said: LastWords,
    },
    /// It printed more than any inventory has.
    #[error("it printed more than {} MB", limit >> 20)]
    TooMuch {
        /// The limit.
        limit: usize,
    },
    /// What it answered is no text.
    #[error("{what} is not UTF-8 text")]
    NoText {
        /// What.
        what: String,
    },
    /// A file or folder can't be read.
    #[error("{path} can't be read")]
    Read {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The machine's list of name servers can't be used.
    #[error("the name servers of this machine are not known")]
    NoServers(#[source] io::Error),
    /// The name has no such records.
    #[error("there is no such name, or it has no SRV records")]
    NoRecords,
    /// The servers of names did not answer, or not well.
    #[error("{} {why}", server.map_or("the name servers".to_owned(), |server| server.to_string()))]
    Names {
        /// The one that was chosen.
        server: Option<SocketAddr>,
        /// What they did.
        why: String,
    },
}

/// What asking takes.
pub(crate) struct Asking<'a> {
    /// The project's folder, absolute.
    pub(crate) project: &'a Path,
    /// Whose hosts.
    pub(crate) target: &'a TargetName,
    pub(crate) reporter: &'a Reporter,
    /// Values that must not be shown.
    pub(crate) secrets: &'a [String],
}

impl Asking<'_> {
    /// The hosts of the target.
    ///
    /// # Errors
    /// When a source can't be asked, or says something wrong.
    pub(crate) async fn hosts(&self, inventory: &Inventory) -> Result<Vec<HostSpec>, SourceError> {
        let mut answers = Vec::new();
        for source in inventory.sources() {
            self.reporter.send(EventKind::Waiting { what: format!("asking {source} for the hosts of {}", self.target) });
            answers.push(self.answer(source).await.map_err(|error| self.failed(source, error))?);
        }
        Ok(inventory::hosts(inventory, &answers)?)
    }
    async fn answer(&self, source: &HostSource) -> Result<Answer, AskError> {
        match &source.kind {
            SourceKind::Command(line) => Ok(Answer::Json(self.command(line, source.timeout).await?)),
            SourceKind::Dir(path) => Ok(Answer::Files(dir::files(self.project, path)?)),
            SourceKind::Srv { name, server } => Ok(Answer::Records(srv::records(name, *server, source.timeout).await?)),
        }
    }
    fn failed(&self, source: &HostSource, error: AskError) -> SourceError {
        let at = source.place.origin.to_string();
        SourceError::Asking { target: self.target.clone(), source_of: Box::new(source.clone()), at, source: error }
    }
}
