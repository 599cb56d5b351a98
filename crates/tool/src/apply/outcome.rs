//! How it ended on all hosts, as one exit code.

use edeliver_core::{
    event::{HostOutcome, HostResult, Outcome},
    name::HostName,
    strategy::Rollout,
};

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
    /// It serves what it is to serve, and whoever interrupted did not wait until that was sure, or all was tidy.
    CutShort,
    /// It was not as the plan has it, so nothing was begun.
    Stale,
    /// Somebody else is changing it, so nothing was begun.
    Locked,
    /// It failed, or could not begin, and serves what it served before.
    AsBefore,
    /// Half way, or nobody knows.
    Otherwise,
}

/// How a plan ended, host by host.
#[derive(Debug, Default)]
#[must_use]
pub struct Ended {
    pub(super) ends: Vec<End>,
    /// A hook before a wave failed, or too few hosts served.
    pub(super) stopped: bool,
    /// Migrations failed, for this reason.
    pub(super) migrations_failed: Option<Kind>,
    /// A hook after the hosts' work failed.
    pub(super) after_failed: bool,
    pub(super) interrupted: bool,
}

impl Ended {
    /// Whether more hosts failed than may, or a hook of the run has stopped it. Who interrupts has not asked for anything else to be done.
    pub fn fails(&self, rollout: &Rollout) -> bool {
        let failures = || self.ends.iter().filter(|end| end.is_failure()).count();
        !self.interrupted && (self.stopped || rollout.ends_after(failures()))
    }
    /// Hosts on which something may be another than before.
    pub fn changed(&self) -> Vec<HostName> {
        self.ends.iter().filter(|end| end.is_changed()).map(|end| end.row.host.clone()).collect()
    }
    /// Hosts on which it failed, and which are as before.
    pub fn unchanged_failures(&self) -> Vec<HostName> {
        let such = self.ends.iter().filter(|end| end.is_failure() && !end.is_changed());
        such.map(|end| end.row.host.clone()).collect()
    }
    /// Another plan was to bring hosts back to what they had.
    pub fn taken_back(&mut self, back: Self) {
        for (there, end) in self.ends.iter_mut().filter(|end| end.is_changed()).filter_map(|end| {
            let there = back.ends.iter().find(|there| there.row.host == end.row.host)?;
            Some((there, end))
        }) {
            end.went_back(there);
        }
    }
    /// For the last table, and the exit code.
    pub fn outcome(self) -> Outcome {
        let Self { ends, after_failed, interrupted, migrations_failed, .. } = self;
        let all_done = !after_failed && migrations_failed.is_none() && ends.iter().all(End::is_done);
        let endings: Vec<Ending> = ends.iter().map(|end| end.ending).collect();
        let hosts: Vec<HostOutcome> = ends.into_iter().map(|end| end.row).collect();
        let interrupted = interrupted && !all_done;
        let exit_code = match () {
            () if all_done => 0,
            () if interrupted => Kind::Interrupted.exit_code(),
            () => match migrations_failed {
                Some(Kind::Unknown) => Kind::Unknown.exit_code(),
                Some(kind) if is_changed(&endings) => kind.exit_code(),
                _ => failed(&endings).exit_code(),
            },
        };
        Outcome { hosts, exit_code, interrupted }
    }
}

