//! A path inside a release.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::name::NameError;

/// A relative path inside a release root: `/` between components, none of them empty, `.` or `..`, no control characters and none
/// that change the direction of text, so what a path looks like is what it is.
/// It can never point outside of the directory it is joined to (as long as no symlink on the way does).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelPath(String);

impl RelPath {
    /// The path as text, without a leading slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The components, at least one.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
    /// The first two components (`lib/stdlib-4.2`), or fewer where there are fewer.
    pub fn top(&self, parts: usize) -> &str {
        self.0.match_indices('/').nth(parts - 1).map_or(&self.0[..], |(at, _)| &self.0[..at])
    }
}

impl FromStr for RelPath {
    type Err = NameError;
    fn from_str(value: &str) -> Result<Self, NameError> {
        let no = |why| NameError { what: "a path inside a release", value: value.chars().take(80).collect(), why };
        if value.chars().any(|c| c.is_control() || turns_text(c)) {
            return Err(no("it contains a control character"));
        }
        if value.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
            return Err(no("it has an empty, `.` or `..` component"));
        }
        if value.len() > 1024 {
            return Err(no("it is too long"));
        }
        Ok(Self(value.to_owned()))
    }
}
/// The bidirectional formatting characters (Unicode standard annex 9, table 4).
fn turns_text(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl TryFrom<String> for RelPath {
    type Error = NameError;
    fn try_from(value: String) -> Result<Self, NameError> {
        value.parse()
    }
}
impl From<RelPath> for String {
    fn from(path: RelPath) -> String {
        path.0
    }
}
impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leaves_the_release() {
        for bad in ["", "/etc/passwd", "a//b", "../a", "a/..", "./a", "a/", "a\nb", "a\u{202e}maeb.x"] {
            assert!(bad.parse::<RelPath>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_top_is_the_library_directory() {
        let path: RelPath = "lib/stdlib-4.2/ebin/lists.beam".parse().unwrap();
        assert_eq!((path.top(1), path.top(2)), ("lib", "lib/stdlib-4.2"));
        assert_eq!("bin".parse::<RelPath>().unwrap().top(2), "bin");
    }
}
