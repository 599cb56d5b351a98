//! `edeliver show releases`: what the store has.

pub(super) mod appups;
pub(super) mod relup;

use edeliver_core::{
    choose::Stored,
    hint::Hint,
    name::{AppName, Version},
};
use indexmap::IndexMap;

use crate::{
    ctx::Ctx,
    error::{Error, chain},
    store::{Listing, Odd},
    ui::words,
};

/// What to show.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List the releases in the store, oldest first
    #[command(alias = "release")]
    Releases(ReleasesArgs),
    /// Print the relup of an upgrade in the store
    #[command(alias = "relups")]
    Relup(relup::Args),
    /// Print the appups between two releases, as `build appups` wrote them or somebody changed them
    #[command(alias = "appup")]
    Appups(appups::Args),
    /// List the migrations of a target's databases: which were carried out, which are pending
    Migrations(super::migrate::ShowArgs),
}

/// Arguments of `show releases`.
#[derive(Debug, clap::Args)]
pub struct ReleasesArgs {
    /// Show this version only
    #[arg(long, value_name = "VERSION")]
    pub version: Option<Version>,
}

pub(crate) async fn run(ctx: &Ctx, command: Command) -> Result<u8, Error> {
    let args = match command {
        Command::Releases(args) => args,
        Command::Relup(args) => return relup::run(ctx, args).await,
        Command::Appups(args) => return appups::run(ctx, args).await,
        Command::Migrations(args) => return super::migrate::show(ctx, args).await,
    };
    let store = ctx.store()?;
    let app = store.app().clone();
    let mut listing = crate::store::blocking(move || store.list()).await?;
    if let Some(version) = &args.version {
        listing.stored.retain(|stored| stored.version == *version);
    }
    for odd in &listing.odd {
        ctx.reporter.warn(text(odd), vec![Hint::text("build that version again, or remove the file")]);
    }
    ctx.answer_rows(rows(&app, &listing), format!("the store has no release of {app}"));
    Ok(0)
}

/// How to get an upgrade where there is none.
fn make_one() -> Hint {
    Hint::command("make one", "edeliver build upgrade --with=VERSION")
}

fn text(odd: &Odd) -> String {
    chain(&odd.error).join(": ")
}

fn rows(app: &AppName, listing: &Listing) -> Vec<IndexMap<String, String>> {
    listing.stored.iter().map(|stored| row(app, stored)).collect()
}

/// The columns of the original, and the size.
fn row(app: &AppName, stored: &Stored) -> IndexMap<String, String> {
    let cells = [
        ("application", app.to_string()),
        ("version", stored.version.to_string()),
        ("revision", stored.revision().unwrap_or_default().to_owned()),
        ("type", stored.kind.word().to_owned()),
        ("size", stored.size.map(words::size).unwrap_or_default()),
        ("file", stored.archive.clone().unwrap_or_default()),
    ];
    cells.into_iter().map(|(column, cell)| (column.to_owned(), cell)).collect()
}

#[cfg(test)]
mod tests {
    use edeliver_core::choose::StoredKind;

    use super::*;

    #[test]
    fn a_row_says_what_can_be_deployed_and_where_it_comes_from() {
        let stored = |version: &str, archive: Option<&str>| Stored {
            version: version.parse().unwrap(),
            kind: StoredKind::Release,
            id: None,
            archive: archive.map(str::to_owned),
            size: Some(4_200_000),
            commit: "0123456789012345678901234567890123456789".parse().ok(),
        };
        let archive = "hotapp_0.2.0+3-82a5834.release.tar.gz";
        let all = vec![stored("0.1.0", None), stored("0.2.0+3-82a5834", Some(archive))];
        let shown = rows(&"hotapp".parse().unwrap(), &Listing { stored: all, odd: Vec::new() });
        let columns: Vec<_> = shown[0].keys().map(String::as_str).collect();
        assert_eq!(columns, ["application", "version", "revision", "type", "size", "file"]);
        let cells = |row: &IndexMap<String, String>| row.values().cloned().collect::<Vec<_>>().join("|");
        assert_eq!(cells(&shown[0]), "hotapp|0.1.0|0123456|release|4.2 MB|");
        assert_eq!(cells(&shown[1]), format!("hotapp|0.2.0+3-82a5834|3-82a5834|release|4.2 MB|{archive}"));
    }
}
