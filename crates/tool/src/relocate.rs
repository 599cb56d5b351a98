//! Boot files for hosts on which libraries have other directories than in the release.
//!
//! A library that changed although its version did not gets a directory of its own beside the old one (see [`edeliver_core::delta`]).
//! The boot files name library directories, so the release's are rewritten for that host.

use std::{collections::HashMap, io::Read, sync::Arc};

use edeliver_core::{
    delta::{Delta, Relocated, Rewritten},
    release::{Digest, EntryKind, Manifest, RelPath},
};
use edeliver_erl::boot::{BootError, BootScript};

use crate::store::{Store, StoreError};

/// Why a release can't be put onto a host that has another build of one of its libraries.
#[derive(Debug, thiserror::Error)]
pub enum RelocateError {
    /// The store.
    #[error("the content of {path} can't be read")]
    Store {
        /// The file in the release.
        path: RelPath,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// The disk, or content that is not what its name says.
    #[error("the content of {path} can't be read")]
    Read {
        /// The file in the release.
        path: RelPath,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is no boot file.
    #[error("{path} can't be rewritten")]
    Boot {
        /// The file in the release.
        path: RelPath,
        /// Why.
        #[source]
        source: BootError,
    },
    /// A boot script with terms that have no written form.
    #[error("{path} can't be written as text")]
    Text {
        /// The file in the release.
        path: RelPath,
    },
}

/// Rewritten files, for the plan by path and digest, for the transfer by digest and content.
#[derive(Debug, Clone, Default)]
pub struct Relocation {
    /// What the plan needs to know.
    pub rewritten: Rewritten,
    /// What travels.
    pub contents: HashMap<Digest, Arc<[u8]>>,
}

/// Rewrites what a delta says must be rewritten; nothing where no library is elsewhere.
///
/// # Errors
/// [`RelocateError`]: the content can't be read, or is no boot file.
pub fn relocate(store: &Store, manifest: &Manifest, delta: &Delta) -> Result<Relocation, RelocateError> {
    let mut relocation = Relocation::default();
    for path in &delta.rewrite {
        let content = content(store, manifest, path)?;
        let Some(rewritten) = rewrite(path, &content, &delta.relocated)? else { continue };
        let digest = Digest::of(&rewritten);
        relocation.rewritten.insert(path.clone(), (digest, rewritten.len() as u64));
        relocation.contents.insert(digest, rewritten.into());
    }
    Ok(relocation)
}

/// The content of a file of a release. An empty one for what is no file.
///
/// # Errors
/// It can't be read.
pub fn content(store: &Store, manifest: &Manifest, path: &RelPath) -> Result<Vec<u8>, RelocateError> {
    let entry = manifest.files.iter().find(|entry| entry.path == *path);
    let Some(EntryKind::File { sha256, .. }) = entry.map(|entry| &entry.kind) else { return Ok(Vec::new()) };
    let mut bytes = Vec::new();
    let mut blob = store.open_blob(sha256).map_err(|source| RelocateError::Store { path: path.clone(), source })?;
    blob.read_to_end(&mut bytes).map_err(|source| RelocateError::Read { path: path.clone(), source })?;
    Ok(bytes)
}

/// The file with libraries in their directories on the host; `None` if it names none of them (`.rel` files have versions only).
fn rewrite(path: &RelPath, content: &[u8], relocated: &[Relocated]) -> Result<Option<Vec<u8>>, RelocateError> {
    let is_boot = path.as_str().ends_with(".boot");
    if !is_boot && !path.as_str().ends_with(".script") {
        return Ok(None);
    }
    let read = if is_boot { BootScript::from_boot(content) } else { BootScript::from_script(content) };
    let mut script = read.map_err(|source| RelocateError::Boot { path: path.clone(), source })?;
    let moved: usize = relocated.iter().map(|library| script.move_library(name(&library.from), name(&library.to))).sum();
    match (moved, is_boot) {
        (0, _) => Ok(None),
        (_, true) => Ok(Some(script.to_boot())),
        (_, false) => {
            let text = script.to_script().map_err(|_| RelocateError::Text { path: path.clone() })?;
            Ok(Some(text.into_bytes()))
        }
    }
}

/// `app-0.1.0` of `lib/app-0.1.0`.
fn name(dir: &RelPath) -> &str {
    dir.as_str().rsplit('/').next().unwrap_or_default()
}
