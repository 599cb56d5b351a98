//! `edeliver run MyApp.Release.migrate [on] TARGET`: a function that does something, on one node, as a recorded run.

use std::time::Duration;

use edeliver_core::{
    config::TargetSettings,
    event::{EventKind, HostOutcome, HostResult, Outcome},
};

use super::rpc::{call, no_call, shown};
use crate::{
    ask::{
        self, Answered,
        code::{Amount, Code, Value},
    },
    cli::options::{TargetArgs, time},
    ctx::{Ctx, Journal},
    error::{Error, Kind},
    flow,
};

/// Arguments of `task`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
`edeliver run TASK` is the same. The function is called on the running node of the first host, or of those picked with --host, or of all \
with --all-hosts. What it prints is shown while it runs, and recorded. The task has failed if the function raises, exits, throws, or \
returns :error or {:error, reason}.

  edeliver run MyApp.Release.migrate on production
  edeliver run my_app_tasks:reindex production --host=web2

Exits with 0 if it was done, with 8 if it failed on a host, with 11 if nobody knows whether it was done (the link was lost, \
or no answer came in time), with 6 if a host can't be reached.")]
pub struct Args {
    /// The function: Module.function of Elixir, module:function of Erlang, with arguments in parentheses where it takes some
    #[arg(value_name = "TASK")]
    pub code: String,
    /// Run it on every host of the target
    #[arg(long, conflicts_with = "hosts")]
    pub all_hosts: bool,
    /// Give up after this time; what was called goes on [default: the target's step_timeout]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub timeout: Option<Duration>,
    /// Which hosts.
    #[command(flatten)]
    pub target: TargetArgs,
}

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let code = call::parse(&args.code).ok_or_else(|| no_call(&args.code))?;
    let mut target = ctx.target(&args.target).await?;
    if !args.all_hosts && args.target.hosts.is_empty() {
        target.hosts.truncate(1);
    }
    let title = format!("run {} on {}", shown(&args.code), target.name);
    ctx.begin(title.clone(), Journal::Kept)?;
    flow::permission(ctx, &target, &title, target.hosts.len()).await?;
    let timeout = args.timeout.unwrap_or(target.step_timeout);
    let answered = call_on(ctx, &target, title, code, timeout).await?;
    ask::tell_trouble(ctx, &answered);
    let exit_code = ask::exit_code(&answered, |value| !value.is_error);
    let hosts = answered.iter().map(outcome).collect();
    Ok(ctx.finish(Outcome { hosts, exit_code, interrupted: false }).await)
}

async fn call_on(
    ctx: &Ctx,
    target: &TargetSettings,
    title: String,
    code: Code,
    timeout: Duration,
) -> Result<Vec<Answered<Value>>, Error> {
    ask::every(ctx, target, title, ask::AT_A_TIME, move |site| {
        let code = code.clone();
        async move {
            let (_, mut link) = site.link(timeout).await?;
            let value = code.evaluate(&site, &mut *link, timeout, Amount::Readable).await;
            link.close().await;
            let value = value?;
            let result = if value.is_error { HostResult::Failed } else { HostResult::Done };
            site.reporter.send(EventKind::HostFinished { result, summary: returned(&value) });
            Ok(value)
        }
    })
    .await
}

/// One line of the last table. Where nobody knows what happened, that is said.
fn outcome(one: &Answered<Value>) -> HostOutcome {
    let (result, summary) = match &one.answer {
        Ok(value) if value.is_error => (HostResult::Failed, returned(value)),
        Ok(value) => (HostResult::Done, returned(value)),
        Err(error) if error.kind == Kind::Unreachable => (HostResult::Skipped, "it can't be reached".to_owned()),
        Err(error) => {
            let causes = error.causes();
            let summary = causes.first().and_then(|cause| cause.lines().next()).unwrap_or_default().to_owned();
            (if ask::code::is_unknown(error) { HostResult::Unknown } else { HostResult::Failed }, summary)
        }
    };
    HostOutcome { host: one.host.clone(), result, summary }
}

fn returned(value: &Value) -> String {
    format!("returned {}", crate::ui::table::fit(&value.text.split_whitespace().collect::<Vec<_>>().join(" "), 60))
}
