//! A release as directories: the files of each, by their paths below it.

use std::collections::BTreeMap;

use crate::release::{Digest, EntryKind, Manifest, layout::Place};

/// What lies in a directory, by path below it. An empty directory has one entry, with an empty path.
pub(super) type Tree<'a> = BTreeMap<&'a str, &'a EntryKind>;

/// The directories of a release, in the order in which they are put into place.
pub(super) fn of_release(manifest: &Manifest) -> BTreeMap<Place<'_>, Tree<'_>> {
    let mut trees: BTreeMap<Place<'_>, Tree<'_>> = BTreeMap::new();
    for entry in &manifest.files {
        let place = Place::of(&entry.path, &manifest.version);
        let path = place.dir().map_or(entry.path.as_str(), |dir| entry.path.as_str()[dir.len()..].trim_start_matches('/'));
        trees.entry(place).or_default().insert(path, &entry.kind);
    }
    trees
}

/// The regular files of a directory, with their content.
pub(super) fn files<'t>(tree: &'t Tree<'_>) -> impl Iterator<Item = (&'t str, Digest)> {
    tree.iter().filter_map(|(path, kind)| match kind {
        EntryKind::File { sha256, .. } => Some((*path, *sha256)),
        EntryKind::Link { .. } | EntryKind::EmptyDir { .. } => None,
    })
}

/// The directory of a library whose own name another one has: `lib/app-0.1.0~` and 8 digits of its content's digest.
pub(super) fn relocated(dir: &str, tree: &Tree<'_>) -> String {
    let mut text = String::new();
    for (path, kind) in tree {
        let kind = match kind {
            EntryKind::File { mode, sha256, .. } => format!("{mode:o} {sha256}"),
            EntryKind::Link { target } => format!("link {target}"),
            EntryKind::EmptyDir { .. } => "dir".to_owned(),
        };
        text.extend([path, "\0", kind.as_str(), "\n"]);
    }
    let digest = Digest::of(text.as_bytes()).to_string();
    format!("{dir}~{}", &digest[..8])
}
