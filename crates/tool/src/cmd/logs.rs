//! `edeliver logs TARGET [-f]`: what the nodes of a target print.

use std::time::Duration;

use edeliver_core::{hint::Hint, unit::Unit};

use crate::{
    ask::{self, Answered, Site, Turn},
    cancel::Level,
    cli::options::TargetArgs,
    ctx::Ctx,
    error::{Error, Kind},
    node::Place,
    report::printable,
    transport::{Call, Output, Script, Transport},
    ui::words,
};

const LOGS: Script = Script { name: "logs", text: concat!(include_str!("../node/process.sh"), include_str!("logs/logs.sh")) };

/// Reading the past is quick.
const PATIENCE: Duration = Duration::from_secs(60);

/// Arguments of `logs`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Shows what run_erl wrote for the release (tmp/log of mix, log of relx), or the journal where systemd runs the node. \
With --follow new lines are shown as they come, also from the next file when the log is rotated, until Ctrl-C.

  edeliver logs production -n 20
  edeliver logs on production --host=web1 -f

Exits with 0 if every host has a log, with 8 if one has none, with 6 if a host can't be reached, with 130 after Ctrl-C.")]
pub struct Args {
    /// Which hosts.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Go on with what comes, until Ctrl-C
    #[arg(short = 'f', long)]
    pub follow: bool,
    /// Show so many lines of the past
    #[arg(short = 'n', long, value_name = "LINES", default_value_t = 50, value_parser = crate::cli::options::number::<u32>)]
    pub lines: u32,
}

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let target = ctx.target(&args.target).await?;
    let hosts = target.hosts.len();
    let (follow, lines) = (args.follow, args.lines);
    let (at_a_time, turn) = if follow { (hosts.max(1), None) } else { (ask::AT_A_TIME, Some(Turn::default())) };
    let what = format!("the log of {}", words::count(hosts, "host"));
    let unit = Unit::of(&target, &ctx.settings()?.app).map(|unit| [unit.scope.word().to_owned(), unit.file_name()]);
    let unit = unit.unwrap_or_default();
    let logs = ask::every(ctx, &target, what, at_a_time, move |site| {
        let (turn, unit) = (turn.clone(), unit.clone());
        async move { show(&site, lines, follow, unit, turn).await }
    });
    if !follow {
        return Ok(ended(ctx, &logs.await?));
    }
    let _endless = ctx.until_interrupted();
    tokio::select! {
        answered = logs => Ok(ended(ctx, &answered?)),
        () = ctx.cancel.reached(Level::Finish) => Ok(Kind::Interrupted.exit_code()),
        () = ask::nobody_reads() => Ok(0),
    }
}

async fn show(site: &Site, lines: u32, follow: bool, unit: [String; 2], turn: Option<Turn>) -> Result<(), Error> {
    let mut aloud = site.aloud();
    if let Some(turn) = turn {
        aloud = aloud.in_turn(&turn);
    }
    let node = site.place.node.as_ref().map(ToString::to_string).unwrap_or_default();
    let follows = if follow { "yes" } else { "no" };
    let args = [site.place.root.to_string(), node, lines.to_string(), follows.to_owned()].into_iter().chain(unit);
    let patience = if follow { Duration::MAX } else { PATIENCE };
    let reply = site.transport.run(Call { output: Output::Heard(&mut aloud), ..Call::new(LOGS, args, patience) }).await?;
    match reply.status {
        3 => Err(Error::new(Kind::Stopped, "there is no log").hint(Hint::text(
            "the release writes one when it is started by `edeliver start`, in `tmp/log` (mix) or `log` (relx) of the release root",
        ))),
        status if status != 0 && reply.tail.iter().any(|line| line.contains("insufficient permissions")) => {
            let error = Error::new(Kind::Stopped, "this login may not read the journal");
            Err(error
                .hint(Hint::command("as root, on the host; it counts from the next login on", "usermod -aG systemd-journal LOGIN")))
        }
        _ => Ok(reply.ok(LOGS).map(drop)?),
    }
}

/// The last lines of a node's log; none where there is none.
///
/// # Errors
/// The connection.
pub(super) async fn tail(host: &dyn Transport, place: &Place, lines: u32) -> Result<Vec<String>, Error> {
    let node = place.node.as_ref().map(ToString::to_string).unwrap_or_default();
    let args = [place.root.to_string(), node, lines.to_string(), "no".to_owned(), String::new(), String::new()];
    let reply = host.run(Call::new(LOGS, args.to_vec(), PATIENCE)).await?;
    Ok(reply.text().lines().map(printable).filter(|line| !line.trim().is_empty()).collect())
}

fn ended(ctx: &Ctx, answered: &[Answered<()>]) -> u8 {
    ask::tell_trouble(ctx, answered);
    ask::exit_code(answered, |()| true)
}

#[cfg(test)]
mod tests;
