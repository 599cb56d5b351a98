//! JSON as a tree of values that know where they stand. What is not asked for is not read: inventories carry secrets.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::config::{
    origin::Origin,
    problem::{Place, Problem},
    raw::{Kind, Table, Value},
    scope::Found,
};

/// Deeper than any host says anything.
const DEPTH: usize = 4;

/// A text that should be JSON.
pub(super) struct Doc<'a> {
    /// What it is called in messages.
    pub(super) name: &'a str,
    text: &'a str,
    /// Where lines begin.
    lines: Vec<usize>,
    found: &'a Found,
}

/// A value in it.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    doc: &'a Doc<'a>,
    raw: &'a RawValue,
}

impl<'a> Doc<'a> {
    pub(super) fn new(name: &'a str, text: &'a str, found: &'a Found) -> Self {
        let lines = [0].into_iter().chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { name, text, lines, found }
    }
    /// The whole of it.
    pub(super) fn root(&'a self) -> Option<Node<'a>> {
        match serde_json::from_str(self.text) {
            Ok(raw) => Some(Node { doc: self, raw }),
            Err(error) => {
                let title = error.to_string();
                let title = title.split(" at line ").next().unwrap_or_default();
                let problem =
                    Problem::new(format!("what it printed is not JSON: {title}"), self.place(error.line(), error.column()));
                self.found.problem(problem);
                None
            }
        }
    }
    /// Lines are not quoted, since nobody knows what else stands there.
    fn place(&self, line: usize, column: usize) -> Place {
        Place::of(Origin::File { path: format!("{}, line {line}, column {column}", self.name), line: None })
    }
    fn place_at(&self, offset: usize) -> Place {
        let line = self.lines.partition_point(|start| *start <= offset).max(1);
        self.place(line, offset - self.lines[line - 1] + 1)
    }
}

impl<'a> Node<'a> {
    pub(super) fn place(self) -> Place {
        // A raw value is a part of the text.
        self.doc.place_at((self.raw.get().as_ptr() as usize).saturating_sub(self.doc.text.as_ptr() as usize))
    }
    pub(super) fn problem(self, title: impl Into<String>, label: &str) {
        self.doc.found.problem(Problem::new(title, self.place()).label(label));
    }
    /// The entries of an object; `None`: it is none.
    pub(super) fn entries(self) -> Option<Vec<(String, Node<'a>)>> {
        let entries: Entries<'a> = serde_json::from_str(self.raw.get()).ok()?;
        let entries: Vec<(String, Node<'a>)> = entries.0.into_iter().map(|(name, raw)| (name, Node { raw, ..self })).collect();
        for (at, (name, node)) in entries.iter().enumerate() {
            if entries[..at].iter().any(|(earlier, _)| earlier == name) {
                node.problem(format!("the key {name:?} stands twice"), "remove one of them");
            }
        }
        Some(entries)
    }
    /// The entry of an object, unless it is null.
    pub(super) fn get(self, name: &str) -> Option<Node<'a>> {
        self.entries()?.into_iter().find(|(key, node)| key == name && node.raw.get() != "null").map(|(_, node)| node)
    }
    /// The items of a list; `None`: it is none.
    pub(super) fn items(self) -> Option<Vec<Node<'a>>> {
        let items: Vec<&'a RawValue> = serde_json::from_str(self.raw.get()).ok()?;
        Some(items.into_iter().map(|raw| Node { raw, ..self }).collect())
    }
    /// A string; `None`: it is none.
    pub(super) fn text(self) -> Option<String> {
        serde_json::from_str(self.raw.get()).ok()
    }
    /// As a value of a configuration.
    pub(super) fn value(self) -> Value {
        self.value_to(DEPTH)
    }
    fn value_to(self, depth: usize) -> Value {
        let place = self.place();
        let raw = self.raw.get();
        let kind = match raw.as_bytes().first() {
            Some(b'[' | b'{') if depth == 0 => Kind::Other("something with too much in it"),
            Some(b'"') => self.text().map_or(Kind::Other("a text that is broken"), Kind::Text),
            Some(b'[') => Kind::List(self.items().unwrap_or_default().into_iter().map(|item| item.value_to(depth - 1)).collect()),
            Some(b'{') => Kind::Table(self.table(depth - 1)),
            Some(b't') => Kind::Bool(true),
            Some(b'f') => Kind::Bool(false),
            Some(b'n') => Kind::Other("nothing"),
            _ => raw.parse().map_or(Kind::Other("a number that is none of ours"), Kind::Int),
        };
        Value { kind, place }
    }
    /// What is null is not said.
    fn table(self, depth: usize) -> Table {
        let mut table = Table::default();
        for (name, node) in self.entries().unwrap_or_default() {
            if node.raw.get() != "null" {
                let Value { kind, place } = node.value_to(depth);
                table.insert_here(&name, kind, &place);
            }
        }
        table
    }
}

/// The entries of an object in their order, also those that stand twice.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Entries<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(All)
    }
}
