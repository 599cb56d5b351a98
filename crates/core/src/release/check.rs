//! What files make a release: the rules that every manifest keeps, whoever made it.
//!
//! Manifests come from build hosts, archives and other machines, so they count as hostile. What passes here can be put into a
//! release root without leaving it, without touching edeliver's own files there, and without touching another release's.

use std::collections::HashMap;

use super::{Digest, Entry, EntryKind, RelPath, layout, layout::Place};
use crate::name::Version;

/// The longest path in a release, in bytes: `.edeliver/top/VERSION/` or a new name of its library must find room before it on hosts, and
/// the root before that, where paths end at 4,096 bytes.
const LONGEST: usize = 640;

/// Why files don't make a release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilesError {
    /// Paths unsorted or twice.
    #[error("{path} is out of order or listed twice")]
    Order {
        /// The first such path.
        path: RelPath,
    },
    /// A path below something that is no directory.
    #[error("{path} lies below {above}, which is not a directory with content")]
    Below {
        /// The path.
        path: RelPath,
        /// The file, link or empty directory above it.
        above: RelPath,
    },
    /// A symbolic link out of the release, or one whose way can't be told.
    #[error("the link {path} points to {target:?}, which is not a path inside the release")]
    Link {
        /// The link.
        path: RelPath,
        /// Its text.
        target: String,
    },
    /// Permission bits that depend on the machine.
    #[error("{path} has mode {mode:o} instead of 755 or 644")]
    Mode {
        /// The file.
        path: RelPath,
        /// Its permission bits.
        mode: u32,
    },
    /// The same content with two sizes, or more bytes than can be counted.
    #[error("the size of {path} can't be right")]
    Size {
        /// The file.
        path: RelPath,
    },
    /// A path that leaves no room for the folders edeliver puts in front of it.
    #[error("{path} has more than {LONGEST} bytes")]
    TooLong {
        /// The path.
        path: RelPath,
    },
    /// A path that belongs to something else in a release root.
    #[error("{path} can't be part of a release: {why}")]
    Misplaced {
        /// The path.
        path: RelPath,
        /// What it collides with.
        why: &'static str,
    },
}

/// Checks the files of a release of this version.
///
/// # Errors
/// The first rule that is broken.
pub fn files(version: &Version, files: &[Entry]) -> Result<(), FilesError> {
    if let Some(pair) = files.windows(2).find(|pair| pair[0].path >= pair[1].path) {
        return Err(FilesError::Order { path: pair[1].path.clone() });
    }
    if let Some(entry) = files.iter().find(|entry| entry.path.as_str().len() > LONGEST) {
        return Err(FilesError::TooLong { path: entry.path.clone() });
    }
    files.iter().try_for_each(|entry| above(files, entry))?;
    files.iter().try_for_each(|entry| place(version, entry))?;
    files.iter().try_for_each(kind)?;
    sizes(files)
}

/// Nothing lies below a file, a link or an empty directory.
fn above(files: &[Entry], entry: &Entry) -> Result<(), FilesError> {
    let path = entry.path.as_str();
    let listed = |end| files.binary_search_by(|other| other.path.as_str().cmp(&path[..end])).ok();
    match path.match_indices('/').find_map(|(end, _)| listed(end)) {
        Some(at) => Err(FilesError::Below { path: entry.path.clone(), above: files[at].path.clone() }),
        None => Ok(()),
    }
}

/// A path keeps out of other releases and of edeliver's own folder, and directories of the layout are directories.
fn place(version: &Version, entry: &Entry) -> Result<(), FilesError> {
    let parts: Vec<_> = entry.path.parts().collect();
    let is_dir = matches!(entry.kind, EntryKind::EmptyDir { .. });
    let why = match (parts.as_slice(), Place::of(&entry.path, version)) {
        ([layout::OWN, ..], _) => "this folder is edeliver's own",
        (["lib" | "bin" | "releases"], _) => "it must be a directory with content",
        (["lib", _], _) if !is_dir => "a library is a directory (was the release made in dev mode?)",
        ([_], Place::Erts(_)) if !is_dir => "a runtime system is a directory",
        ([_, _], Place::Release(_)) if !is_dir => "a release is a directory",
        (["releases", _, _, ..], Place::Top) => "it is of another release",
        _ => return Ok(()),
    };
    Err(FilesError::Misplaced { path: entry.path.clone(), why })
}

fn kind(entry: &Entry) -> Result<(), FilesError> {
    let path = || entry.path.clone();
    match &entry.kind {
        EntryKind::File { mode: 0o755 | 0o644, .. } | EntryKind::EmptyDir { dir: true } => Ok(()),
        EntryKind::File { mode, .. } => Err(FilesError::Mode { path: path(), mode: *mode }),
        EntryKind::EmptyDir { dir: false } => Err(FilesError::Misplaced { path: path(), why: "it is neither file nor directory" }),
        EntryKind::Link { target } if stays_inside(&entry.path, target) => Ok(()),
        EntryKind::Link { target } => Err(FilesError::Link { path: path(), target: target.clone() }),
    }
}

/// Whether a link stays inside the release, whatever other links do. `..` is accepted only at the start of the target, where
/// it leads through real directories (nothing lies below a link); later it could lead back out through another link.
fn stays_inside(path: &RelPath, target: &str) -> bool {
    let down = target.trim_start_matches("./");
    let up = down.split('/').take_while(|part| *part == "..").count();
    let rest: Vec<_> = down.split('/').skip(up).collect();
    let depth = path.parts().count() - 1;
    let names = rest.is_empty() || rest.join("/").parse::<RelPath>().is_ok();
    up <= depth && names
}

/// Sizes add up, and one content has one size.
fn sizes(files: &[Entry]) -> Result<(), FilesError> {
    let mut sizes: HashMap<Digest, u64> = HashMap::from([(Digest::of(b""), 0)]);
    let mut total = 0_u64;
    for entry in files {
        let EntryKind::File { size, sha256, .. } = entry.kind else { continue };
        let sum = total.checked_add(size);
        if *sizes.entry(sha256).or_insert(size) != size || sum.is_none() {
            return Err(FilesError::Size { path: entry.path.clone() });
        }
        total = sum.unwrap_or(total);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
