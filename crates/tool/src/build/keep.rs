//! From the build host to the store: only content that the store lacks travels.

use std::{io::Read as _, sync::Arc};

use edeliver_core::{
    event::EventKind,
    name::Version,
    release::{Content, Digest, Entry, Manifest, Platform},
    size::size,
};

use super::{
    BuildError, leaks, scripts,
    site::{Assembled, Site},
};
use crate::{
    store::{Existing, Intake, Store, StoreError, blocking},
    transfer::{bring, lacking},
};

/// A release that is in the store now.
#[derive(Debug)]
pub(super) struct Kept {
    /// Its manifest, as the store has it.
    pub(super) manifest: Manifest,
    /// Whether it was there before.
    pub(super) already: bool,
    /// What came, in words.
    pub(super) note: String,
    /// Files that came, and name the folder they were built in.
    pub(super) leaks: Vec<String>,
}

/// Brings a release into the store.
///
/// The commit alone makes no other release: the same files from another commit are the release that is there.
pub(super) async fn keep(
    site: &Site<'_>,
    slot: &str,
    assembled: &Assembled,
    store: &Store,
    existing: Existing,
) -> Result<Kept, BuildError> {
    let found = &assembled.found;
    let files = found.select(assembled.described.listing.clone()).files;
    // The platform is known only when the content is here; everything else is checked before anything travels.
    let draft = found.manifest(None, Platform::anywhere(), files.clone())?;
    let there = stored(store, &found.version).await?.map(|manifest| (manifest.files == draft.files, manifest));
    if let Some((false, manifest)) = &there
        && existing == Existing::Refuse
    {
        return Err(BuildError::Exists { title: manifest.title(), commit: manifest.commit.clone() });
    }
    let begun = store.clone();
    let intake = Arc::new(blocking(move || begun.intake()).await?);
    let lacking = lacking(&intake, &draft).await?;
    let bytes = lacking.iter().map(|file| file.size).sum();
    if !lacking.is_empty() {
        bring_files(site, slot, &assembled.described.dir, &intake, &lacking, bytes).await?;
    }
    let leaks = leaks(site, &intake, &lacking).await?;
    if let Some((true, manifest)) = there {
        return Ok(Kept { manifest, already: true, note: already(lacking.len()), leaks });
    }
    let note = format!("{} in {} new files", size(bytes), lacking.len());
    let manifest = finish(site, assembled, intake, files, existing).await?;
    Ok(Kept { manifest, already: false, note, leaks })
}

/// The same release was there. Content of it that was damaged has come anew.
fn already(repaired: usize) -> String {
    match repaired {
        0 => "the store has it already".to_owned(),
        _ => format!("the store had it already; {repaired} damaged or missing files of it were brought again"),
    }
}

/// Writes the classic archive of a release, unless it is there.
pub(super) async fn archive(store: &Store, kept: &Kept) -> Result<(), BuildError> {
    if kept.already && store.archive_path(&kept.manifest.version).exists() {
        return Ok(());
    }
    let (store, manifest) = (store.clone(), kept.manifest.clone());
    blocking(move || store.export_archive(&manifest)).await?;
    Ok(())
}

/// Publishes a release, where releases are kept elsewhere too. One that was published is looked through: its content may have suffered.
pub(super) async fn publish(store: &Store, kept: &Kept, existing: Existing, archive: bool) -> Result<(), BuildError> {
    let (store, manifest) = (store.clone(), kept.manifest.clone());
    let published = blocking(move || store.publish_release(&manifest, existing, archive)).await;
    published.map_err(|source| {
        let Manifest { app, version, .. } = kept.manifest.clone();
        BuildError::Unpublished { app, version, source: Box::new(source) }
    })
}

async fn stored(store: &Store, version: &Version) -> Result<Option<Manifest>, BuildError> {
    let version = version.clone();
    let store = store.clone();
    match blocking(move || store.known(&version)).await {
        Ok(manifest) => Ok(Some(manifest)),
        Err(StoreError::Absent { .. } | StoreError::ManifestDamaged { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn bring_files(
    site: &Site<'_>,
    slot: &str,
    dir: &str,
    intake: &Arc<Intake>,
    files: &[Content<'_>],
    total: u64,
) -> Result<(), BuildError> {
    let reporter = site.reporter.clone();
    let progress = move |done| reporter.send(EventKind::Progress { done, total });
    let reply = bring::<BuildError>(&*site.transport, site.collecting(slot, dir), intake, files, progress).await?;
    Site::checked(reply, scripts::COLLECT).map(drop)
}

/// Which of the new files name the folder they were built in. The runtime system was not built there.
async fn leaks(site: &Site<'_>, intake: &Arc<Intake>, files: &[Content<'_>]) -> Result<Vec<String>, BuildError> {
    let built = files.iter().filter(|file| !file.path.as_str().starts_with("erts-"));
    let built: Vec<_> = built.map(|file| (file.path.to_string(), file.sha256)).collect();
    let (own, intake) = (format!("{}/", site.own()), intake.clone());
    let found = blocking(move || {
        let mut found = Vec::new();
        for (path, digest) in built {
            if leaks::names(&read(&intake, &digest)?, &own) {
                found.push(path);
            }
        }
        Ok::<_, StoreError>(found)
    });
    Ok(found.await?)
}

fn read(intake: &Intake, digest: &Digest) -> Result<Vec<u8>, StoreError> {
    let mut content = Vec::new();
    let read = intake.open_blob(digest)?.read_to_end(&mut content);
    read.map_err(|source| StoreError::Read { path: digest.to_string().into(), source })?;
    Ok(content)
}

async fn finish(
    site: &Site<'_>,
    assembled: &Assembled,
    intake: Arc<Intake>,
    files: Vec<Entry>,
    existing: Existing,
) -> Result<Manifest, BuildError> {
    let (found, commit) = (assembled.found.clone(), site.work.commit.clone());
    let finished = blocking(move || {
        let draft = found.manifest(None, Platform::anywhere(), files.clone())?;
        let manifest = found.manifest(Some(commit), intake.platform(draft.contents())?, files)?;
        intake.finish(&manifest, existing)?;
        Ok::<_, BuildError>(manifest)
    });
    finished.await
}
