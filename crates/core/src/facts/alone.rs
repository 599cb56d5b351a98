//! What a host does by itself, when nobody confirms a restart.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::name::{RunId, Version};

/// What a host waits for, and what it did by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alone {
    /// A restart that it watches over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<Unconfirmed>,
    /// What it did, since its last change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub went_back: Option<WentBack>,
}

/// A release that was started and not confirmed yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unconfirmed {
    /// That release.
    pub new: Version,
    /// The one that the host goes back to; the same: it is started, if nothing runs.
    pub back: Version,
    /// After so many seconds in which it hears nothing.
    pub seconds: u64,
}

/// A host went back, or started its node (`.edeliver/went-back`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WentBack {
    /// When, by the host's clock: `2026-11-26T21:47:53Z`.
    pub at: String,
    /// The release that was not confirmed.
    pub from: Version,
    /// The release that it went back to; the same: that one was started.
    pub to: Version,
    /// So many seconds it had waited.
    pub seconds: u64,
    /// The run that was lost.
    pub run: RunId,
    /// How far it came.
    pub came: Came,
}

/// How far a host came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Came {
    /// It is at it, or fell in the middle.
    Begun,
    /// The release serves.
    Done,
    /// The node that was not confirmed does not stop.
    NotStopped,
    /// The release before can't be made the one that boots.
    NotActivated,
    /// It does not start.
    NotStarted,
}

/// A line that the host's script does not write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no line about what a host does by itself")]
pub struct NoSuchLine;

impl Alone {
    /// Takes a line of a host's answer, `WORD VALUE`; `false` if it is about something else. A line that no script of ours writes says nothing.
    pub fn take(&mut self, word: &str, value: &str) -> bool {
        match word {
            "unconfirmed" => self.waits = value.parse().ok(),
            "went-back" => self.went_back = value.parse().ok(),
            _ => return false,
        }
        true
    }
    /// In words, a line each.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let waits = self.waits.as_ref().map(ToString::to_string);
        waits.into_iter().chain(self.went_back.as_ref().map(ToString::to_string))
    }
}

impl FromStr for Unconfirmed {
    type Err = NoSuchLine;
    /// `NEW BACK SECONDS`.
    fn from_str(line: &str) -> Result<Self, NoSuchLine> {
        let words: Vec<&str> = line.split(' ').collect();
        let [new, back, seconds] = words[..] else { return Err(NoSuchLine) };
        Ok(Self { new: version(new)?, back: version(back)?, seconds: seconds.parse().map_err(|_| NoSuchLine)? })
    }
}

impl fmt::Display for Unconfirmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { new, back, seconds } = self;
        let deed = if new == back { format!("starts {back}, should it not run,") } else { format!("goes back to {back}") };
        write!(f, "{new} is not confirmed yet: the host {deed} by itself when it hears nothing for {seconds} s")
    }
}

impl FromStr for WentBack {
    type Err = NoSuchLine;
    /// `AT FROM TO SECONDS RUN CAME`.
    fn from_str(line: &str) -> Result<Self, NoSuchLine> {
        let words: Vec<&str> = line.split(' ').collect();
        let [at, from, to, seconds, run, came] = words[..] else { return Err(NoSuchLine) };
        let is_time = (1..=24).contains(&at.len()) && at.chars().all(|c| c.is_ascii_digit() || "-:TZ".contains(c));
        let came = match came {
            "begun" => Came::Begun,
            "done" => Came::Done,
            "not-stopped" => Came::NotStopped,
            "not-activated" => Came::NotActivated,
            "not-started" => Came::NotStarted,
            _ => return Err(NoSuchLine),
        };
        let seconds = seconds.parse().map_err(|_| NoSuchLine)?;
        let run = run.parse().map_err(|_| NoSuchLine)?;
        is_time.then_some(()).ok_or(NoSuchLine)?;
        Ok(Self { at: at.to_owned(), from: version(from)?, to: version(to)?, seconds, run, came })
    }
}

fn version(text: &str) -> Result<Version, NoSuchLine> {
    text.parse().map_err(|_| NoSuchLine)
}

impl fmt::Display for WentBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, from, to, seconds, run, came } = self;
        let (deed, done) = match from == to {
            true => (format!("start {to}"), format!("started {to}")),
            false => (format!("go back to {to}"), format!("went back to {to}")),
        };
        match came {
            Came::Done => write!(f, "the host {done} by itself at {at}")?,
            Came::Begun => write!(f, "the host began to {deed} by itself at {at}")?,
            Came::NotStopped => write!(f, "the host could not {deed} by itself at {at}, for {from} does not stop")?,
            Came::NotActivated => write!(f, "the host could not {deed} by itself at {at}, for {to} could not be made what boots")?,
            Came::NotStarted => write!(f, "the host could not {deed} by itself at {at}, for {to} did not start")?,
        }
        match from == to {
            true => write!(f, ": a restart was not confirmed within {seconds} s (run {run})"),
            false => write!(f, ": {from} was not confirmed within {seconds} s (run {run})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(word: &str, line: &str) -> String {
        let mut alone = Alone::default();
        assert!(alone.take(word, line));
        alone.lines().collect()
    }

    #[test]
    fn what_a_host_waits_for_and_did_by_itself_is_a_line_each() {
        let run = "20261126-214753-ab12";
        assert_eq!(
            told("went-back", &format!("2026-11-26T21:47:53Z 0.2.0 0.1.0 60 {run} done")),
            format!(
                "the host went back to 0.1.0 by itself at 2026-11-26T21:47:53Z: 0.2.0 was not confirmed within 60 s (run {run})"
            )
        );
        let restart = told("went-back", &format!("2026-11-26T21:47:53Z 0.2.0 0.2.0 60 {run} not-started"));
        assert!(restart.starts_with("the host could not start 0.2.0 by itself at ") && restart.contains("a restart was not"));
        assert_eq!(
            told("unconfirmed", "0.2.0 0.1.0 60"),
            "0.2.0 is not confirmed yet: the host goes back to 0.1.0 by itself when it hears nothing for 60 s"
        );
    }

    #[test]
    fn a_line_that_our_scripts_do_not_write_says_nothing() {
        for line in ["", "x", "\u{1b}[31m 0.2.0 0.1.0 60 20261126-214753-ab12 done", "2026 ../x 0.1.0 60 20261126-214753-ab12 done"]
        {
            assert_eq!(told("went-back", line), "", "{line}");
        }
        assert_eq!(told("unconfirmed", "../x 0.1.0 60"), "");
    }
}
