//! Releases of the store as code: what deciding about a hot upgrade needs to know of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read as _,
};

use edeliver_core::release::{Digest, Manifest};
use edeliver_erl::{
    changes::Changes,
    image::{self, ContentId, Image, Module, Modules},
};

use crate::store::{Store, StoreError, parallel};

/// A release of the store can't be read as code.
#[derive(Debug, thiserror::Error)]
#[error("{title} can't be read")]
pub struct ImageError {
    /// Which release.
    pub title: String,
    /// Why.
    #[source]
    pub source: Box<image::ImageError<StoreError>>,
}

/// What differs between two releases of the store.
///
/// # Errors
/// A file of one of them is gone, damaged, or not what it should be.
pub fn changes(store: &Store, before: &Manifest, after: &Manifest) -> Result<Changes, ImageError> {
    let mut modules = parsed(store, &[before, after]);
    let before = read(store, before, &mut modules)?;
    let after = read(store, after, &mut modules)?;
    Ok(Changes::between(&before, &after))
}

/// A release of the store. What `modules` has already is not read again.
///
/// # Errors
/// As [`changes`].
pub fn read(store: &Store, manifest: &Manifest, modules: &mut Modules) -> Result<Image, ImageError> {
    let files: BTreeMap<String, ContentId> =
        manifest.contents().map(|file| (file.path.as_str().to_owned(), *file.sha256.as_bytes())).collect();
    Image::read(manifest.version.as_str(), &files, modules, &mut |id| content(store, id))
        .map_err(|source| ImageError { title: manifest.title(), source: Box::new(source) })
}

/// The modules of some releases, each content read and parsed once, by as many threads as can compute at the same time. What can't be read
/// is left out: reading the release will come to it and tell its path.
fn parsed(store: &Store, manifests: &[&Manifest]) -> Modules {
    let files = manifests.iter().flat_map(|manifest| manifest.contents()).filter(|file| Modules::has_place(file.path.as_str()));
    let contents: Vec<ContentId> = files.map(|file| *file.sha256.as_bytes()).collect::<BTreeSet<_>>().into_iter().collect();
    let parse = |id: &ContentId| content(store, id).ok().and_then(|file| Module::parse(&file).ok());
    let mut modules = Modules::default();
    for (id, module) in contents.iter().zip(parallel::map(parallel::processors(), &contents, parse)) {
        module.into_iter().for_each(|module| modules.insert(*id, module));
    }
    modules
}

fn content(store: &Store, id: &ContentId) -> Result<Vec<u8>, StoreError> {
    let digest = Digest::from_bytes(*id);
    let mut content = Vec::new();
    match store.open_blob(&digest)?.read_to_end(&mut content) {
        Ok(_) => Ok(content),
        Err(error) => Err(error.downcast().unwrap_or_else(|source| StoreError::Read { path: digest.to_string().into(), source })),
    }
}

#[cfg(test)]
mod tests;
