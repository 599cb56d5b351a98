//! What a generated relup does, and why, for people.

use crate::term::Atom;
use std::fmt;

/// What is done with a module or an application, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// Application; none for a consolidated protocol, which belongs to the release.
    pub app: Option<Atom>,
    /// Module; none if it is about the application as a whole.
    pub module: Option<Atom>,
    /// What is done.
    pub action: Action,
    /// Why.
    pub reason: Reason,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// The new code takes the place of the old one.
    Load,
    /// The module is loaded for the first time.
    Add,
    /// The module is removed.
    Remove,
    /// Processes are suspended while the code is loaded, and `code_change` migrates their states.
    CodeChange,
    /// Processes are suspended while the code is loaded; their states stay as they are.
    Suspend,
    /// Supervisors are suspended, take their new specifications, and children are started and ended to match.
    Supervisor,
    /// Children that the application starts itself are started and ended to match.
    Children,
    /// A consolidated protocol is reloaded.
    ReloadProtocol,
    /// An application is started.
    Start,
    /// An application is stopped.
    Stop,
    /// Instructions of the application's appup are carried out as they stand.
    Appup,
    /// Nothing is done.
    Leave,
}

/// Why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It is new in the release.
    New,
    /// It is not in the release any more.
    Gone,
    /// Its code differs.
    Code,
    /// Its `vsn` attribute differs, which its `code_change` is told.
    Vsn,
    /// Another application has it now.
    Moved(Atom),
    /// It is a callback module of processes, but has no `code_change`.
    NoCodeChange,
    /// It gives the children to `Supervisor.start_link` as a list.
    StartsList,
    /// The release brings it consolidated.
    Consolidated,
    /// The release does not bring it consolidated any more.
    NotConsolidated,
    /// The start type differs.
    StartType,
    /// The appup says so.
    Appup,
    /// The appup does not mention it.
    NotInAppup,
    /// Only the `vsn` attribute differs, and no process asks for it.
    OnlyVsn,
}

impl Action {
    /// A word or two for tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Add => "add",
            Self::Remove => "remove",
            Self::CodeChange => "code_change",
            Self::Suspend => "suspend and load",
            Self::Supervisor => "supervisor",
            Self::Children => "children",
            Self::ReloadProtocol => "reload protocol",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Appup => "appup",
            Self::Leave => "leave",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "it is new",
            Self::Gone => "it is gone",
            Self::Code => "its code differs",
            Self::Vsn => "its vsn differs",
            Self::Moved(from) => return write!(f, "application {from} had it before"),
            Self::NoCodeChange => "its code differs, and it has no code_change",
            Self::StartsList => "it starts a list of children",
            Self::Consolidated => "the consolidated protocol differs",
            Self::NotConsolidated => "it is not consolidated any more",
            Self::StartType => "its start type differs",
            Self::Appup => "the appup says so",
            Self::NotInAppup => "the appup does not mention it",
            Self::OnlyVsn => "only its vsn differs",
        })
    }
}
