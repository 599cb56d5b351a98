//! Which hosts of a target are meant: by their tags, or by patterns of their names.

use std::{fmt, str::FromStr};

use crate::config::HostSpec;

/// Hosts with a tag (`@web`), or whose names fit a pattern (`eu-*`, `web?`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// Those that have this tag.
    Tag(String),
    /// Those whose names fit: `*` stands for any characters, `?` for one.
    Pattern(String),
}

/// What is no selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a tag like @web or a pattern of host names like eu-* is expected")]
pub struct SelectorError;

impl FromStr for Selector {
    type Err = SelectorError;
    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let is_word = |text: &str, more: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c) || more.contains(c);
            !text.is_empty() && text.chars().all(fits)
        };
        match text.strip_prefix('@') {
            Some(tag) if is_word(tag, "") => Ok(Self::Tag(tag.to_owned())),
            None if is_word(text, "*?:[]") => Ok(Self::Pattern(text.to_owned())),
            _ => Err(SelectorError),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => write!(f, "@{tag}"),
            Self::Pattern(pattern) => f.write_str(pattern),
        }
    }
}

impl Selector {
    /// Whether the host is meant.
    pub fn means(&self, host: &HostSpec) -> bool {
        match self {
            Self::Tag(tag) => host.tags.iter().any(|has| has.as_str() == tag),
            Self::Pattern(pattern) => fits(pattern.as_bytes(), host.name.as_str().as_bytes()),
        }
    }
}

/// Whether the name fits the pattern. The last `*` is tried again with one character more where what follows does not fit: no pattern takes
/// longer than its length times the name's.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n, mut again) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                again = Some((p + 1, n));
                p += 1;
            }
            Some(b'?') => (p, n) = (p + 1, n + 1),
            Some(c) if *c == name[n] => (p, n) = (p + 1, n + 1),
            _ => {
                let Some((after, from)) = again else { return false };
                again = Some((after, from + 1));
                (p, n) = (after, from + 1);
            }
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_about_the_whole_name() {
        let fits = |pattern: &str, name: &str| fits(pattern.as_bytes(), name.as_bytes());
        for (pattern, name) in
            [("web1", "web1"), ("web*", "web12"), ("*", "web1"), ("eu-*-?", "eu-web-1"), ("*1*", "web1"), ("w*b*1", "web-b-1")]
        {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("web1", "web12"), ("web?", "web"), ("web?", "web12"), ("*-1", "web1"), ("", "web1"), ("?*?", "w")]
        {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
        assert!(!fits(&"a*".repeat(60), &"a".repeat(59)), "and takes no time");
    }

    #[test]
    fn a_selector_is_a_tag_or_a_pattern_and_shown_as_it_is_typed() {
        for text in ["@web", "@eu-1", "web1", "eu-*", "*.example.com", "[::1]"] {
            assert_eq!(text.parse::<Selector>().map(|selector| selector.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "@", "@we b", "a b", "@@web", "$(reboot)", "web;1"] {
            assert_eq!(text.parse::<Selector>(), Err(SelectorError), "{text:?}");
        }
    }
}
