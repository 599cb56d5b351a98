//! How it ended on all hosts, as one exit code.

use edeliver_core::event::{HostOutcome, HostResult, Outcome};

use crate::error::Kind;

/// How it ended on one host.
#[derive(Debug)]
pub(super) struct End {
    pub(super) row: HostOutcome,
    pub(super) ending: Ending,
}

/// What became of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// There was nothing to do.
    Nothing,
    /// It was left out, as the plan has it.
    LeftOut,
    /// All is done.
    Changed,
    /// It was not as the plan has it, so nothing was begun.
    Stale,
    /// Somebody else is changing it, so nothing was begun.
    Locked,
    /// It failed, or could not begin, and serves what it served before.
    AsBefore,
    /// Half way, or nobody knows.
    Otherwise,
}

/// The outcome of a run. `after_failed`: a hook after the hosts' work did.
pub(super) fn of(ends: Vec<End>, after_failed: bool, interrupted: bool) -> Outcome {
    let endings: Vec<Ending> = ends.iter().map(|end| end.ending).collect();
    let hosts: Vec<HostOutcome> = ends.into_iter().map(|end| end.row).collect();
    let all_done = !after_failed && hosts.iter().all(|host| host.result == HostResult::Done);
    let interrupted = interrupted && !all_done;
    let exit_code = match () {
        () if all_done => 0,
        () if interrupted => Kind::Interrupted.exit_code(),
        () => failed(&endings).exit_code(),
    };
    Outcome { hosts, exit_code, interrupted }
}

/// The class of a run in which not every host is done.
fn failed(endings: &[Ending]) -> Kind {
    let all = |these: &[Ending]| endings.iter().all(|ending| *ending == Ending::Nothing || these.contains(ending));
    match () {
        () if all(&[Ending::LeftOut]) => Kind::Stopped,
        () if all(&[Ending::Stale]) => Kind::Blocked,
        () if all(&[Ending::Stale, Ending::Locked]) => Kind::Locked,
        () if all(&[Ending::Stale, Ending::Locked, Ending::AsBefore, Ending::LeftOut]) => Kind::RolledBack,
        () => Kind::Stopped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit_code(endings: &[Ending]) -> u8 {
        let end = |ending: &Ending| {
            let result = match ending {
                Ending::Nothing | Ending::Changed => HostResult::Done,
                Ending::LeftOut => HostResult::Skipped,
                Ending::Stale | Ending::Locked | Ending::AsBefore => HostResult::Failed,
                Ending::Otherwise => HostResult::Unknown,
            };
            End { row: HostOutcome { host: "a".parse().unwrap(), result, summary: String::new() }, ending: *ending }
        };
        of(endings.iter().map(end).collect(), false, false).exit_code
    }

    #[test]
    fn the_exit_code_says_what_became_of_the_fleet() {
        use Ending::{AsBefore, Changed, LeftOut, Locked, Nothing, Otherwise, Stale};
        assert_eq!(exit_code(&[Changed, Nothing]), 0);
        assert_eq!(exit_code(&[Changed, AsBefore]), 8);
        assert_eq!(exit_code(&[Changed, Stale]), 8);
        assert_eq!(exit_code(&[Changed, LeftOut]), 8);
        assert_eq!(exit_code(&[Otherwise, AsBefore]), 8);
        assert_eq!(exit_code(&[AsBefore, Nothing, Stale]), 9);
        assert_eq!(exit_code(&[Stale, Stale]), 4);
        assert_eq!(exit_code(&[Stale, Locked]), 5);
    }

    #[test]
    fn an_interruption_that_came_too_late_for_everything_is_none() {
        assert_eq!(of(Vec::new(), false, true).exit_code, 0);
        assert_eq!(of(Vec::new(), true, true).exit_code, 130);
        assert_eq!(of(Vec::new(), true, false).exit_code, 8);
    }
}
