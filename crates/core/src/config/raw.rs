//! What was written: tables of values that know where they stand.
//!
//! All sources become the same tree: TOML files, flags, environment variables, and the variables of a classic config. Values are read out of
//! it by [`super::scope`]. serde is left out on purpose: it stops at the first error, and a config file should be told all of its errors at
//! once.

use std::ops::Range;

use indexmap::IndexMap;
use toml::de::{DeTable, DeValue};

use super::{
    origin::Origin,
    problem::{Place, Problem},
};

/// A table; keys in the order in which they were written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    pub(super) entries: IndexMap<String, Entry>,
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// Where the key stands.
    pub(super) key: Place,
    pub(super) value: Value,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Value {
    pub(super) kind: Kind,
    pub(super) place: Place,
}

/// What kind of value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// A string of a TOML file.
    Text(String),
    /// Text without a type: from the environment, a flag or a shell variable. It is read as whatever is wanted.
    Word(String),
    Bool(bool),
    Int(i64),
    List(Vec<Value>),
    Table(Table),
    /// Floats and dates, which no setting takes.
    Other(&'static str),
}

impl Kind {
    /// With its article, for messages.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::Word(_) => "a string",
            Self::Bool(_) => "true or false",
            Self::Int(_) => "a number",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(name) => name,
        }
    }
}

impl Table {
    /// Puts a word at a key path (`build.mix_env`), making the tables on the way. What was there goes.
    pub fn set(&mut self, key: &str, value: impl Into<String>, place: &Place) {
        self.insert(key, Kind::Word(value.into()), place);
    }
    /// Where the value of a key stands.
    pub fn place(&self, key: &str) -> Option<Place> {
        self.entries.get(key).map(|entry| entry.value.place.clone())
    }
    /// Every word that stands in it, with its key path.
    pub fn words(&self) -> Vec<(String, String)> {
        let mut words = Vec::new();
        for (name, entry) in &self.entries {
            match &entry.value.kind {
                Kind::Word(word) => words.push((name.clone(), word.clone())),
                Kind::Table(table) => words.extend(table.words().into_iter().map(|(key, word)| (format!("{name}.{key}"), word))),
                _ => {}
            }
        }
        words
    }
    /// Puts a list of words at a key path.
    pub(super) fn set_list(&mut self, key: &str, values: impl IntoIterator<Item = String>, place: &Place) {
        let items = values.into_iter().map(|word| Value { kind: Kind::Word(word), place: place.clone() }).collect();
        self.insert(key, Kind::List(items), place);
    }
    /// Whether something stands at the key path.
    pub(super) fn has(&self, key: &str) -> bool {
        match key.split_once('.') {
            None => self.entries.contains_key(key),
            Some((first, rest)) => self.table(first).is_some_and(|table| table.has(rest)),
        }
    }
    pub(super) fn table(&self, key: &str) -> Option<&Table> {
        match &self.entries.get(key)?.value.kind {
            Kind::Table(table) => Some(table),
            _ => None,
        }
    }
    /// The table at a key path.
    pub(super) fn at(&self, key: &str) -> Option<&Table> {
        match key.split_once('.') {
            None => self.table(key),
            Some((first, rest)) => self.table(first)?.at(rest),
        }
    }
    /// The same values as defaults: nobody needs to know the lines of a file that is part of the program.
    pub(super) fn without_places(self) -> Self {
        let entries = self.entries.into_iter().map(|(name, entry)| {
            let place = Place::of(Origin::Default);
            let kind = match entry.value.kind {
                Kind::Table(table) => Kind::Table(table.without_places()),
                kind => kind,
            };
            (name, Entry { key: place.clone(), value: Value { kind, place } })
        });
        Self { entries: entries.collect() }
    }
    pub(super) fn insert(&mut self, key: &str, kind: Kind, place: &Place) {
        match key.split_once('.') {
            None => self.insert_here(key, kind, place),
            Some((first, rest)) => self.inner(first, place).insert(rest, kind, place),
        }
    }
    /// As [`Self::insert`], for a key that may have a dot in it.
    pub(super) fn insert_here(&mut self, key: &str, kind: Kind, place: &Place) {
        let value = Value { kind, place: place.clone() };
        self.entries.insert(key.to_owned(), Entry { key: place.clone(), value });
    }
    /// The table at a key, made if it isn't one yet.
    fn inner(&mut self, key: &str, place: &Place) -> &mut Table {
        if self.table(key).is_none() {
            let value = Value { kind: Kind::Table(Table::default()), place: place.clone() };
            self.entries.insert(key.to_owned(), Entry { key: place.clone(), value });
        }
        match &mut self.entries.get_mut(key).expect("just made").value.kind {
            Kind::Table(table) => table,
            _ => unreachable!("just made sure that it is a table"),
        }
    }
}

