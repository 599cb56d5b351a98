//! Who has a lease.

use std::{fmt, str::FromStr, time::Duration};

/// What tells one holder from all others: the run's id and a random number. Safe as part of a file name, and as a word.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(String);

impl Token {
    /// The token as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Token {
    type Err = HolderError;
    fn from_str(text: &str) -> Result<Self, HolderError> {
        let is_plain = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        match is_plain && (1..=80).contains(&text.len()) && !text.starts_with('-') {
            true => Ok(Self(text.to_owned())),
            false => Err(HolderError("token")),
        }
    }
}

/// What for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// A run that changes something. It ends when it is not renewed.
    ByRun,
    /// `lock hold`: it stays until it is released.
    OnHold,
}

impl Held {
    /// As it stands in the file on the host.
    pub fn word(self) -> &'static str {
        match self {
            Self::ByRun => "run",
            Self::OnHold => "hold",
        }
    }
}

/// Who has the lease of a host, as the host tells. All of it was written by somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Which holder.
    pub token: Token,
    /// What for.
    pub held: Held,
    /// Login and machine: `ann@laptop`.
    pub who: String,
    /// The run in words, or the message of a hold.
    pub what: String,
    /// How long it has had it, by the host's clock, where it has one that can be trusted.
    pub age: Option<Duration>,
    /// When it ends unless it is renewed, by the same clock; `None` for a hold too.
    pub left: Option<Duration>,
    /// Whether it is decided that it has the target. Others are still trying.
    pub settled: bool,
}

/// What a host said of a holder can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the lease on this host can't be read: it has no {0} that makes sense")]
pub struct HolderError(&'static str);

impl Holder {
    /// Whether nobody else needs to wait for it to give way.
    pub fn is_there_to_stay(&self) -> bool {
        self.settled || self.held == Held::OnHold
    }
    /// From the lines `WORD VALUE` of a host's answer. What it is for people is shortened here and made harmless by whoever shows it.
    ///
    /// # Errors
    /// [`HolderError`].
    pub fn parse(lines: &[String]) -> Result<Self, HolderError> {
        let value = |word: &str| {
            let of = |line: &String| Some(line.strip_prefix(word)?.strip_prefix(' ')?.trim().to_owned());
            lines.iter().find_map(of).unwrap_or_default()
        };
        let seconds = |word: &str| value(word).parse().ok().map(Duration::from_secs);
        let held = match value("held").as_str() {
            "run" => Held::ByRun,
            "hold" => Held::OnHold,
            _ => return Err(HolderError("kind")),
        };
        let text = |word: &str| value(word).chars().take(300).collect();
        Ok(Self {
            token: value("token").parse()?,
            held,
            who: text("who"),
            what: text("what"),
            age: seconds("age"),
            left: seconds("left").filter(|_| held == Held::ByRun),
            settled: value("settled") == "yes",
        })
    }
}
