//! A release that a host has and the store lacks: taken from there, file by file, checked by what its manifest says.
//!
//! Whoever upgrades from a fresh clone has no release but the one just built. What a node runs is on its host, and most of it is what the new
//! release has too.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use edeliver_core::{
    delta::whereabouts,
    facts::Installed,
    release::{Content, Digest, Manifest, RelPath},
};

use super::{UnpackError, unpack_into};
use crate::{
    node::Place,
    store::{Existing, Intake, Store, StoreError, blocking},
    transport::{Call, Input, Output, Script, Transport, TransportError},
};

const GIVE: Script = Script { name: "sending the release", text: concat!(include_str!("give.sh"), include_str!("send.sh")) };
/// So much may wait in the middle while the link brings more and the store writes.
const BUFFER: usize = 256 * 1024;

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
    let lacking = lacking(&intake, manifest, &places).await?;
    if !lacking.is_empty() {
        bring(host, place, &intake, &lacking, timeout).await?;
    }
    let learnt = Learnt { files: lacking.len(), bytes: lacking.iter().map(|file| file.size).sum() };
    let manifest = manifest.clone();
    blocking(move || intake.finish(&manifest, Existing::Refuse)).await?;
    Ok(learnt)
}

/// One file for each content that the store lacks, at its place on the host.
async fn lacking<'p>(
    intake: &Arc<Intake>,
    manifest: &Arc<Manifest>,
    places: &'p BTreeMap<&RelPath, RelPath>,
) -> Result<Vec<Content<'p>>, StoreError> {
    let (asked, wanted) = (intake.clone(), manifest.clone());
    let missing = blocking(move || Ok::<_, StoreError>(asked.missing(wanted.contents()))).await?;
    let mut missing: HashSet<Digest> = missing.into_iter().collect();
    let files = manifest.contents().filter_map(|file| Some(Content { path: places.get(file.path)?, ..file }));
    Ok(files.filter(|file| missing.remove(&file.sha256)).collect())
}

async fn bring(
    host: &dyn Transport,
    place: &Place,
    intake: &Arc<Intake>,
    files: &[Content<'_>],
    timeout: Duration,
) -> Result<(), LearnError> {
    let paths: String = files.iter().map(|file| format!("./{}\n", file.path)).collect();
    let (sink, source) = tokio::io::duplex(BUFFER);
    let call = Call {
        input: Input::Bytes(paths.into_bytes()),
        output: Output::Stream(Box::new(sink)),
        ..Call::new(GIVE, [place.root.to_string()], timeout)
    };
    let (sent, taken) = tokio::join!(host.run(call), unpack_into(intake, source, files.iter().copied(), |_| {}));
    // What refuses the content closes the pipe, and the far end fails then too; a far end that fails cuts the content off. The cause is told.
    match taken {
        Err(refused) if !refused.is_cut_off() => Err(refused.into()),
        taken => {
            sent?.ok(GIVE)?;
            Ok(taken?)
        }
    }
}
