//! Ansible's inventory, as `ansible-inventory --list` prints it, and as dynamic inventories of other tools print it for Ansible: groups with
//! hosts and children, and the variables of hosts in `_meta`.

use std::collections::HashMap;

use indexmap::{IndexMap, IndexSet};

use super::json::Node;
use crate::{
    config::{
        problem::Place,
        raw::{Kind, Table, Value},
    },
    name::Tag,
};

const META: &str = "_meta";
/// Groups that say nothing of a host.
const EVERYBODY: [&str; 2] = ["all", "ungrouped"];

/// What a variable of a host means. Where two mean the same, the first counts.
const VARIABLES: [(&str, &str); 10] = [
    ("ansible_host", "address"),
    ("ansible_ssh_host", "address"),
    ("ansible_port", "port"),
    ("ansible_ssh_port", "port"),
    ("ansible_user", "user"),
    ("ansible_ssh_user", "user"),
    ("edeliver_path", "path"),
    ("edeliver_node", "node"),
    ("edeliver_user", "user"),
    ("ansible_connection", "transport"),
];

#[derive(Default)]
struct Group {
    hosts: Vec<(String, Place)>,
    children: Vec<String>,
}

/// The hosts as tables of a configuration, with their groups as tags. `None`: something is wrong, and was noted.
pub(super) fn hosts(root: Node<'_>, only: Option<&str>) -> Option<Vec<Value>> {
    let entries = root.entries()?;
    let mut groups = IndexMap::new();
    for (name, node) in entries.iter().filter(|(name, _)| name != META) {
        groups.insert(name.as_str(), group(name, *node)?);
    }
    let variables = root.get(META).and_then(|meta| meta.get("hostvars")).and_then(Node::entries).unwrap_or_default();
    let variables: IndexMap<String, Node<'_>> = variables.into_iter().collect();
    let wanted = members(&groups, only, root)?;
    let mut tags = tags(&groups);
    let host = |(name, place): (String, Place)| {
        let tags = tags.remove(&name).unwrap_or_default();
        table(&name, place, tags, variables.get(&name).copied())
    };
    Some(wanted.into_iter().map(host).collect())
}

/// A group: a table, or just its hosts.
fn group(name: &str, node: Node<'_>) -> Option<Group> {
    let wrong = |node: Node<'_>| {
        node.problem(format!("the group {name:?} can't be read"), "write it like { \"hosts\": [\"web1\"], \"children\": [] }");
    };
    let names = |node: Node<'_>| -> Option<Vec<(String, Place)>> {
        node.items()?.into_iter().map(|item| Some((item.text()?, item.place()))).collect()
    };
    let read = |node: Option<Node<'_>>| match node {
        None => Some(Vec::new()),
        Some(node) => names(node).or_else(|| {
            wrong(node);
            None
        }),
    };
    if node.items().is_some() {
        return Some(Group { hosts: read(Some(node))?, children: Vec::new() });
    }
    if node.entries().is_none() {
        wrong(node);
        return None;
    }
    let children = read(node.get("children"))?.into_iter().map(|(name, _)| name).collect();
    Some(Group { hosts: read(node.get("hosts"))?, children })
}

/// The hosts of a group and of those below it, or of all groups, each once, in the order in which they stand there.
fn members(groups: &IndexMap<&str, Group>, only: Option<&str>, root: Node<'_>) -> Option<Vec<(String, Place)>> {
    let starts: Vec<&str> = match only {
        Some(only) if groups.contains_key(only) => vec![only],
        Some(only) => {
            let known = groups.keys().copied().collect::<Vec<_>>().join(", ");
            root.problem(format!("the inventory has no group {only:?}"), &format!("it has {known}"));
            return None;
        }
        None => ["all"].into_iter().chain(groups.keys().copied()).filter(|name| groups.contains_key(name)).collect(),
    };
    let mut seen = IndexSet::new();
    let mut hosts: IndexMap<String, Place> = IndexMap::new();
    for name in starts {
        for group in below(groups, name, &mut seen) {
            for (host, place) in &group.hosts {
                hosts.entry(host.clone()).or_insert_with(|| place.clone());
            }
        }
    }
    Some(hosts.into_iter().collect())
}

/// A group and those below it, each once, however they contain each other.
fn below<'a>(groups: &'a IndexMap<&str, Group>, name: &'a str, seen: &mut IndexSet<&'a str>) -> Vec<&'a Group> {
    let (mut found, mut waiting) = (Vec::new(), vec![name]);
    while let Some(name) = waiting.pop() {
        let Some(group) = groups.get(name).filter(|_| seen.insert(name)) else { continue };
        found.push(group);
        waiting.extend(group.children.iter().rev().map(String::as_str));
    }
    found
}

/// The groups that hosts are in. A name that can be no tag is none.
fn tags(groups: &IndexMap<&str, Group>) -> HashMap<String, Vec<Tag>> {
    let mut tags: HashMap<String, Vec<Tag>> = HashMap::new();
    let named = groups.keys().copied().filter(|name| !EVERYBODY.contains(name));
    for (name, tag) in named.filter_map(|name| Some((name, name.parse::<Tag>().ok()?))) {
        for (host, _) in below(groups, name, &mut IndexSet::new()).into_iter().flat_map(|group| &group.hosts) {
            let tags = tags.entry(host.clone()).or_default();
            if tags.last() != Some(&tag) {
                tags.push(tag.clone());
            }
        }
    }
    tags
}

fn table(name: &str, place: Place, tags: Vec<Tag>, variables: Option<Node<'_>>) -> Value {
    let mut table = Table::default();
    table.insert_here("name", Kind::Text(name.to_owned()), &place);
    let entries: IndexMap<String, Node<'_>> = variables.and_then(Node::entries).unwrap_or_default().into_iter().collect();
    for (variable, key) in VARIABLES {
        let Some(value) = entries.get(variable).map(|node| node.value()).filter(|_| !table.has(key)) else { continue };
        if let Some(kind) = meant(key, value.kind) {
            table.insert_here(key, kind, &value.place);
        }
    }
    if !tags.is_empty() {
        let tag = |tag: Tag| Value { kind: Kind::Text(tag.to_string()), place: place.clone() };
        table.insert_here("tags", Kind::List(tags.into_iter().map(tag).collect()), &place);
    }
    Value { kind: Kind::Table(table), place }
}

/// Numbers may be texts there, and ssh has several names.
fn meant(key: &str, kind: Kind) -> Option<Kind> {
    match kind {
        Kind::Other("nothing") => None,
        Kind::Text(text)
            if key == "transport" && ["ssh", "smart", "paramiko", "paramiko_ssh", "openssh"].contains(&text.as_str()) =>
        {
            None
        }
        Kind::Text(text) => Some(Kind::Word(text)),
        kind => Some(kind),
    }
}
