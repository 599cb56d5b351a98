//! Version strings of releases, applications and ERTS.
//!
//! OTP takes any string, so [`Vsn`] does too, as long as it can be a word of `start_erl.data` and a part of a directory's name.
//!
//! # Order
//!
//! One rule for all versions, which for `MAJOR.MINOR.PATCH` is that of [Semantic Versioning](https://semver.org):
//!
//! 1. What follows the first `+` is build metadata, what follows the first `-` before it is the pre-release, the rest is the core.
//! 2. Cores are compared part by part between the dots; where one ends, it is the older: `8.5` < `8.5.3`.
//! 3. With equal cores, a version with a pre-release is older than one without; pre-releases are compared part by part, a number
//!    before a word.
//! 4. Parts are in natural order: runs of digits by value, other characters by code: `17.0.9a` < `17.0.10`. This is the one
//!    departure from Semantic Versioning, which puts `rc10` before `rc2`.
//! 5. Build metadata decides between versions that are otherwise equal, again in natural order, none before some. Semantic
//!    Versioning gives those no order; [`Vsn::precedence`] does not either.

use std::cmp::Ordering;
use std::fmt;

/// A version string.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Vsn(String);

/// A text cannot be a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot be a version: it must be a word without `/` that can name a directory")]
pub struct BadVsn(pub String);

impl Vsn {
    /// A version of that text.
    ///
    /// # Errors
    /// Empty, `.`, `..`, or with a blank, control character or `/` in it: `start_erl.data` separates its words by blanks, and
    /// `releases/VSN` is a directory.
    pub fn new(text: impl Into<String>) -> Result<Self, BadVsn> {
        let text = text.into();
        let unfit = |c: char| c.is_whitespace() || c.is_control() || c == '/';
        if text.is_empty() || text == "." || text == ".." || text.contains(unfit) {
            return Err(BadVsn(text));
        }
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text before build metadata: what makes one version older than another.
    #[must_use]
    pub fn without_build(&self) -> &str {
        self.parts().0
    }

    /// The order without regard to build metadata: `Equal` for `1.0.0+a` and `1.0.0+b`.
    #[must_use]
    pub fn precedence(&self, other: &Self) -> Ordering {
        let ((a, _), (b, _)) = (self.parts(), other.parts());
        let ((a, a_pre), (b, b_pre)) = (split_pre(a), split_pre(b));
        by_parts(a, b, natural).then_with(|| match (a_pre, b_pre) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(a), Some(b)) => by_parts(a, b, number_first),
        })
    }

    fn parts(&self) -> (&str, Option<&str>) {
        match self.0.split_once('+') {
            Some((main, build)) => (main, Some(build)),
            None => (&self.0, None),
        }
    }
}

fn split_pre(main: &str) -> (&str, Option<&str>) {
    match main.split_once('-') {
        Some((core, pre)) => (core, Some(pre)),
        None => (main, None),
    }
}

fn by_parts(a: &str, b: &str, order: fn(&str, &str) -> Ordering) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        match (a.next(), b.next()) {
            (Some(a), Some(b)) => match order(a, b) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
            (a, b) => return a.is_some().cmp(&b.is_some()),
        }
    }
}

/// Parts that are numbers come before the others.
fn number_first(a: &str, b: &str) -> Ordering {
    let is_word = |part: &str| !part.bytes().all(|byte| byte.is_ascii_digit());
    is_word(a).cmp(&is_word(b)).then_with(|| natural(a, b))
}

/// Runs of digits by value, everything else by code; a run of digits comes before a run of others.
fn natural(mut a: &str, mut b: &str) -> Ordering {
    loop {
        if a.is_empty() || b.is_empty() {
            return a.len().min(1).cmp(&b.len().min(1));
        }
        let (a_run, b_run) = (run(a), run(b));
        let (a_digits, b_digits) = (starts_with_digit(a), starts_with_digit(b));
        let order = match (a_digits, b_digits) {
            (true, true) => by_value(a_run, b_run),
            (false, false) => a_run.cmp(b_run),
            (a_digits, b_digits) => b_digits.cmp(&a_digits),
        };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (&a[a_run.len()..], &b[b_run.len()..]);
    }
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// The longest start of `text` that is all digits or has none.
fn run(text: &str) -> &str {
    let digits = starts_with_digit(text);
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    &text[..end]
}

/// Numbers of any length.
fn by_value(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

impl Ord for Vsn {
    fn cmp(&self, other: &Self) -> Ordering {
        self.precedence(other)
            .then_with(|| match (self.parts().1, other.parts().1) {
                (Some(a), Some(b)) => by_parts(a, b, natural),
                (a, b) => a.is_some().cmp(&b.is_some()),
            })
            // `1.01` and `1.1` are equal in every part but are different versions
            .then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Vsn {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Vsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Vsn {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Vsn {
    type Err = BadVsn;

    fn from_str(text: &str) -> Result<Self, BadVsn> {
        Self::new(text)
    }
}

impl TryFrom<String> for Vsn {
    type Error = BadVsn;

    fn try_from(text: String) -> Result<Self, BadVsn> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn vsn(text: &str) -> Vsn {
        Vsn::new(text).unwrap()
    }

    #[test]
    fn versions_are_ordered_oldest_first() {
        let chains: [&[&str]; 5] = [
            &[
                "1.0.0-alpha",
                "1.0.0-alpha.1",
                "1.0.0-alpha.beta",
                "1.0.0-beta",
                "1.0.0-beta.2",
                "1.0.0-beta.11",
                "1.0.0-rc.1",
                "1.0.0",
            ],
            &["0.9.0", "0.10.0", "0.10.0+1a2b", "0.10.0+20240101", "0.10.1-rc2", "0.10.1-rc10", "0.10.1", "1.0.0"],
            &["8.5", "8.5.3", "8.5.3.1", "13.1.5"],
            &["1.01", "1.1", "1.1a", "1.2"],
            &["2024-05-30", "2024-06-01", "a", "b1", "b2", "b10"],
        ];
        for chain in chains {
            let mut sorted: Vec<Vsn> = chain.iter().rev().map(|text| vsn(text)).collect();
            sorted.sort();
            assert_eq!(sorted, chain.iter().map(|text| vsn(text)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn build_metadata_has_no_precedence() {
        assert_eq!(vsn("1.0.0+b").precedence(&vsn("1.0.0+a")), Ordering::Equal);
        assert_eq!(vsn("1.0.0").precedence(&vsn("1.0.0+a")), Ordering::Equal);
        assert_eq!(vsn("1.0.0-rc.1+5").without_build(), "1.0.0-rc.1");
    }

    #[test]
    fn what_cannot_name_a_directory_is_refused() {
        for text in ["", ".", "..", "1 2", "a/b", "1\n", "\u{0}"] {
            assert_eq!(Vsn::new(text), Err(BadVsn(text.to_owned())));
        }
    }

    proptest! {
        #[test]
        fn the_order_is_total(texts in prop::collection::vec("[0-9ab.+-]{1,6}", 3)) {
            let versions: Vec<Vsn> = texts.iter().filter_map(|text| Vsn::new(text.as_str()).ok()).collect();
            for a in &versions {
                for b in &versions {
                    prop_assert_eq!(a.cmp(b), b.cmp(a).reverse());
                    prop_assert_eq!(a == b, a.cmp(b) == Ordering::Equal);
                    for c in &versions {
                        prop_assert!(!(a <= b && b <= c) || a <= c, "{} {} {}", a, b, c);
                    }
                }
            }
        }
    }
}
