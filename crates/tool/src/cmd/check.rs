//! `edeliver check release|config`: whether what is there can be used, without any host being asked.

use edeliver_core::{
    hint::Hint,
    name::Version,
    release::{Entry, Manifest},
};

use super::{config, deploy::Release};
use crate::{
    ctx::Ctx,
    error::{Error, Kind, chain},
    store::{Damage, blocking},
    ui::words,
};

/// What to check.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Read all content of a release in the store, and say what is wrong with it
    Release(Args),
    /// Read the configuration, say what is wrong with it, and do nothing else (the same as `config check`)
    Config,
}

/// Arguments of `check release`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Every file is compared with what was built. Deploys do so too, with what they send.

  edeliver check release
  edeliver check release --version=0.2.0")]
pub struct Args {
    /// Version of the release; asked for where the store has several
    #[arg(long, value_name = "VERSION")]
    pub version: Option<Version>,
}

pub(crate) async fn run(ctx: &Ctx, command: Command) -> Result<u8, Error> {
    match command {
        Command::Release(args) => release(ctx, args).await,
        Command::Config => config::check(ctx),
    }
}

async fn release(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let store = ctx.store()?;
    let manifest = Release::choose(ctx, &store, args.version.as_ref()).await?.manifest;
    let (damages, manifest) = blocking(move || Ok::<_, Error>((store.verify(&manifest), manifest))).await?;
    match damages.is_empty() {
        true => ctx.answer_text(whole(&manifest)),
        false => return Err(damaged(&manifest, &damages)),
    }
    Ok(0)
}

fn whole(manifest: &Manifest) -> String {
    let files: Vec<_> = manifest.files.iter().filter_map(Entry::content).collect();
    let size = words::size(files.iter().map(|file| file.size).sum());
    format!("{} is whole: {}, {size}\n", manifest.title(), words::count(files.len(), "file"))
}

fn damaged(manifest: &Manifest, damages: &[Damage]) -> Error {
    let lines: Vec<String> = damages.iter().map(|Damage { path, error }| format!("{path}: {}", chain(error).join(": "))).collect();
    let error = Error::new(Kind::Blocked, lines.join("\n"));
    let error = error.context(format!("{} of {} can't be used", words::count(damages.len(), "file"), manifest.title()));
    error.hint(Hint::text("build that release again: what the build brings takes the place of what is damaged"))
}
