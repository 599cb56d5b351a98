//! A host as a map, and deploys to it as the scripts on real hosts do them: copy and unpack into staging, then rename.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::facts::{Installed, NodeFacts, Unfinished};

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    File { mode: u32, content: Digest },
    Link(String),
    Dir,
}

/// How a deploy ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Applied {
    Complete,
    Interrupted,
    Blocked,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Host {
    files: BTreeMap<String, Node>,
    managed: Vec<(Manifest, Vec<RelPath>)>,
    /// Releases of which there is the list of directories, which is written first, and no manifest.
    unfinished: Vec<Unfinished>,
    /// Releases that were unpacked over the root, with the files they rely on.
    unmanaged: Vec<(Version, BTreeSet<String>)>,
    pub(super) permanent: Option<Version>,
    pub(super) previous: Option<Version>,
    pub(super) running: Option<Version>,
}

const WORDS: &[&str] = &["script", "beam", "patched", "a1", "a2", "b1", "d1", "d2", "p1", "boot1", "boot2", "secret", ""];

impl Host {
    pub(super) fn content(&self, path: &str) -> Option<String> {
        let Some(Node::File { content, .. }) = self.files.get(path) else { return None };
        WORDS.iter().find(|word| Digest::of(word.as_bytes()) == *content).map(|word| (*word).to_owned())
    }

    /// Someone removes a directory. A release without its `releases/VERSION` is none any more.
    pub(super) fn lose_dir(&mut self, dir: &str) {
        if self.unmanaged.iter().any(|(_, files)| files.iter().any(|path| Self::is_below(path, dir))) {
            return; // nobody could tell that it was there
        }
        self.remove_dir(dir);
        if let Some(version) = dir.strip_prefix("releases/") {
            self.lose_manifest(&version.parse().unwrap());
        }
    }

    fn remove_dir(&mut self, dir: &str) {
        let below = format!("{dir}/");
        self.files.retain(|path, _| path != dir && !path.starts_with(&below));
    }

    pub(super) fn exists(&self, dir: &str) -> bool {
        let below = format!("{dir}/");
        self.files.keys().any(|path| path == dir || path.starts_with(&below))
    }

    pub(super) fn versions(&self) -> Vec<Version> {
        let managed = self.managed.iter().map(|(manifest, _)| manifest.version.clone());
        managed.chain(self.unmanaged.iter().map(|(version, _)| version.clone())).collect()
    }

    /// Unpacks an archive over the root, as the original does. Only where that destroys nothing: what it does else is not ours.
    pub(super) fn untar(&mut self, release: &Manifest) {
        let clean = |(place, tree): (&Place<'_>, &Tree<'_>)| {
            place.dir().is_none_or(|dir| self.is_free(dir) || self.below(dir) == nodes(tree) && !self.below(dir).is_empty())
        };
        let was_ours = self.unfinished.iter().any(|left| left.version == release.version);
        if was_ours || self.versions().contains(&release.version) || !tree::of_release(release).iter().all(clean) {
            return;
        }
        self.files.extend(release.files.iter().map(|entry| (entry.path.to_string(), node(&entry.kind))));
        self.permanent = Some(release.version.clone());
        self.unmanaged.push((release.version.clone(), release.files.iter().map(|entry| entry.path.to_string()).collect()));
    }

    /// Leaves directories behind that nothing uses.
    pub(super) fn litter(&mut self, release: &Manifest) {
        for (place, tree) in tree::of_release(release) {
            if let Place::Lib(dir) = place
                && self.is_free(dir)
            {
                self.files.extend(nodes(&tree).into_iter().map(|(path, node)| (join(dir, &path).to_string(), node)));
            }
        }
    }

    /// Not there, and no manifest says that it should be: files that changed behind a manifest are not seen by facts.
    fn is_free(&self, dir: &str) -> bool {
        !self.exists(dir) && !self.managed.iter().any(|(_, dirs)| dirs.iter().any(|used| used.as_str() == dir))
    }

    /// Makes an installed release the one that boots, and boots it perhaps.
    pub(super) fn activate(&mut self, version: &Version, start: bool) {
        if self.permanent.as_ref() != Some(version) {
            self.previous = self.permanent.replace(version.clone());
        }
        self.running = start.then(|| version.clone());
    }

    /// What scripts report.
    pub(super) fn seen(&self) -> Seen {
        let mut seen = super::random::empty_seen();
        seen.dirs = self.files.iter().filter_map(|(path, node)| dir_of(path, node)).collect();
        (seen.permanent, seen.previous) = (self.permanent.clone(), self.previous.clone());
        if self.running.is_some() {
            let (booted, version) = (self.running.clone(), self.running.clone());
            seen.node = NodeFacts { state: NodeState::Running, booted, version, ..NodeFacts::down() };
        }
        let releases: Vec<_> =
            seen.dirs.iter().filter_map(|dir| dir.as_str().strip_prefix("releases/")).map(str::to_owned).collect();
        let finished = |version: &&String| self.unfinished.iter().all(|left| left.version.as_str() != *version);
        seen.installed = releases.iter().filter(finished).map(|version| self.installed(version)).collect();
        seen.unfinished.clone_from(&self.unfinished);
        seen.strays = self.strays();
        seen.top = self.digests(|path| path.starts_with("bin/") || path == "releases/COOKIE");
        seen
    }

