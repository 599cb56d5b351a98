//! A host's release root as far as facts tell: which directories are there, what is in them, and who uses them.

use std::collections::{BTreeMap, HashMap};

use super::{Use, top_dir, tree, tree::Tree};
use crate::{
    facts::{Installed, Seen},
    name::Version,
    release::{Digest, EntryKind, Manifest, ManifestId, RelPath, layout::Place},
};

pub(super) struct Host<'a> {
    seen: &'a Seen,
    wanted: &'a Version,
    /// What is installed under the wanted version.
    same_version: Option<&'a Installed>,
    /// It is the wanted release, and complete.
    complete: bool,
    /// Library and runtime directories, with the releases that have them.
    users: BTreeMap<String, Vec<User<'a>>>,
    /// Releases of which nobody knows what they use.
    unknown: Vec<&'a Version>,
    /// Where content lies.
    sources: HashMap<Digest, String>,
}

struct User<'a> {
    version: &'a Version,
    /// What it has there; `None`: its manifest could not be read.
    tree: Option<Tree<'a>>,
    /// The directory must stay as it is for this release.
    stays: bool,
}

impl<'a> Host<'a> {
    pub(super) fn new(wanted: &'a Version, id: ManifestId, seen: &'a Seen) -> Self {
        let same_version = seen.installed.iter().find(|installed| installed.version == *wanted);
        let complete = same_version.is_some_and(|installed| installed.manifest == Some(id));
        let (users, unknown, sources) = Default::default();
        let mut host = Self { seen, wanted, same_version, complete, users, unknown, sources };
        for installed in &seen.installed {
            host.add(installed);
        }
        // One that is needed and has lost its manifest; what others have left may be replaced.
        let needed = seen.unfinished.iter().filter(|left| Use::of(&left.version, seen).is_some());
        host.unknown.extend(needed.map(|left| &left.version));
        host.add_found();
        host
    }

    /// Adds what a release has. The one that makes way for the wanted release needs nothing, but its content can be used.
    fn add(&mut self, installed: &'a Installed) {
        let version = &installed.version;
        let stays = version != self.wanted || self.complete || Use::of(version, self.seen).is_some();
        match (&installed.files, installed.manifest) {
            (Some(manifest), _) => self.add_files(installed, manifest, stays),
            (None, Some(_)) => {
                installed.dirs.iter().for_each(|dir| self.add_user(dir.as_str(), User { version, tree: None, stays }))
            }
            (None, None) if stays => self.unknown.push(version),
            (None, None) => {}
        }
    }

    fn add_files(&mut self, installed: &'a Installed, manifest: &'a Manifest, stays: bool) {
        for (place, tree) in tree::of_release(manifest) {
            let dir = dir_of(installed, place, &tree);
            self.add_sources(place, &dir, &tree);
            if matches!(place, Place::Lib(_) | Place::Erts(_)) {
                self.add_user(&dir, User { version: &installed.version, tree: Some(tree), stays });
            }
        }
    }

    fn add_user(&mut self, dir: &str, user: User<'a>) {
        self.users.entry(dir.to_owned()).or_default().push(user);
    }

    /// Files of a release as sources of content. Not those in `releases/VERSION` itself: start scripts and people change
    /// configuration there, and boot files may have been rewritten.
    fn add_sources(&mut self, place: Place<'_>, dir: &str, tree: &Tree<'a>) {
        if !self.has(dir) {
            return;
        }
        for (path, digest) in tree::files(tree) {
            if !matches!(place, Place::Release(_)) || path.contains('/') {
                self.add_source(digest, format!("{dir}/{path}"));
            }
        }
    }

    /// Adds content that was digested on the host itself.
    fn add_found(&mut self) {
        for (path, digest) in self.seen.strays.iter().chain(&self.seen.top) {
            self.add_source(*digest, path.to_string());
        }
    }

    /// Of several places with the same content, the first by name: facts are in no special order, and plans should not differ.
    fn add_source(&mut self, digest: Digest, path: String) {
        let place = self.sources.entry(digest).or_insert_with(|| path.clone());
        if path < *place {
            *place = path;
        }
    }

