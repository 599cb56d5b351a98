//! A row of the table: versions of an application in one text, and what is expected when one becomes the other.
//!
//! ```text
//! A gen_server whose state changes its shape, with code_change/3
//! tool: mix
//! expect: hot
//! seed: Counter.set(3)
//! check 1: Counter.value() => 3
//! check 2: Counter.value() => {3, :new}
//! --- 1 counter.ex
//! …
//! --- 2 counter.ex
//! …
//! ```
//!
//! A section belongs to a version, to a range (`1-2`) or to all (`*`). Its path is that of a source of the main application, or
//! `APP-VSN/SOURCE`, or one of the names in [`crate::scenarios::compose`].

mod expect;

use std::{error::Error, fs, ops::RangeInclusive};

pub(super) use expect::{Engine, Expected, Outcome};

use super::folder;

/// What makes the release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Tool {
    Mix,
    Relx,
}

impl Tool {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Mix => "mix",
            Self::Relx => "relx",
        }
    }
    /// In which language a row's expressions are.
    pub(super) fn language(self) -> &'static str {
        match self {
            Self::Mix => "elixir",
            Self::Relx => "erlang",
        }
    }
}

/// What happens to the application; its name in a row is in [`Road::named`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Road {
    /// Up and down.
    UpAndDown,
    /// Up, back, then a third version, and a fourth that is the second again.
    Three,
    /// Up, and then something happens on the host before it is tried again.
    Damaged,
    /// edeliver is killed while the node works on it.
    ClientKilled,
    /// The node is killed while it works on it.
    NodeKilled,
    /// Two at the same time.
    TwoOperators,
    /// The new release was put on the host and started by hand.
    ByHand,
    /// Restarted in place after the upgrade.
    Restart,
    /// What runs is not what the stored upgrade is from.
    OtherFrom,
    /// Its releases are built by edeliver.
    Built,
}

/// When something must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// While this version runs.
    Version(u8),
    /// After the way back to the first one, instead of what holds in it at the beginning.
    Back,
}

/// An expression, and the text of its value.
#[derive(Debug, Clone)]
pub(super) struct Check {
    pub(super) when: When,
    pub(super) expression: String,
    pub(super) value: String,
}

/// A file, or a part of one, of some versions.
#[derive(Debug, Clone)]
pub(super) struct Section {
    pub(super) versions: RangeInclusive<u8>,
    pub(super) path: String,
    pub(super) text: String,
}

/// A scenario.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) what: String,
    pub(super) tool: Tool,
    pub(super) expected: Expected,
    pub(super) road: Road,
    /// It needs a node of its own, because it would spoil others'.
    pub(super) alone: bool,
    /// Evaluated before the upgrade.
    pub(super) seeds: Vec<String>,
    /// Shell lines run in the release's root, `$OLD` and `$NEW` being versions.
    pub(super) damage: Vec<String>,
    /// Shell lines that let the folder be removed.
    pub(super) repair: Vec<String>,
    /// Children that are another process afterwards, as they should be: parts of their paths.
    pub(super) restarted: Vec<String>,
    pub(super) checks: Vec<Check>,
    /// Lines of edeliver.toml's `[upgrade]`.
    pub(super) settings: Vec<String>,
    pub(super) sections: Vec<Section>,
}

