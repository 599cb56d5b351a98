//! Members that say something about the next one: GNU's long names, and pax attributes.

use std::io::Read;

use edeliver_core::{name::NameError, release::RelPath};
use tar::{Entry, EntryType};

use super::{MemberKind, TarError, Watch};

/// Longest name accepted in bytes, and longest list of attributes.
const NAME: u64 = 4096;
const ATTRIBUTES: u64 = 64 * 1024;

/// What has been said about the next member.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    path: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Extensions {
    /// Takes in a member that speaks about the next one, and tells whether it was one.
    pub(super) fn take(&mut self, entry: &mut Entry<'_, impl Read>, watch: &Watch) -> Result<bool, TarError> {
        match entry.header().entry_type() {
            EntryType::GNULongName => once(&mut self.path, name(entry, watch)?)?,
            EntryType::GNULongLink => once(&mut self.target, name(entry, watch)?)?,
            EntryType::XHeader => self.attributes(&content(entry, ATTRIBUTES, watch)?)?,
            // What holds for all members is of no use to us (git writes its commit there), unless it changes how they are read.
            EntryType::XGlobalHeader => Self::default().only_comments(&content(entry, ATTRIBUTES, watch)?)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The path and kind of a member; `None` for the archive's own folder (`./`).
    pub(super) fn member(&mut self, entry: &Entry<'_, impl Read>) -> Result<Option<(RelPath, MemberKind)>, TarError> {
        let Self { path, target, size } = std::mem::take(self);
        let header = entry.header();
        let path = text(path.unwrap_or_else(|| header.path_bytes().into_owned()))?;
        // Before there was a type for directories they had a slash at the end.
        let is_dir = header.entry_type().is_dir() || (header.entry_type().is_file() && path.ends_with('/'));
        let Some(path) = inside(&path, is_dir)? else { return Ok(None) };
        if size.is_some_and(|size| size != entry.size()) {
            return Err(TarError::Extension("a file with two sizes"));
        }
        let kind = match header.entry_type() {
            _ if is_dir => MemberKind::Dir,
            EntryType::Regular => MemberKind::File { mode: header.mode().map_err(TarError::Read)? & 0o7777, size: entry.size() },
            EntryType::Symlink => {
                let target = target.unwrap_or_else(|| header.link_name_bytes().unwrap_or_default().into_owned());
                MemberKind::Link { target: text(target)? }
            }
            other => return Err(TarError::Kind { path, what: what(other) }),
        };
        Ok(Some((path, kind)))
    }

    fn only_comments(mut self, bytes: &[u8]) -> Result<(), TarError> {
        self.attributes(bytes)?;
        match self {
            Self { path: None, target: None, size: None } => Ok(()),
            _ => Err(TarError::Extension("names or sizes that hold for all files")),
        }
    }

    /// Attributes in pax form: `LENGTH KEY=VALUE\n`, one after the other.
    fn attributes(&mut self, bytes: &[u8]) -> Result<(), TarError> {
        for attribute in tar::PaxExtensions::new(bytes) {
            let attribute = attribute.map_err(TarError::Read)?;
            let value = attribute.value_bytes();
            match attribute.key_bytes() {
                b"path" => once(&mut self.path, value.to_vec())?,
                b"linkpath" => once(&mut self.target, value.to_vec())?,
                b"size" => {
                    let size = std::str::from_utf8(value).ok().and_then(|size| size.parse().ok());
                    self.size = Some(size.ok_or(TarError::Extension("a size that is no number"))?);
                }
                key if key.starts_with(b"GNU.sparse") => return Err(TarError::Extension("sparse files, which are not accepted")),
                _ => {}
            }
        }
        Ok(())
    }
}

fn once(place: &mut Option<Vec<u8>>, value: Vec<u8>) -> Result<(), TarError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(TarError::Extension("a file with two names")),
    }
}

fn content(entry: &mut Entry<'_, impl Read>, limit: u64, watch: &Watch) -> Result<Vec<u8>, TarError> {
    if entry.size() > limit {
        return Err(TarError::Extension("a file with a name or attributes of absurd length"));
    }
    let wanted = entry.size();
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).map_err(|error| watch.meaning(error))?;
    if bytes.len() as u64 == wanted { Ok(bytes) } else { Err(TarError::CutOff) }
}

/// A long name: it ends at its first zero.
fn name(entry: &mut Entry<'_, impl Read>, watch: &Watch) -> Result<Vec<u8>, TarError> {
    let mut bytes = content(entry, NAME, watch)?;
    bytes.truncate(bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()));
    Ok(bytes)
}

fn text(bytes: Vec<u8>) -> Result<String, TarError> {
    String::from_utf8(bytes).map_err(|error| {
        let value = String::from_utf8_lossy(error.as_bytes()).chars().take(80).collect();
        TarError::Name(NameError { what: "a path inside a release", value, why: "it is not UTF-8" })
    })
}

/// The path without `./` in front and, of a directory, `/` behind.
fn inside(path: &str, is_dir: bool) -> Result<Option<RelPath>, TarError> {
    let mut rest = path;
    while let Some(shorter) = rest.strip_prefix("./") {
        rest = shorter;
    }
    if is_dir {
        rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest == "." || (rest.is_empty() && !path.is_empty() && path != "/") {
            return Ok(None);
        }
    }
    rest.parse().map(Some).map_err(TarError::Name)
}

fn what(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Link => "a hard link",
        EntryType::Char | EntryType::Block => "a device",
        EntryType::Fifo => "a named pipe",
        EntryType::GNUSparse => "a sparse file",
        _ => "of an unknown kind",
    }
}