    fn installed(&self, version: &str) -> Installed {
        let managed = self.managed.iter().find(|(manifest, _)| manifest.version.as_str() == version);
        Installed {
            version: version.parse().unwrap(),
            manifest: managed.map(|(manifest, _)| manifest.id()),
            dirs: managed.map(|(_, dirs)| dirs.clone()).unwrap_or_default(),
            rel: None,
            failed: false,
            files: managed.map(|(manifest, _)| manifest.clone().into()),
        }
    }

    fn strays(&self) -> BTreeMap<RelPath, Digest> {
        let accounted: BTreeSet<String> =
            self.managed.iter().flat_map(|(manifest, dirs)| on_host(manifest, dirs).into_keys()).collect();
        let managed =
            |path: &str| self.managed.iter().any(|(manifest, _)| path.starts_with(&format!("releases/{}/", manifest.version)));
        self.digests(|path| {
            let looked_at = path.starts_with("lib/")
                || path.starts_with("erts-")
                || path.matches('/').count() > 1 && path.starts_with("releases/");
            looked_at && !accounted.contains(path) && !managed(path)
        })
    }

    fn digests(&self, wanted: impl Fn(&str) -> bool) -> BTreeMap<RelPath, Digest> {
        let files = self.files.iter().filter(|(path, _)| wanted(path));
        files
            .filter_map(|(path, node)| match node {
                Node::File { content, .. } => Some((path.parse().unwrap(), *content)),
                Node::Link(_) | Node::Dir => None,
            })
            .collect()
    }

    /// Deploys as `against` says, and checks every promise on the way; `stop` ends it after that many directories.
    pub(super) fn deploy(&mut self, wanted: &Manifest, force: bool, stop: Option<usize>) -> Applied {
        let delta = against(wanted, &self.seen());
        if delta.obstacles(force).next().is_some() {
            return Applied::Blocked;
        }
        let kept = self.kept(&wanted.version, &delta);
        let mut staging = self.stage(&delta);
        self.begin(wanted, &delta);
        for place in delta.place.iter().take(stop.unwrap_or(usize::MAX)) {
            self.place(place, &mut staging);
        }
        for (path, before) in &kept {
            assert_eq!(self.files.get(path), Some(before), "{path} is used by a release that stays");
        }
        if stop.is_some_and(|stop| stop < delta.place.len()) {
            return Applied::Interrupted;
        }
        assert_eq!(staging, BTreeMap::new(), "all that was staged has been placed");
        self.unfinished.retain(|left| left.version != wanted.version);
        self.managed.retain(|(manifest, _)| manifest.version != wanted.version);
        self.managed.push((wanted.clone(), delta.dirs.clone()));
        self.check_complete(wanted, &delta);
        Applied::Complete
    }

    /// Writes the list of directories; the manifest of another build goes.
    fn begin(&mut self, wanted: &Manifest, delta: &Delta) {
        let version = &wanted.version;
        self.managed.retain(|(manifest, _)| manifest.version != *version || manifest == wanted);
        self.unmanaged.retain(|(unmanaged, _)| unmanaged != version);
        self.unfinished.retain(|left| left.version != *version);
        if self.managed.iter().all(|(manifest, _)| manifest != wanted) {
            self.unfinished.push(Unfinished { version: version.clone(), dirs: delta.dirs.clone() });
        }
    }

    fn lose_manifest(&mut self, version: &Version) {
        for (manifest, dirs) in self.managed.extract_if(.., |(manifest, _)| manifest.version == *version) {
            self.unfinished.push(Unfinished { version: manifest.version, dirs });
        }
    }

    /// The files of all releases but one that is to be replaced, and in any case those of releases that are needed.
    fn kept(&self, wanted: &Version, delta: &Delta) -> BTreeMap<String, Node> {
        let own = rel_path(&format!("releases/{wanted}"));
        let replaced = !delta.conflicts.is_empty() || delta.place.iter().any(|place| place.replaces_leftover && place.dir == own);
        let stays = |version: &Version| !replaced || version != wanted || Use::of(version, &self.seen()).is_some();
        let managed = self
            .managed
            .iter()
            .filter(|(manifest, _)| stays(&manifest.version))
            .flat_map(|(manifest, dirs)| on_host(manifest, dirs).into_keys());
        let unmanaged = self.unmanaged.iter().filter(|(version, _)| stays(version)).flat_map(|(_, files)| files.iter().cloned());
        managed.chain(unmanaged).filter_map(|path| self.files.get(&path).map(|node| (path, node.clone()))).collect()
    }

