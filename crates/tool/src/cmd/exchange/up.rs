//! `edeliver upload`.

use std::path::{Path, PathBuf};

use edeliver_core::{choose::StoredKind, name::Version, release::Manifest};

use super::{Args, Wanted, archive, file_name, may_replace, store};
use crate::{
    build::BuildError,
    cmd::diff,
    ctx::{Ctx, Journal},
    error::{Error, Kind},
    store::{Existing, Store, StoreError, blocking},
};

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let (store, place) = store(ctx)?;
    let force = args.force;
    let (wanted, to) = args.wanted()?;
    let own = wanted.file(store.app());
    // A file of that name in the current folder is meant first, as in edeliver 1.x.
    let file = match &wanted {
        Wanted::File(path) => Some(PathBuf::from(path)),
        Wanted::Stored(..) => Some(PathBuf::from(&own)).filter(|file| file.is_file()),
    };
    let name = to.as_deref().map_or(own, file_name);
    ctx.begin(format!("upload {name} to {place}"), Journal::None)?;
    let up = Up { ctx, store, place, force };
    match (Wanted::File(name.clone()).meaning(up.store.app()), wanted, file) {
        (Wanted::Stored(StoredKind::Release, version), _, file) => up.release(version, file).await?,
        (_, _, Some(file)) => up.file(&file, &name).await?,
        (Wanted::Stored(StoredKind::Upgrade, version), Wanted::Stored(..), None) => up.upgrade(version, &name).await?,
        (_, Wanted::Stored(kind, version), None) => up.file(&up.archive(kind, version).await?, &name).await?,
        (_, Wanted::File(_), None) => unreachable!("a file has its path"),
    }
    ctx.reporter.info(format!("{name} is in {}", up.place));
    Ok(0)
}

struct Up<'a> {
    ctx: &'a Ctx,
    store: Store,
    place: String,
    force: bool,
}

impl Up<'_> {
    /// A release of this machine, or of an archive, which gets into the store here first.
    async fn release(&self, version: Version, file: Option<PathBuf>) -> Result<(), Error> {
        let (here, asked) = (self.store.here(), version.clone());
        let found = blocking(move || match file {
            Some(file) => Ok(here.release_of_archive(&file, &asked, Existing::Replace)?),
            None => diff::stored(&here, &asked),
        });
        let manifest = found.await?;
        let store = self.store.clone();
        let other = match blocking(move || store.published(&version)).await {
            Ok(published) => published.is_some_and(|published| published != manifest),
            Err(StoreError::ManifestDamaged { .. } | StoreError::Manifest { .. }) => true,
            Err(error) => return Err(error.into()),
        };
        if other && !self.force {
            may_replace(self.ctx, &manifest.title(), &self.place).await?;
        }
        // Somebody may publish another one meanwhile.
        self.publish(manifest, if other || self.force { Existing::Replace } else { Existing::Refuse }).await
    }
    async fn publish(&self, manifest: Manifest, existing: Existing) -> Result<(), Error> {
        let (store, force, archive) = (self.store.clone(), self.force, self.ctx.settings()?.store.archive);
        let published = blocking(move || {
            if archive {
                store.export_archive(&manifest).map_err(BuildError::from)?;
            }
            let done = if force { store.publish_again(&manifest) } else { Ok(()) };
            Ok::<_, Error>(done.and_then(|()| store.publish_release(&manifest, existing, archive))?)
        });
        published.await
    }
    /// The relup, with the release that it leads to and its archive.
    async fn upgrade(&self, version: Version, name: &str) -> Result<(), Error> {
        let archive = self.archive(StoredKind::Upgrade, version.clone()).await?;
        self.release(version.clone(), None).await?;
        let store = self.store.clone();
        blocking(move || Ok::<_, Error>(store.put_upgrade(&store.here().upgrade(&version)?)?)).await?;
        match self.ctx.settings()?.store.archive {
            true => self.file(&archive, name).await,
            false => Ok(()),
        }
    }
    /// The archive of an upgrade, or of a release under another name, written anew.
    async fn archive(&self, kind: StoredKind, version: Version) -> Result<PathBuf, Error> {
        let here = self.store.here();
        blocking(move || archive(&here, kind, &version)).await
    }
    async fn file(&self, file: &Path, name: &str) -> Result<(), Error> {
        if !file.is_file() {
            return Err(Error::new(Kind::Usage, format!("{} is no file", file.display())));
        }
        let (store, wanted) = (self.store.clone(), name.to_owned());
        let there = blocking(move || Ok::<_, Error>(store.published_files()?.iter().any(|(file, _)| *file == wanted))).await?;
        if there && !self.force {
            may_replace(self.ctx, name, &self.place).await?;
        }
        let (store, file, name) = (self.store.clone(), file.to_owned(), name.to_owned());
        Ok(blocking(move || store.publish_file(&file, &name)).await?)
    }
}
