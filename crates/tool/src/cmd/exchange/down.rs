//! `edeliver download`.

use std::{fs, io, path::PathBuf};

use super::{Args, Wanted, archive, may_replace, place_here, store};
use crate::{
    ctx::{Ctx, Journal},
    error::{Error, Kind},
    store::{Store, blocking},
};

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let (store, place) = store(ctx)?;
    let force = args.force;
    let (wanted, to) = args.wanted()?;
    let name = wanted.file(store.app());
    let to = place_here(to, &name);
    ctx.begin(format!("download {name} from {place}"), Journal::None)?;
    if to.exists() && !force {
        may_replace(ctx, &to.display().to_string(), "this folder").await?;
    }
    let (asked, kept) = (wanted.meaning(store.app()), to.clone());
    let found = blocking(move || fetch(&store, &name, asked, kept)).await?;
    if !found {
        let hint = edeliver_core::hint::Hint::command("these releases are there", "edeliver show releases");
        return Err(Error::new(Kind::Usage, format!("there is no such file in {place}")).hint(hint));
    }
    ctx.reporter.info(format!("{} is here", to.display()));
    Ok(0)
}

/// Fetches the file, or makes the archive of what was published by content only. It appears when it is whole.
fn fetch(store: &Store, name: &str, wanted: Wanted, to: PathBuf) -> Result<bool, Error> {
    let here = |source: io::Error| Error::new(Kind::Internal, source).context(format!("can't write {}", to.display()));
    let dir = to.parent().filter(|dir| !dir.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let temp = tempfile::Builder::new().prefix(".new-").tempfile_in(&dir).map_err(here)?.into_temp_path();
    if !store.fetch_file(name, &temp)? {
        let Wanted::Stored(kind, version) = wanted else { return Ok(false) };
        fs::copy(archive(store, kind, &version)?, &temp).map_err(here)?;
    }
    temp.persist(&to).map_err(|error| here(error.error))?;
    Ok(true)
}