impl End {
    /// Whether nothing more was to be done.
    pub(super) fn is_done(&self) -> bool {
        self.row.result == HostResult::Done && self.ending != Ending::CutShort
    }
    /// Whether a rollout counts it as a failure. What was left out, or is as wanted already, is none.
    pub(super) fn is_failure(&self) -> bool {
        match self.row.result {
            HostResult::Failed | HostResult::Broken | HostResult::Unknown | HostResult::TakenBack => true,
            HostResult::Done | HostResult::Skipped => false,
        }
    }
    fn is_changed(&self) -> bool {
        matches!(self.ending, Ending::Changed | Ending::CutShort | Ending::Otherwise)
    }
    /// `there`: how the way back ended.
    fn went_back(&mut self, there: &Self) {
        let before = std::mem::take(&mut self.row.summary);
        let went_well = matches!(self.ending, Ending::Changed | Ending::CutShort);
        (self.row.result, self.row.summary, self.ending) = match (there.row.result, went_well) {
            (HostResult::Done, true) => (HostResult::TakenBack, there.row.summary.clone(), Ending::AsBefore),
            (HostResult::Done, false) => (HostResult::Failed, format!("{before}; {}", there.row.summary), Ending::AsBefore),
            (HostResult::Skipped, true) => (HostResult::Failed, not_back(&before, there), Ending::Otherwise),
            (HostResult::Skipped, false) => (self.row.result, not_back(&before, there), Ending::Otherwise),
            (result, _) => (result, not_back(&before, there), Ending::Otherwise),
        };
    }
}

fn not_back(before: &str, there: &End) -> String {
    format!("{before}; it was not taken back: {}", there.row.summary)
}

/// Whether all hosts are as they should be.
fn is_changed(endings: &[Ending]) -> bool {
    endings.iter().all(|ending| matches!(ending, Ending::Changed | Ending::CutShort | Ending::Nothing))
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

    fn ended(ends: Vec<End>, after_failed: bool, interrupted: bool) -> Ended {
        Ended { ends, after_failed, interrupted, ..Ended::default() }
    }

    fn exit_code(endings: &[Ending]) -> u8 {
        let end = |ending: &Ending| {
            let result = match ending {
                Ending::Nothing | Ending::Changed | Ending::CutShort => HostResult::Done,
                Ending::LeftOut => HostResult::Skipped,
                Ending::Stale | Ending::Locked | Ending::AsBefore => HostResult::Failed,
                Ending::Otherwise => HostResult::Unknown,
            };
            End { row: HostOutcome { host: "a".parse().unwrap(), result, summary: String::new() }, ending: *ending }
        };
        ended(endings.iter().map(end).collect(), false, false).outcome().exit_code
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
        assert_eq!(ended(Vec::new(), false, true).outcome().exit_code, 0);
        assert_eq!(ended(Vec::new(), true, true).outcome().exit_code, 130);
        assert_eq!(ended(Vec::new(), true, false).outcome().exit_code, 8);
    }

    #[test]
    fn what_was_taken_back_is_as_before_and_what_was_not_says_so() {
        let end = |host: &str, result, summary: &str, ending| End {
            row: HostOutcome { host: host.parse().unwrap(), result, summary: summary.to_owned() },
            ending,
        };
        let all = |back: &[End]| {
            let ends = vec![
                end("a", HostResult::Done, "2 running", Ending::Changed),
                end("b", HostResult::Failed, "2 did not start; 1 serving again", Ending::AsBefore),
                end("c", HostResult::Skipped, "not begun", Ending::AsBefore),
                end("d", HostResult::Broken, "no node runs", Ending::Otherwise),
            ];
            let mut ended = ended(ends, false, false);
            assert_eq!(ended.changed().iter().map(HostName::as_str).collect::<Vec<_>>(), ["a", "d"]);
            let back = back.iter().map(|end| End { row: end.row.clone(), ending: end.ending }).collect();
            ended.taken_back(Ended { ends: back, ..Ended::default() });
            ended.outcome()
        };
        let done = |host| end(host, HostResult::Done, "1 running", Ending::Changed);
        let good = all(&[done("a"), done("d")]);
        assert_eq!(good.exit_code, 9);
        let rows: Vec<_> = good.hosts.iter().map(|row| (row.result, row.summary.as_str())).collect();
        assert_eq!((rows[0], rows[3]), ((HostResult::TakenBack, "1 running"), (HostResult::Failed, "no node runs; 1 running")));
        let bad = all(&[end("a", HostResult::Skipped, "no route to host", Ending::LeftOut), done("d")]);
        assert_eq!(bad.exit_code, 8);
        assert_eq!(bad.hosts[0].summary, "2 running; it was not taken back: no route to host");
    }
}
