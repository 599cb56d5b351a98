//! From written values to typed ones.

use std::time::Duration;

use super::{
    duration,
    problem::Problem,
    raw::{Kind, Value},
    scope::similar,
    secret,
    settings::{
        BuildTool, Engine, Migrate, MixRelease, NoticeFormat, Occasion, OnFailure, OnRestart, Peers, Service, TransportKind,
    },
};
use crate::name::{AppName, HostName, HostPath, NameError, NodeName, Revision, Tag, UnitName, UserName};

/// A type that settings have.
pub(super) trait FromValue: Sized {
    fn from_value(value: &Value) -> Result<Self, Wrong>;
    /// As `config show` prints it.
    fn show(&self) -> String;
}

/// Why a value can't be read.
#[derive(Debug)]
pub(super) enum Wrong {
    /// It is of another kind; this was wanted, and that is how it is written.
    Kind(&'static str, &'static str),
    /// It is not one of a few words.
    Choice(Vec<&'static str>),
    /// It breaks a rule: what it should have been (`a host name`), and the rule.
    Rule(&'static str, String),
    /// An item of it is wrong, which is shown where it stands.
    Item(Box<Wrong>, Box<Value>),
}

impl Wrong {
    /// The problem, at this key's value.
    pub(super) fn at(self, key: &str, value: &Value) -> Problem {
        let key = value.place.name.as_deref().unwrap_or(key);
        match self {
            Self::Kind(wanted, how) => {
                let is = match &value.kind {
                    Kind::Word(_) | Kind::Int(_) => quoted(key, value), // a word has no kind of its own
                    kind => kind.name().to_owned(),
                };
                Problem::new(format!("`{key}` is {is}, and should be {wanted}"), value.place.clone()).label(how)
            }
            Self::Choice(words) => {
                let label = match similar(&text(value), words.iter().copied()) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("choose one of: {}", words.join(", ")),
                };
                Problem::new(format!("`{key}` can't be {}", quoted(key, value)), value.place.clone()).label(label)
            }
            Self::Rule(what, why) => {
                Problem::new(format!("`{key}`: {} is not {what}", quoted(key, value)), value.place.clone()).label(why)
            }
            Self::Item(wrong, item) => wrong.at(key, &item),
        }
    }
}

impl From<NameError> for Wrong {
    fn from(error: NameError) -> Self {
        Self::Rule(error.what, error.why.to_owned())
    }
}

/// A text between quotes, with escapes, shortened, or stars; a number as it is.
fn quoted(key: &str, value: &Value) -> String {
    match &value.kind {
        Kind::Int(number) => number.to_string(),
        _ => format!("{:?}", secret::shown(key, &text(value).chars().take(80).collect::<String>())),
    }
}

fn text(value: &Value) -> String {
    match &value.kind {
        Kind::Text(text) | Kind::Word(text) => text.clone(),
        other => other.name().to_owned(),
    }
}

/// What a text must be like.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    /// With its article.
    pub(super) what: &'static str,
    pub(super) why: &'static str,
    pub(super) allows: fn(&str) -> bool,
}

impl Rule {
    /// A text that follows the rule. None may be empty or longer than any real one.
    pub(super) fn text(self, value: &Value) -> Result<String, Wrong> {
        let text = String::from_value(value)?;
        self.word(&text).map_err(|why| Wrong::Rule(self.what, why.to_owned()))
    }
    /// The same of a word of the command line.
    pub(super) fn word(self, text: &str) -> Result<String, &'static str> {
        match !text.is_empty() && text.len() <= 1000 && (self.allows)(text) {
            true => Ok(text.to_owned()),
            false => Err(self.why),
        }
    }
    /// A list of such texts.
    pub(super) fn texts(self, value: &Value) -> Result<Vec<String>, Wrong> {
        list(value, |item| self.text(item))
    }
}

/// A list; of the things in it each is read on its own, and a wrong one is shown where it stands.
pub(super) fn list<T>(value: &Value, read: impl Fn(&Value) -> Result<T, Wrong>) -> Result<Vec<T>, Wrong> {
    let item = |item: &Value| read(item).map_err(|wrong| Wrong::Item(Box::new(wrong), Box::new(item.clone())));
    items(value)?.iter().map(item).collect()
}

/// The items of a list. A text without a type is split at blanks and commas.
pub(super) fn items(value: &Value) -> Result<Vec<Value>, Wrong> {
    match &value.kind {
        Kind::List(items) => Ok(items.clone()),
        Kind::Word(words) => {
            let words = words.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty());
            Ok(words.map(|word| Value { kind: Kind::Word(word.to_owned()), place: value.place.clone() }).collect())
        }
        _ => Err(Wrong::Kind("a list", "write it like [\"a\", \"b\"]")),
    }
}

/// The text of a value that has to be one.
pub(super) fn string(value: &Value) -> Result<&str, Wrong> {
    match &value.kind {
        Kind::Text(text) | Kind::Word(text) => Ok(text),
        _ => Err(Wrong::Kind("a string", "write it in quotes")),
    }
}

macro_rules! names {
    ($($name:ty),+) => { $(
        impl FromValue for $name {
            fn from_value(value: &Value) -> Result<Self, Wrong> {
                Ok(string(value)?.parse()?)
            }
            fn show(&self) -> String {
                self.to_string()
            }
        }
    )+ };
}
names!(AppName, HostName, NodeName, Revision, Tag, UnitName, UserName);

