//! A manifest as the store keeps it: with its own digest, so that a change of it is noticed as well.

use std::path::Path;

use edeliver_core::release::{Digest, Manifest};

use super::StoreError;

/// `{"sha256":"…","manifest":…}`: the digest is that of the manifest's text, which is in canonical form.
pub(super) fn write(manifest: &Manifest) -> Vec<u8> {
    let text = manifest.to_json();
    let mut kept = format!("{PREFIX}{}{MIDDLE}", Digest::of(&text)).into_bytes();
    kept.extend_from_slice(&text);
    kept.extend_from_slice(SUFFIX.as_bytes());
    kept
}

const PREFIX: &str = r#"{"sha256":""#;
const MIDDLE: &str = r#"","manifest":"#;
const SUFFIX: &str = "}\n";
const DIGITS: usize = 64;

/// Takes it apart again and checks it.
pub(super) fn read(kept: &[u8], path: &Path) -> Result<Manifest, StoreError> {
    let text = verified(kept).ok_or_else(|| StoreError::ManifestDamaged { path: path.to_owned() })?;
    Manifest::from_json(text).map_err(|source| StoreError::Manifest { path: path.to_owned(), source })
}

fn verified(kept: &[u8]) -> Option<&[u8]> {
    let (digest, rest) = kept.strip_prefix(PREFIX.as_bytes())?.split_at_checked(DIGITS)?;
    let text = rest.strip_prefix(MIDDLE.as_bytes())?.strip_suffix(SUFFIX.as_bytes())?;
    (digest == Digest::of(text).to_string().as_bytes()).then_some(text)
}
