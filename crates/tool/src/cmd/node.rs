//! `edeliver start|stop|restart|ping|version TARGET`.

mod revision;

use edeliver_core::{
    facts::{NodeState, Unseen},
    name::HostName,
    plan::{self, NodeAction},
};
use indexmap::IndexMap;

use super::fleet::Fleet;
use crate::{
    cli::options::{PlanArgs, TargetArgs},
    ctx::Ctx,
    error::{Error, Kind},
    inventory,
    node::{self, Answer},
};

/// Arguments of `start`, `stop` and `restart`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which hosts.
    #[command(flatten)]
    pub target: TargetArgs,
    /// What to do with the plan.
    #[command(flatten)]
    pub plan: PlanArgs,
}

/// Arguments of `ping` and `version`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exits with 0 if every node is up, with 8 if one is not, with 6 if a host can't be reached.")]
pub struct AskArgs {
    /// Which hosts.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// `start`, `stop`, `restart`.
pub(crate) async fn run(ctx: &Ctx, action: NodeAction, args: Args) -> Result<u8, Error> {
    let (app, mut target) = (&ctx.settings()?.app, ctx.target(&args.target)?);
    // A node that runs is left alone by it, so there is nothing to lose, and somebody waits.
    target.confirm &= action != NodeAction::Start;
    let title = format!("{} {app} on {}", action.word(), target.name);
    let fleet = Fleet::gather(ctx, target, title, args.plan).await?;
    let plan = plan::node(action, app, &fleet.target, &fleet.facts);
    fleet.carry_out(ctx, plan, args.plan, None).await
}

/// What one host answered.
type Found = (HostName, Result<Answer, Unseen>);

/// `ping`: the state of each node. Succeeds when all of them are up.
pub(crate) async fn ping(ctx: &Ctx, args: AskArgs) -> Result<u8, Error> {
    let found = ask(ctx, &args).await?;
    ctx.answer_rows(found.iter().map(|found| row(found, ping_cells)).collect(), "the target has no hosts");
    Ok(exit_code(&found))
}

/// `version`: what each node runs, and what boots next.
pub(crate) async fn version(ctx: &Ctx, args: AskArgs) -> Result<u8, Error> {
    let found = ask(ctx, &args).await?;
    ctx.answer_rows(found.iter().map(|found| row(found, version_cells)).collect(), "the target has no hosts");
    let running = found.iter().filter_map(|(_, answer)| answer.as_ref().ok()?.node.version.as_ref());
    for told in revision::of_versions(&ctx.project, running).await {
        ctx.answer_text(told);
    }
    Ok(exit_code(&found))
}

async fn ask(ctx: &Ctx, args: &AskArgs) -> Result<Vec<Found>, Error> {
    let (settings, target) = (ctx.settings()?, ctx.target(&args.target)?);
    let found = inventory::gather_nodes(&target.hosts, &settings.app, ctx.limits()?).await;
    for (host, unseen) in found.iter().filter_map(|(host, answer)| Some((host, answer.as_ref().err()?))) {
        ctx.reporter.warn(format!("{host}: {}", unseen.why), unseen.hints.clone());
    }
    Ok(found)
}

type Cells = [(&'static str, String); 3];

fn row((host, answer): &Found, cells: fn(&Answer) -> Cells) -> IndexMap<String, String> {
    let cells = match answer {
        Ok(answer) => cells(answer).to_vec(),
        Err(_) => vec![("state", "could not be asked".to_owned())],
    };
    [("host", host.to_string())].into_iter().chain(cells).map(|(column, cell)| (column.to_owned(), cell)).collect()
}

fn ping_cells(answer: &Answer) -> Cells {
    let name = answer.node.name.as_ref().map(ToString::to_string).unwrap_or_default();
    let others = match answer.node.others.len() {
        0 => String::new(),
        _ => format!("serves beside processes {}", list(&answer.node.others)),
    };
    [("state", answer.node.state.word().to_owned()), ("node", name), ("note", others)]
}

fn version_cells(answer: &Answer) -> Cells {
    let text = |version: &Option<_>| version.as_ref().map(ToString::to_string).unwrap_or_default();
    let state = match answer.node.state {
        NodeState::Running => String::new(),
        state => state.word().to_owned(),
    };
    [("runs", text(&answer.node.version)), ("boots next", text(&answer.permanent)), ("state", state)]
}

fn list(pids: &[u32]) -> String {
    pids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}

/// Not done unless every node is up.
fn exit_code(found: &[Found]) -> u8 {
    if found.iter().any(|(_, answer)| answer.is_err()) {
        Kind::Unreachable.exit_code()
    } else if found.iter().any(|(_, answer)| answer.as_ref().is_ok_and(|answer| !node::is_up(answer.node.state))) {
        Kind::Stopped.exit_code()
    } else {
        0
    }
}
