//! `edeliver status TARGET`: how the nodes of a target are, once or all the time.

use std::{collections::BTreeMap, pin::Pin, time::Duration};

use edeliver_core::{
    config::{TargetSettings, duration},
    event::EventKind,
    facts::NodeState,
    name::HostName,
    unit::Unit,
};
use indexmap::IndexMap;

use crate::{
    ask::{
        self, Answered, Kept,
        status::{self, Status},
    },
    cancel::Level,
    cli::options::TargetArgs,
    ctx::Ctx,
    error::{Error, Kind},
    node::{self, Incarnation},
    ui::words,
};

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
One line for each host: the node, its state, the release it runs and the one that boots next, how long it is up, the memory it has \
allocated, its processes, and how many of them wait for a scheduler. With --watch the table is renewed until Ctrl-C.

  edeliver status production
  edeliver status on production --watch=5

Exits with 0 if every node is up, with 8 if one is not, with 6 if a host can't be reached, with 130 after Ctrl-C.")]
pub struct Args {
    /// Renew the table every 2 s, or at this pace
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "2", value_parser = pace)]
    pub watch: Option<Duration>,
    /// Which hosts.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// `5` or `5s`.
fn pace(text: &str) -> Result<Duration, &'static str> {
    let seconds = text.parse::<u32>().ok().filter(|seconds| *seconds > 0).map(|seconds| Duration::from_secs(seconds.into()));
    seconds.or_else(|| duration::parse(text)).ok_or("write it like 5 or 500ms")
}

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let target = ctx.target(&args.target).await?;
    let unit = Unit::of(&target, &ctx.settings()?.app);
    let Some(pace) = args.watch else {
        let what = format!("the status of {}", words::count(target.hosts.len(), "node"));
        let answered = ask::every(ctx, &target, what, ask::AT_A_TIME, looking_at(unit.as_ref())).await?;
        ctx.answer_rows(rows(&answered, unit.as_ref()), "the target has no hosts");
        ask::tell_trouble(ctx, &answered);
        return Ok(exit_code(&answered));
    };
    let _endless = ctx.until_interrupted();
    let kept = Kept::default();
    let code = tokio::select! {
        never = watch(ctx, &kept, &target, unit.as_ref(), pace) => never?,
        () = ctx.cancel.reached(Level::Finish) => Kind::Interrupted.exit_code(),
        () = ask::nobody_reads() => 0,
    };
    kept.close().await;
    Ok(code)
}

/// Shows the table again and again.
async fn watch(ctx: &Ctx, kept: &Kept, target: &TargetSettings, unit: Option<&Unit>, pace: Duration) -> Result<u8, Error> {
    let mut rounds = tokio::time::interval(pace);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut starts = Starts::default();
    loop {
        rounds.tick().await;
        let mut answered = ask::every_over(ctx, Some(kept), target, ask::AT_A_TIME, looking_at(unit)).await?;
        for Answered { host, answer } in &mut answered {
            answer.iter_mut().for_each(|status| starts.compare(host, status));
        }
        ctx.reporter.send(EventKind::Frame { rows: rows(&answered, unit) });
    }
}

/// Which start of each node was seen last, and how many others were seen before it.
#[derive(Default)]
struct Starts(BTreeMap<HostName, (Incarnation, usize)>);

impl Starts {
    /// Notes that the node was restarted while it was watched, which one look at it does not show.
    fn compare(&mut self, host: &HostName, status: &mut Status) {
        let Some(seen) = status.incarnation else { return };
        let (last, restarts) = self.0.entry(host.clone()).or_insert((seen, 0));
        if *last != seen {
            (*last, *restarts) = (seen, *restarts + 1);
        }
        if *restarts > 0 {
            let note = format!("restarted since the first look ({})", words::count(*restarts, "time"));
            let before = std::mem::take(&mut status.note);
            status.note = if before.is_empty() { note } else { format!("{before}; {note}") };
        }
    }
}

/// The question that is put to each host.
fn looking_at(
    unit: Option<&Unit>,
) -> impl Fn(ask::Site) -> Pin<Box<dyn Future<Output = Result<Status, Error>> + Send>> + Clone + Send + Sync + 'static {
    let unit = unit.cloned();
    move |site| {
        let unit = unit.clone();
        Box::pin(async move { status::status(&site, unit.as_ref()).await })
    }
}

type Row = IndexMap<String, String>;

fn rows(answered: &[Answered<Status>], unit: Option<&Unit>) -> Vec<Row> {
    let in_frame = |one: &Answered<Status>| match &one.answer {
        Ok(status) => row(one.host.as_str(), status, unit),
        Err(error) => cells(one.host.as_str(), ["".into(), "not reached".into()], Default::default(), error.causes().join(": ")),
    };
    answered.iter().map(in_frame).collect()
}

fn row(host: &str, status: &Status, unit: Option<&Unit>) -> Row {
    let text = |version: &Option<_>| version.as_ref().map(ToString::to_string).unwrap_or_default();
    let node = status.node.as_ref().map(ToString::to_string).unwrap_or_default();
    let figures = match &status.figures {
        None => Default::default(),
        Some(it) => [words::span(it.uptime_ms), words::size(it.memory), it.processes.to_string(), it.run_queue.to_string()],
    };
    let of_unit = unit.zip(status.unit.as_ref());
    let notes = of_unit.map(|(unit, facts)| facts.notes(unit, node::is_up(status.state))).unwrap_or_default();
    let note = Some(status.note.clone()).filter(|note| !note.is_empty()).into_iter().chain(notes).collect::<Vec<_>>().join("; ");
    let mut row = cells(host, [node, status.state.word().to_owned()], figures, note);
    if let Some((_, facts)) = of_unit {
        row["unit"] = facts.in_words();
    }
    row["runs"] = text(&status.runs);
    row["boots next"] = text(&status.permanent);
    row
}

fn cells(host: &str, [node, state]: [String; 2], [uptime, memory, processes, queue]: [String; 4], note: String) -> Row {
    let none = String::new;
    let cells = [
        ("host", host.to_owned()),
        ("node", node),
        ("state", state),
        ("unit", none()),
        ("runs", none()),
        ("boots next", none()),
        ("uptime", uptime),
        ("memory", memory),
        ("processes", processes),
        ("run queue", queue),
        ("note", note),
    ];
    cells.into_iter().map(|(column, cell)| (column.to_owned(), cell)).collect()
}

fn exit_code(answered: &[Answered<Status>]) -> u8 {
    ask::exit_code(answered, |status| node::is_up(status.state) && status.state != NodeState::Unasked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_seconds_or_a_length_of_time() {
        assert_eq!(pace("5"), Ok(Duration::from_secs(5)));
        assert_eq!(pace("500ms"), Ok(Duration::from_millis(500)));
        assert!(pace("0").is_err() && pace("soon").is_err());
    }
}
