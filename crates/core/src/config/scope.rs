//! Reading typed values out of layers of tables, with every error noted and no error stopping the reading.

use std::{borrow::Cow, cell::RefCell};

use indexmap::IndexMap;

use super::{
    origin::{Origin, Origins},
    problem::{Place, Problem},
    raw::{Entry, Kind, Table, Value},
    secret,
    typed::{FromValue, Wrong},
};

/// Asks for an environment variable.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What reading gives beside the values.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) problems: RefCell<Vec<Problem>>,
    pub(super) origins: RefCell<Origins>,
}

impl Found {
    pub(super) fn problem(&self, problem: Problem) {
        let mut problems = self.problems.borrow_mut();
        if !problems.contains(&problem) {
            problems.push(problem); // a table that several targets share is read once for each of them
        }
    }
    pub(super) fn origin(&self, key: String, shown: String, origin: Origin) {
        self.origins.borrow_mut().record(key, shown, origin);
    }
}

/// One layer of a scope.
#[derive(Clone)]
pub(super) enum Layer<'a> {
    /// A table and its key path, which is not the scope's where a target reads the settings of all targets.
    Table(String, &'a Table),
    /// Variables whose names begin with this.
    Env(String, Env<'a>),
}

impl<'a> Layer<'a> {
    /// The key with its tables in front, as it stands in this layer.
    fn key(&self, key: &str) -> String {
        match self {
            Self::Table(path, _) => joined(path, key),
            Self::Env(prefix, _) => env_name(prefix, key),
        }
    }
    fn value(&self, key: &str) -> Option<Cow<'a, Value>> {
        match self {
            Self::Table(_, table) => table.entries.get(key).map(|entry| Cow::Borrowed(&entry.value)),
            Self::Env(prefix, env) => {
                let name = env_name(prefix, key);
                let value = env(&name)?;
                Some(Cow::Owned(Value { kind: Kind::Word(value), place: Place::of(Origin::Env { name }) }))
            }
        }
    }
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// `EDELIVER_BUILD` and `mix_env` give `EDELIVER_BUILD_MIX_ENV`.
pub(super) fn env_name(prefix: &str, key: &str) -> String {
    format!("{prefix}_{}", key.replace('-', "_").to_ascii_uppercase())
}

/// Tables that are read as one, the later ones before the earlier ones.
pub(super) struct Scope<'a> {
    /// Key path for people, empty for the top.
    path: String,
    layers: Vec<Layer<'a>>,
    found: &'a Found,
    known: Vec<&'static str>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(path: impl Into<String>, layers: Vec<Layer<'a>>, found: &'a Found) -> Self {
        Self { path: path.into(), layers, found, known: Vec::new() }
    }
    /// The key with its tables in front.
    pub(super) fn key(&self, key: &str) -> String {
        joined(&self.path, key)
    }
    /// The effective value, if there is one. Values that it hides are checked too: a wrong line in a file is an error even while a flag
    /// overrides it.
    pub(super) fn get<T: FromValue>(&mut self, key: &'static str) -> Option<T> {
        self.get_by(key, T::from_value)
    }
    /// As [`Self::get`], with a rule of its own.
    pub(super) fn get_by<T: FromValue>(&mut self, key: &'static str, rule: impl Fn(&Value) -> Result<T, Wrong>) -> Option<T> {
        let (value, origin) = self.peek_by(key, rule)?;
        let shown = secret::shown(key, &value.show());
        self.found.origin(self.key(key), shown, origin);
        Some(value)
    }
    /// As [`Self::get`], without recording the origin.
    pub(super) fn peek<T: FromValue>(&mut self, key: &'static str) -> Option<(T, Origin)> {
        self.peek_by(key, T::from_value)
    }
    /// As [`Self::peek`], with a rule of its own.
    pub(super) fn peek_by<T>(&mut self, key: &'static str, rule: impl Fn(&Value) -> Result<T, Wrong>) -> Option<(T, Origin)> {
        self.known.push(key);
        let mut effective = None;
        for layer in &self.layers {
            let Some(value) = layer.value(key) else { continue };
            match rule(&value) {
                Ok(typed) => effective = Some((typed, value.place.origin.clone())),
                Err(wrong) => self.found.problem(wrong.at(&layer.key(key), &value)),
            }
        }
        effective
    }
    /// Where the effective value of a key stands.
    pub(super) fn place(&self, key: &str) -> Option<Place> {
        self.layers.iter().rev().find_map(|layer| layer.value(key)).map(|value| value.place.clone())
    }
    /// The table at `key` in all layers that have it.
    pub(super) fn table(&mut self, key: &'static str) -> Self {
        self.known.push(key);
        let layers = self.layers.clone();
        Self::new(self.key(key), layers.iter().filter_map(|layer| self.inner(layer, key)).collect(), self.found)
    }
    fn inner(&self, layer: &Layer<'a>, key: &str) -> Option<Layer<'a>> {
        let table = match layer {
            Layer::Env(prefix, env) => return Some(Layer::Env(env_name(prefix, key), *env)),
            Layer::Table(_, table) => *table,
        };
        match table.entries.get(key)? {
            Entry { value: Value { kind: Kind::Table(inner), .. }, .. } => Some(Layer::Table(layer.key(key), inner)),
            Entry { value, .. } => {
                self.found.problem(Wrong::Kind("a table", "write a table").at(&layer.key(key), value));
                None
            }
        }
    }
    /// Every entry of the tables at `key`; of entries with the same name the last layer's counts.
    pub(super) fn map(&mut self, key: &'static str) -> IndexMap<&'a str, &'a Entry> {
        let inner = self.table(key);
        let tables = inner.layers.iter().filter_map(|layer| match layer {
            Layer::Table(_, table) => Some(*table),
            Layer::Env(..) => None,
        });
        tables.flat_map(|table| &table.entries).map(|(name, entry)| (name.as_str(), entry)).collect()
    }
    /// Keys that nobody asked for are errors.
    pub(super) fn finish(self) {
        for layer in &self.layers {
            let Layer::Table(path, table) = layer else { continue };
            if *path != self.path {
                continue; // the settings of all targets, which are also read on their own
            }
            for (name, entry) in table.entries.iter().filter(|(name, _)| !self.known.contains(&name.as_str())) {
                self.found.problem(self.unknown(path, name, entry));
            }
        }
    }
    fn unknown(&self, path: &str, name: &str, entry: &Entry) -> Problem {
        let table = if path.is_empty() { String::new() } else { format!(" in `{path}`") };
        let problem = Problem::new(format!("unknown key `{}`{table}", name.escape_debug()), entry.key.clone());
        match similar(name, self.known.iter().copied()) {
            Some(meant) => problem.label(format!("did you mean `{meant}`?")),
            None => problem.label("there is no such setting").remedy(format!("these are known here: {}", self.known.join(", "))),
        }
    }
}

/// The candidate that was probably meant.
pub fn similar<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = candidates.into_iter().map(|candidate| (strsim::jaro_winkler(&name.to_lowercase(), candidate), candidate));
    // 0.8 accepts a swapped or missing letter in short words, and no unrelated ones
    scored.filter(|(score, _)| *score >= 0.8).max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, candidate)| candidate)
}
