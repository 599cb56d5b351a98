//! From the layers' errors to the user's: the class and the remedies of each.

mod build;
mod config;
mod lease;
mod link;
mod rehearsal;
mod store;
mod upgrade;

use edeliver_core::{hint::Hint, name::NameError, select::Selector};

use super::{Error, Kind};
use crate::{
    apply::{StepError, TrafficError},
    cli::words::WordError,
    ctx::target::TargetError,
    editor::EditorError,
    inventory::InventoryError,
    migrate::MigrateError,
    node::NodeError,
    notices::RunHookError,
    runs::RunsError,
    service::ServiceError,
    transport::TransportError,
};

impl From<TransportError> for Error {
    fn from(error: TransportError) -> Self {
        let kind = match &error {
            TransportError::Unreachable { .. }
            | TransportError::NoContainer { .. }
            | TransportError::Login { .. }
            | TransportError::UnknownHostKey { .. }
            | TransportError::ChangedHostKey { .. }
            | TransportError::NoShell { .. } => Kind::Unreachable,
            TransportError::Interrupted => Kind::Interrupted,
            TransportError::LinkLost { .. } | TransportError::Timeout { .. } | TransportError::Failed { .. } => Kind::Stopped,
            TransportError::Fenced { .. } => Kind::Locked,
            TransportError::Input(_) | TransportError::Here { .. } => Kind::Internal,
        };
        let hints = transport_hints(&error);
        Self { hints, ..Self::new(kind, error) }
    }
}

fn transport_hints(error: &TransportError) -> Vec<Hint> {
    match error {
        TransportError::Unreachable { .. } => vec![Hint::text("check the host's name, its network and your ~/.ssh/config")],
        TransportError::NoContainer { .. } => vec![Hint::text("check `docker info` or `podman info`, and build.image")],
        TransportError::Login { .. } => {
            vec![Hint::text("check the user, and that your key is in `ssh-add -l` and in the host's authorized_keys")]
        }
        TransportError::UnknownHostKey { trust, .. } => vec![trust.clone()],
        TransportError::ChangedHostKey { .. } => {
            vec![Hint::text(
                "find out why the key changed before you remove the old one from known_hosts: somebody may sit in between",
            )]
        }
        TransportError::NoShell { .. } => vec![Hint::text("the account needs a login shell that runs commands")],
        TransportError::LinkLost { .. } => {
            vec![Hint::text("run the same command again: it looks at the hosts anew and finishes what is missing")]
        }
        TransportError::Fenced { .. } => {
            vec![Hint::text("when the other one has finished, run the same command again: it looks at the hosts anew")]
        }
        TransportError::Timeout { .. }
        | TransportError::Failed { .. }
        | TransportError::Input(_)
        | TransportError::Here { .. }
        | TransportError::Interrupted => Vec::new(),
    }
}

impl From<InventoryError> for Error {
    fn from(error: InventoryError) -> Self {
        match error {
            InventoryError::Transport(error) => error.into(),
            InventoryError::Answer(_) => Self::new(Kind::Internal, error),
        }
    }
}

impl From<NodeError> for Error {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::Transport(error) => error.into(),
            error => {
                let (kind, hints) = (
                    if matches!(error, NodeError::Answer(_) | NodeError::Found(_)) { Kind::Internal } else { Kind::Stopped },
                    error.hints(),
                );
                Self { hints, ..Self::new(kind, error) }
            }
        }
    }
}

impl From<ServiceError> for Error {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Node(NodeError::Transport(error)) => error.into(),
            error => {
                let hints = error.hints();
                Self { hints, ..Self::new(Kind::Stopped, error) }
            }
        }
    }
}

impl From<MigrateError> for Error {
    fn from(error: MigrateError) -> Self {
        let kind = match &error {
            MigrateError::Locked { .. } => Kind::Locked,
            MigrateError::NothingDeployed | MigrateError::NoWay { .. } | MigrateError::Link(_) => Kind::Blocked,
            MigrateError::NoEcto | MigrateError::NoRepositories | MigrateError::Several { .. } => Kind::Config,
            error if error.is_unknown() => Kind::Unknown,
            _ => Kind::Stopped,
        };
        match error {
            MigrateError::Node(error) => error.into(),
            error => {
                let hints = error.hints();
                Self { hints, ..Self::new(kind, error) }
            }
        }
    }
}

