//! Whether a release can be put onto a host at all, told before the first byte travels.

use crate::{
    delta::{Conflict, Delta},
    facts::{Seen, TakenBack},
    hint::Hint,
    release::{Libc, Manifest, Platform},
    size::size,
};

/// One thing that stands in the way, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Obstacle {
    pub(crate) why: String,
    pub(crate) hint: Hint,
}

/// Blocks on the disk are filled up, and directories take one each.
const BYTES_PER_ENTRY: u64 = 4096;
/// What a root's small files (manifest, RELEASES, the scripts' own) and the node's first logs take.
const MARGIN: u64 = 8 * 1024 * 1024;

/// Everything that stands in the way.
pub(super) fn obstacles(manifest: &Manifest, delta: &Delta, seen: &Seen, force: bool) -> Vec<Obstacle> {
    let mut obstacles = platform(&manifest.platform, &seen.platform);
    obstacles.extend(tools(seen));
    obstacles.extend(writing(seen));
    obstacles.extend(taken_back(manifest, seen).filter(|_| !force));
    obstacles.extend(space(delta, seen));
    obstacles.extend(delta.obstacles(force).map(|conflict| Obstacle { why: conflict.to_string(), hint: remedy(conflict) }));
    obstacles
}

/// Programs that a deploy needs and the host has not.
pub(crate) fn tools(seen: &Seen) -> impl Iterator<Item = Obstacle> {
    let missing = seen.missing_tools.iter();
    missing.map(|tool| Obstacle { why: format!("the host has no {tool}"), hint: Hint::text(format!("install {tool} there")) })
}

/// What of a release the host's system can't run.
pub(crate) fn platform(needs: &Platform, has: &Platform) -> Vec<Obstacle> {
    let hint = || Hint::text("build the release on a host like this one");
    let differs = |needs: &str, has: &str| needs != Platform::ANY && needs != has;
    let mut why = Vec::new();
    if differs(&needs.os, &has.os) {
        why.push(format!("the release is for {}, the host runs {}", needs.os, has.os));
    } else if differs(&needs.arch, &has.arch) {
        why.push(format!("the release is for {}, the host is {}", needs.arch, has.arch));
    } else {
        why.extend(libc(&needs.libc, &has.libc));
    }
    why.into_iter().map(|why| Obstacle { why, hint: hint() }).collect()
}

/// What can't be compared is not held against the host.
fn libc(needs: &Libc, has: &Libc) -> Option<String> {
    match (needs, has) {
        (Libc::Glibc(needs), Libc::Glibc(has)) if numbers(needs) > numbers(has) => {
            Some(format!("the release needs glibc {needs}, the host has {has}"))
        }
        (Libc::Glibc(_), Libc::Musl) => Some("the release needs glibc, the host has musl".to_owned()),
        (Libc::Musl, Libc::Glibc(_)) => Some("the release needs musl, the host has glibc".to_owned()),
        _ => None,
    }
}

fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

/// That the login may not write in the root.
pub(crate) fn writing(seen: &Seen) -> Option<Obstacle> {
    (!seen.writable).then(|| Obstacle {
        why: format!("{} may not write in {}", seen.user, seen.root),
        hint: Hint::text(format!("give {} to {}, with everything in it, or use another login", seen.root, seen.user)),
    })
}

/// That this very release was tried before, and taken back.
fn taken_back(manifest: &Manifest, seen: &Seen) -> Option<Obstacle> {
    let is_it = |it: &&TakenBack| it.version == manifest.version && it.manifest == manifest.id();
    seen.taken_back.iter().find(is_it).map(|it| Obstacle {
        why: format!("{} was taken back in run {}", it.version, it.run),
        hint: Hint::text(format!("`--force` tries it once more; `edeliver run show {}` tells why it was", it.run)),
    })
}

fn space(delta: &Delta, seen: &Seen) -> Option<Obstacle> {
    let entries = delta.send.len() + delta.copy.len() + delta.twins.len() + delta.place.len();
    // The host joins what the stream is the difference from; without zstd it is none.
    let base: u64 = delta.bases.iter().filter(|_| seen.zstd).map(|base| base.size).sum();
    let needs = delta.bytes_written() + base + entries as u64 * BYTES_PER_ENTRY + MARGIN;
    let free = seen.free_kib.saturating_mul(1024);
    (free < needs && !delta.is_empty()).then(|| Obstacle {
        why: format!("it takes {}, and {} are free at {}", size(needs), size(free), seen.root),
        hint: Hint::text("make room there; `--clean-deploy` on a deploy that fits removes old releases"),
    })
}

fn remedy(conflict: &Conflict) -> Hint {
    match conflict {
        Conflict::Release { in_use: None, .. } => Hint::text("`--force` replaces it; better build a new version"),
        Conflict::Release { in_use: Some(_), .. } => Hint::text("build a new version: what is in use is never overwritten"),
        Conflict::Runtime { .. } => Hint::text("build with the same Erlang installation as before, or another version of it"),
        Conflict::Library { .. } => Hint::text("find out who changed it, and remove it if nothing needs it"),
    }
}