    /// What it was made of.
    pub(super) fn seen(&self) -> &'a Seen {
        self.seen
    }

    pub(super) fn source(&self, digest: Digest) -> Option<&str> {
        self.sources.get(&digest).map(String::as_str)
    }

    pub(super) fn has(&self, dir: &str) -> bool {
        self.seen.dirs.iter().any(|found| found.as_str() == dir)
    }

    /// Whether the wanted release is complete here (directories may have been removed since).
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Which of these directories the wanted release uses, if it is complete here.
    pub(super) fn settled<'d>(&self, dirs: &[&'d str]) -> Option<&'d str> {
        let installed = self.same_version.filter(|_| self.complete)?;
        dirs.iter().copied().find(|dir| installed.dirs.iter().any(|used| used.as_str() == *dir))
    }

    /// Whether a directory has exactly this content. Files that came into a directory while a release used it don't count.
    pub(super) fn is_same(&self, dir: &str, tree: &Tree<'_>) -> bool {
        match self.users.get(dir) {
            Some(users) => {
                let same = users.iter().all(|user| user.tree.as_ref() == Some(tree));
                same && (users.iter().any(|user| user.stays) || self.strays(dir).next().is_none())
            }
            None => only_files(tree) && self.strays(dir).eq(tree::files(tree)),
        }
    }

    /// Whether a release that stays should have other content in a directory that is not there: its name is kept for repairs.
    pub(super) fn is_missed(&self, dir: &str, tree: &Tree<'_>) -> bool {
        self.users.get(dir).into_iter().flatten().any(|user| user.stays && user.tree.as_ref() != Some(tree))
    }

    /// Whether all of this was found in a directory, beside other files perhaps: start scripts render configuration there.
    pub(super) fn strays_cover(&self, dir: &str, tree: &Tree<'_>) -> bool {
        let found: BTreeMap<_, _> = self.strays(dir).collect();
        only_files(tree) && tree::files(tree).all(|(path, digest)| found.get(path) == Some(&digest))
    }

    /// Files below a directory that no manifest accounts for.
    fn strays(&self, dir: &str) -> impl Iterator<Item = (&'a str, Digest)> {
        let below = format!("{dir}/");
        self.seen.strays.iter().filter_map(move |(path, digest)| Some((path.as_str().strip_prefix(&below)?, *digest)))
    }

    /// The releases that are known to use a directory.
    pub(super) fn known_users(&self, dir: &str) -> Vec<Version> {
        self.users.get(dir).into_iter().flatten().filter(|user| user.stays).map(|user| user.version.clone()).collect()
    }

    /// The releases that use a directory, or may.
    pub(super) fn possible_users(&self, dir: &str) -> Vec<Version> {
        let mut users = self.known_users(dir);
        users.extend(self.unknown.iter().copied().cloned());
        users
    }

    /// Whether what is there under the wanted version was left by an interrupted deploy or removal.
    pub(super) fn is_leftover(&self) -> bool {
        self.seen.unfinished.iter().any(|left| left.version == *self.wanted) && self.need_of_wanted().is_none()
    }

    /// What the release that has the wanted version is needed for.
    pub(super) fn need_of_wanted(&self) -> Option<Use> {
        Use::of(self.wanted, self.seen)
    }
}

/// Where a host has this directory of a release.
fn dir_of(installed: &Installed, place: Place<'_>, tree: &Tree<'_>) -> String {
    match place {
        Place::Lib(dir) => settled(&installed.dirs, &[dir, &tree::relocated(dir, tree)]).unwrap_or(dir.to_owned()),
        Place::Erts(dir) | Place::Release(dir) => dir.to_owned(),
        Place::Top => top_dir(&installed.version),
    }
}

/// Where a host has each file of a release that edeliver put there, by its path in the release.
pub fn whereabouts<'a>(installed: &Installed, manifest: &'a Manifest) -> BTreeMap<&'a RelPath, RelPath> {
    let trees = tree::of_release(manifest);
    let dirs: BTreeMap<_, _> = trees.iter().map(|(place, tree)| (*place, dir_of(installed, *place, tree))).collect();
    let there = |path: &'a RelPath| {
        let place = Place::of(path, &manifest.version);
        let below = &path.as_str()[place.dir().map_or(0, str::len)..];
        let there = format!("{}/{}", dirs.get(&place)?, below.trim_start_matches('/'));
        Some((path, there.parse().ok()?))
    };
    manifest.contents().filter_map(|file| there(file.path)).collect()
}

fn only_files(tree: &Tree<'_>) -> bool {
    tree.values().all(|kind| matches!(kind, EntryKind::File { .. }))
}

fn settled(used: &[RelPath], dirs: &[&str]) -> Option<String> {
    dirs.iter().find(|dir| used.iter().any(|used| used.as_str() == **dir)).map(|dir| (*dir).to_owned())
}
