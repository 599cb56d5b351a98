//! `edeliver lock show|hold|release|break TARGET`: who may change a target.

use std::{sync::Arc, time::Duration};

use edeliver_core::{
    config::TargetSettings,
    event::{HostOutcome, HostResult, Outcome},
    hint::Hint,
    lease::{Answer, Claim, Decision, Held, Holder, Token},
};
use indexmap::IndexMap;

use crate::{
    ask::{self, Answered, Site},
    cli::options::TargetArgs,
    ctx::{Ctx, Journal},
    error::{Error, Kind},
    lease::{self, LeaseError, script},
    ui::words,
};

/// What to do with the lease of a target.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Say who changes a target, since when, and what for
    Show(Args),
    /// Keep all deployers out of a target until it is released
    Hold(HoldArgs),
    /// End a hold
    Release(Args),
    /// Take a target away from whoever has it
    Break(Args),
}

/// Arguments of `lock show`, `lock release` and `lock break`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Every run that changes something holds the lease of its target, on the hosts, and renews it. When it is killed, or loses its network, the lease \
ends by itself within 15 s. `break` is for a run that is alive and must not go on: it stops before its next change. `break` asks, or needs --yes.

  edeliver lock show production
  edeliver lock release production
  edeliver lock break production")]
pub struct Args {
    /// Which hosts.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// Arguments of `lock hold`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Nobody can change the target until `edeliver lock release`; whoever tries is told who holds it and why, and exits with 5.

