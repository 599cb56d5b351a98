//! Content from elsewhere, as much of it as the store lacks.

use std::{collections::HashSet, sync::Arc};

use edeliver_core::release::{Content, Digest, Manifest};

use super::{UnpackError, unpack_into};
use crate::{
    store::{Intake, StoreError, blocking},
    transport::{Call, Input, Output, Reply, Transport, TransportError},
};

/// So much may wait in the middle while the link brings more and the store writes.
const BUFFER: usize = 256 * 1024;

/// One file for each content of a release that the store lacks.
///
/// # Errors
/// The store can't be read.
pub async fn lacking<'m>(intake: &Arc<Intake>, manifest: &'m Manifest) -> Result<Vec<Content<'m>>, StoreError> {
    let (wanted, intake) = (manifest.clone(), intake.clone());
    let missing = blocking(move || Ok::<_, StoreError>(intake.missing(wanted.contents()))).await?;
    let mut missing: HashSet<Digest> = missing.into_iter().collect();
    Ok(manifest.contents().filter(|file| missing.remove(&file.sha256)).collect())
}

/// Has a script (`send.sh`) send these files, each at its path below the folder it is in, and takes them into the store. A reply with
/// another status than 0 says why they did not come.
///
/// # Errors
/// The link, or what came is not what was announced. What refuses the content closes the pipe, and the far end fails then too; a far end that
/// fails cuts the content off: the cause is told.
pub async fn bring<E: From<UnpackError> + From<TransportError>>(
    host: &dyn Transport,
    call: Call<'_>,
    intake: &Arc<Intake>,
    files: &[Content<'_>],
    progress: impl FnMut(u64) + Send + 'static,
) -> Result<Reply, E> {
    let paths: String = files.iter().map(|file| format!("./{}\n", file.path)).collect();
    let (sink, source) = tokio::io::duplex(BUFFER);
    let call = Call { input: Input::Bytes(paths.into_bytes()), output: Output::Stream(Box::new(sink)), ..call };
    let (sent, taken) = tokio::join!(host.run(call), unpack_into(intake, source, files.iter().copied(), progress));
    match taken {
        Err(refused) if !refused.is_cut_off() => Err(refused.into()),
        taken => match (sent?, taken) {
            (Reply { status: 0, .. }, Err(cut_off)) => Err(cut_off.into()),
            (reply, _) => Ok(reply),
        },
    }
}
