//! What a host has that is much like what travels: a file that changed between two releases is mostly what it was, so what travels can be
//! packed as the difference.
//!
//! Two files are taken for alike if they have the same place in two releases, with the versions left out: `lib/app-0.1.0/ebin/m.beam` and
//! `lib/app-0.2.0/ebin/m.beam`. Nothing depends on it but the number of bytes.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use super::{host::whereabouts, names_libraries};
use crate::{
    facts::{Installed, Seen},
    release::{RelPath, layout::OWN},
    step::{Base, Placed},
};

/// Smaller files are not worth their names.
const WORTH_IT: u64 = 512;
/// More are not taken: their names travel too.
const MOST: usize = 200;
/// Nor are more bytes: both sides hold them in memory.
const MOST_BYTES: u64 = 32 << 20;

/// For what travels, largest first: its like in the release that boots, or else in the newest that has one.
pub(super) fn like(send: &[Placed], seen: &Seen) -> Vec<Base> {
    let mut largest: Vec<&Placed> = send.iter().filter(|file| file.size >= WORTH_IT).collect();
    largest.sort_by_key(|file| Reverse(file.size));
    largest.truncate(MOST);
    let mut wanted: HashMap<String, usize> = largest.iter().enumerate().map(|(at, file)| (slot(&file.path), at)).collect();
    let mut found: BTreeMap<usize, Base> = BTreeMap::new();
    let is_other = |installed: &&Installed| Some(&installed.version) != seen.permanent.as_ref();
    let boots = seen.installed.iter().filter(|installed| !is_other(installed));
    for installed in boots.chain(seen.installed.iter().filter(is_other)) {
        if wanted.is_empty() {
            break;
        }
        for base in files(installed) {
            if let Some(at) = wanted.remove(&slot(&base.path)) {
                found.insert(at, base);
            }
        }
    }
    let mut bytes = 0;
    let small_enough = |base: &Base| {
        bytes += base.size;
        bytes <= MOST_BYTES
    };
    found.into_values().take_while(small_enough).collect()
}

/// Where a file stands in any release: its path without versions.
fn slot(path: &RelPath) -> String {
    let mut parts = path.parts();
    let (first, second) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let rest = parts.collect::<Vec<_>>().join("/");
    match first {
        "lib" => format!("lib/{}/{rest}", second.split('-').next().unwrap_or_default()),
        "releases" => format!("releases/{rest}"),
        OWN => format!("top/{}", rest.split_once('/').map_or("", |(_, below)| below)),
        _ if first.starts_with("erts-") => format!("erts/{second}/{rest}"),
        _ => path.to_string(),
    }
}

/// The files of a release where the host has them. Not those that start scripts and people write over, nor boot files that were rewritten.
fn files(installed: &Installed) -> impl Iterator<Item = Base> {
    let moved = installed.dirs.iter().any(|dir| dir.as_str().contains('~'));
    let manifest = installed.files.as_deref();
    let there = manifest.map(|manifest| whereabouts(installed, manifest)).unwrap_or_default();
    let contents = manifest.into_iter().flat_map(|manifest| manifest.contents());
    contents.filter_map(move |file| {
        let own = file.path.as_str().strip_prefix("releases/").and_then(|path| path.split_once('/'));
        let keeps = own.is_none_or(|(_, name)| name.contains('/') || !moved && names_libraries(name));
        let path = there.get(file.path).filter(|_| keeps)?.clone();
        Some(Base { path, sha256: file.sha256, size: file.size })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_no_versions() {
        for (one, other) in [
            ("lib/shop-0.1.0/ebin/a.beam", "lib/shop-0.2.0-rc.1~1a2b3c4d/ebin/a.beam"),
            ("releases/0.1.0/start.boot", "releases/0.2.0/start.boot"),
            (".edeliver/top/0.1.0/bin/shop", ".edeliver/top/0.2.0/bin/shop"),
            ("erts-14.0/bin/beam.smp", "erts-15.1/bin/beam.smp"),
        ] {
            assert_eq!(slot(&one.parse().unwrap()), slot(&other.parse().unwrap()));
        }
        assert_ne!(slot(&"lib/shop-1/ebin/a.beam".parse().unwrap()), slot(&"lib/shop-1/ebin/b.beam".parse().unwrap()));
    }
}
