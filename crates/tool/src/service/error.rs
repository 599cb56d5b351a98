//! Why systemd does not do with a node what it should.

use edeliver_core::{
    hint::Hint,
    unit::{Scope, Unit},
};

use crate::{node::NodeError, transport::TransportError};

/// Why a unit could not be asked, started, stopped or written. `log`: what systemd and the node's log said.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The node itself, as without systemd.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// systemd does not know it.
    #[error("there is no {unit}")]
    NoUnit {
        /// The unit, in words.
        unit: String,
        /// What systemd says of it.
        log: Vec<String>,
    },
    /// A node that systemd did not start keeps it from starting one.
    #[error("a node runs outside of {unit}")]
    Outside {
        /// The unit, in words.
        unit: String,
        /// Which process.
        log: Vec<String>,
    },
    /// The login has no right to.
    #[error("this login may not start and stop {unit}: {}", last(log))]
    Refused {
        /// The unit, in words.
        unit: String,
        /// Its file's name, for the rule that would allow it.
        file: String,
        /// What was said.
        log: Vec<String>,
    },
    /// Nobody to ask.
    #[error("there is no systemd that could run {unit}")]
    NoSystemd {
        /// The unit, in words.
        unit: String,
        /// Whether it is a user's.
        user: bool,
    },
    /// systemd tried.
    #[error("systemd failed to start or stop {unit}: {}", last(log))]
    Failed {
        /// The unit, in words.
        unit: String,
        /// What was said.
        log: Vec<String>,
    },
    /// The user's systemd would end with the login.
    #[error("lingering could not be switched on for {user}: {}", last(log))]
    Linger {
        /// Whose.
        user: String,
        /// What was said.
        log: Vec<String>,
    },
    /// A script failed otherwise.
    #[error("{script} failed with status {status}: {}", last(log))]
    Script {
        /// Which.
        script: &'static str,
        /// Its status.
        status: i32,
        /// What it printed.
        log: Vec<String>,
    },
}

fn last(log: &[String]) -> &str {
    log.last().map_or("it said nothing", String::as_str)
}

impl From<TransportError> for ServiceError {
    fn from(error: TransportError) -> Self {
        Self::Node(error.into())
    }
}

impl ServiceError {
    /// What a script's status means.
    pub(super) fn of(unit: &Unit, script: &'static str, status: i32, log: Vec<String>) -> Self {
        let (file, name) = (unit.file_name(), unit.describe());
        match status {
            50 => Self::NoUnit { unit: name, log },
            51 => Self::Outside { unit: name, log },
            52 => Self::Refused { unit: name, file, log },
            53 => Self::NoSystemd { unit: name, user: unit.scope == Scope::User },
            54 => Self::Failed { unit: name, log },
            status => Self::Script { script, status, log },
        }
    }
    /// What systemd, the node or its start script printed, for the user.
    pub fn log(&self) -> &[String] {
        match self {
            Self::Node(error) => error.log(),
            Self::NoUnit { log, .. }
            | Self::Outside { log, .. }
            | Self::Refused { log, .. }
            | Self::Failed { log, .. }
            | Self::Linger { log, .. }
            | Self::Script { log, .. } => log,
            Self::NoSystemd { .. } => &[],
        }
    }
    /// What the user can do about it.
    pub fn hints(&self) -> Vec<Hint> {
        let hint = match self {
            // Its log is systemd's, and was told with it.
            Self::Node(NodeError::Died { .. }) => return Vec::new(),
            Self::Node(error) => return error.hints(),
            Self::NoUnit { .. } => Hint::text("`edeliver setup TARGET` writes it"),
            Self::Outside { .. } => Hint::text("`edeliver restart TARGET` stops it and has systemd start it anew"),
            Self::Refused { file, .. } => Hint::text(format!(
                "a rule in /etc/sudoers.d allows it: `LOGIN ALL=(root) NOPASSWD: /usr/bin/systemctl start {file}, /usr/bin/systemctl stop {file}`"
            )),
            Self::NoSystemd { user: true, .. } => {
                Hint::text("the user's systemd goes on without a login after `sudo loginctl enable-linger USER`")
            }
            Self::NoSystemd { user: false, .. } => Hint::text("set `service = \"script\"` for it"),
            Self::Linger { user, .. } => Hint::command(
                "have an administrator type this on the host, then run the same command again",
                format!("sudo loginctl enable-linger {user}"),
            ),
            Self::Failed { .. } | Self::Script { .. } => return Vec::new(),
        };
        vec![hint]
    }
}
