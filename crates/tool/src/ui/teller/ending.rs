//! The end of a recorded run: one line of what became of the hosts, and what to type next where something is left to do.

use edeliver_core::{
    event::{HostOutcome, HostResult, Outcome},
    hint::Hint,
};

use super::report::{style_of, word};
use crate::{
    error::Kind,
    transport::quote,
    ui::{
        style::{BAD, DIM, GOOD, WARN, paint},
        words::{count, span},
    },
};

/// How many hosts are done, failed and so on, and how long it took.
pub(super) fn line(outcome: &Outcome, elapsed_ms: u64) -> String {
    let mut parts: Vec<String> = Vec::new();
    use HostResult::{Broken, Done, Failed, Skipped, TakenBack, Unknown};
    for result in [Done, Failed, TakenBack, Broken, Unknown, Skipped] {
        match outcome.hosts.iter().filter(|host| host.result == result).count() {
            0 => {}
            _ if outcome.hosts.len() == 1 => parts.push(paint(style_of(result), word(result))),
            number => parts.push(paint(style_of(result), format_args!("{} {}", count(number, "host"), word(result)))),
        }
    }
    if outcome.interrupted {
        parts.push(paint(WARN, "interrupted"));
    }
    if parts.is_empty() {
        parts.push(if outcome.exit_code == 0 { paint(GOOD, "done") } else { paint(BAD, "failed") });
    }
    format!("{} {}", parts.join(", "), paint(DIM, format_args!("in {}", span(elapsed_ms))))
}

/// What to type next. Nothing, when all went well.
pub(super) fn hints(outcome: &Outcome, run: &str, command: &[String]) -> Vec<Hint> {
    if outcome.exit_code == 0 {
        return Vec::new();
    }
    let again = again(outcome, command)
        .map(|line| simpler(line, run))
        .map(|line| Hint::command("when the cause is removed, this finishes what is left", line));
    let record = Hint::command("the whole record of this run", format!("edeliver run show {run}"));
    again.into_iter().chain([record]).collect()
}

/// Nobody reads a command of many hosts: what it does is done by a word.
fn simpler(line: String, run: &str) -> String {
    const READABLE: usize = 120;
    let elsewhere = line.contains("--project");
    if line.chars().count() > READABLE && !elsewhere { format!("edeliver resume {run}") } else { line }
}

/// The same command for the hosts that are not done. On those that are, a rollback for one would go a step too far.
fn again(outcome: &Outcome, command: &[String]) -> Option<String> {
    let is_left = |host: &&HostOutcome| host.result != HostResult::Done;
    let left: Vec<&str> = outcome.hosts.iter().filter(is_left).map(|host| host.host.as_str()).collect();
    let can_be_finished = outcome.exit_code == Kind::Stopped.exit_code() || outcome.interrupted;
    if left.is_empty() || !can_be_finished || command.is_empty() || command.iter().any(|word| word.contains("***")) {
        return None;
    }
    let mut words = vec!["edeliver".to_owned()];
    let mut given = command.iter().skip(1);
    while let Some(word) = given.next() {
        match word.as_str() {
            "--host" => drop(given.next()),
            word if word.starts_with("--host=") => {}
            word => words.push(quote::word(word).into_owned()),
        }
    }
    if left.len() < outcome.hosts.len() || command.iter().any(|word| word.starts_with("--host")) {
        words.push(format!("--host={}", left.join(",")));
    }
    Some(words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(results: &[(&str, HostResult)], exit_code: u8) -> Outcome {
        let host = |(host, result): &(&str, HostResult)| HostOutcome {
            host: host.parse().unwrap(),
            result: *result,
            summary: String::new(),
        };
        Outcome { hosts: results.iter().map(host).collect(), exit_code, interrupted: exit_code == 130 }
    }
    fn next(results: &[(&str, HostResult)], exit_code: u8, command: &str) -> Option<String> {
        let command: Vec<String> = command.split(' ').map(str::to_owned).collect();
        again(&outcome(results, exit_code), &command)
    }

    const MIXED: [(&str, HostResult); 3] =
        [("web1", HostResult::Done), ("web2", HostResult::Failed), ("web3", HostResult::Unknown)];

    #[test]
    fn the_next_command_is_for_the_hosts_that_are_not_done() {
        let next_of = |command| next(&MIXED, 8, command).unwrap();
        assert_eq!(next_of("/usr/bin/edeliver rollback production --yes"), "edeliver rollback production --yes --host=web2,web3");
        assert_eq!(
            next_of("edeliver deploy --host=web1,web2,web3 to production"),
            "edeliver deploy to production --host=web2,web3"
        );
        assert_eq!(
            next_of("edeliver deploy --host web1,web2,web3 production -V"),
            "edeliver deploy production -V --host=web2,web3"
        );
        assert_eq!(next(&MIXED[1..], 130, "edeliver stop production").unwrap(), "edeliver stop production");
        assert_eq!(
            next_of("edeliver deploy --project=it's production"),
            "edeliver deploy '--project=it'\\''s' production --host=web2,web3"
        );
    }

    #[test]
    fn where_the_hosts_that_are_left_are_many_the_run_is_named_instead() {
        let hosts: Vec<String> = (1..=40).map(|number| format!("web{number}")).collect();
        let rows: Vec<(&str, HostResult)> =
            hosts.iter().map(|host| (host.as_str(), HostResult::Failed)).chain([MIXED[0]]).collect();
        let command = ["edeliver", "deploy", "production"].map(str::to_owned);
        let hints = hints(&outcome(&rows[..], 8), "20260101-000000-aaaa", &command);
        assert_eq!(hints[0].command.as_deref(), Some("edeliver resume 20260101-000000-aaaa"));
    }

    #[test]
    fn there_is_none_where_the_same_command_would_not_help() {
        assert_eq!(next(&MIXED, 9, "edeliver deploy production"), None, "everything is back where it was");
        assert_eq!(next(&[("builder", HostResult::Failed)], 7, "edeliver build release"), None, "the commit has to change first");
        assert_eq!(next(&MIXED, 8, "edeliver deploy production --token=***"), None, "it can't be typed as it stands");
        assert!(hints(&outcome(&MIXED[..1], 0), "id", &[]).is_empty());
    }

    #[test]
    fn the_last_line_counts_each_class() {
        let shown = |outcome| anstream::adapter::strip_str(&line(&outcome, 65_000)).to_string();
        assert_eq!(shown(outcome(&MIXED, 8)), "1 host done, 1 host failed, 1 host unknown in 1 min 05 s");
        assert_eq!(shown(outcome(&MIXED[..1], 0)), "done in 1 min 05 s");
        assert_eq!(shown(outcome(&[("web1", HostResult::Skipped)], 130)), "skipped, interrupted in 1 min 05 s");
        assert_eq!(shown(outcome(&[], 4)), "failed in 1 min 05 s");
    }
}