  edeliver lock hold -m 'the database is being moved' production
  edeliver lock release production")]
pub struct HoldArgs {
    /// Which hosts.
    #[command(flatten)]
    pub target: TargetArgs,
    /// What others are told
    #[arg(short = 'm', long, value_name = "MESSAGE", default_value = "")]
    pub message: String,
}

pub(crate) async fn run(ctx: &Ctx, command: Command) -> Result<u8, Error> {
    match command {
        Command::Show(args) => show(ctx, &args).await,
        Command::Hold(args) => hold(ctx, args).await,
        Command::Release(args) => end(ctx, &args, Held::OnHold).await,
        Command::Break(args) => end(ctx, &args, Held::ByRun).await,
    }
}

/// What each host says to this.
async fn say(
    ctx: &Ctx,
    target: &TargetSettings,
    what: &str,
    args: impl Fn(&Site) -> Vec<String> + Send + Sync + 'static,
) -> Result<Vec<Answered<Answer>>, Error> {
    let (args, what) = (Arc::new(args), format!("{what} of {}", target.name));
    ask::every(ctx, target, what, ask::AT_A_TIME, move |site| {
        let call = script::call(args(&site));
        async move {
            match script::answer(site.transport.run(call).await) {
                Answer::Silent(why) => Err(Error::new(Kind::Stopped, why)),
                answer => Ok(answer),
            }
        }
    })
    .await
}

async fn look(ctx: &Ctx, target: &TargetSettings) -> Result<Vec<Answered<Answer>>, Error> {
    let nobody = lease::token(None);
    say(ctx, target, "the lease", move |site| script::args(&site.place, "look", &nobody)).await
}

async fn show(ctx: &Ctx, args: &Args) -> Result<u8, Error> {
    let target = ctx.target(&args.target).await?;
    let answered = look(ctx, &target).await?;
    ask::tell_trouble(ctx, &answered);
    ctx.answer_rows(answered.iter().map(row).collect(), "the target has no hosts");
    Ok(ask::exit_code(&answered, |_| true))
}

fn row(one: &Answered<Answer>) -> IndexMap<String, String> {
    let span = |time: Option<Duration>| time.map(|time| words::span(time.as_secs() * 1000)).unwrap_or_default();
    let (lease, who, since, ends, what) = match &one.answer {
        Ok(Answer::Held(holder)) => {
            let state = match holder.held {
                Held::OnHold => "on hold",
                Held::ByRun if holder.settled => "held",
                Held::ByRun => "being taken",
            };
            (state, holder.who.clone(), span(holder.age), span(holder.left), holder.what.clone())
        }
        Ok(_) => ("free", String::new(), String::new(), String::new(), String::new()),
        Err(_) => ("could not be asked", String::new(), String::new(), String::new(), String::new()),
    };
    let cells = [
        ("host", one.host.to_string()),
        ("lease", lease.to_owned()),
        ("by", crate::report::printable(&who)),
        ("for", since),
        ("ends unless renewed", ends),
        ("what", crate::report::printable(&what)),
    ];
    cells.into_iter().map(|(column, cell)| (column.to_owned(), cell)).collect()
}

async fn hold(ctx: &Ctx, args: HoldArgs) -> Result<u8, Error> {
    let target = ctx.target(&args.target).await?;
    let run = ctx.begin(format!("hold {}", target.name), Journal::Kept)?;
    let token = lease::token(Some(&run));
    let claimant = script::Claimant { token: token.clone(), who: lease::me(), what: args.message };
    let answered = say(ctx, &target, "holding the lease", move |site| claimant.args(&site.place, "hold")).await?;
    match decided(&target, &token, &answered) {
        Decision::Proceed => {
            ask::tell_trouble(ctx, &answered);
            let rows = answered.iter().map(|one| outcome(one, "kept from deployers")).collect();
            let exit_code = ask::exit_code(&answered, |_| true);
            Ok(ctx.finish(Outcome { hosts: rows, exit_code, interrupted: false }).await)
        }
        Decision::Held(holder, _) => {
            drop_all(ctx, &target, &token).await?;
            Err(LeaseError::held(&target.name, holder).into())
        }
        Decision::TooFew { ours, silent } => {
            drop_all(ctx, &target, &token).await?;
            Err(LeaseError::TooFew { target: target.name.clone(), ours, all: target.hosts.len(), silent }.into())
        }
        // Somebody is trying at this moment.
        Decision::Again(_) => {
            drop_all(ctx, &target, &token).await?;
            Err(Error::new(Kind::Locked, "somebody else is taking the target at this moment"))
        }
    }
}

fn decided(target: &TargetSettings, token: &Token, answered: &[Answered<Answer>]) -> Decision {
    let mut claim = Claim::new(token.clone(), target.hosts.iter().map(|host| host.name.clone()).collect());
    for one in answered {
        let answer = one.answer.as_ref().map_or_else(|error| Answer::Silent(error.causes().join(": ")), Answer::clone);
        claim.hear(&one.host, Duration::ZERO, answer);
    }
    claim.decide(Duration::ZERO)
}

async fn drop_all(ctx: &Ctx, target: &TargetSettings, token: &Token) -> Result<Vec<Answered<Answer>>, Error> {
    let token = token.clone();
    say(ctx, target, "letting go", move |site| script::args(&site.place, "drop", &token)).await
}

/// `release` ends holds, `break` whatever there is.
async fn end(ctx: &Ctx, args: &Args, most: Held) -> Result<u8, Error> {
    let target = ctx.target(&args.target).await?;
    let verb = if most == Held::OnHold { "release" } else { "break the lease of" };
    ctx.begin(format!("{verb} {}", target.name), Journal::Kept)?;
    let found = look(ctx, &target).await?;
    let mut holders: Vec<Holder> = Vec::new();
    for holder in found.iter().filter_map(held) {
        if holders.iter().all(|known| known.token != holder.token) {
            holders.push(holder.clone());
        }
    }
    if let Some(run) = holders.iter().find(|holder| most == Held::OnHold && holder.held == Held::ByRun) {
        return Err(LeaseError::held(&target.name, Box::new(run.clone())).into());
    }
    if most == Held::ByRun {
        for holder in &holders {
            confirm(ctx, &target, holder).await?;
        }
    }
    let mut gone: Vec<Answered<Answer>> = found;
    for holder in &holders {
        let dropped = drop_all(ctx, &target, &holder.token).await?;
        let had = |one: &Answered<Answer>| held(one).is_some_and(|known| known.token == holder.token);
        gone = gone.into_iter().zip(dropped).map(|(one, dropped)| if had(&one) { dropped } else { one }).collect();
    }
    ask::tell_trouble(ctx, &gone);
    let hosts = gone.iter().map(|one| outcome(one, "free")).collect();
    let exit_code = ask::exit_code(&gone, |answer| !matches!(answer, Answer::Held(_)));
    if exit_code != 0 {
        let again = format!("edeliver lock show {}", target.name);
        ctx.reporter
            .warn("not every host is free: what lies on the others keeps deployers out", vec![Hint::command("look", again)]);
    }
    Ok(ctx.finish(Outcome { hosts, exit_code, interrupted: false }).await)
}

async fn confirm(ctx: &Ctx, target: &TargetSettings, holder: &Holder) -> Result<(), Error> {
    let question = format!("break the lease of {}?", lease::in_words(holder));
    match ctx.ui.confirm(question, Some(target.name.as_str().to_uppercase())).await? {
        true => Ok(()),
        false => Err(Error::new(Kind::Interrupted, "not confirmed; nothing was changed")),
    }
}

fn held(one: &Answered<Answer>) -> Option<&Holder> {
    match one.answer.as_ref().ok()? {
        Answer::Held(holder) => Some(holder),
        _ => None,
    }
}

fn outcome(one: &Answered<Answer>, done: &str) -> HostOutcome {
    let (result, summary) = match &one.answer {
        Ok(Answer::Held(holder)) => (HostResult::Failed, format!("{} has it", lease::in_words(holder))),
        Ok(_) => (HostResult::Done, done.to_owned()),
        Err(error) => (HostResult::Skipped, error.causes().first().cloned().unwrap_or_default()),
    };
    HostOutcome { host: one.host.clone(), result, summary }
}
