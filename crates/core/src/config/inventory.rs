//! From what sources of hosts have answered to the hosts of a target.
//!
//! What is read here was written by other programs: every name goes through its newtype, and nothing but what a host needs is looked at.

mod ansible;
mod json;

use json::Doc;

use super::{
    problem::{Place, Problem, Problems},
    raw::{self, Kind, Table, Value},
    scope::Found,
    settings::{HostSource, HostSpec, HostsFrom, Inventory},
    settle::hosts::{HostList, HostReader},
    typed::string,
};

/// What a source has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// What a command printed.
    Json(String),
    /// The files of a folder, in their order: what they are called in messages, and their texts.
    Files(Vec<(String, String)>),
    /// The records of a name.
    Records(Vec<SrvRecord>),
}

/// An SRV record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SrvRecord {
    /// Lower ones come first.
    pub priority: u16,
    /// The port of sshd; 0 leaves it to ssh_config.
    pub port: u16,
    /// The host.
    pub target: String,
}

/// The hosts, in the order in which sources and hosts were written. `answers` are those of the inventory's sources.
///
/// # Errors
/// Everything that is wrong with them.
pub fn hosts(inventory: &Inventory, answers: &[Answer]) -> Result<Vec<HostSpec>, Problems> {
    let found = Found::default();
    let mut list = HostList::new(&inventory.key, &found);
    let (mut hosts, mut answers) = (Vec::new(), answers.iter());
    for part in &inventory.parts {
        match part {
            HostsFrom::Host(host, place) => hosts.extend(list.add(host.clone(), place)),
            HostsFrom::Source(source) => {
                let Some(answer) = answers.next() else { continue };
                let asked = Asked { source, inventory, found: &found };
                hosts.extend(asked.hosts(answer).into_iter().filter_map(|(host, place)| list.add(host, &place)));
            }
        }
    }
    let problems = found.problems.into_inner();
    if problems.is_empty() { Ok(hosts) } else { Err(Problems::new(problems, &[])) }
}

/// A source that was asked.
struct Asked<'a> {
    source: &'a HostSource,
    inventory: &'a Inventory,
    found: &'a Found,
}

impl Asked<'_> {
    fn hosts(&self, answer: &Answer) -> Vec<(HostSpec, Place)> {
        let before = self.found.problems.borrow().len();
        let values = match answer {
            Answer::Json(text) => self.json(text),
            Answer::Files(files) => files.iter().filter_map(|(path, text)| self.file(path, text)).collect(),
            Answer::Records(records) => self.records(records),
        };
        let reader = HostReader { found: self.found };
        let read = |value: &Value| Some((reader.host("host", value, &self.inventory.fallback)?, value.place.clone()));
        let hosts: Vec<_> = values.iter().filter_map(read).collect();
        if hosts.is_empty() && self.found.problems.borrow().len() == before {
            self.none();
        }
        hosts
    }
    fn none(&self) {
        let problem = Problem::new(format!("{} has no hosts", self.source), self.source.place.clone());
        self.found.problem(problem.label("a target without hosts would be deployed to nobody"));
    }
    /// A list of hosts, or Ansible's inventory.
    fn json(&self, text: &str) -> Vec<Value> {
        let name = format!("the output of {}", self.source);
        if text.trim().is_empty() {
            let problem = Problem::new(format!("{} printed nothing", self.source), self.source.place.clone());
            self.found.problem(problem.label("JSON is expected").remedy(FORMS));
            return Vec::new();
        }
        let doc = Doc::new(&name, text, self.found);
        let Some(root) = doc.root() else {
            return Vec::new();
        };
        let group = self.source.group.as_deref();
        match root.items() {
            Some(items) => of_group(items.into_iter().map(|item| item.value()).collect(), group),
            None if root.entries().is_some() => ansible::hosts(root, group).unwrap_or_default(),
            None => {
                root.problem("what it printed is no list of hosts", FORMS);
                Vec::new()
            }
        }
    }
    /// A file is a host's table; without a name in it, it is called like the host.
    fn file(&self, path: &str, text: &str) -> Option<Value> {
        let (mut table, problems) = raw::parse(path, text);
        if !problems.is_empty() {
            problems.into_iter().for_each(|problem| self.found.problem(problem));
            return None;
        }
        let place = Place::file(path);
        if !table.entries.contains_key("name") {
            let file = path.rsplit('/').next().unwrap_or(path);
            table.insert_here("name", Kind::Text(file.strip_suffix(".toml").unwrap_or(file).to_owned()), &place);
        }
        Some(Value { kind: Kind::Table(table), place })
    }
    /// By priority, and by name where that is the same: servers change the order from answer to answer.
    fn records(&self, records: &[SrvRecord]) -> Vec<Value> {
        let place = Place::file(self.source.to_string());
        let mut records: Vec<&SrvRecord> = records.iter().filter(|record| record.target != ".").collect();
        records.sort();
        let host = |record: &&SrvRecord| {
            let mut table = Table::default();
            let name = record.target.strip_suffix('.').unwrap_or(&record.target).to_ascii_lowercase();
            table.insert_here("name", Kind::Text(name), &place);
            if record.port != 0 {
                table.insert_here("port", Kind::Int(record.port.into()), &place);
            }
            Value { kind: Kind::Table(table), place: place.clone() }
        };
        records.iter().map(host).collect()
    }
}

/// What is expected of a command.
const FORMS: &str = "print a list like [\"web1\", {\"name\": \"web2\", \"port\": 2222}], or what `ansible-inventory --list` prints, and nothing else";

/// Those with this tag.
fn of_group(values: Vec<Value>, group: Option<&str>) -> Vec<Value> {
    let Some(group) = group else { return values };
    let has = |value: &Value| match &value.kind {
        Kind::Table(table) => table.entries.get("tags").is_some_and(|tags| match &tags.value.kind {
            Kind::List(tags) => tags.iter().any(|tag| string(tag).is_ok_and(|tag| tag == group)),
            _ => true, // it is wrong, and will be told
        }),
        _ => false,
    };
    values.into_iter().filter(has).collect()
}

#[cfg(test)]
mod tests;
