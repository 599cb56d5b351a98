//! Is the code that a node has loaded that of the release it says it runs?
//!
//! What release_handler and the disk say is what should run. What does run is told by the MD5 of each loaded module; what it ought to
//! be by the MD5 of the release's `.beam` files, as the store has them.

use std::io::Read;

use edeliver_core::{
    name::Version,
    release::{Digest, EntryKind, Manifest},
};
use edeliver_erl::beam::Beam;

use super::Modules;
use crate::store::{Store, StoreError, parallel};

/// What came of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// Modules of the release that are loaded.
    pub loaded: usize,
    /// Those of them whose code is another; sorted.
    pub others: Vec<String>,
}

/// Compares loaded modules with those of a release. Modules that are not the release's (made at run time, preloaded) don't count.
pub fn compare(loaded: &Modules, release: &Modules) -> Compared {
    let both = || loaded.iter().filter_map(|(name, md5)| Some((name, md5, release.get(name)?)));
    let others = both().filter(|(_, md5, expected)| md5 != expected).map(|(name, ..)| name.clone()).collect();
    Compared { loaded: both().count(), others }
}

/// What the store keeps of a release's modules: reading hundreds of files takes longer than asking a node.
const KEPT: &str = "modules";

/// The modules of a release in the store.
///
/// # Errors
/// The store does not have the release, or not whole.
pub fn of_release(store: &Store, version: &Version) -> Result<Modules, StoreError> {
    let id = store.manifest_id(version)?;
    if let Some(kept) = store.derived(KEPT, version, &id) {
        return Ok(kept);
    }
    let modules = of_manifest(store, &store.manifest(version)?)?;
    // A store that takes nothing more is no reason not to tell.
    let _ = store.keep_derived(KEPT, version, &id, &modules);
    Ok(modules)
}

fn of_manifest(store: &Store, manifest: &Manifest) -> Result<Modules, StoreError> {
    let files: Vec<_> = beam_files(manifest).collect();
    let read = parallel::map(parallel::processors(), &files, |digest| read(store, digest));
    let read: Result<Vec<_>, _> = read.into_iter().collect();
    Ok(read?.into_iter().flatten().collect())
}

/// Name and code of the module in this file; `None` for content that is damaged or no module.
fn read(store: &Store, digest: &Digest) -> Result<Option<(String, u64)>, StoreError> {
    let mut file = Vec::new();
    let whole = store.open_blob(digest)?.read_to_end(&mut file).is_ok();
    Ok(whole.then(|| module(&file)).flatten())
}

/// Consolidated protocols last: mix puts them before the libraries in the code path, so theirs is the code that counts.
fn beam_files(manifest: &Manifest) -> impl Iterator<Item = &Digest> {
    let all = manifest.files.iter().filter_map(|entry| match &entry.kind {
        EntryKind::File { sha256, .. } if entry.path.as_str().ends_with(".beam") => Some((entry.path.as_str(), sha256)),
        _ => None,
    });
    let (consolidated, libraries): (Vec<_>, Vec<_>) = all.partition(|(path, _)| path.contains("/consolidated/"));
    libraries.into_iter().chain(consolidated).map(|(_, digest)| digest)
}

fn module(file: &[u8]) -> Option<(String, u64)> {
    let beam = Beam::parse(file).ok()?;
    let half = *beam.md5().ok()?.first_chunk()?;
    Some((beam.module().as_str().to_owned(), u64::from_be_bytes(half)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_modules_of_the_release_that_are_loaded_count() {
        let modules = |list: &[(&str, u64)]| list.iter().map(|(name, md5)| ((*name).to_owned(), *md5)).collect::<Modules>();
        let release = modules(&[("a", 1), ("b", 2), ("c", 3)]);
        let same = compare(&modules(&[("a", 1), ("b", 2), ("shell_eval", 9)]), &release);
        assert_eq!(same, Compared { loaded: 2, others: vec![] });
        let patched = compare(&modules(&[("a", 1), ("b", 7)]), &release);
        assert_eq!(patched, Compared { loaded: 2, others: vec!["b".to_owned()] });
    }
}
