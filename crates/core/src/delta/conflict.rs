//! What stands in the way of putting a release onto a host.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{facts::NodeState, facts::Seen, name::Version, release::RelPath};

/// Something on the host that may not be replaced and can't be avoided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conflict {
    /// A release with this version is there with other content.
    Release {
        /// The version.
        version: Version,
        /// What it is needed for; `None`: nothing, so it may be replaced if the user insists.
        in_use: Option<Use>,
    },
    /// The runtime system is there with other content. Start scripts find it by its version, so it can't have another name.
    Runtime {
        /// `erts-13.1.5`.
        dir: RelPath,
        /// The releases that use it, or may.
        used_by: Vec<Version>,
    },
    /// The library's own and its relocated directory are there with other content.
    Library {
        /// The relocated directory.
        dir: RelPath,
        /// The releases that use it, or may.
        used_by: Vec<Version>,
    },
}

/// What an installed release is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Use {
    /// The node runs it, or runs what could not be found out.
    Running,
    /// The next start boots it.
    Permanent,
    /// It is what a rollback goes back to.
    Previous,
}

impl Use {
    /// What a release on this host is needed for; `None`: nothing.
    pub fn of(version: &Version, seen: &Seen) -> Option<Self> {
        let is = |other: &Option<Version>| other.as_ref() == Some(version);
        let node = &seen.node;
        let known = node.booted.is_some() || node.version.is_some();
        match () {
            () if node.state != NodeState::Down && (!known || is(&node.booted) || is(&node.version)) => Some(Self::Running),
            () if is(&seen.permanent) => Some(Self::Permanent),
            () if is(&seen.previous) => Some(Self::Previous),
            () => None,
        }
    }
}

impl Conflict {
    /// Whether the user may have it replaced.
    pub fn can_be_forced(&self) -> bool {
        matches!(self, Self::Release { in_use: None, .. })
    }
}

/// As it stands in a plan's reasons.
impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Release { version, in_use } => {
                write!(f, "another build of {version} is there")?;
                match in_use {
                    None => Ok(()),
                    Some(Use::Running) => write!(f, ", and the node may be running it"),
                    Some(Use::Permanent) => write!(f, ", and the next start boots it"),
                    Some(Use::Previous) => write!(f, ", and a rollback would go back to it"),
                }
            }
            Self::Runtime { dir, used_by } => write!(f, "another build of {dir} is there, used by {}", list(used_by)),
            Self::Library { dir, used_by } => write!(f, "{dir} is there with other content, used by {}", list(used_by)),
        }
    }
}

fn list(versions: &[Version]) -> String {
    versions.iter().map(Version::as_str).collect::<Vec<_>>().join(", ")
}
