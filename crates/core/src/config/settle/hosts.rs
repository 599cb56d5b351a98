//! Reading hosts: a name, or a table.

use indexmap::IndexSet;

use super::Settling;
use crate::{
    config::{
        origin::Origin,
        problem::{Place, Problem},
        raw::{Kind, Value},
        scope::{Found, Layer, Scope},
        settings::{HostSpec, TransportKind},
        typed::{FromValue, Wrong, show_path, string},
    },
    name::{HostName, HostPath, NodeName, UserName},
};

/// What holds for a host that does not say otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct Fallback {
    /// Key path of the table these are from, for messages.
    pub(super) path_of: String,
    pub(super) user: Option<UserName>,
    pub(super) port: Option<u16>,
    pub(super) path: Option<HostPath>,
    /// Whether there is a path, though it may be a wrong one.
    pub(super) path_given: bool,
    pub(super) transport: Option<TransportKind>,
}

impl Fallback {
    /// Nothing holds; a path is missed at this key.
    pub(in crate::config) fn none(path_of: &str) -> Self {
        Self { path_of: path_of.to_owned(), user: None, port: None, path: None, path_given: false, transport: None }
    }
    pub(super) fn read(scope: &mut Scope<'_>) -> Self {
        Self {
            path_of: scope.key("path"),
            user: scope.get("user"),
            port: scope.get("port"),
            path: scope.get("path"),
            path_given: scope.place("path").is_some(),
            transport: scope.get("transport"),
        }
    }
}

/// `name` or `user@name`; a user may contain an `@` of its own.
struct Login {
    user: Option<UserName>,
    name: HostName,
}

impl FromValue for Login {
    fn from_value(value: &Value) -> Result<Self, Wrong> {
        let text = string(value)?;
        Ok(match text.rsplit_once('@') {
            Some((user, name)) => Self { user: Some(user.parse()?), name: name.parse()? },
            None => Self { user: None, name: text.parse()? },
        })
    }
    fn show(&self) -> String {
        self.user.as_ref().map_or_else(|| self.name.to_string(), |user| format!("{user}@{}", self.name))
    }
}

/// Reads hosts, of the configuration or of what a source of hosts has answered.
pub(in crate::config) struct HostReader<'a> {
    pub(in crate::config) found: &'a Found,
}

impl Settling<'_> {
    /// As [`HostReader::host`].
    pub(super) fn host(&self, key: &str, value: &Value, fallback: &Fallback) -> Option<HostSpec> {
        HostReader { found: self.found }.host(key, value, fallback)
    }
    pub(super) fn host_origin(&self, key: &str, host: &HostSpec, origin: Origin) {
        self.found.origin(key.to_owned(), show(host), origin);
    }
}

