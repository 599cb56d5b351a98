//! What most hosts have.

use std::collections::BTreeMap;

use super::{CONFIG, Look, Most, Observed, host::is_up};
use crate::{
    facts::{Installed, Seen},
    name::Version,
    release::{Digest, ManifestId, RelPath},
};

impl Most {
    /// Of the hosts that could be looked at.
    pub(super) fn of(looks: &[Look]) -> Self {
        let all = || looks.iter().filter_map(|look| look.observed.as_ref().ok());
        let versions: Vec<Version> = all().filter_map(|one| one.seen.permanent.clone()).collect();
        let of_version = |version: &Version| most(all().map(|one| config_of(one, version)).filter(|files| !files.is_empty()));
        Self {
            permanent: most(all().map(|one| permanent(&one.seen))).flatten(),
            runs: most(all().filter(|one| is_up(&one.seen)).map(|one| one.seen.node.version.clone())).flatten(),
            up: most(all().map(|one| is_up(&one.seen))).unwrap_or(false),
            erts: most(all().filter_map(|one| erts(&one.seen))),
            cookie: most(all().filter_map(|one| one.closer.cookie)),
            cookie_file: most(all().filter_map(|one| one.closer.cookie_file)),
            foreign: most(all().map(|one| foreign(&one.seen))).unwrap_or_default(),
            config: versions.into_iter().filter_map(|version| Some((version.clone(), of_version(&version)?))).collect(),
        }
    }
}

/// The most frequent value; of several the first.
fn most<T: PartialEq>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut counted: Vec<(T, usize)> = Vec::new();
    for value in values {
        match counted.iter_mut().find(|(known, _)| *known == value) {
            Some((_, count)) => *count += 1,
            None => counted.push((value, 1)),
        }
    }
    let highest = counted.iter().map(|(_, count)| *count).max()?;
    counted.into_iter().find(|(_, count)| *count == highest).map(|(value, _)| value)
}

/// The release of this version.
pub(super) fn installed<'a>(seen: &'a Seen, version: &Version) -> Option<&'a Installed> {
    seen.installed.iter().find(|installed| installed.version == *version)
}

/// What boots, and which build of it.
pub(super) fn permanent(seen: &Seen) -> Option<(Version, Option<ManifestId>)> {
    let version = seen.permanent.clone()?;
    let manifest = installed(seen, &version).and_then(|installed| installed.manifest);
    Some((version, manifest))
}

/// The runtime system of what boots, by its `.rel`, or by its manifest.
pub(super) fn erts(seen: &Seen) -> Option<String> {
    let boots = installed(seen, seen.permanent.as_ref()?)?;
    let rel = boots.rel.as_ref().and_then(|text| edeliver_erl::rel::Rel::parse(text.as_bytes()).ok());
    let of_manifest = || boots.files.as_ref()?.built_with.erts.clone();
    rel.map(|rel| rel.erts.as_str().to_owned()).or_else(of_manifest)
}

/// Releases that edeliver did not put there, beside what boots.
pub(super) fn foreign(seen: &Seen) -> Vec<Version> {
    let is_foreign = |one: &&Installed| one.manifest.is_none() && Some(&one.version) != seen.permanent.as_ref();
    let mut versions: Vec<Version> = seen.installed.iter().filter(is_foreign).map(|one| one.version.clone()).collect();
    versions.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    versions
}

/// The configuration files of a release as they are there.
pub(super) fn config_of(one: &Observed, version: &Version) -> BTreeMap<RelPath, Digest> {
    let dir = format!("releases/{version}/");
    let is_its = |path: &RelPath| path.as_str().strip_prefix(&dir).is_some_and(|name| CONFIG.contains(&name));
    one.closer.config.iter().filter(|(path, _)| is_its(path)).map(|(path, digest)| (path.clone(), *digest)).collect()
}