impl Row {
    /// All rows, by name.
    ///
    /// # Errors
    /// One that can't be read, with its name.
    pub(super) fn all() -> Result<Vec<Self>, Box<dyn Error>> {
        let mut rows = Vec::new();
        for entry in fs::read_dir(folder().join("rows"))? {
            let path = entry?.path();
            let name = path.file_stem().and_then(|name| name.to_str()).filter(|_| path.extension().is_some_and(|end| end == "row"));
            if let Some(name) = name {
                rows.push(Self::parse(name, &fs::read_to_string(&path)?).map_err(|why| format!("{}: {why}", path.display()))?);
            }
        }
        rows.sort_by(|a, b| (a.tool, &a.name).cmp(&(b.tool, &b.name)));
        Ok(rows)
    }
    /// Whether it needs a stage of its own.
    pub(super) fn is_alone(&self) -> bool {
        self.alone || self.road != Road::UpAndDown || !self.settings.is_empty()
    }
    /// Versions of the application that it has.
    pub(super) fn versions(&self) -> u8 {
        self.sections.iter().map(|section| *section.versions.end()).filter(|end| *end < u8::MAX).max().unwrap_or(1)
    }
    /// Sections of this version.
    pub(super) fn of(&self, version: u8) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(move |section| section.versions.contains(&version))
    }
    /// What must hold then.
    pub(super) fn checks(&self, when: When) -> impl Iterator<Item = &Check> {
        let back = self.checks.iter().any(|check| check.when == When::Back);
        let when = if when == When::Back && !back { When::Version(1) } else { when };
        self.checks.iter().filter(move |check| check.when == when)
    }

    /// A row in which nothing happens.
    pub(super) fn nothing(tool: Tool, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            what: String::new(),
            tool,
            expected: Expected::default(),
            road: Road::UpAndDown,
            alone: false,
            seeds: Vec::new(),
            damage: Vec::new(),
            repair: Vec::new(),
            restarted: Vec::new(),
            checks: Vec::new(),
            settings: Vec::new(),
            sections: Vec::new(),
        }
    }
    fn parse(name: &str, text: &str) -> Result<Self, String> {
        let (head, body) = text.split_once("\n---").unwrap_or((text, ""));
        let mut lines = head.lines();
        let what = lines.next().unwrap_or_default().to_owned();
        let mut row = Self { what, sections: sections(body)?, ..Self::nothing(Tool::Mix, name) };
        for line in lines.filter(|line| !line.trim().is_empty()) {
            let (key, value) = line.split_once(": ").ok_or_else(|| format!("{line:?} is no `key: value`"))?;
            row.set(key, value.trim())?;
        }
        Ok(row)
    }
    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key.split_once(' ').unwrap_or((key, "")) {
            ("tool", _) => self.tool = if value == "relx" { Tool::Relx } else { Tool::Mix },
            ("expect", engine) => self.expected.set(engine, value)?,
            ("road", _) => self.road = Road::named(value).ok_or_else(|| format!("no road is called {value:?}"))?,
            ("alone", _) => self.alone = value == "yes",
            ("seed", _) => self.seeds.push(value.to_owned()),
            ("damage", _) => self.damage.push(value.to_owned()),
            ("set", _) => self.settings.push(value.to_owned()),
            ("repair", _) => self.repair.push(value.to_owned()),
            ("restarted", _) => self.restarted.push(value.to_owned()),
            ("check", when) => self.checks.push(check(when, value)?),
            _ => return Err(format!("{key:?} is no key of a row")),
        }
        Ok(())
    }
}

impl Road {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "up and down" => Self::UpAndDown,
            "three" => Self::Three,
            "damaged" => Self::Damaged,
            "client killed" => Self::ClientKilled,
            "node killed" => Self::NodeKilled,
            "two operators" => Self::TwoOperators,
            "by hand" => Self::ByHand,
            "restart" => Self::Restart,
            "other from" => Self::OtherFrom,
            "built" => Self::Built,
            _ => return None,
        })
    }
}

fn check(when: &str, value: &str) -> Result<Check, String> {
    let (expression, value) = value.split_once(" => ").ok_or_else(|| format!("{value:?} is no `expression => value`"))?;
    let when = match when {
        "back" => When::Back,
        version => When::Version(version.parse().map_err(|_| format!("{version:?} is no version"))?),
    };
    Ok(Check { when, expression: expression.trim().to_owned(), value: value.trim().to_owned() })
}

/// The text after the first `\n---`, so that each section begins with its versions and path.
fn sections(body: &str) -> Result<Vec<Section>, String> {
    body.split("\n---").filter(|part| !part.trim().is_empty()).map(section).collect()
}

fn section(part: &str) -> Result<Section, String> {
    let (title, text) = part.split_once('\n').unwrap_or((part, ""));
    let (versions, path) = title.trim().split_once(' ').ok_or_else(|| format!("{title:?} is no `VERSION PATH`"))?;
    let number = |text: &str| text.parse::<u8>().map_err(|_| format!("{title:?} has no version"));
    let versions = match versions.split_once('-') {
        _ if versions == "*" => 1..=u8::MAX,
        Some((from, to)) => number(from)?..=number(to)?,
        None => number(versions)?..=number(versions)?,
    };
    Ok(Section { versions, path: path.trim().to_owned(), text: format!("{}\n", text.trim_end()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_from_one_text() {
        let text = "A counter\ntool: mix\nexpect: hot\nexpect release_handler: restarted code_change\nseed: C.set(3)\n\
                    check 1: C.value() => 3\ncheck back: C.value() => 4\n--- 1 c.ex\none\n\n--- 2-3 c.ex\ntwo\n--- * d.ex\n";
        let row = Row::parse("counter", text).unwrap();
        assert_eq!((row.what.as_str(), row.versions()), ("A counter", 3));
        assert_eq!(row.of(2).map(|section| section.text.as_str()).collect::<Vec<_>>(), ["two\n", "\n"]);
        assert_eq!(row.expected.of(Engine::Transactional), &Outcome::Hot);
        assert_eq!(row.expected.of(Engine::ReleaseHandler), &Outcome::Restarted("code_change".to_owned()));
        assert_eq!(row.checks(When::Back).map(|check| check.value.as_str()).collect::<Vec<_>>(), ["4"]);
    }

    #[test]
    fn every_row_can_be_read_and_says_what_is_expected() {
        let rows = Row::all().unwrap();
        assert!(rows.len() >= 60, "{}", rows.len());
    }
}
