//! systemd units that run nodes: which one, what is known of it, and its text.

pub mod diff;
pub mod text;

use serde::{Deserialize, Serialize};

use crate::{
    config::{Service, TargetSettings},
    name::{AppName, UnitName},
};

/// Whose systemd runs a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// The machine's, PID 1.
    System,
    /// That of the login that edeliver uses (`systemctl --user`).
    User,
}

impl Scope {
    /// As scripts are told it.
    pub fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
        }
    }
}

/// The unit that runs a target's nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Whose.
    pub scope: Scope,
    /// Its name.
    pub name: UnitName,
}

impl Unit {
    /// The unit of a target; `None` where nodes are run by the release's own script. It is called like the release unless the
    /// configuration says otherwise.
    pub fn of(settings: &TargetSettings, app: &AppName) -> Option<Self> {
        let scope = match settings.service {
            Service::Script => return None,
            Service::Systemd => Scope::System,
            Service::SystemdUser => Scope::User,
        };
        let own = || app.as_str().parse().expect("every application name can be a unit's");
        Some(Self { scope, name: settings.unit.clone().unwrap_or_else(own) })
    }
    /// With its suffix: `hotapp.service`.
    pub fn file_name(&self) -> String {
        let name = self.name.as_str();
        if name.ends_with(".service") { name.to_owned() } else { format!("{name}.service") }
    }
    /// Without it.
    pub fn short(&self) -> &str {
        self.name.as_str().trim_end_matches(".service")
    }
    /// As users see it: `unit hotapp.service`, `user unit hotapp.service`.
    pub fn describe(&self) -> String {
        match self.scope {
            Scope::System => format!("unit {}", self.file_name()),
            Scope::User => format!("user unit {}", self.file_name()),
        }
    }
    /// Where its file belongs. `home`: the login's.
    pub fn path(&self, home: &str) -> String {
        match self.scope {
            Scope::System => format!("/etc/systemd/system/{}", self.file_name()),
            Scope::User => format!("{home}/.config/systemd/user/{}", self.file_name()),
        }
    }
    /// Where its environment belongs, which may be secret. For a unit of the system that is no place of the login's: systemd reads it as
    /// root, and a link there would make it read any file of root's.
    pub fn environment_path(&self, home: &str) -> String {
        match self.scope {
            Scope::System => format!("/etc/edeliver/{}.env", self.short()),
            Scope::User => format!("{home}/.config/edeliver/{}.env", self.short()),
        }
    }
}

/// What systemd says of a unit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitFacts {
    /// Whether there is a systemd to ask.
    pub manager: bool,
    /// `LoadState`: `loaded`, `not-found`, `masked`, `bad-setting`, `error`.
    pub load: String,
    /// `ActiveState`: `active`, `activating`, `inactive`, `failed`, …
    pub active: String,
    /// `SubState`: `running`, `auto-restart`, `dead`, …
    pub sub: String,
    /// `Result` of its last end: `success`, `exit-code`, `signal`, …
    pub result: String,
    /// `ExecMainStatus`: exit status of its last main process.
    pub status: i32,
    /// `NRestarts`: how often systemd has started it again by itself since it was last started by somebody.
    pub restarts: u32,
    /// `MainPID`.
    pub main_pid: Option<u32>,
    /// Started at boot.
    pub enabled: bool,
    /// Its file is newer than what systemd has read.
    pub needs_reload: bool,
    /// Whether the user's systemd goes on without a login; `None` for units of the system.
    pub linger: Option<bool>,
}

impl UnitFacts {
    /// Whether systemd knows it.
    pub fn is_loaded(&self) -> bool {
        self.load == "loaded"
    }
    /// Whether systemd runs it or will start it again, so that it has to be stopped to be down.
    pub fn is_on(&self) -> bool {
        matches!(self.active.as_str(), "active" | "activating" | "reloading" | "deactivating")
    }
    /// Whether it ended and is about to be started again.
    pub fn waits_for_restart(&self) -> bool {
        self.sub.starts_with("auto-restart")
    }
    /// Its state as systemd words it: `active (running)`, `activating (auto-restart)`, `not-found`; nothing where nobody can be asked.
    pub fn in_words(&self) -> String {
        match (self.manager, self.is_loaded()) {
            (false, _) => String::new(),
            (true, false) => self.load.clone(),
            (true, true) => format!("{} ({})", self.active, self.sub),
        }
    }
    /// That systemd starts it again and again, if it does.
    pub fn restarts_told(&self, unit: &Unit) -> Option<String> {
        let (name, ended) = (unit.describe(), self.ending());
        match (self.waits_for_restart(), self.restarts) {
            (false, 0) => None,
            (true, 0) => Some(format!("{name} ended{ended}, and systemd is about to start it again")),
            (true, count) => Some(format!("systemd has restarted {name} {} by itself, and it is down now{ended}", times(count))),
            (false, _) if !self.is_on() => None,
            (false, count) => Some(format!("systemd has restarted {name} {} by itself{ended}", times(count))),
        }
    }
    /// What is worth a word about its state: a loop of restarts, a failure, a file that was not read yet, no start at boot.
    pub fn troubles(&self, unit: &Unit) -> Vec<String> {
        let (name, ended) = (unit.describe(), self.ending());
        let mut troubles: Vec<String> = self.restarts_told(unit).into_iter().collect();
        if self.active == "failed" {
            troubles.push(format!("{name} has failed{ended}"));
        }
        if self.needs_reload {
            troubles.push(format!("the file of {name} was changed and not loaded: `systemctl daemon-reload`"));
        }
        if self.is_loaded() && !self.enabled {
            troubles.push(format!("{name} is not started at boot"));
        }
        if self.linger == Some(false) {
            troubles.push(format!("{name} ends with the last login of its user, because lingering is off"));
        }
        troubles
    }
    /// As [`Self::troubles`], with what does not fit the node: no unit, a node that systemd has not started. `up`: there is a node.
    pub fn notes(&self, unit: &Unit, up: bool) -> Vec<String> {
        let name = unit.describe();
        match (self.manager, self.is_loaded()) {
            (false, _) => vec![format!("there is no systemd to run {name}")],
            (true, false) => vec![format!("there is no {name}")],
            (true, true) if up && self.main_pid.is_none() => {
                [format!("the node runs outside of {name}")].into_iter().chain(self.troubles(unit)).collect()
            }
            (true, true) => self.troubles(unit),
        }
    }
    fn ending(&self) -> String {
        match self.result.as_str() {
            "" | "success" => String::new(),
            "exit-code" => format!(" (it ended with status {})", self.status),
            "signal" | "core-dump" => format!(" (signal {} ended it)", self.status),
            other => format!(" ({other})"),
        }
    }
}

fn times(count: u32) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

#[cfg(test)]
mod tests;
