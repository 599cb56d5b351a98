//! What the scripts answer about units, as facts.

use edeliver_core::{
    plan::{
        SetupFacts,
        setup::{EnvironmentFile, Rights},
    },
    unit::UnitFacts,
};

use crate::node::answer::{AnswerError, body};

/// The answer of `state.sh`: properties as `systemctl show` prints them.
pub(super) fn unit(answer: &str) -> Result<UnitFacts, AnswerError> {
    let mut facts = UnitFacts::default();
    for line in body(answer, "edeliver-unit 1")? {
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        let text = || value.to_owned();
        match name {
            "manager" => facts.manager = true,
            "LoadState" => facts.load = text(),
            "ActiveState" => facts.active = text(),
            "SubState" => facts.sub = text(),
            "Result" => facts.result = text(),
            "ExecMainStatus" => facts.status = value.parse().unwrap_or_default(),
            "NRestarts" => facts.restarts = value.parse().unwrap_or_default(),
            "MainPID" => facts.main_pid = value.parse().ok().filter(|pid| *pid != 0),
            // A unit without [Install] can't be enabled, and nobody meant it to be.
            "UnitFileState" => facts.enabled = matches!(value, "enabled" | "enabled-runtime" | "static" | "indirect" | "generated"),
            "NeedDaemonReload" => facts.needs_reload = value == "yes",
            "linger" => facts.linger = Some(value == "yes"),
            _ => return Err(unexpected(line)),
        }
    }
    Ok(facts)
}

/// The answer of `look.sh`.
pub(super) fn setup(answer: &str) -> Result<SetupFacts, AnswerError> {
    let mut facts = SetupFacts::default();
    for line in body(answer, "edeliver-setup 1")? {
        let (word, value) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "home" => value.clone_into(&mut facts.home),
            "owner" => facts.owner = Some(value.to_owned()).filter(|owner| !owner.is_empty()),
            "rights" => facts.rights = rights(value),
            "systemd" => facts.systemd = value.parse().unwrap_or_default(),
            "unit" => facts.installed = Some(String::new()),
            "unit-line" => facts.installed.get_or_insert_default().extend([value, "\n"]),
            "drop-in" => facts.drop_ins.push(value.to_owned()),
            "environment" => facts.environment = environment(value),
            "profile" => facts.profile.push(value.to_owned()),
            _ => return Err(unexpected(line)),
        }
    }
    Ok(facts)
}

fn rights(word: &str) -> Rights {
    match word {
        "root" => Rights::Root,
        "sudo" => Rights::Sudo,
        _ => Rights::None,
    }
}

fn environment(word: &str) -> EnvironmentFile {
    match word {
        "same" => EnvironmentFile::Same,
        "differs" => EnvironmentFile::Differs,
        "unreadable" => EnvironmentFile::Unreadable,
        _ => EnvironmentFile::Missing,
    }
}

fn unexpected(line: &str) -> AnswerError {
    AnswerError::Line(line.chars().take(80).collect())
}
