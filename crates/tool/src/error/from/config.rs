//! Errors of the configuration and of hooks.

use edeliver_core::{
    config::{SourceKind, secret},
    hint::Hint,
};

use crate::{
    config::{ConfigError, import::ImportError},
    error::{Error, Kind},
    hook::HookError,
    notices::RunHookError,
    sources::{AskError, SourceError},
};

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        let hints = error.hints();
        Self { hints, ..Self::new(Kind::Config, error) }
    }
}

impl From<SourceError> for Error {
    fn from(error: SourceError) -> Self {
        let (kind, hint) = match &error {
            SourceError::Wrong(_) => (Kind::Config, None),
            SourceError::Asking { source, source_of, .. } => (class(source), hint(source, &source_of.kind)),
        };
        let error = Self::new(kind, error);
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

fn class(error: &AskError) -> Kind {
    match error {
        AskError::Names { .. } | AskError::NoServers(_) => Kind::Unreachable,
        _ => Kind::Config,
    }
}

fn hint(error: &AskError, kind: &SourceKind) -> Option<Hint> {
    Some(match (error, kind) {
        (AskError::Late { .. } | AskError::Names { .. }, _) => {
            Hint::text("if it just takes long, give it more time: { …, timeout = \"2m\" }")
        }
        (AskError::Failed { status, .. }, SourceKind::Command(line)) if status.code() == Some(127) => Hint::text(format!(
            "`{line}` is run by sh in the project's folder; a program that lies there needs its path: bin/hosts"
        )),
        (AskError::Failed { .. } | AskError::NoText { .. } | AskError::TooMuch { .. }, SourceKind::Command(line)) => {
            Hint::command("run it by itself in the project's folder", secret::masked_source(line))
        }
        (AskError::NoRecords, SourceKind::Srv { name, .. }) => {
            Hint::command("see what the name servers say", format!("dig +short SRV {name}"))
        }
        (AskError::Read { .. }, SourceKind::Dir(_)) => Hint::text("the folder has a TOML file for each host: web1.toml"),
        _ => return None,
    })
}

impl From<RunHookError> for Error {
    fn from(error: RunHookError) -> Self {
        let hint = match &error {
            RunHookError::Start { .. } => "a script begins with `#!/bin/sh`, and is executable: chmod +x",
            RunHookError::Failed { .. } => "nothing was changed: the hook stands before that",
            RunHookError::Timeout { .. } => "nothing was changed; if the hook just takes long, raise run_hooks.timeout",
        };
        Self::new(Kind::Blocked, error).hint(Hint::text(hint))
    }
}

impl From<HookError> for Error {
    fn from(error: HookError) -> Self {
        let hint = match &error {
            HookError::Stopped { .. } => Some(Hint::text("a hook that is satisfied returns; only `return` lets the run go on")),
            HookError::Failed { .. }
            | HookError::Timeout { .. }
            | HookError::Gone { .. }
            | HookError::Shell(_)
            | HookError::Talk { .. } => None,
        };
        let error = Self::new(Kind::Stopped, error);
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

impl From<ImportError> for Error {
    fn from(error: ImportError) -> Self {
        let hints = error.hints();
        Self { hints, ..Self::new(Kind::Config, error) }
    }
}