/// Reads a TOML text. `path` is what the file is called in messages. What can be understood is returned even where there are errors.
pub fn parse(path: &str, text: &str) -> (Table, Vec<Problem>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let file = File { path, text };
    (file.table(table.get_ref()), syntax_problems(&file, &errors))
}

/// Of several errors at one place the last is the most exact one.
fn syntax_problems(file: &File<'_>, errors: &[toml::de::Error]) -> Vec<Problem> {
    let mut problems: Vec<Problem> = Vec::new();
    for problem in errors.iter().map(|error| syntax_problem(file, error)) {
        problems.retain(|earlier| earlier.place != problem.place);
        problems.push(problem);
    }
    problems
}

fn syntax_problem(file: &File<'_>, error: &toml::de::Error) -> Problem {
    let (title, label) = match error.message().split_once(", expected ") {
        Some((title, expected)) => (title, format!("{expected} is expected")),
        None => (error.message(), String::new()),
    };
    let (title, label) = match title {
        "string values must be quoted" => ("a text must stand in quotes", "write it in quotes".to_owned()),
        "invalid basic string" | "invalid literal string" => ("a text is not closed", label),
        "duplicate key" => ("a key stands twice", "remove one of them".to_owned()),
        other => (other, label),
    };
    // An error at the end of a line is shown there and not on the line after it.
    let span = error.span().map_or(0..0, |span| if span.is_empty() { span.start.saturating_sub(1)..span.end } else { span });
    Problem::new(title, file.place(span)).label(label)
}

struct File<'a> {
    path: &'a str,
    text: &'a str,
}

impl File<'_> {
    fn place(&self, span: Range<usize>) -> Place {
        let line = self.text[..span.start.min(self.text.len())].matches('\n').count() + 1;
        Place { origin: Origin::File { path: self.path.to_owned(), line: Some(line) }, span: Some(span), name: None }
    }
    fn table(&self, table: &DeTable<'_>) -> Table {
        let mut written: Vec<_> = table.iter().collect();
        written.sort_by_key(|(key, _)| key.span().start); // toml's own map is sorted by name
        let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
            let name: &std::borrow::Cow<'_, str> = key.get_ref();
            (name.to_string(), Entry { key: self.place(key.span()), value: self.value(value) })
        };
        Table { entries: written.into_iter().map(entry).collect() }
    }
    fn value(&self, value: &toml::Spanned<DeValue<'_>>) -> Value {
        let kind = match value.get_ref() {
            DeValue::String(text) => Kind::Text(text.to_string()),
            DeValue::Boolean(truth) => Kind::Bool(*truth),
            DeValue::Integer(number) => {
                i64::from_str_radix(number.as_str(), number.radix()).map_or(Kind::Other("a number that is too large"), Kind::Int)
            }
            DeValue::Array(items) => Kind::List(items.iter().map(|item| self.value(item)).collect()),
            DeValue::Table(table) => Kind::Table(self.table(table)),
            DeValue::Float(_) => Kind::Other("a number with a fraction"),
            DeValue::Datetime(_) => Kind::Other("a date"),
        };
        Value { kind, place: self.place(value.span()) }
    }
}
