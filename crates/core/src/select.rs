//! Which hosts of a target are meant: by their tags, or by patterns of their names.

use std::{fmt, str::FromStr};

use wildmatch::WildMatch;

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
            Self::Pattern(pattern) => WildMatch::new(pattern).matches(host.name.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_about_the_whole_name() {
        let fits = |pattern: &str, name: &str| WildMatch::new(pattern).matches(name);
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
