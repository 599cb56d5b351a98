//! Names that mean something, parsed once at the border.
//!
//! Every name here may come from a config file, a flag, a git branch or a remote host, so it counts as hostile until one of these
//! constructors has accepted it. What they accept is safe as a file name, as a word of a command line and on a terminal:
//! no control characters, no leading dash, no `..`, nothing outside the listed alphabets.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Why a string is not the name it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not {what}: {why}")]
pub struct NameError {
    /// What it should have been, with its article ("an application name").
    pub what: &'static str,
    /// The refused text; shown with escapes, so it can't disturb a terminal.
    pub value: String,
    /// The rule it breaks.
    pub why: &'static str,
}

fn refuse(what: &'static str, value: &str, why: &'static str) -> NameError {
    NameError { what, value: value.chars().take(80).collect(), why }
}

/// First character and the others come from these alphabets; at most `max` bytes; no `..` anywhere.
struct Rule {
    what: &'static str,
    first: fn(char) -> bool,
    rest: fn(char) -> bool,
    alphabet: &'static str,
    max: usize,
}

impl Rule {
    fn check(&self, value: &str) -> Result<(), NameError> {
        let no = |why| Err(refuse(self.what, value, why));
        let mut chars = value.chars();
        match chars.next() {
            None => return no("it is empty"),
            Some('-') => return no("it starts with a dash"),
            Some(first) if !(self.first)(first) => return no(self.alphabet),
            Some(_) => {}
        }
        if value.len() > self.max {
            return no("it is too long");
        }
        if !chars.all(self.rest) {
            return no(self.alphabet);
        }
        if value.contains("..") {
            return no("it contains `..`");
        }
        Ok(())
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $rule:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl FromStr for $name {
            type Err = NameError;
            fn from_str(value: &str) -> Result<Self, NameError> {
                $rule.check(value)?;
                Ok(Self(value.to_owned()))
            }
        }
        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(value: String) -> Result<Self, NameError> {
                value.parse()
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

fn alnum(c: char) -> bool {
    c.is_ascii_alphanumeric()
}

name!(
    /// An OTP application or release name: what `mix release`, relx and the start script call it.
    AppName,
    Rule {
        what: "an application name",
        first: |c| c.is_ascii_alphabetic(),
        rest: |c| alnum(c) || "_.-".contains(c),
        alphabet: "it starts with a letter and has letters, digits, `_`, `.` and `-`",
        max: 128,
    }
);
name!(
    /// A release version, as it stands in file names of a release (`0.2.0`, `1.2.3-rc.1+82a5834`).
    Version,
    Rule {
        what: "a release version",
        first: alnum,
        rest: |c| alnum(c) || "._+~-".contains(c),
        alphabet: "it starts with a letter or digit and has letters, digits, `.`, `_`, `+`, `~` and `-`",
        max: 128,
    }
);
name!(
    /// What the user calls a machine: a DNS name, an address or an alias of their ssh_config.
    HostName,
    Rule {
        what: "a host name",
        first: |c| alnum(c) || c == '_' || c == ':',
        rest: |c| alnum(c) || "._:%-".contains(c),
        alphabet: "it has letters, digits, `.`, `_`, `-` and, in an IPv6 address, `:` and `%`",
        max: 253,
    }
);
name!(
    /// An account on a host.
    UserName,
    Rule {
        what: "a user name",
        first: |c| alnum(c) || c == '_',
        rest: |c| alnum(c) || "_.@\\-".contains(c),
        alphabet: "it has letters, digits, `_`, `.`, `-`, `@` and `\\`",
        max: 128,
    }
);
name!(
    /// A named group of hosts with settings: `production`.
    TargetName,
    Rule {
        what: "a target name",
        first: alnum,
        rest: |c| alnum(c) || "_-".contains(c),
        alphabet: "it has letters, digits, `_` and `-`",
        max: 64,
    }
);
name!(
    /// A systemd unit, with or without its `.service`.
    UnitName,
    Rule {
        what: "a unit name",
        first: |c| alnum(c) || c == '_',
        rest: |c| alnum(c) || "_.:@-".contains(c),
        alphabet: "it has letters, digits, `_`, `.`, `:`, `@` and `-`",
        max: 200,
    }
);
name!(
    /// A tag of a host, used to select hosts.
    Tag,
    Rule {
        what: "a tag",
        first: alnum,
        rest: |c| alnum(c) || "_.-".contains(c),
        alphabet: "it has letters, digits, `_`, `.` and `-`",
        max: 64,
    }
);
name!(
    /// An Erlang node name, `name@host` or the part before the `@`.
    NodeName,
    Rule {
        what: "a node name",
        first: |c| alnum(c) || c == '_',
        rest: |c| alnum(c) || "_.@-:".contains(c),
        alphabet: "it has letters, digits, `_`, `-`, `.` and one `@`",
        max: 255,
    }
);
name!(
    /// One run of edeliver: `20261123-001502-3f2a`; sorts by time.
    RunId,
    Rule {
        what: "a run id",
        first: |c| c.is_ascii_digit(),
        rest: |c| alnum(c) || c == '-',
        alphabet: "it has digits, letters and `-`",
        max: 40,
    }
);
name!(
    /// A git revision as the user wrote it (`v1.2`, `HEAD~3`, a branch, a hash); git resolves it.
    Revision,
    Rule {
        what: "a git revision",
        first: |c| c > ' ' && c != '\u{7f}',
        rest: |c| c > ' ' && c != '\u{7f}' && !"`$;&|<>\"'\\*?[]()!".contains(c),
        alphabet: "it has no blanks, control characters, quotes or shell characters",
        max: 255,
    }
);

/// A full git commit id: 40 (SHA-1) or 64 (SHA-256) lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommitId(String);

impl CommitId {
    /// All digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The first 7 digits, as git's `--short`.
    pub fn short(&self) -> &str {
        &self.0[..7]
    }
}

impl FromStr for CommitId {
    type Err = NameError;
    fn from_str(value: &str) -> Result<Self, NameError> {
        let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        if (value.len() == 40 || value.len() == 64) && value.chars().all(hex) {
            Ok(Self(value.to_owned()))
        } else {
            Err(refuse("a commit id", value, "it is 40 or 64 lower-case hex digits"))
        }
    }
}
impl TryFrom<String> for CommitId {
    type Error = NameError;
    fn try_from(value: String) -> Result<Self, NameError> {
        value.parse()
    }
}
impl From<CommitId> for String {
    fn from(id: CommitId) -> String {
        id.0
    }
}
impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A directory on a host: absolute, or relative to the login's home (a leading `~/` or no slash at all means that).
/// Blanks and unicode are allowed; control characters, `..` components and a leading dash are not.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPath(String);

impl HostPath {
    /// The path; a relative one (without `~/`) is meant from the home directory.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// This directory's entry `name`.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        Self(format!("{}/{name}", self.0.trim_end_matches('/')))
    }
}

impl FromStr for HostPath {
    type Err = NameError;
    fn from_str(value: &str) -> Result<Self, NameError> {
        let no = |why| Err(refuse("a path on a host", value, why));
        let path = value.strip_prefix("~/").unwrap_or(value);
        if path.is_empty() {
            return no("it is empty");
        }
        if value.starts_with('-') || value.starts_with('~') && !value.starts_with("~/") {
            return no("it starts with a dash or names another user's home");
        }
        if value.chars().any(char::is_control) {
            return no("it contains a control character");
        }
        if path.split('/').any(|part| part == "..") {
            return no("it contains `..`");
        }
        if path.trim_matches('/').is_empty() {
            return no("it is the root directory");
        }
        Ok(Self(path.trim_end_matches('/').to_owned()))
    }
}
impl TryFrom<String> for HostPath {
    type Error = NameError;
    fn try_from(value: String) -> Result<Self, NameError> {
        value.parse()
    }
}
impl From<HostPath> for String {
    fn from(path: HostPath) -> String {
        path.0
    }
}
impl fmt::Display for HostPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &[&str] =
        &["", "-rf", "; rm -rf /", "$(id)", "`id`", "../x", "a\nb", "a\0b", "a b", "a'b", "a\u{1b}[2J", "ä\u{202e}"];

    #[test]
    fn hostile_text_is_no_name() {
        for bad in HOSTILE {
            assert!(bad.parse::<AppName>().is_err(), "{bad:?}");
            assert!(bad.parse::<Version>().is_err(), "{bad:?}");
            assert!(bad.parse::<HostName>().is_err(), "{bad:?}");
            assert!(bad.parse::<UserName>().is_err(), "{bad:?}");
            assert!(bad.parse::<TargetName>().is_err(), "{bad:?}");
        }
        assert!("1..2".parse::<Version>().is_err());
    }

    #[test]
    fn names_of_the_field_are_accepted() {
        assert!("my_app".parse::<AppName>().is_ok());
        assert!("1.2.3-rc.1+3027-82a5834".parse::<Version>().is_ok());
        assert!("fe80::1%eth0".parse::<HostName>().is_ok());
        assert!("feature/x_1-b".parse::<Revision>().is_ok());
        assert!("HEAD~3^2".parse::<Revision>().is_ok());
        assert_eq!("~/apps/".parse::<HostPath>().unwrap().as_str(), "apps");
        assert_eq!("/srv/my app".parse::<HostPath>().unwrap().join("x").as_str(), "/srv/my app/x");
    }

    #[test]
    fn hostile_paths_are_refused() {
        for bad in ["/", "a/../b", "~root/x", "a\nb", "-x", "", "~/"] {
            assert!(bad.parse::<HostPath>().is_err(), "{bad:?}");
        }
    }
}
