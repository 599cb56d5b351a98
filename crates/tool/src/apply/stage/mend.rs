//! A manifest as what makes it of another one, which a host has already: most of two releases is the same, and digests can't be compressed.
//!
//! A manifest is taken in pieces that end with `}`, which is where the entry of a file ends. Lines `=FIRST COUNT` stand for that many pieces of
//! the other manifest, the first of which is 1, and lines `+TEXT` for a piece of its own. stage.sh makes the manifest of it, and checks
//! its digest.

use std::{collections::HashMap, fmt::Write as _};

use edeliver_core::{name::Version, release::Manifest};

/// What makes a manifest of another one.
#[derive(Debug)]
pub(in crate::apply) struct Mending {
    /// The version whose manifest the other one is.
    pub(super) version: Version,
    /// See above.
    pub(super) lines: Vec<u8>,
}

impl Mending {
    /// `None` where it would not be much shorter.
    pub(super) fn of(base: &Manifest, wanted: &Manifest) -> Option<Self> {
        Some(Self { version: base.version.clone(), lines: mend(&base.to_json(), &wanted.to_json())? })
    }
}

/// What becomes of the other manifest.
enum Part<'a> {
    Same { first: usize, count: usize },
    New(&'a str),
}

/// The lines that make `wanted` of `base`; `None` where they would not be much shorter.
fn mend(base: &[u8], wanted: &[u8]) -> Option<Vec<u8>> {
    let places: HashMap<&str, usize> = pieces(base)?.zip(1..).collect();
    let mut parts: Vec<Part<'_>> = Vec::new();
    for piece in pieces(wanted)? {
        match (places.get(piece), parts.last_mut()) {
            (Some(at), Some(Part::Same { first, count })) if *first + *count == *at => *count += 1,
            (Some(at), _) => parts.push(Part::Same { first: *at, count: 1 }),
            (None, _) => parts.push(Part::New(piece)),
        }
    }
    Some(lines(&parts)).filter(|lines| lines.len() < wanted.len() / 2)
}

fn lines(parts: &[Part<'_>]) -> Vec<u8> {
    let mut lines = String::new();
    for part in parts {
        let _ = match part {
            Part::Same { first, count } => writeln!(lines, "={first} {count}"),
            Part::New(text) => writeln!(lines, "+{text}"),
        };
    }
    lines.into_bytes()
}

/// Without their last character. JSON has no line ends outside of its escapes, and ours ends with its object.
fn pieces(json: &[u8]) -> Option<impl Iterator<Item = &str>> {
    let text = std::str::from_utf8(json).ok().filter(|text| !text.contains('\n'))?;
    Some(text.strip_suffix('}')?.split('}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stage.sh does.
    fn mended(base: &str, lines: &str) -> String {
        let pieces: Vec<&str> = base.split('}').collect();
        let line = |line: &str| match line.split_at(1) {
            ("=", range) => {
                let (first, count) = range.split_once(' ').unwrap();
                let (first, count): (usize, usize) = (first.parse().unwrap(), count.parse().unwrap());
                pieces[first - 1..first - 1 + count].iter().map(|piece| format!("{piece}}}")).collect()
            }
            (_, text) => format!("{text}}}"),
        };
        lines.lines().map(line).collect()
    }
    fn manifest(version: &str, digests: impl IntoIterator<Item = usize>) -> String {
        let files: Vec<String> = digests.into_iter().map(|n| format!("{{\"path\":\"f{n}\",\"sha256\":\"{n:064}\"}}")).collect();
        format!("{{\"version\":\"{version}\",\"files\":[{}]}}", files.join(","))
    }

    #[test]
    fn what_two_manifests_share_is_named_and_not_repeated() {
        let base = manifest("1", 0..100);
        for wanted in
            [manifest("2", 0..100), manifest("1", (0..40).chain(200..203).chain(50..100)), manifest("2", (0..100).rev().step_by(3))]
        {
            let Some(lines) = mend(base.as_bytes(), wanted.as_bytes()) else { panic!("{wanted}") };
            assert_eq!(mended(&base, &String::from_utf8(lines).unwrap()), wanted);
        }
    }

    #[test]
    fn a_manifest_that_shares_nothing_travels_as_it_is() {
        assert_eq!(mend(manifest("1", 0..10).as_bytes(), manifest("2", 10..20).as_bytes()), None);
        assert_eq!(mend(b"", manifest("2", 0..9).as_bytes()), None);
    }
}
