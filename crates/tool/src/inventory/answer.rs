//! The answer of `inventory.sh`, as facts.

use std::collections::{BTreeMap, BTreeSet};

use edeliver_core::{
    drift::Closer,
    facts::{Alone, Installed, NodeFacts, Seen, TakenBack, Unfinished},
    name::{NameError, Version},
    release::{Digest, Libc, ManifestId, Platform, RelPath},
};

use crate::node::{
    Modules,
    answer::{AnswerError, NodeLines, body},
};

/// The version of the answer's form; its first line.
const FIRST_LINE: &str = "edeliver-facts 1";

/// Why an answer can't be read.
#[derive(Debug, thiserror::Error)]
pub enum SeenError {
    /// Its form.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// A name or number in it.
    #[error("it has an unexpected {word} {value:?}")]
    Value {
        /// The fact's name.
        word: String,
        /// Its value.
        value: String,
    },
}

/// Reads the answer.
///
/// # Errors
/// It is torn, or has lines that our script does not write.
pub(super) fn parse(answer: &str) -> Result<Seen, SeenError> {
    Ok(read(answer)?.seen())
}

/// Reads the answer of a closer look: beside the facts, what no plan needs, and the code that the node has loaded.
///
/// # Errors
/// As [`parse`].
pub(super) fn parse_closely(answer: &str) -> Result<(Seen, Closer, Option<Modules>), SeenError> {
    let mut lines = read(answer)?;
    let (closer, code) = (std::mem::take(&mut lines.closer), lines.node.code());
    Ok((lines.seen(), closer, code))
}

fn read(answer: &str) -> Result<Lines, SeenError> {
    let mut lines = Lines::default();
    for line in body(answer, FIRST_LINE)? {
        lines.take(line)?;
    }
    Ok(lines)
}

/// Which release the lines `rel`, `uses` and `failed` are about: the one that was named last.
#[derive(Default, Clone, Copy)]
enum Last {
    /// One whose name is no version.
    #[default]
    None,
    Installed,
    Unfinished,
}

/// Facts as they come in.
#[derive(Default)]
struct Lines {
    os: String,
    arch: String,
    libc: String,
    root: String,
    user: String,
    unwritable: Option<String>,
    free_kib: u64,
    missing_tools: Vec<String>,
    zstd: bool,
    permanent: Option<Version>,
    previous: Option<Version>,
    drained: Option<String>,
    installed: Vec<Installed>,
    unfinished: Vec<Unfinished>,
    taken_back: Vec<TakenBack>,
    alone: Alone,
    last: Last,
    manifests: BTreeMap<Version, ManifestId>,
    dirs: BTreeSet<RelPath>,
    strays: BTreeMap<RelPath, Digest>,
    top: BTreeMap<RelPath, Digest>,
    releases_file: Option<String>,
    closer: Closer,
    node: NodeLines,
}