    fn stage(&self, delta: &Delta) -> BTreeMap<String, Node> {
        let mut staging = BTreeMap::new();
        let mut put = |to: &Placed| {
            let node = Node::File { mode: to.mode, content: to.sha256 };
            assert_eq!(staging.insert(to.path.to_string(), node), None, "{} is made once", to.path);
        };
        for sent in &delta.send {
            put(sent);
        }
        for twin in &delta.twins {
            assert!(delta.send.iter().any(|sent| sent.path == twin.from && sent.sha256 == twin.to.sha256));
            put(&twin.to);
        }
        for copy in &delta.copy {
            let source = self.files.get(copy.from.as_str());
            assert!(matches!(source, Some(Node::File { content, .. }) if *content == copy.to.sha256), "{} has it", copy.from);
            put(&copy.to);
        }
        staging.extend(delta.links.iter().map(|link| (link.path.to_string(), Node::Link(link.target.clone()))));
        staging.extend(delta.empty_dirs.iter().map(|dir| (dir.to_string(), Node::Dir)));
        staging
    }

    fn place(&mut self, place: &Placement, staging: &mut BTreeMap<String, Node>) {
        let dir = place.dir.as_str();
        assert_eq!(self.exists(dir), place.replaces_leftover, "{dir}");
        self.remove_dir(dir);
        let below = format!("{dir}/");
        let moved = staging.extract_if(.., |path, _| path == dir || path.starts_with(&below));
        self.files.extend(moved);
        assert!(self.exists(dir), "{dir} was made in staging");
    }

    fn check_complete(&self, wanted: &Manifest, delta: &Delta) {
        for (path, node) in on_host(wanted, &delta.dirs) {
            assert_eq!(self.files.get(&path), Some(&node), "{path} is as wanted");
        }
        for place in &delta.place {
            let wanted = on_host(wanted, &delta.dirs).into_keys().filter(|path| Self::is_below(path, place.dir.as_str())).count();
            assert_eq!(self.below(place.dir.as_str()).len(), wanted, "{} has nothing else", place.dir);
        }
        let again = against(wanted, &self.seen());
        assert!(again.is_empty() && again.send.is_empty() && again.copy.is_empty() && again.conflicts.is_empty(), "{again:?}");
        assert_eq!(again.dirs, delta.dirs);
    }

    fn is_below(path: &str, dir: &str) -> bool {
        path == dir || path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'))
    }

    fn below(&self, dir: &str) -> BTreeMap<String, Node> {
        let below = self.files.iter().filter(|(path, _)| Self::is_below(path, dir));
        below.map(|(path, node)| (path[dir.len()..].trim_start_matches('/').to_owned(), node.clone())).collect()
    }

    /// Whether any file that can be told to have this content lies on the host.
    pub(super) fn holds(&self, content: Digest) -> bool {
        let known = |path: &str| ["lib/", "erts-"].iter().any(|top| path.starts_with(top));
        self.digests(known).values().any(|digest| *digest == content)
    }
}

/// Where the files of a release lie on a host.
fn on_host(manifest: &Manifest, dirs: &[RelPath]) -> BTreeMap<String, Node> {
    let mut files = BTreeMap::new();
    for (place, tree) in tree::of_release(manifest) {
        let other;
        let dir = match place {
            Place::Lib(dir) if dirs.iter().all(|used| used.as_str() != dir) => {
                other = tree::relocated(dir, &tree);
                &other
            }
            Place::Lib(dir) | Place::Erts(dir) | Place::Release(dir) => dir,
            Place::Top => &top_dir(&manifest.version),
        };
        files.extend(nodes(&tree).into_iter().map(|(path, node)| (join(dir, &path).to_string(), node)));
    }
    files
}

fn nodes(tree: &Tree<'_>) -> BTreeMap<String, Node> {
    tree.iter().map(|(path, kind)| ((*path).to_owned(), node(kind))).collect()
}

fn node(kind: &EntryKind) -> Node {
    match kind {
        EntryKind::File { mode, sha256, .. } => Node::File { mode: *mode, content: *sha256 },
        EntryKind::Link { target } => Node::Link(target.clone()),
        EntryKind::EmptyDir { .. } => Node::Dir,
    }
}

/// The directory that facts name, of which this path is a part.
fn dir_of(path: &str, node: &Node) -> Option<RelPath> {
    let path: RelPath = path.parse().unwrap();
    let parts: Vec<_> = path.parts().collect();
    let depth = match parts.as_slice() {
        ["lib" | "releases", ..] => 2,
        [".edeliver", "top", ..] => 3,
        [first, ..] if first.starts_with("erts-") => 1,
        _ => return None,
    };
    let is_dir = parts.len() > depth || parts.len() == depth && *node == Node::Dir;
    is_dir.then(|| path.top(depth).parse().unwrap())
}
