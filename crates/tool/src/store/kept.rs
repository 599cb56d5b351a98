//! A manifest as the store keeps it: with its own digest, so that a change of it is noticed as well.

use std::path::Path;

use edeliver_core::release::{Digest, Manifest, ManifestId};

use super::StoreError;

/// `{"sha256":"…","manifest":…}`: the digest is that of the manifest's text, which is in canonical form, so it is the manifest's id.
pub(super) fn write(manifest: &Manifest) -> (ManifestId, Vec<u8>) {
    let text = manifest.to_json();
    let id = Digest::of(&text);
    let mut kept = format!("{PREFIX}{id}{MIDDLE}").into_bytes();
    kept.extend_from_slice(&text);
    kept.extend_from_slice(SUFFIX.as_bytes());
    (id, kept)
}

const PREFIX: &str = r#"{"sha256":""#;
const MIDDLE: &str = r#"","manifest":"#;
const SUFFIX: &str = "}\n";
const DIGITS: usize = 64;

/// Takes it apart again and checks it.
pub(super) fn read(kept: &[u8], path: &Path) -> Result<(ManifestId, Manifest), StoreError> {
    let (id, text) = verified(kept).ok_or_else(|| StoreError::ManifestDamaged { path: path.to_owned() })?;
    match Manifest::from_json(text) {
        Ok(manifest) => Ok((id, manifest)),
        Err(source) => Err(StoreError::Manifest { path: path.to_owned(), source }),
    }
}

fn verified(kept: &[u8]) -> Option<(ManifestId, &[u8])> {
    let (digest, rest) = kept.strip_prefix(PREFIX.as_bytes())?.split_at_checked(DIGITS)?;
    let text = rest.strip_prefix(MIDDLE.as_bytes())?.strip_suffix(SUFFIX.as_bytes())?;
    let id = Digest::of(text);
    (digest == id.to_string().as_bytes()).then_some((id, text))
}