impl From<StepError> for Error {
    fn from(error: StepError) -> Self {
        let kind = match &error {
            StepError::Stale(_) => Kind::Blocked,
            StepError::Locked(_) => Kind::Locked,
            StepError::Interrupted => Kind::Interrupted,
            StepError::Misplanned => Kind::Internal,
            _ => Kind::Stopped,
        };
        let hint = match error {
            StepError::Node(error) => return error.into(),
            StepError::Service(error) => return error.into(),
            StepError::Upgrade(error) => return error.into(),
            StepError::Transport(error) => return error.into(),
            StepError::Traffic(error) => return error.into(),
            StepError::Stale(_) => Hint::text("run the same command again: it looks at the hosts anew"),
            StepError::Locked(_) => Hint::text("wait until the other one has finished, then run the same command again"),
            StepError::NoSpace(_) => Hint::text("free some space there, or keep fewer releases with `keep_releases`"),
            StepError::Damaged(_) => Hint::text("run the same command again; if it happens again, look at the host's disk"),
            error => return Self::new(kind, error),
        };
        Self::new(kind, error).hint(hint)
    }
}

impl From<TrafficError> for Error {
    fn from(error: TrafficError) -> Self {
        let hint = match &error {
            TrafficError::Transport(_) | TrafficError::Interrupted => {
                Hint::text("run the same command again: it resumes what is still drained")
            }
            TrafficError::Timeout { .. } | TrafficError::Program(RunHookError::Timeout { .. }) => {
                Hint::text("if it just takes long, raise rollout.drain_timeout")
            }
            TrafficError::Program(RunHookError::Start { .. }) => {
                Hint::text("a script begins with `#!/bin/sh`, and is executable: chmod +x")
            }
            TrafficError::Program(RunHookError::Failed { .. }) | TrafficError::Command { .. } | TrafficError::Mark(_) => {
                return Self::new(Kind::Stopped, error);
            }
        };
        Self::new(Kind::Stopped, error).hint(hint)
    }
}

impl From<EditorError> for Error {
    fn from(error: EditorError) -> Self {
        let kind = match &error {
            EditorError::NoTerminal { .. } => Kind::Usage,
            EditorError::Start(_) => Kind::Internal,
            EditorError::Failed { .. } => Kind::Interrupted,
        };
        Self::new(kind, error).hint(Hint::text("EDELIVER_EDITOR, GIT_EDITOR, VISUAL or EDITOR say which editor is used"))
    }
}

impl From<NameError> for Error {
    fn from(error: NameError) -> Self {
        Self::usage(error)
    }
}

impl From<TargetError> for Error {
    fn from(error: TargetError) -> Self {
        let hint = match &error {
            TargetError::NoTargets => Hint::text("add a target with its hosts to the configuration"),
            TargetError::Target { like: Some(like), .. } => Hint::text(format!("did you mean `{like}`?")),
            TargetError::Target { known, .. } => Hint::text(format!("the configuration has {}", known.join(", "))),
            TargetError::Host { like: Some(like), .. } => Hint::text(format!("did you mean `{like}`?")),
            TargetError::Host { known, .. } | TargetError::Selector { selector: Selector::Pattern(_), known, .. } => {
                Hint::text(format!("its hosts are {}", known.join(", ")))
            }
            TargetError::Selector { known, .. } if known.is_empty() => {
                Hint::text("its hosts have no tags; write them like `{ name = \"web1\", tags = [\"web\"] }`")
            }
            TargetError::Selector { known, .. } => Hint::text(format!("its hosts have the tags {}", known.join(", "))),
        };
        Self::usage(error).hint(hint)
    }
}

impl From<RunsError> for Error {
    fn from(error: RunsError) -> Self {
        match error {
            RunsError::None { .. } | RunsError::Several { .. } => {
                Self::usage(error).hint(Hint::command("these are the recorded runs", "edeliver run list"))
            }
            RunsError::Empty => Self::usage(error),
            RunsError::Read { .. } => Self::new(Kind::Internal, error),
            RunsError::Write { .. } => {
                Self::new(Kind::Internal, error).hint(Hint::text("name another file with `-o FILE`, or `-o -`"))
            }
        }
    }
}

impl From<WordError> for Error {
    fn from(error: WordError) -> Self {
        let hint = match &error {
            WordError::Unknown { path, like: Some(like), .. } => {
                let words: Vec<&str> =
                    ["edeliver"].into_iter().chain(path.iter().map(String::as_str)).chain([like.as_str()]).collect();
                Some(Hint::command("did you mean this?", words.join(" ")))
            }
            WordError::Unknown { .. } => Some(Hint::command("these are the commands", "edeliver help")),
            WordError::NotOneWord | WordError::NoCode { .. } => {
                Some(Hint::command("like this", "edeliver rpc 'Node.self()' on production"))
            }
            WordError::NoDashes { line } => Some(Hint::command("like this", line)),
            WordError::NoTarget { .. } | WordError::TwoTargets { .. } | WordError::WhichIsTheTarget { .. } => None,
        };
        let error = Self::usage(error);
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}