impl HostReader<'_> {
    /// One host. `key` is where it stands, for messages.
    pub(in crate::config) fn host(&self, key: &str, value: &Value, fallback: &Fallback) -> Option<HostSpec> {
        match &value.kind {
            Kind::Table(table) => {
                let mut scope = Scope::new(key, vec![Layer::Table(key.to_owned(), table)], self.found);
                let host = self.host_table(&mut scope, value, fallback);
                scope.finish();
                host
            }
            Kind::Text(_) | Kind::Word(_) => match Login::from_value(value) {
                Ok(login) => self.spec(Own { login: Some(login), ..Own::default() }, fallback, value),
                Err(wrong) => self.refuse(wrong.at(key, value)),
            },
            _ => self.refuse(Wrong::Kind("a host", "write its name, or a table like { name = \"web1\" }").at(key, value)),
        }
    }
    fn refuse<T>(&self, problem: Problem) -> Option<T> {
        self.found.problem(problem);
        None
    }
    fn host_table(&self, scope: &mut Scope<'_>, value: &Value, fallback: &Fallback) -> Option<HostSpec> {
        let named = scope.place("name").is_some();
        let own = Own {
            login: scope.peek("name").map(|(login, _)| login),
            address: scope.peek("address").map(|(address, _)| address),
            user: scope.peek("user").map(|(user, _)| user),
            port: scope.peek("port").map(|(port, _)| port),
            path: scope.peek("path").map(|(path, _)| path),
            path_given: scope.place("path").is_some(),
            transport: scope.peek("transport").map(|(transport, _)| transport),
            node: scope.peek("node").map(|(node, _)| node),
            tags: scope.peek("tags").map(|(tags, _)| tags).unwrap_or_default(),
        };
        if !named {
            return self.refuse(Problem::new("a host without a name", value.place.clone()).label("add name = \"…\""));
        }
        self.spec(own, fallback, value)
    }
    fn spec(&self, own: Own, fallback: &Fallback, value: &Value) -> Option<HostSpec> {
        let login = own.login?;
        let Some(path) = own.path.or_else(|| fallback.path.clone()) else {
            if !(fallback.path_given || own.path_given) {
                self.found.problem(no_path(&login.name, &fallback.path_of, value.place.clone()));
            }
            return None;
        };
        Some(HostSpec {
            address: own.address.filter(|address| *address != login.name),
            name: login.name,
            transport: own.transport.or(fallback.transport).unwrap_or(TransportKind::Ssh),
            user: own.user.or(login.user).or_else(|| fallback.user.clone()),
            port: own.port.or(fallback.port),
            path,
            node: own.node,
            tags: own.tags,
        })
    }
}

/// Hosts that were read so far; a name may stand there once.
pub(in crate::config) struct HostList<'a> {
    pub(in crate::config) found: &'a Found,
    key: String,
    names: IndexSet<HostName>,
}

impl<'a> HostList<'a> {
    /// Of the setting with this key.
    pub(in crate::config) fn new(key: &str, found: &'a Found) -> Self {
        Self { found, key: key.to_owned(), names: IndexSet::new() }
    }
    /// The host, if it is a new one.
    pub(in crate::config) fn add(&mut self, host: HostSpec, place: &Place) -> Option<HostSpec> {
        if self.names.insert(host.name.clone()) {
            self.found.origin(format!("{}.{}", self.key, host.name), show(&host), place.origin.clone());
            return Some(host);
        }
        let problem = Problem::new(format!("`{}`: {} is listed twice", self.key, host.name), place.clone());
        self.found.problem(problem.label("remove one of them"));
        None
    }
}

/// What a host says of itself.
#[derive(Default)]
struct Own {
    login: Option<Login>,
    address: Option<HostName>,
    user: Option<UserName>,
    port: Option<u16>,
    path: Option<HostPath>,
    path_given: bool,
    transport: Option<TransportKind>,
    node: Option<NodeName>,
    tags: Vec<crate::name::Tag>,
}

fn no_path(name: &HostName, key: &str, place: Place) -> Problem {
    let problem = Problem::new(format!("no path is set for the host {name}"), place);
    problem.label("where should its files go?").remedy(format!("set {key}"))
}

/// A host as `config show` prints it: `deploy@web3 port 2222 path /srv node hotapp@web3 tags canary`.
fn show(host: &HostSpec) -> String {
    let mut out = String::new();
    if host.transport == TransportKind::Local {
        out.push_str("local ");
    }
    if let Some(user) = &host.user {
        out.push_str(&format!("{user}@"));
    }
    out.push_str(host.name.as_str());
    if let Some(address) = &host.address {
        out.push_str(&format!(" at {address}"));
    }
    if let Some(port) = host.port {
        out.push_str(&format!(" port {port}"));
    }
    out.push_str(&format!(" path {}", show_path(&host.path)));
    if let Some(node) = &host.node {
        out.push_str(&format!(" node {node}"));
    }
    if !host.tags.is_empty() {
        out.push_str(&format!(" tags {}", host.tags.iter().map(|tag| tag.as_str()).collect::<Vec<_>>().join(",")));
    }
    out
}
