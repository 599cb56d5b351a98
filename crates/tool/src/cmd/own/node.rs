//! Functions of the project that take the place of a node command, as with edeliver 1.x: `execute_custom_node_command ACTION` does it all,
//! `get_ACTION_node_command ACTION PATH CONFIG` prints what runs on each host.

use std::collections::HashMap;

use edeliver_core::{
    config::TargetSettings,
    event::{HostOutcome, HostResult, Outcome},
    hint::Hint,
};

use super::Own;
use crate::{
    ask::{self, Answered},
    cmd::exec,
    ctx::{Ctx, Journal},
    error::{Error, Kind},
    flow,
    hook::JOB,
    node::Place,
    ui::words,
};

/// Does all of a node command, and says so by status 0.
const EXECUTE: &str = "execute_custom_node_command";

/// A node command that the project may do in its own way.
#[derive(Debug, Clone, Copy)]
pub(in crate::cmd) struct Meant<'a> {
    /// `start`, `migrate`, …
    pub(in crate::cmd) action: &'a str,
    /// Whether it changes something, so that it is asked for and recorded.
    pub(in crate::cmd) changes: bool,
    /// Whether the user only wants to see what would be done.
    pub(in crate::cmd) only_shown: bool,
}

/// Does a node command in the project's own way, if it has one, and gives the exit code. `None`: edeliver's own way is meant.
pub(in crate::cmd) async fn instead(ctx: &Ctx, target: &mut TargetSettings, meant: Meant<'_>) -> Result<Option<u8>, Error> {
    let own = Own::start(ctx, target).await?;
    let script = format!("get_{}_node_command", meant.action);
    let mut code = None;
    if own.defines(EXECUTE) || own.defines(&script) {
        match meant.only_shown {
            true => ctx.reporter.warn(format!("{EXECUTE} or {script} of the project may do something else"), Vec::new()),
            false => code = by_project(ctx, target, meant, &own, &script).await?,
        }
    }
    own.rest(ctx).await?;
    Ok(code)
}

async fn by_project(
    ctx: &Ctx,
    target: &mut TargetSettings,
    meant: Meant<'_>,
    own: &Own,
    script: &str,
) -> Result<Option<u8>, Error> {
    if meant.changes {
        let title = format!("{} {} on {}", meant.action, ctx.settings()?.app, target.name);
        ctx.begin(title.clone(), Journal::Kept)?;
        flow::permission(ctx, target, &title, target.hosts.len()).await?;
        target.confirm = false;
    }
    let done = match own.offer(EXECUTE, &[meant.action]).await? {
        Some(0) => Some(Outcome { hosts: Vec::new(), exit_code: 0, interrupted: false }),
        _ if own.defines(script) => Some(on_hosts(ctx, target, meant.action, own, script).await?),
        _ => None,
    };
    Ok(match done {
        Some(outcome) if meant.changes => Some(ctx.finish(outcome).await),
        done => done.map(|outcome| outcome.exit_code),
    })
}

async fn on_hosts(ctx: &Ctx, target: &TargetSettings, action: &str, own: &Own, script: &str) -> Result<Outcome, Error> {
    let app = &ctx.settings()?.app;
    let mut texts = HashMap::new();
    for host in &target.hosts {
        texts.insert(Place::on(host, app).root.to_string(), text(own, script, action, host.path.as_str()).await?);
    }
    let text_of = move |root: &str| texts.get(root).cloned().unwrap_or_default();
    let what = format!("{script} on {}", words::count(target.hosts.len(), "host"));
    let on = move |site: &ask::Site| (JOB, vec!["merge".to_owned(), text_of(&site.place.root.to_string())]);
    let answered = exec::on_every(ctx, target, what, target.step_timeout, on).await?;
    let exit_code = ask::exit_code(&answered, |status| *status == 0);
    Ok(Outcome { hosts: answered.iter().map(row).collect(), exit_code, interrupted: false })
}

/// What the function has to be run on a host.
async fn text(own: &Own, script: &str, action: &str, path: &str) -> Result<String, Error> {
    match own.ask(script, &[action, path, ""]).await? {
        Some(said) if said.status == 0 && !said.output.trim().is_empty() => Ok(said.output),
        Some(said) => {
            let error = Error::new(Kind::Config, format!("{script} gave nothing to run, with status {}", said.status));
            Err(error.hint(Hint::text("it prints the commands that run on the host, and returns 0")))
        }
        None => Err(Error::new(Kind::Internal, format!("there is no {script}"))),
    }
}

fn row(one: &Answered<i32>) -> HostOutcome {
    let (result, summary) = match &one.answer {
        Ok(0) => (HostResult::Done, "done".to_owned()),
        Ok(status) => (HostResult::Failed, format!("exit status {status}")),
        Err(error) => (HostResult::Unknown, error.causes().first().cloned().unwrap_or_default()),
    };
    HostOutcome { host: one.host.clone(), result, summary }
}
