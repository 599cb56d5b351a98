//! `edeliver start|stop|restart|ping|version TARGET`.

mod loaded;
mod revision;

use std::collections::BTreeSet;

use edeliver_core::{
    facts::NodeState,
    hint::Hint,
    plan::{self, NodeAction},
    unit::Unit,
};
use indexmap::IndexMap;

use super::{
    fleet::Fleet,
    own::{Meant, instead},
};
use crate::{
    cli::options::{PlanArgs, RolloutArgs, TargetArgs},
    ctx::Ctx,
    error::{Error, Kind},
    inventory::{self, NodeFound},
    node::{self, Answer},
};

/// Arguments of `start`, `stop` and `restart`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A start is done when the node is fully up, with the version that boots; one that is, is left alone.
A stop is done when the process has gone. A restart is a stop and a start.

  edeliver start production
  edeliver restart on production --host=web1 --plan

Exits with 0 if all hosts are done, with 8 if one is not, with 6 if a host can't be reached.")]
pub struct Args {
    /// Which hosts.
    #[command(flatten)]
    pub target: TargetArgs,
    /// How it goes over the hosts.
    #[command(flatten)]
    pub rollout: RolloutArgs,
    /// What to do with the plan.
    #[command(flatten)]
    pub plan: PlanArgs,
}

/// Arguments of `ping` and `version`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
What the states mean is in docs/states.md. The column `code` of `version` compares loaded modules
with those of the release; it is empty where the store does not have that release.

  edeliver ping production
  edeliver version on staging --host=web1

Exits with 0 if every node is up, with 8 if one is not, with 6 if a host can't be reached.")]
pub struct AskArgs {
    /// Which hosts.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// `start`, `stop`, `restart`.
pub(crate) async fn run(ctx: &Ctx, action: NodeAction, args: Args) -> Result<u8, Error> {
    let (app, mut target) = (&ctx.settings()?.app, ctx.target(&args.target).await?);
    match args.rollout.given() {
        Some(word) if action != NodeAction::Restart => {
            let why = format!("{word} has no meaning for {}: all hosts are done at once", action.word());
            return Err(Error::new(Kind::Usage, why));
        }
        _ => args.rollout.over(&mut target),
    }
    // A node that runs is left alone by it, so there is nothing to lose, and somebody waits.
    target.confirm &= action != NodeAction::Start;
    let meant = Meant { action: action.word(), changes: true, only_shown: args.plan.plan };
    if let Some(code) = instead(ctx, &mut target, meant).await? {
        return Ok(code);
    }
    let title = format!("{} {app} on {}", action.word(), target.name);
    let fleet = Fleet::gather(ctx, target, title, args.plan).await?;
    let plan = plan::node(action, app, &fleet.target, &fleet.facts);
    fleet.carry_out(ctx, plan, args.plan, None).await
}

/// `ping`: the state of each node. Succeeds when all of them are up.
pub(crate) async fn ping(ctx: &Ctx, args: AskArgs) -> Result<u8, Error> {
    let (settings, mut target) = (ctx.settings()?, ctx.target(&args.target).await?);
    if let Some(code) = instead(ctx, &mut target, Meant { action: "ping", changes: false, only_shown: false }).await? {
        return Ok(code);
    }
    let unit = Unit::of(&target, &settings.app);
    let found = inventory::gather_nodes(&target.hosts, &settings.app, unit.as_ref(), ctx.limits()?).await;
    warn_of_unseen(ctx, &found);
    let cells = |answer: &Answer| ping_cells(answer, unit.as_ref());
    ctx.answer_rows(found.iter().map(|found| row(found, cells)).collect(), "the target has no hosts");
    Ok(exit_code(&found))
}

/// `version`: what each node runs, what boots next, and whether the code in the node is that of the release it runs.
pub(crate) async fn version(ctx: &Ctx, args: AskArgs) -> Result<u8, Error> {
    let (settings, mut target) = (ctx.settings()?, ctx.target(&args.target).await?);
    if let Some(code) = instead(ctx, &mut target, Meant { action: "version", changes: false, only_shown: false }).await? {
        return Ok(code);
    }
    let found = inventory::gather_code(&target.hosts, &settings.app, ctx.limits()?).await;
    warn_of_unseen(ctx, &found);
    let running: BTreeSet<_> = found.iter().filter_map(|(_, answer)| answer.as_ref().ok()?.node.version.clone()).collect();
    let code = loaded::Releases::read(ctx.store()?.here(), running.clone()).await?;
    let rows = found.iter().map(|found| row(found, |answer| version_cells(answer, &code))).collect();
    ctx.answer_rows(rows, "the target has no hosts");
    for (host, answer) in &found {
        if let Some(text) = answer.as_ref().ok().and_then(|answer| code.disagreement(answer)) {
            ctx.reporter
                .warn(format!("{host}: {text}"), vec![Hint::text("`edeliver restart` loads the code of the release that boots")]);
        }
    }
    for told in revision::of_versions(&ctx.project, running.iter()).await {
        ctx.answer_text(told);
    }
    Ok(exit_code(&found))
}

fn warn_of_unseen(ctx: &Ctx, found: &[NodeFound]) {
    for (host, unseen) in found.iter().filter_map(|(host, answer)| Some((host, answer.as_ref().err()?))) {
        ctx.reporter.warn(format!("{host}: {}", unseen.why), unseen.hints.clone());
    }
}

type Cells = Vec<(&'static str, String)>;

fn row((host, answer): &NodeFound, cells: impl Fn(&Answer) -> Cells) -> IndexMap<String, String> {
    let cells = match answer {
        Ok(answer) => cells(answer),
        Err(_) => vec![("state", "could not be asked".to_owned())],
    };
    [("host", host.to_string())].into_iter().chain(cells).map(|(column, cell)| (column.to_owned(), cell)).collect()
}

fn ping_cells(answer: &Answer, unit: Option<&Unit>) -> Cells {
    let name = answer.node.name.as_ref().map(ToString::to_string).unwrap_or_default();
    let others = (!answer.node.others.is_empty()).then(|| format!("serves beside processes {}", list(&answer.node.others)));
    let told = unit.zip(answer.unit.as_ref()).map(|(unit, facts)| facts.notes(unit, node::is_up(answer.node.state)));
    let notes: Vec<String> = others.into_iter().chain(told.into_iter().flatten()).collect();
    vec![("state", answer.node.state.word().to_owned()), ("node", name), ("note", notes.join("; "))]
}

fn version_cells(answer: &Answer, code: &loaded::Releases) -> Cells {
    let text = |version: &Option<_>| version.as_ref().map(ToString::to_string).unwrap_or_default();
    let state = match answer.node.state {
        NodeState::Running => String::new(),
        state => state.word().to_owned(),
    };
    vec![
        ("runs", text(&answer.node.version)),
        ("boots next", text(&answer.permanent)),
        ("code", code.word(answer)),
        ("state", state),
    ]
}

fn list(pids: &[u32]) -> String {
    pids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}

/// Not done unless every node is up.
fn exit_code(found: &[NodeFound]) -> u8 {
    if found.iter().any(|(_, answer)| answer.is_err()) {
        Kind::Unreachable.exit_code()
    } else if found.iter().any(|(_, answer)| answer.as_ref().is_ok_and(|answer| !node::is_up(answer.node.state))) {
        Kind::Stopped.exit_code()
    } else {
        0
    }
}