impl Lines {
    fn take(&mut self, line: &str) -> Result<(), SeenError> {
        let (word, value) = line.split_once(' ').unwrap_or((line, ""));
        let bad = || SeenError::Value { word: word.to_owned(), value: value.chars().take(80).collect() };
        match word {
            "os" => self.os = value.to_lowercase(),
            "arch" => value.clone_into(&mut self.arch),
            "libc" => value.clone_into(&mut self.libc),
            "root" => value.clone_into(&mut self.root),
            "user" => value.clone_into(&mut self.user),
            "unwritable" => self.unwritable = Some(value.to_owned()),
            "free" => self.free_kib = value.parse().map_err(|_| bad())?,
            "missing" => self.missing_tools.push(value.to_owned()),
            "zstd" => self.zstd = true,
            "permanent" => self.permanent = value.parse().ok(),
            "previous" => self.previous = value.parse().ok(),
            "drained" => self.drained = Some(crate::report::printable(value).chars().take(80).collect()),
            "release" | "unfinished" => self.take_release(word, value),
            "dir" => self.dirs.extend(value.parse::<RelPath>()),
            "manifest" => self.manifests.extend(manifest(value).map_err(|_| bad())?),
            "stray" => self.strays.extend([digested(value).map_err(|_| bad())?]),
            "top" => self.top.extend([digested(value).map_err(|_| bad())?]),
            "releases" => push_line(self.releases_file.get_or_insert_default(), value),
            "taken-back" => self.taken_back.extend(taken_back(value)),
            "rel" | "uses" | "failed" => self.take_of_release(word, value),
            "config" => self.closer.config.extend([digested(value).map_err(|_| bad())?]),
            "cookie" => self.closer.cookie = Some(value.parse().map_err(|_| bad())?),
            "cookie-file" => self.closer.cookie_file = Some(value.parse().map_err(|_| bad())?),
            "staging" => self.closer.staging.push(value.to_owned()),
            "busy" => self.closer.busy = value.parse().ok(),
            _ if self.node.take(line) || self.alone.take(word, value) => {}
            _ => return Err(AnswerError::Line(line.chars().take(80).collect()).into()),
        }
        Ok(())
    }
    /// What lies in `releases/` may have any name; only versions are releases.
    fn take_release(&mut self, word: &str, name: &str) {
        self.last = match (word, name.parse()) {
            (_, Err(_)) => Last::None,
            ("release", Ok(version)) => {
                self.installed.push(found(version));
                Last::Installed
            }
            (_, Ok(version)) => {
                self.unfinished.push(Unfinished { version, dirs: Vec::new() });
                Last::Unfinished
            }
        };
    }
    fn take_of_release(&mut self, word: &str, value: &str) {
        match (self.last, self.installed.last_mut(), self.unfinished.last_mut(), word) {
            (Last::Installed, Some(release), _, "rel") => push_line(release.rel.get_or_insert_default(), value),
            (Last::Installed, Some(release), _, "uses") => release.dirs.extend(value.parse::<RelPath>()),
            (Last::Installed, Some(release), _, _) => release.failed = true,
            (Last::Unfinished, _, Some(release), "uses") => release.dirs.extend(value.parse::<RelPath>()),
            _ => {}
        }
    }
    fn seen(mut self) -> Seen {
        for release in &mut self.installed {
            release.manifest = self.manifests.remove(&release.version);
        }
        let node: NodeFacts = self.node.facts(self.permanent.as_ref());
        Seen {
            platform: Platform { os: self.os, arch: self.arch, libc: libc(&self.libc) },
            root: self.root,
            user: self.user,
            writable: self.unwritable.is_none(),
            free_kib: self.free_kib,
            missing_tools: self.missing_tools,
            zstd: self.zstd,
            permanent: self.permanent,
            previous: self.previous,
            drained: self.drained,
            installed: self.installed,
            unfinished: self.unfinished,
            taken_back: self.taken_back,
            alone: self.alone,
            dirs: self.dirs,
            strays: self.strays,
            top: self.top,
            releases_file: self.releases_file,
            node,
            unit: None,
        }
    }
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn found(version: Version) -> Installed {
    Installed { version, manifest: None, dirs: Vec::new(), rel: None, failed: false, files: None }
}

fn libc(text: &str) -> Libc {
    match text.split_once(' ') {
        Some(("glibc", version)) => Libc::Glibc(version.to_owned()),
        _ if text == "musl" => Libc::Musl,
        _ => Libc::Other,
    }
}

/// `MANIFEST RUN VERSION`. A file that is none of ours is none.
fn taken_back(value: &str) -> Option<TakenBack> {
    let mut words = value.splitn(3, ' ');
    let mut next = || words.next();
    Some(TakenBack { manifest: next()?.parse().ok()?, run: next()?.parse().ok()?, version: next()?.parse().ok()? })
}

/// `DIGEST PATH`.
fn digested(value: &str) -> Result<(RelPath, Digest), NameError> {
    let (digest, path) = value.split_once(' ').unwrap_or((value, ""));
    Ok((path.parse()?, digest.parse()?))
}

/// `DIGEST .edeliver/manifests/VERSION.json`; a file with another name is none of ours.
fn manifest(value: &str) -> Result<Option<(Version, ManifestId)>, NameError> {
    let (path, digest) = digested(value)?;
    let version = path.as_str().strip_prefix(".edeliver/manifests/").and_then(|name| name.strip_suffix(".json"));
    Ok(version.and_then(|version| version.parse().ok()).map(|version| (version, digest)))
}
