//! `edeliver releases TARGET`: what each host has, runs, and boots next.

use edeliver_core::{
    facts::{HostFacts, Installed, NodeState, Seen},
    name::CommitId,
};
use indexmap::IndexMap;

use super::fleet::Fleet;
use crate::{
    cli::options::TargetArgs,
    ctx::Ctx,
    error::{Error, Kind},
};

/// Arguments of `releases`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which hosts.
    #[command(flatten)]
    pub target: TargetArgs,
}

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let fleet = Fleet::ask(ctx, ctx.target(&args.target).await?).await?;
    for (host, unseen) in fleet.facts.iter().filter_map(|facts| Some((&facts.host, facts.seen.as_ref().err()?))) {
        ctx.reporter.warn(format!("{host}: {}", unseen.why), unseen.hints.clone());
    }
    ctx.answer_rows(fleet.facts.iter().flat_map(rows).collect(), "the target has no hosts");
    let all = fleet.facts.iter().all(|facts| facts.seen.is_ok());
    fleet.close().await;
    Ok(if all { 0 } else { Kind::Unreachable.exit_code() })
}

type Row = IndexMap<String, String>;

fn rows(facts: &HostFacts) -> Vec<Row> {
    let host = facts.host.as_str();
    match &facts.seen {
        Err(_) => vec![row(host, "", "could not be asked", "")],
        Ok(seen) if seen.installed.is_empty() => vec![row(host, "", "nothing is deployed", "")],
        Ok(seen) => seen.installed.iter().map(|installed| release(host, installed, seen)).collect(),
    }
}

fn release(host: &str, installed: &Installed, seen: &Seen) -> Row {
    let commit = installed.files.as_ref().and_then(|manifest| manifest.commit.as_ref()).map(CommitId::short);
    row(host, installed.version.as_str(), &standing(installed, seen).join(", "), commit.unwrap_or_default())
}

/// What a release is on its host, most important first.
fn standing(installed: &Installed, seen: &Seen) -> Vec<&'static str> {
    let is = |other: &Option<_>| other.as_ref() == Some(&installed.version);
    let up = seen.node.state != NodeState::Down;
    let known = [
        (up && seen.node.state == NodeState::Running && is(&seen.node.version), "running"),
        (up && seen.node.state != NodeState::Running && is(&seen.node.booted), seen.node.state.word()),
        (is(&seen.permanent), "boots next"),
        (is(&seen.previous), "rollback goes here"),
        (installed.failed, "failed to start"),
        (installed.manifest.is_none(), "not put there by edeliver 2"),
    ];
    known.into_iter().filter_map(|(holds, word)| holds.then_some(word)).collect()
}

fn row(host: &str, release: &str, standing: &str, commit: &str) -> Row {
    let cells = [("host", host), ("release", release), ("state", standing), ("commit", commit)];
    cells.into_iter().map(|(column, cell)| (column.to_owned(), cell.to_owned())).collect()
}
