//! `releases/RELEASES` as it should read: what `release_handler` knows of a root when the node starts.
//!
//! mix ships no such file, and a root that was filled by hand may have a wrong one. Without it, going back and removing releases are
//! broken on the node (see [`edeliver_erl::rel::releases`]), so every activation writes it whole: one entry for each installed release,
//! made from its `.rel`.

use edeliver_erl::{
    Vsn,
    rel::{
        Rel, RelApp,
        releases::{Release, Releases, Status},
    },
};

use crate::{
    facts::{Installed, Seen},
    name::Version,
    release::RelPath,
    step::Lib,
};

/// The releases of a root with one of them permanent; `None` if nothing can be said of that one, because it has no readable `.rel`.
pub(super) fn with_permanent(seen: &Seen, version: &Version) -> Option<Releases> {
    let mut releases = listed(seen);
    releases.make_permanent(&vsn(version)?).ok()?;
    Some(releases)
}

/// The releases of a root and one more, which is permanent.
pub(super) fn with_new(seen: &Seen, rel: &Rel, dirs: &[RelPath]) -> Releases {
    let mut releases = listed(seen);
    releases.insert(Release::from_rel(rel, Status::Permanent, |app| dir_of(app, dirs)));
    releases
}

/// The releases of a root as a node that runs `running` has to see them before it is upgraded to `rel`: that one is permanent, for the node
/// takes it for what runs, and the new one is known. `None` if nothing can be said of what runs, because it has no readable `.rel`.
pub(super) fn before_upgrade(seen: &Seen, running: &Version, rel: &Rel, dirs: &[RelPath]) -> Option<Releases> {
    let mut releases = listed(seen);
    if releases.get(&rel.vsn).is_none() {
        releases.insert(Release::from_rel(rel, Status::Unpacked, |app| dir_of(app, dirs)));
    }
    releases.make_permanent(&vsn(running)?).ok()?;
    Some(releases)
}

/// The applications of a release with the directories that they have on a host; `None` if one has a name that makes no path.
pub(super) fn libs(rel: &Rel, dirs: &[RelPath]) -> Option<Vec<Lib>> {
    let lib = |app: &RelApp| {
        let dir = format!("lib/{}", dir_of(app, dirs)).parse().ok()?;
        Some(Lib { app: app.name.as_str().to_owned(), vsn: app.vsn.as_str().to_owned(), dir })
    };
    rel.applications.iter().map(lib).collect()
}

/// Without these; the permanent one is never among them.
pub(super) fn without(mut releases: Releases, versions: &[Version]) -> Releases {
    for version in versions.iter().filter_map(vsn) {
        // Not listed is as good as removed, and a permanent one stays.
        let _ = releases.remove(&version);
    }
    releases
}

/// Whether the file on the host says the same, whatever the order.
pub(super) fn same(seen: &Seen, wanted: &Releases) -> bool {
    let sorted = |releases: &Releases| {
        let mut entries: Vec<_> = releases.iter().cloned().collect();
        entries.sort_by(|a, b| a.vsn.as_str().cmp(b.vsn.as_str()));
        entries
    };
    on_host(seen).is_some_and(|file| sorted(&file) == sorted(wanted))
}

fn on_host(seen: &Seen) -> Option<Releases> {
    Releases::parse(seen.releases_file.as_ref()?.as_bytes()).ok()
}

/// What is installed, with the status that the file has for it. At most one is permanent: [`Releases::insert`] sees to it.
fn listed(seen: &Seen) -> Releases {
    let file = on_host(seen).unwrap_or_default();
    let mut releases = Releases::default();
    for release in seen.installed.iter().rev().filter_map(|installed| entry(installed, &file)) {
        releases.insert(release);
    }
    releases
}

/// Its entry, from its `.rel`. A release that was put there otherwise keeps the entry it has, unless that lists nothing.
fn entry(installed: &Installed, file: &Releases) -> Option<Release> {
    let version = vsn(&installed.version)?;
    let existing = file.get(&version);
    let status = existing.map_or(Status::Old, |release| release.status);
    let kept = existing.filter(|release| installed.manifest.is_none() && !release.libs.is_empty()).cloned();
    let made = || rel_of(installed).map(|rel| Release::from_rel(&rel, status, |app| dir_of(app, &installed.dirs)));
    kept.or_else(made)
}

/// The `.rel` of an installed release, if it can be read and is of that version.
pub(super) fn rel_of(installed: &Installed) -> Option<Rel> {
    let rel = Rel::parse(installed.rel.as_ref()?.as_bytes()).ok()?;
    (rel.vsn.as_str() == installed.version.as_str()).then_some(rel)
}

/// The `lib/` and `erts-*` directories that an installed release uses; `None` if that is not known.
pub(super) fn uses(installed: &Installed) -> Option<Vec<RelPath>> {
    if installed.manifest.is_some() && !installed.dirs.is_empty() {
        return Some(installed.dirs.clone());
    }
    let rel = rel_of(installed)?;
    let libs = rel.applications.iter().map(|app| format!("lib/{}", app.dir_name()));
    libs.chain([format!("erts-{}", rel.erts)]).map(|dir| dir.parse().ok()).collect()
}

/// The directory below `lib/` that an application has on this host: its own, or the one it was moved to.
fn dir_of(app: &RelApp, dirs: &[RelPath]) -> String {
    let name = app.dir_name();
    let is_moved = |dir: &&str| dir.strip_prefix(&name).is_some_and(|rest| rest.starts_with('~'));
    let mut libs = dirs.iter().filter_map(|dir| dir.as_str().strip_prefix("lib/"));
    if libs.clone().any(|dir| dir == name) { name } else { libs.find(is_moved).map_or_else(|| name.clone(), str::to_owned) }
}

fn vsn(version: &Version) -> Option<Vsn> {
    Vsn::new(version.as_str()).ok()
}