impl FromValue for HostPath {
    fn from_value(value: &Value) -> Result<Self, Wrong> {
        Ok(string(value)?.parse()?)
    }
    fn show(&self) -> String {
        show_path(self)
    }
}

/// A path with `~/` in front if it counts from the home directory, which is not to be seen in it.
pub(super) fn show_path(path: &HostPath) -> String {
    match path.as_str() {
        "." => "~".to_owned(),
        absolute if absolute.starts_with('/') => absolute.to_owned(),
        relative => format!("~/{relative}"),
    }
}

impl FromValue for bool {
    fn from_value(value: &Value) -> Result<Self, Wrong> {
        match &value.kind {
            Kind::Bool(truth) => Ok(*truth),
            Kind::Word(word) if word == "true" || word == "1" => Ok(true),
            Kind::Word(word) if word == "false" || word == "0" => Ok(false),
            _ => Err(Wrong::Kind("true or false", "write it without quotes: true or false")),
        }
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

fn integer(value: &Value) -> Option<i64> {
    match &value.kind {
        Kind::Int(number) => Some(*number),
        Kind::Word(word) => word.trim().parse().ok(),
        _ => None,
    }
}

impl FromValue for u16 {
    fn from_value(value: &Value) -> Result<Self, Wrong> {
        let number = integer(value).ok_or(Wrong::Kind("a port", "write a number from 1 to 65535, without quotes"))?;
        match Self::try_from(number) {
            Ok(port) if port > 0 => Ok(port),
            _ => Err(Wrong::Kind("a port", "write a number from 1 to 65535, without quotes")),
        }
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

impl FromValue for u32 {
    fn from_value(value: &Value) -> Result<Self, Wrong> {
        integer(value)
            .and_then(|number| Self::try_from(number).ok())
            .ok_or(Wrong::Kind("a whole number", "write it without quotes, like 5"))
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

impl FromValue for Duration {
    fn from_value(value: &Value) -> Result<Self, Wrong> {
        match &value.kind {
            Kind::Text(text) | Kind::Word(text) => duration::parse(text)
                .ok_or_else(|| Wrong::Rule("a length of time", "write it like \"30s\", \"5m\" or \"1h30m\"".to_owned())),
            _ => Err(Wrong::Kind("a length of time", "write it like \"30s\", \"5m\" or \"1h30m\"")),
        }
    }
    fn show(&self) -> String {
        duration::show(*self)
    }
}

/// Text that goes to programs and shells as one word or value: anything but NUL.
impl FromValue for String {
    fn from_value(value: &Value) -> Result<Self, Wrong> {
        let text = string(value)?;
        if text.contains('\0') { Err(Wrong::Rule("a text", "it contains a NUL character".to_owned())) } else { Ok(text.to_owned()) }
    }
    fn show(&self) -> String {
        self.clone()
    }
}

impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(value: &Value) -> Result<Self, Wrong> {
        list(value, T::from_value)
    }
    fn show(&self) -> String {
        self.iter().map(T::show).collect::<Vec<_>>().join(" ")
    }
}

/// A type with a few values, each with its word.
pub trait Choice: Copy + PartialEq + 'static {
    /// All of them.
    const WORDS: &'static [(&'static str, Self)];
    /// The value of this word.
    fn of_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, choice)| *choice)
    }
    /// The words.
    fn words() -> Vec<&'static str> {
        Self::WORDS.iter().map(|(word, _)| *word).collect()
    }
}

macro_rules! choices {
    ($($name:ty { $($word:literal => $value:expr),+ })+) => { $(
        impl Choice for $name {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, $value)),+];
        }
        impl FromValue for $name {
            fn from_value(value: &Value) -> Result<Self, Wrong> {
                let written = string(value)?;
                Self::of_word(&written).ok_or_else(|| Wrong::Choice(Self::words()))
            }
            fn show(&self) -> String {
                let chosen = Self::WORDS.iter().find(|(_, choice)| choice == self);
                chosen.map(|(word, _)| (*word).to_owned()).expect("every value has its word")
            }
        }
    )+ };
}
choices! {
    TransportKind { "ssh" => Self::Ssh, "local" => Self::Local }
    BuildTool { "mix" => Self::Mix, "rebar3" => Self::Rebar3, "rebar" => Self::Rebar }
    MixRelease { "native" => Self::Native, "distillery" => Self::Distillery, "relx" => Self::Relx }
    Engine { "transactional" => Self::Transactional, "release_handler" => Self::ReleaseHandler }
    Migrate { "before" => Self::Before, "after-first-wave" => Self::AfterFirstWave, "after" => Self::After }
    OnFailure { "stop" => Self::Stop, "rollback" => Self::Rollback, "continue" => Self::Continue }
    Peers { "target" => Self::Target, "all" => Self::All, "off" => Self::Off }
    NoticeFormat { "slack" => Self::Slack, "json" => Self::Json }
    Occasion { "start" => Self::Start, "success" => Self::Success, "failure" => Self::Failure }
    OnRestart { "refuse" => Self::Refuse, "restart" => Self::Restart }
    Service { "script" => Self::Script, "systemd" => Self::Systemd, "systemd-user" => Self::SystemdUser }
}
