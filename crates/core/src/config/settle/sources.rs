//! Reading `hosts` of a target: hosts, and sources that are asked for them later.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use super::{
    Settling,
    hosts::{Fallback, HostList, HostReader},
};
use crate::config::{
    problem::Problem,
    raw::{Kind, Table, Value},
    scope::{Found, Layer, Scope},
    settings::{HostSource, HostSpec, HostsFrom, Inventory, SourceKind},
    typed::{Rule, Wrong, items, string},
};

/// The keys of which a source has one.
const KINDS: [&str; 3] = ["command", "dir", "srv"];
/// Inventories of clouds take their time; one that hangs is told while somebody still looks.
const PATIENCE: Duration = Duration::from_secs(30);
/// Where a server of names listens.
const DNS: u16 = 53;

/// What `hosts` says: the hosts, or where they come from.
pub(super) enum Hosts {
    Here(Vec<HostSpec>),
    Elsewhere(Inventory),
}

/// The items of `hosts`; one source may stand there without a list around it.
pub(super) fn listed(value: &Value) -> Result<Vec<Value>, Wrong> {
    match &value.kind {
        Kind::Table(table) if is_source(table) => Ok(vec![value.clone()]),
        Kind::Table(_) => {
            Err(Wrong::Kind("a list", "write it like [\"a\", \"b\"], or name a source like { command = \"bin/hosts\" }"))
        }
        _ => items(value),
    }
}

fn is_source(table: &Table) -> bool {
    KINDS.iter().any(|kind| table.has(kind))
}

impl Settling<'_> {
    pub(super) fn hosts(&self, key: &str, values: &[Value], fallback: &Fallback) -> Hosts {
        let parts: Vec<HostsFrom> = values.iter().filter_map(|value| self.part(key, value, fallback)).collect();
        if parts.iter().any(|part| matches!(part, HostsFrom::Source(_))) {
            self.tell_sources(key, &parts);
            return Hosts::Elsewhere(Inventory { parts, key: key.to_owned(), fallback: fallback.clone() });
        }
        let mut list = HostList::new(key, self.found);
        let hosts = parts.into_iter().zip(values).filter_map(|(part, value)| match part {
            HostsFrom::Host(host, _) => list.add(host, &value.place),
            HostsFrom::Source(_) => None,
        });
        Hosts::Here(hosts.collect())
    }
    fn part(&self, key: &str, value: &Value, fallback: &Fallback) -> Option<HostsFrom> {
        match &value.kind {
            Kind::Table(table) if is_source(table) => {
                let mut source = source(key, table, value, self.found)?;
                if let SourceKind::Dir(path) = &mut source.kind {
                    *path = self.here(&path.to_string_lossy());
                }
                Some(HostsFrom::Source(source))
            }
            _ => {
                let host = HostReader { found: self.found }.host(key, value, fallback)?;
                Some(HostsFrom::Host(host, value.place.clone()))
            }
        }
    }
    /// `config show` says where hosts come from without asking there.
    fn tell_sources(&self, key: &str, parts: &[HostsFrom]) {
        for (at, part) in parts.iter().enumerate() {
            let key = if parts.len() == 1 { key.to_owned() } else { format!("{key}.{}", at + 1) };
            match part {
                HostsFrom::Host(host, place) => self.host_origin(&key, host, place.origin.clone()),
                HostsFrom::Source(source) => self.found.origin(key, source.to_string(), source.place.origin.clone()),
            }
        }
    }
}

fn source(key: &str, table: &Table, value: &Value, found: &Found) -> Option<HostSource> {
    let mut scope = Scope::new(key, vec![Layer::Table(key.to_owned(), table)], found);
    let kind = kind(key, &mut scope, table, value, found);
    let group = scope.peek_by("group", |value| GROUP.text(value)).map(|(group, _)| group);
    let timeout = scope.peek::<Duration>("timeout");
    let wrong_timeout = timeout.is_none() && table.has("timeout");
    scope.finish();
    for (only, of) in [("group", "command"), ("server", "srv")] {
        if table.has(only) && !table.has(of) {
            let place = table.place(only).expect("it is there");
            found.problem(
                Problem::new(format!("`{key}.{only}` belongs to `{of}`"), place).label(format!("there is no `{of}` here")),
            );
            return None;
        }
    }
    let timeout = timeout.map_or(PATIENCE, |(timeout, _)| timeout);
    (!wrong_timeout).then_some(HostSource { kind: kind?, group, timeout, place: value.place.clone() })
}

fn kind(key: &str, scope: &mut Scope<'_>, table: &Table, value: &Value, found: &Found) -> Option<SourceKind> {
    let command = scope.peek_by("command", |value| COMMAND.text(value)).map(|(line, _)| line);
    let dir = scope.peek_by("dir", |value| DIR.text(value)).map(|(path, _)| path);
    let srv = scope.peek_by("srv", |value| SRV.text(value)).map(|(name, _)| name);
    let server = scope.peek_by("server", Server::from_value);
    if KINDS.iter().filter(|kind| table.has(kind)).count() > 1 {
        let problem = Problem::new(format!("`{key}`: two sources in one table"), value.place.clone());
        found.problem(problem.label("choose one of command, dir and srv").remedy("a list may have several sources"));
        return None;
    }
    if table.has("server") && server.is_none() {
        return None; // it was noted
    }
    let srv = srv.map(|name| SourceKind::Srv { name, server: server.map(|(Server(address), _)| address) });
    command.map(SourceKind::Command).or_else(|| dir.map(|path| SourceKind::Dir(PathBuf::from(path)))).or(srv)
}

/// One line of shell.
const COMMAND: Rule = Rule {
    what: "a command",
    why: "write it in one line",
    allows: |text| !text.trim().is_empty() && !text.chars().any(char::is_control),
};
const DIR: Rule = Rule {
    what: "a folder",
    why: "write its path, from the project's folder",
    allows: |text| !text.trim().is_empty() && !text.chars().any(char::is_control),
};
const GROUP: Rule = Rule {
    what: "a group",
    why: "write its name, as the inventory has it",
    allows: |text| !text.trim().is_empty() && !text.chars().any(char::is_control),
};
/// What may be asked of a server of names.
const SRV: Rule = Rule {
    what: "a name with SRV records",
    why: "write it like \"_edeliver._tcp.example.com\"",
    allows: |text| {
        let name = text.strip_suffix('.').unwrap_or(text);
        let is_label = |label: &str| {
            (1..=63).contains(&label.len()) && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        };
        name.len() <= 253 && name.split('.').all(is_label)
    },
};

/// The address of a server of names: `10.0.0.2`, `127.0.0.1:8600`, `[::1]:53`.
struct Server(SocketAddr);

impl Server {
    fn from_value(value: &Value) -> Result<Self, Wrong> {
        let text = string(value)?;
        let address = text.parse().or_else(|_| text.parse().map(|address: IpAddr| SocketAddr::new(address, DNS)));
        address.map(Self).map_err(|_| Wrong::Rule("the address of a server", "write it like \"127.0.0.1:8600\"".to_owned()))
    }
}
