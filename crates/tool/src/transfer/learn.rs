//! A release that a host has and the store lacks: taken from there, file by file, checked by what its manifest says.
//!
//! Whoever upgrades from a fresh clone has no release but the one just built. What a node runs is on its host, and most of it is what the new
//! release has too.

use std::{sync::Arc, time::Duration};

use edeliver_core::{
    delta::whereabouts,
    facts::Installed,
    release::{Content, Manifest},
};

use super::{UnpackError, bring, lacking};
use crate::{
    node::Place,
    store::{Existing, Store, StoreError, blocking},
    transport::{Call, Script, Transport, TransportError},
};

const GIVE: Script = Script { name: "sending the release", text: concat!(include_str!("give.sh"), include_str!("send.sh")) };

/// Why a release could not be taken from a host.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// The host, or the link.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// What came is not what the manifest says: somebody has changed a file on the host.
    #[error(transparent)]
    Came(#[from] UnpackError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What came.
#[derive(Debug, Clone, Copy)]
pub struct Learnt {
    /// How many files.
    pub files: usize,
    /// Bytes of their content.
    pub bytes: u64,
}

/// Brings a release that edeliver has put on this host into the store. Only content that the store lacks travels. `manifest` is that of
/// `installed`; the release is complete in the store afterwards.
///
/// # Errors
/// [`LearnError`]. What came whole stays in the store until garbage is collected.
pub async fn learn(
    host: &dyn Transport,
    place: &Place,
    installed: &Installed,
    manifest: &Arc<Manifest>,
    store: &Store,
    timeout: Duration,
) -> Result<Learnt, LearnError> {
    let begun = store.clone();
    let intake = Arc::new(blocking(move || begun.intake()).await?);
    let places = whereabouts(installed, manifest);
    let there = |file: Content<'_>| Some(Content { path: places.get(file.path)?, ..file });
    let lacking: Vec<Content<'_>> = lacking(&intake, manifest).await?.into_iter().filter_map(there).collect();
    if !lacking.is_empty() {
        let call = Call::new(GIVE, [place.root.to_string()], timeout);
        bring::<LearnError>(host, call, &intake, &lacking, |_| {}).await?.ok(GIVE)?;
    }
    let learnt = Learnt { files: lacking.len(), bytes: lacking.iter().map(|file| file.size).sum() };
    let manifest = manifest.clone();
    blocking(move || intake.finish(&manifest, Existing::Refuse)).await?;
    Ok(learnt)
}
