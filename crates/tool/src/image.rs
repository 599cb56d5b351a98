//! Releases of the store as code: what deciding about a hot upgrade needs to know of them.

use std::{collections::BTreeMap, io::Read as _};

use edeliver_core::release::{Digest, Manifest};
use edeliver_erl::{
    changes::Changes,
    image::{self, Image, Modules},
};

use crate::store::{Store, StoreError};

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
    let mut modules = Modules::default();
    let before = read(store, before, &mut modules)?;
    let after = read(store, after, &mut modules)?;
    Ok(Changes::between(&before, &after))
}

/// A release of the store. What `modules` has already is not read again.
///
/// # Errors
/// As [`changes`].
pub fn read(store: &Store, manifest: &Manifest, modules: &mut Modules) -> Result<Image, ImageError> {
    let files: BTreeMap<String, [u8; 32]> =
        manifest.contents().map(|file| (file.path.as_str().to_owned(), *file.sha256.as_bytes())).collect();
    let mut content = |id: &[u8; 32]| {
        let mut content = Vec::new();
        let read = store.open_blob(&Digest::from_bytes(*id))?.read_to_end(&mut content);
        read.map_err(|source| StoreError::Read { path: Digest::from_bytes(*id).to_string().into(), source })?;
        Ok(content)
    };
    Image::read(manifest.version.as_str(), &files, modules, &mut content)
        .map_err(|source| ImageError { title: manifest.title(), source: Box::new(source) })
}
