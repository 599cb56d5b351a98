//! `edeliver build appups`: how each application gets from one release to another, for people to change.

use edeliver_core::event::Outcome;

use super::upgrade::{self, Sides, Ways};
use crate::{
    ctx::Ctx,
    error::Error,
    relup,
    store::{AppupAuthor, blocking},
};

/// Arguments of `build appups`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Writes `appup/OLD-NEW/APP.appup` into the store for each application whose version differs, in OTP's high-level instructions: what its code \
says is to be done, or what the application ships. Nobody needs them; but one that is changed, by `edeliver edit appups` or any editor, \
counts as if the application shipped it: `edeliver build upgrade` between the same two versions carries out its instructions.

  edeliver build appups --with=0.1.0 --version=0.2.0
  edeliver build appups --from=v0.1.0 --to=v0.2.0        # both are built first")]
pub struct Args {
    /// Between which releases.
    #[command(flatten)]
    pub sides: Sides,
}

/// What was written.
#[derive(Default)]
struct Written {
    /// Paths of new and replaced files.
    files: Vec<String>,
    /// Those that somebody has changed, which stay.
    kept: Vec<String>,
}

pub(super) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let Args { sides } = args;
    let (ways, hosts) = match upgrade::gather(ctx, &sides, "appups").await? {
        Ok(gathered) => gathered,
        Err(code) => return Ok(code),
    };
    let (plan, force) = (sides.plan, sides.how.force);
    let written = blocking(move || write(&ways, plan, force)).await?;
    let said = if plan { "would be written" } else { "is written" };
    written.files.iter().for_each(|path| ctx.reporter.info(format!("{path} {said}")));
    written.kept.iter().for_each(|path| ctx.reporter.info(format!("{path} was changed, so it stays; `--force` makes it anew")));
    if written.files.is_empty() && written.kept.is_empty() {
        ctx.reporter.info("no application goes from one version to another, so there are no appups");
    }
    Ok(ctx.finish(Outcome { hosts, exit_code: 0, interrupted: false }).await)
}

/// Writes those that nobody has changed. Blocks.
fn write(ways: &Ways, plan: bool, force: bool) -> Result<Written, Error> {
    let mut written = Written::default();
    for from in &ways.from {
        let between = (&from.version, &ways.to.version);
        let there = ways.store.appups(between.0, between.1)?;
        for (app, text) in relup::appups(&ways.store, from, &ways.to)? {
            let changed = there.iter().find(|appup| appup.app == app && appup.author == AppupAuthor::User);
            match changed {
                Some(appup) if !force => written.kept.push(appup.path.display().to_string()),
                _ if plan => written.files.push(ways.store.appup_path(between, &app).display().to_string()),
                _ => {
                    let path = ways.store.put_appup(between, &app, &text, AppupAuthor::Edeliver)?;
                    written.files.push(path.display().to_string());
                }
            }
        }
    }
    Ok(written)
}
