//! What the build host tells of an assembled release.

use std::collections::HashMap;

use edeliver_core::release::{Digest, Entry, EntryKind, RelPath};

/// An assembled release as it lies on the build host.
#[derive(Debug, Default)]
pub(super) struct Described {
    /// Its folder, absolute.
    pub(super) dir: String,
    /// Content of `releases/start_erl.data`.
    pub(super) boots: String,
    /// Its cookie is one that mix made up.
    pub(super) random_cookie: bool,
    /// All files, links and empty folders.
    pub(super) listing: Vec<Entry>,
}

/// Why a listing can't be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// A name that no release should have.
    #[error("the release has a file with an impossible name: {0:?}")]
    Name(String),
    /// Neither file, link nor folder.
    #[error("{0} is neither a file nor a link nor a folder")]
    Kind(String),
    /// Size and digest don't belong to each other.
    #[error("{0} changed while the release was read")]
    Changed(String),
    /// A line that means nothing.
    #[error("the build host answered with {0:?}")]
    Line(String),
}

impl Described {
    /// Reads what `describe.sh` prints.
    pub(super) fn parse(text: &str) -> Result<Self, ListingError> {
        let mut reading = Reading::default();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let (word, value) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "l" => {
                    let target = lines.next().and_then(|line| line.strip_prefix("t ")).ok_or_else(|| unclear(line))?;
                    reading.entry(value, EntryKind::Link { target: target.to_owned() })?;
                }
                _ => reading.line(word, value, line)?,
            }
        }
        reading.finish()
    }

    /// A link with an absolute target, if there is one: rebar3 makes such in dev mode.
    pub(super) fn outside_link(&self) -> Option<(&RelPath, &str)> {
        self.listing.iter().find_map(|entry| match &entry.kind {
            EntryKind::Link { target } if target.starts_with('/') => Some((&entry.path, target.as_str())),
            _ => None,
        })
    }
}

#[derive(Default)]
struct Reading {
    described: Described,
    /// Mode and size by path.
    files: HashMap<RelPath, (u32, u64)>,
    digests: Vec<(RelPath, Digest)>,
    dirs: Vec<RelPath>,
}

impl Reading {
    fn line(&mut self, word: &str, value: &str, line: &str) -> Result<(), ListingError> {
        match word {
            "dir" => self.described.dir = value.to_owned(),
            "boots" => self.described.boots = value.to_owned(),
            "cookie" => self.described.random_cookie = true,
            "d" if value == "." => {}
            "d" => self.dirs.push(path(value)?),
            "o" => return Err(ListingError::Kind(path(value)?.to_string())),
            "f" => {
                let (mode, rest) = value.split_once(' ').ok_or_else(|| unclear(line))?;
                let (size, name) = rest.split_once(' ').ok_or_else(|| unclear(line))?;
                let mode = u32::from_str_radix(mode, 8).map_err(|_| unclear(line))?;
                self.files.insert(path(name)?, (mode, size.parse().map_err(|_| unclear(line))?));
            }
            "h" => {
                // `DIGEST  NAME`, or `DIGEST *NAME` from tools that read in binary mode.
                let (digest, name) = value.split_once(' ').ok_or_else(|| unclear(line))?;
                let name = name.strip_prefix(['*', ' ']).unwrap_or(name);
                self.digests.push((path(name)?, digest.parse().map_err(|_| unclear(line))?));
            }
            _ => return Err(unclear(line)),
        }
        Ok(())
    }

    fn entry(&mut self, name: &str, kind: EntryKind) -> Result<(), ListingError> {
        self.described.listing.push(Entry { path: path(name)?, kind });
        Ok(())
    }

    fn finish(mut self) -> Result<Described, ListingError> {
        for (path, sha256) in self.digests {
            let Some((mode, size)) = self.files.remove(&path) else { return Err(ListingError::Changed(path.to_string())) };
            self.described.listing.push(Entry { path, kind: EntryKind::File { mode, size, sha256 } });
        }
        if let Some(path) = self.files.into_keys().min() {
            return Err(ListingError::Changed(path.to_string()));
        }
        let empty = empty(self.dirs, &self.described.listing);
        self.described.listing.extend(empty);
        Ok(self.described)
    }
}

/// Folders with nothing in them.
fn empty(mut dirs: Vec<RelPath>, listing: &[Entry]) -> Vec<Entry> {
    let parents = |path: &RelPath| path.as_str().rsplit_once('/').map(|(parent, _)| parent.to_owned());
    let full: std::collections::HashSet<String> =
        listing.iter().map(|entry| &entry.path).chain(&dirs).filter_map(parents).collect();
    dirs.retain(|dir| !full.contains(dir.as_str()));
    dirs.into_iter().map(|path| Entry { path, kind: EntryKind::EmptyDir { dir: true } }).collect()
}

/// A path as `find .` prints it. A backslash would be read as an escape by tar.
fn path(text: &str) -> Result<RelPath, ListingError> {
    let name = text.strip_prefix("./").unwrap_or(text);
    let path: RelPath = name.parse().map_err(|_| ListingError::Name(name.to_owned()))?;
    if name.contains('\\') { Err(ListingError::Name(name.to_owned())) } else { Ok(path) }
}

fn unclear(line: &str) -> ListingError {
    ListingError::Line(line.chars().take(120).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_listing_is_read() {
        let text = format!(
            "dir /b/rel/app\nboots 13.1.5 0.1.0\ncookie random\nd .\nd ./bin\nd ./log dir\nl ./bin/link\nt ../lib x\n\
             f 755 12 ./bin/my app\nf 644 0 ./x\nh {HASH} *./x\nh {HASH}  ./bin/my app\n"
        );
        let described = Described::parse(&text).unwrap();
        assert_eq!((described.dir.as_str(), described.boots.as_str()), ("/b/rel/app", "13.1.5 0.1.0"));
        assert!(described.random_cookie);
        let mut paths: Vec<_> = described.listing.iter().map(|entry| format!("{} {:?}", entry.path, entry.kind)).collect();
        paths.sort();
        assert_eq!(paths.len(), 4);
        assert!(paths[0].starts_with("bin/link Link { target: \"../lib x\" }"), "{paths:?}");
        assert!(paths[1].starts_with("bin/my app File { mode: 493, size: 12"), "{paths:?}");
        assert!(paths[2].starts_with("log dir EmptyDir"), "{paths:?}");
    }

    #[test]
    fn what_can_be_no_release_is_refused() {
        let error = |text: &str| Described::parse(text).unwrap_err();
        assert_eq!(error("o ./pipe"), ListingError::Kind("pipe".to_owned()));
        assert_eq!(error("f 644 1 ./../etc/passwd"), ListingError::Name("../etc/passwd".to_owned()));
        assert_eq!(error("f 644 1 ./a\\nb"), ListingError::Name("a\\nb".to_owned()));
        assert_eq!(error("f 644 1 ./half"), ListingError::Changed("half".to_owned()));
        assert_eq!(error(&format!("h {HASH}  ./half")), ListingError::Changed("half".to_owned()));
        assert_eq!(error("l ./link\nd ./x"), ListingError::Line("l ./link".to_owned()));
        assert_eq!(error("h nothing ./x"), ListingError::Line("h nothing ./x".to_owned()));
    }
}
