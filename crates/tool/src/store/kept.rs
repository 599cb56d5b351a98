//! What the store keeps as JSON (manifests, upgrades): with its own digest, so that a change of it is noticed as well.

use std::path::Path;

use edeliver_core::release::{Digest, Manifest, ManifestId, Upgrade};

use super::StoreError;

const PREFIX: &str = r#"{"sha256":""#;
const SUFFIX: &str = "}\n";
const DIGITS: usize = 64;

/// `{"sha256":"…","manifest":…}`: the digest is that of the manifest's text, which is in canonical form, so it is the manifest's id.
pub(super) fn write(manifest: &Manifest) -> (ManifestId, Vec<u8>) {
    wrap("manifest", &manifest.to_json())
}

/// Takes it apart again and checks it.
pub(super) fn read(kept: &[u8], path: &Path) -> Result<(ManifestId, Manifest), StoreError> {
    let (id, text) = verified("manifest", kept).ok_or_else(|| StoreError::ManifestDamaged { path: path.to_owned() })?;
    match Manifest::from_json(text) {
        Ok(manifest) => Ok((id, manifest)),
        Err(source) => Err(StoreError::Manifest { path: path.to_owned(), source }),
    }
}

/// `{"sha256":"…","upgrade":…}`.
pub(super) fn write_upgrade(upgrade: &Upgrade) -> Vec<u8> {
    wrap("upgrade", &upgrade.to_json()).1
}

/// Takes it apart again and checks it.
pub(super) fn read_upgrade(kept: &[u8], path: &Path) -> Result<Upgrade, StoreError> {
    let (_, text) = verified("upgrade", kept).ok_or_else(|| StoreError::UpgradeDamaged { path: path.to_owned() })?;
    Upgrade::from_json(text).map_err(|source| StoreError::Upgrade { path: path.to_owned(), source })
}

/// `{"sha256":"…","derived":…}`.
pub(super) fn write_derived(text: &[u8]) -> Vec<u8> {
    wrap("derived", text).1
}

/// The text of it, if it was not changed.
pub(super) fn read_derived(kept: &[u8]) -> Option<&[u8]> {
    verified("derived", kept).map(|(_, text)| text)
}

/// The id of the manifest that is kept, checked as in [`read`], without reading what it says.
pub(super) fn read_id(kept: &[u8], path: &Path) -> Result<ManifestId, StoreError> {
    verified("manifest", kept).map(|(id, _)| id).ok_or_else(|| StoreError::ManifestDamaged { path: path.to_owned() })
}

fn middle(what: &str) -> String {
    format!(r#"","{what}":"#)
}

fn wrap(what: &str, text: &[u8]) -> (Digest, Vec<u8>) {
    let id = Digest::of(text);
    let mut kept = format!("{PREFIX}{id}{}", middle(what)).into_bytes();
    kept.extend_from_slice(text);
    kept.extend_from_slice(SUFFIX.as_bytes());
    (id, kept)
}

fn verified<'a>(what: &str, kept: &'a [u8]) -> Option<(Digest, &'a [u8])> {
    let (digest, rest) = kept.strip_prefix(PREFIX.as_bytes())?.split_at_checked(DIGITS)?;
    let text = rest.strip_prefix(middle(what).as_bytes())?.strip_suffix(SUFFIX.as_bytes())?;
    let id = Digest::of(text);
    (digest == id.to_string().as_bytes()).then_some((id, text))
}
