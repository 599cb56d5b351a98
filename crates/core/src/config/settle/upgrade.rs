//! Reading `[upgrade]`, of all targets and of one.

use super::{
    Settling,
    targets::{FUNCTION, MODULE},
};
use crate::{
    config::{
        raw::{Kind, Value},
        scope::{Layer, Scope, env_name},
        secret,
        settings::{HealthCheck, HttpCheck, Limits, RehearsalSettings, UpgradeSettings},
        typed::{FromValue, Rule, Wrong},
    },
    name::TargetName,
};

impl<'a> Settling<'a> {
    pub(super) fn upgrade(&self, mut scope: Scope<'a>) -> Option<UpgradeSettings> {
        let engine = scope.get("engine");
        let on_restart = scope.get("on_restart");
        let soak = scope.get("soak");
        let suspend = scope.get("suspend_timeout");
        let code_change = scope.get("code_change_timeout");
        let child = scope.get("child_timeout");
        let confirm = scope.get("confirm_within");
        let discover_children = scope.get("discover_children");
        let allow_nif = scope.get_by("allow_nif", |value| MODULE.texts(value)).unwrap_or_default();
        let health = scope.get("health");
        let health_timeout = scope.get("health_timeout");
        let rehearsal =
            RehearsalSettings { env: self.env_table(&mut scope, "rehearsal_env"), health: scope.get("rehearsal_health") };
        scope.finish();
        Some(UpgradeSettings {
            engine: engine?,
            on_restart: on_restart?,
            soak: soak?,
            limits: Limits { suspend: suspend?, code_change: code_change?, child: child?, confirm: confirm? },
            discover_children: discover_children?,
            allow_nif,
            health,
            health_timeout: health_timeout?,
            rehearsal,
        })
    }
    /// A target's own table over that of all targets: file, environment, flags.
    pub(super) fn table_of(&self, key: &'static str, name: &TargetName, target: &mut Scope<'a>) -> Scope<'a> {
        let _ = target.table(key); // known there, and a table
        let own = format!("targets.{name}.{key}");
        let tables = |table: &'a crate::config::raw::Table| {
            [key.to_owned(), own.clone()].into_iter().filter_map(|key| Some(Layer::Table(key.clone(), table.at(&key)?)))
        };
        let env = [env_name("EDELIVER", key), env_name(&env_name("EDELIVER_TARGETS", name.as_str()), key)];
        let mut layers: Vec<Layer<'a>> = [self.defaults, self.file].into_iter().flat_map(tables).collect();
        layers.extend(env.map(|prefix| Layer::Env(prefix, self.around.env)));
        layers.extend(tables(self.around.flags));
        Scope::new(own.clone(), layers, self.found)
    }
}

/// A table with one kind of check. As a whole, so that a target's check takes the place of that of all targets.
impl FromValue for HealthCheck {
    fn from_value(value: &Value) -> Result<Self, Wrong> {
        let wrong = || {
            Wrong::Kind(
                "a table with one of command, http and function",
                "write it like { http = \"http://127.0.0.1:4000/health\" }",
            )
        };
        let Kind::Table(table) = &value.kind else { return Err(wrong()) };
        let mut entries: Vec<_> = table.entries.iter().map(|(name, entry)| (name.as_str(), &entry.value)).collect();
        let mut take = |key: &str| entries.iter().position(|(name, _)| *name == key).map(|at| entries.remove(at).1);
        let page = (take("status"), take("body"));
        let text =
            |rule: Rule, value: &Value| rule.text(value).map_err(|wrong| Wrong::Item(Box::new(wrong), Box::new(value.clone())));
        match (entries.as_slice(), page) {
            ([("command", value)], (None, None)) => text(COMMAND, value).map(Self::Command),
            ([("function", value)], (None, None)) => text(FUNCTION, value).map(Self::Function),
            ([("http", value)], (status, body)) => {
                let status = status.map(status_of).transpose()?;
                let body = body.map(|body| text(BODY, body)).transpose()?;
                Ok(Self::Http(HttpCheck { address: text(LOOPBACK, value)?, status, body }))
            }
            _ => Err(wrong()),
        }
    }
    fn show(&self) -> String {
        let (kind, text) = match self {
            Self::Command(text) => ("command", text),
            Self::Http(check) => ("http", &check.address),
            Self::Function(text) => ("function", text),
        };
        format!("{kind} {}", secret::shown(kind, text))
    }
}

fn status_of(value: &Value) -> Result<u16, Wrong> {
    let number = match &value.kind {
        Kind::Int(number) => u16::try_from(*number).ok().filter(|number| (100..=599).contains(number)),
        _ => None,
    };
    let wrong = || Wrong::Kind("a status of HTTP", "write a number from 100 to 599, without quotes");
    number.ok_or_else(|| Wrong::Item(Box::new(wrong()), Box::new(value.clone())))
}

/// One line of shell.
pub(super) const COMMAND: Rule = Rule {
    what: "a command",
    why: "write it in one line",
    allows: |text| !text.trim().is_empty() && !text.chars().any(char::is_control),
};
/// Text in a page.
const BODY: Rule = Rule {
    what: "a text",
    why: "write a word that stands in the page of an application that is well",
    allows: |text| !text.trim().is_empty() && !text.chars().any(char::is_control),
};
/// What listens on the host itself: a check must not ask another machine.
const LOOPBACK: Rule = Rule {
    what: "an address on the host itself",
    why: "write it like \"http://127.0.0.1:4000/health\"",
    allows: |text| {
        let rest = text.strip_prefix("http://").unwrap_or_default();
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let plain = text.chars().all(|c| c.is_ascii_graphic());
        let local = ["127.0.0.1", "localhost", "[::1]"].contains(&host);
        plain && local && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
    },
};
