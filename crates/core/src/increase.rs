//! `increase versions`: the versions in the sources of an Erlang project, counted up where they stand, so that comments and layout stay.

use std::ops::Range;

/// What is counted up. The words are those of edeliver 1.x: its `minor` is the last part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// `1.2.3` becomes `2.0`.
    Version,
    /// `1.2.3` and `1.2` become `1.3`.
    Major,
    /// `1.2.3` becomes `1.2.4`, `1.2` becomes `1.2.1`.
    Minor,
}

/// A version in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where it stands, without its quotes.
    pub at: Range<usize>,
    /// What it is.
    pub version: String,
}

impl Found {
    /// The text with another version in this place.
    pub fn replaced(&self, text: &str, version: &str) -> String {
        format!("{}{version}{}", &text[..self.at.start], &text[self.at.end..])
    }
}

/// The next version; `None` where the part that counts is no number.
pub fn next(version: &str, step: Step) -> Option<String> {
    let parts: Vec<&str> = version.split('.').collect();
    match step {
        Step::Version => Some(format!("{}.0", counted(&parts[..1])?)),
        Step::Major if parts.len() > 2 => counted(&parts[..parts.len() - 1]),
        Step::Major => counted(&parts),
        Step::Minor if parts.len() > 2 => counted(&parts),
        Step::Minor => Some(format!("{version}.1")),
    }
}

/// The parts with the last one counted up.
fn counted(parts: &[&str]) -> Option<String> {
    let (last, before) = parts.split_last()?;
    let last = last.parse::<u64>().ok()?.checked_add(1)?.to_string();
    Some(before.iter().copied().chain([last.as_str()]).collect::<Vec<_>>().join("."))
}

/// The version of an application, in its `.app.src`: `{vsn, "1.2.3"}`.
pub fn of_application(text: &str) -> Option<Found> {
    find(text, &["{", "vsn", ","])
}

/// The version of a release, in the configuration of rebar3 and relx (`{release, {NAME, "1.2.3"}`) or reltool (`{rel, "NAME", "1.2.3"`).
pub fn of_release(text: &str, app: &str) -> Option<Found> {
    find(text, &["{", "release", ",", "{", app, ","]).or_else(|| find(text, &["{", "rel", ",", app, ","]))
}

/// The text in quotes behind these words, wherever blanks and comments stand between.
fn find(text: &str, words: &[&str]) -> Option<Found> {
    let tokens = tokens(text);
    let starts = |window: &[Token]| window.iter().zip(words).all(|(token, word)| &text[token.at.clone()] == *word);
    let window = tokens.windows(words.len() + 1).find(|window| starts(window) && window[words.len()].quote == Some('"'))?;
    let at = window[words.len()].at.clone();
    Some(Found { version: text[at.clone()].to_owned(), at })
}

/// A word, a sign, or a text in quotes; `at` is without the quotes.
struct Token {
    at: Range<usize>,
    quote: Option<char>,
}

fn tokens(text: &str) -> Vec<Token> {
    let (mut tokens, mut at) = (Vec::new(), 0);
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = match first {
            '%' => rest.find('\n').unwrap_or(rest.len()),
            '"' | '\'' => {
                let inside = quoted(&rest[1..], first);
                tokens.push(Token { at: at + 1..at + 1 + inside, quote: Some(first) });
                (inside + 2).min(rest.len())
            }
            first if is_name(first) => {
                let length = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
                tokens.push(Token { at: at..at + length, quote: None });
                length
            }
            first => {
                if !first.is_whitespace() {
                    tokens.push(Token { at: at..at + first.len_utf8(), quote: None });
                }
                first.len_utf8()
            }
        };
        at += length;
    }
    tokens
}

/// The length of what stands before the closing quote.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at,
            _ => {}
        }
    }
    text.len()
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '@'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_counted_up_as_edeliver_1_did() {
        for (version, whole, major, minor) in [
            ("1.2.3", Some("2.0"), Some("1.3"), Some("1.2.4")),
            ("1.2", Some("2.0"), Some("1.3"), Some("1.2.1")),
            ("9", Some("10.0"), Some("10"), Some("9.1")),
            ("1.2.3.9", Some("2.0"), Some("1.2.4"), Some("1.2.3.10")),
            ("1.2.3-rc1", Some("2.0"), Some("1.3"), None),
            ("", None, None, Some(".1")),
        ] {
            let counted = |step| next(version, step);
            let expected = [whole, major, minor].map(|version| version.map(str::to_owned));
            assert_eq!([counted(Step::Version), counted(Step::Major), counted(Step::Minor)], expected, "{version}");
        }
    }

    #[test]
    fn a_version_is_replaced_and_nothing_else() {
        let text = "%% {vsn, \"0.0.0\"}\n{application, shop,\n [{description, \"with {vsn, \\\"9.9.9\\\"}\"},\n  { vsn , % here\n    \"1.2.3\" }, {mod, {a, []}}]}.\n";
        let found = of_application(text).unwrap();
        assert_eq!(found.version, "1.2.3");
        assert_eq!(found.replaced(text, "1.2.4"), text.replace("1.2.3", "1.2.4"));
        assert_eq!(of_application("{application, shop, [{vsn, git}]}."), None);
        assert_eq!(of_application("{vsn, \"1.2"), Some(Found { at: 7..10, version: "1.2".to_owned() }));
    }

    #[test]
    fn a_release_is_found_by_its_name_in_the_configuration_of_each_tool() {
        let relx = "{relx, [{release, {other, \"7.0\"}, [a]}, {release, {'shop', \"1.2.3\"}, [shop, sasl]}]}.";
        assert_eq!(of_release(relx, "shop").unwrap().version, "1.2.3");
        let reltool = "{sys, [{rel, \"start_clean\", \"\", [kernel]}, {rel, \"shop\", \"1\", [kernel]}]}.";
        assert_eq!(of_release(reltool, "shop").unwrap().version, "1");
        assert_eq!(of_release(relx, "sho"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in ".*") {
            let found = of_application(&text);
            proptest::prop_assert!(found.is_none_or(|found| text.get(found.at.clone()) == Some(found.version.as_str())));
        }
    }
}
