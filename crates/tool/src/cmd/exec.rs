//! `edeliver exec TARGET -- COMMAND`: a shell command on each host.

use std::{sync::Arc, time::Duration};

use edeliver_core::{
    config::TargetSettings,
    event::{EventKind, HostResult},
    hint::Hint,
};

use crate::{
    ask::{self, Answered, Site},
    cli::options::{TargetArgs, time},
    ctx::Ctx,
    error::{Error, Kind},
    transport::{Call, Output, Script, TransportError, quote},
    ui::words,
};

/// Its name is what an error is about.
const EXEC: Script = Script { name: "the command", text: include_str!("exec/exec.sh") };

/// Arguments of `exec`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
One word after `--` is a line for /bin/sh of the host, pipes and all. Several words are a program and its arguments, \
which no shell looks at again. The command begins where a login does, without a terminal and with nothing to read; \
$RELEASE_ROOT is the release root. Ctrl-C, and the end of --timeout, end it on the hosts too.

  edeliver exec production -- uptime
  edeliver exec on production --host=web1 -- 'du -sh $RELEASE_ROOT/lib/* | sort -h | tail -n 3'

Exits with 0 if the command did so on every host, with 8 if it did not on one, with 11 if a link was lost in \
the middle, with 6 if a host can't be reached.")]
pub struct Args {
    /// Which hosts.
    #[command(flatten)]
    pub target: TargetArgs,
    /// End the command after this time, on the hosts too [default: the target's step_timeout]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub timeout: Option<Duration>,
    /// The command
    #[arg(value_name = "COMMAND", last = true, required = true)]
    pub command: Vec<String>,
}

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let target = ctx.target(&args.target).await?;
    let timeout = args.timeout.unwrap_or(target.step_timeout);
    let what = format!("{} on {}", shown(&args.command), words::count(target.hosts.len(), "host"));
    let command = args.command;
    let on = move |site: &Site| (EXEC, [site.place.root.to_string()].into_iter().chain(command.clone()).collect());
    let answered = on_every(ctx, &target, what, timeout, on).await?;
    if answered.len() > 1 {
        ctx.reporter.info(summary(&answered));
    }
    Ok(ask::exit_code(&answered, |status| *status == 0))
}

/// Runs a script on each host, with the arguments that it has there, and tells what each prints and how it ends.
pub(super) async fn on_every(
    ctx: &Ctx,
    target: &TargetSettings,
    what: String,
    timeout: Duration,
    on: impl Fn(&Site) -> (Script, Vec<String>) + Send + Sync + 'static,
) -> Result<Vec<Answered<i32>>, Error> {
    let on = Arc::new(on);
    let answered = ask::every(ctx, target, what, ask::AT_A_TIME, move |site| {
        let (script, args) = on(&site);
        async move { execute(&site, script, args, timeout).await }
    })
    .await?;
    ask::tell_trouble(ctx, &answered);
    Ok(answered)
}

/// The status of the script on this host, which is told as soon as it is there.
async fn execute(site: &Site, script: Script, args: Vec<String>, timeout: Duration) -> Result<i32, Error> {
    let mut aloud = site.aloud();
    let call = Call { output: Output::Heard(&mut aloud), ..Call::new(script, args, timeout) };
    let status = site.transport.run(call).await.map_err(unfinished)?.status;
    let result = if status == 0 { HostResult::Done } else { HostResult::Failed };
    site.reporter.send(EventKind::HostFinished { result, summary: in_words(status) });
    Ok(status)
}

/// A command that did not come to its end. What it did is not known, and doing it again may be wrong.
fn unfinished(error: TransportError) -> Error {
    match error {
        TransportError::LinkLost { .. } => Error::new(Kind::Unknown, error)
            .hint(Hint::text("nobody knows how far it came: look at the host before you run it again")),
        TransportError::Timeout { .. } => {
            Error::new(Kind::Stopped, error).hint(Hint::text("it was ended there; give it more time with `--timeout=TIME`"))
        }
        error => error.into(),
    }
}

fn in_words(status: i32) -> String {
    match status {
        126 => "exit status 126: the program can't be run".to_owned(),
        127 => "exit status 127: there is no such program".to_owned(),
        129..=192 => format!("exit status {status}: ended by signal {}", status - 128),
        status => format!("exit status {status}"),
    }
}

fn summary(answered: &[Answered<i32>]) -> String {
    let number = |status: fn(&Result<i32, Error>) -> bool| answered.iter().filter(|one| status(&one.answer)).count();
    let parts = [
        (number(|answer| matches!(answer, Ok(0))), "done"),
        (number(|answer| matches!(answer, Ok(status) if *status != 0)), "failed"),
        (number(|answer| matches!(answer, Err(error) if error.kind != Kind::Unreachable)), "without an answer"),
        (number(|answer| matches!(answer, Err(error) if error.kind == Kind::Unreachable)), "not reached"),
    ];
    let said = parts.iter().filter(|(number, _)| *number > 0);
    said.map(|(number, word)| format!("{} {word}", words::count(*number, "host"))).collect::<Vec<_>>().join(", ")
}

/// The command as one line that is not too long.
fn shown(command: &[String]) -> String {
    let line = match command {
        [line] => line.clone(),
        words => quote::words(words.iter().map(String::as_str)),
    };
    crate::ui::table::fit(&crate::report::printable(&line), 40)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_told_in_words() {
        assert_eq!(in_words(0), "exit status 0");
        assert_eq!(in_words(127), "exit status 127: there is no such program");
        assert_eq!(in_words(137), "exit status 137: ended by signal 9");
    }

    #[test]
    fn the_last_line_counts_what_became_of_the_hosts() {
        let answers = [Ok(0), Ok(0), Ok(3), Err(Kind::Unreachable), Err(Kind::Stopped)];
        let answered = answers.map(|answer| Answered {
            host: "web1".parse().unwrap(),
            answer: answer.map_err(|kind| Error::new(kind, "in trouble")),
        });
        assert_eq!(summary(&answered), "2 hosts done, 1 host failed, 1 host without an answer, 1 host not reached");
    }

    #[test]
    fn the_command_is_shown_as_it_could_be_typed() {
        assert_eq!(shown(&["ls -l | wc".to_owned()]), "ls -l | wc");
        assert_eq!(shown(&["ls".to_owned(), "a b".to_owned()]), "ls 'a b'");
        assert_eq!(shown(&["x".repeat(50)]).len(), 40);
    }
}
