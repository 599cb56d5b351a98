//! Reading a journal while it is written.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::Duration,
};

use edeliver_core::{
    event::{Event, EventKind, Outcome},
    name::{RunId, TargetName},
};

use super::{RunsError, record};

/// At most this much is read at once, so that a long journal is shown as it is read.
const PORTION: u64 = 1024 * 1024;

/// A journal, read up to some place.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    file: File,
    /// A line whose end is not there yet.
    rest: Vec<u8>,
    outcome: Option<Outcome>,
}

impl Follower {
    /// At its beginning.
    ///
    /// # Errors
    /// When there is none, or it can't be read.
    pub fn open(dir: &Path, run: &RunId) -> Result<Self, RunsError> {
        let path = super::file_of(dir, run);
        match File::open(&path) {
            Ok(file) => Ok(Self { path, file, rest: Vec::new(), outcome: None }),
            Err(source) => Err(RunsError::Read { path, source }),
        }
    }
    /// What has come since the last call, each event with its line. Nothing: all that is there was read.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn more(&mut self) -> Result<Vec<(String, Event)>, RunsError> {
        loop {
            let read = (&self.file).take(PORTION).read_to_end(&mut self.rest);
            let read = read.map_err(|source| RunsError::Read { path: self.path.clone(), source })?;
            let events = self.whole_lines();
            if read == 0 || !events.is_empty() {
                return Ok(events);
            }
        }
    }
    fn whole_lines(&mut self) -> Vec<(String, Event)> {
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
        let rest = self.rest.split_off(end + 1);
        let lines = std::mem::replace(&mut self.rest, rest);
        let lines = lines.split(|byte| *byte == b'\n').map(String::from_utf8_lossy);
        let events: Vec<_> = lines.filter_map(|line| Some((line.to_string(), serde_json::from_str(&line).ok()?))).collect();
        self.outcome = events.iter().rev().find_map(|(_, event): &(_, Event)| outcome(event)).or(self.outcome.take());
        events
    }
    /// How it ended, once that was read.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }
    /// Whether somebody writes it now.
    pub fn is_written(&self) -> bool {
        record::is_locked(&self.file)
    }
    /// How long ago something was written.
    pub fn age(&self) -> Duration {
        let written = self.file.metadata().and_then(|metadata| metadata.modified());
        written.ok().and_then(|written| written.elapsed().ok()).unwrap_or_default()
    }
}

fn outcome(event: &Event) -> Option<Outcome> {
    match &event.kind {
        EventKind::RunFinished { outcome } => Some(outcome.clone()),
        _ => None,
    }
}

/// Whose run it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aim {
    /// It is for this target.
    This,
    /// It is for another, or for none.
    Other,
    /// It has not said so yet.
    NotSaid,
}

/// The runs of one target, as they begin.
#[derive(Debug)]
pub struct Runs {
    dir: PathBuf,
    target: TargetName,
    /// Those that are of no interest any more; `None`: nobody has looked yet.
    seen: Option<Vec<RunId>>,
}

impl Runs {
    /// Of this target.
    pub fn of(dir: &Path, target: TargetName) -> Self {
        Self { dir: dir.to_owned(), target, seen: None }
    }
    /// The run to be shown now: at first the newest that goes on, later the oldest that was not there before.
    ///
    /// # Errors
    /// When the folder, or a journal that goes on, can't be read. The next call passes over that one.
    pub fn to_show(&mut self) -> Result<Option<RunId>, RunsError> {
        let ids = super::ids(&self.dir).map_err(|source| RunsError::Read { path: self.dir.clone(), source })?;
        let Some(mut seen) = self.seen.take() else {
            let going = ids.iter().rev().find(|run| self.goes_on(run)).cloned();
            self.seen = Some(ids);
            return Ok(going);
        };
        seen.retain(|run| ids.contains(run));
        let new = ids.into_iter().filter(|run| !seen.contains(run)).collect();
        let found = self.first_of(new, &mut seen);
        self.seen = Some(seen);
        found
    }
    fn first_of(&self, new: Vec<RunId>, seen: &mut Vec<RunId>) -> Result<Option<RunId>, RunsError> {
        for run in new {
            let aim = self.aim(&run);
            if !matches!(aim, Ok(Aim::NotSaid)) {
                seen.push(run.clone());
            }
            if aim? == Aim::This {
                return Ok(Some(run));
            }
        }
        Ok(None)
    }
    fn goes_on(&self, run: &RunId) -> bool {
        let written = Follower::open(&self.dir, run).is_ok_and(|journal| journal.is_written());
        written && self.aim(run).is_ok_and(|aim| aim == Aim::This)
    }
    fn aim(&self, run: &RunId) -> Result<Aim, RunsError> {
        let mut journal = match Follower::open(&self.dir, run) {
            Err(RunsError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(Aim::Other),
            journal => journal?,
        };
        let events = journal.more()?;
        let said = events.iter().find_map(|(_, event)| aim_of(event, &self.target));
        Ok(match said {
            Some(aim) => aim,
            None if journal.outcome().is_some() || (!journal.is_written() && journal.age() > LET_IT_BEGIN) => Aim::Other,
            None => Aim::NotSaid,
        })
    }
}

/// A journal has its name for a moment before it is locked and has its first line.
pub const LET_IT_BEGIN: Duration = Duration::from_secs(2);

/// Whose run it is, by this event. A run of an edeliver that did not say so at the beginning has a plan sooner or later.
fn aim_of(event: &Event, target: &TargetName) -> Option<Aim> {
    let aim = |named: &TargetName| if named == target { Aim::This } else { Aim::Other };
    match &event.kind {
        EventKind::RunStarted { target: Some(named), .. } => Some(aim(named)),
        EventKind::RunStarted { target: None, by: Some(_), .. } => Some(Aim::Other),
        EventKind::Planned { plan, .. } => plan.target.as_ref().map(aim),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::OpenOptions, io::Write as _};

    use super::*;
    use crate::{
        runs::Journal,
        ui::{Render as _, samples},
    };

    fn id(id: &str) -> RunId {
        id.parse().unwrap()
    }
    fn started(target: Option<&str>) -> Event {
        samples::at(
            0,
            EventKind::RunStarted {
                run: id("20260101-000000-aaaa"),
                title: "deploy".to_owned(),
                unix: 0,
                command: Vec::new(),
                recorded: true,
                by: target.map(|_| "me@here".to_owned()),
                target: target.map(|target| target.parse().unwrap()),
            },
        )
    }
    /// A run that goes on as long as the journal lives.
    fn begin(dir: &Path, run: &str, target: Option<&str>) -> Journal {
        let mut journal = Journal::create(&super::super::file_of(dir, &id(run))).unwrap();
        journal.event(&started(target)).unwrap();
        journal
    }

    #[test]
    fn a_line_counts_once_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let run = id("20260101-000000-aaaa");
        let line = serde_json::to_string(&samples::at(9, samples::finished(8))).unwrap() + "\n";
        let mut file = OpenOptions::new().create(true).append(true).open(super::super::file_of(dir.path(), &run)).unwrap();
        let mut follower = Follower::open(dir.path(), &run).unwrap();
        assert_eq!(follower.more().unwrap(), []);
        file.write_all(&line.as_bytes()[..20]).unwrap();
        assert_eq!(follower.more().unwrap(), []);
        assert!(follower.outcome().is_none());
        file.write_all(&line.as_bytes()[20..]).unwrap();
        assert_eq!(follower.more().unwrap().len(), 1);
        assert_eq!(follower.outcome().unwrap().exit_code, 8);
        assert_eq!(follower.more().unwrap(), []);
    }

    #[test]
    fn at_first_the_newest_run_that_goes_on_is_shown_and_then_each_that_begins() {
        let dir = tempfile::tempdir().unwrap();
        drop(begin(dir.path(), "20260101-000000-0001", Some("production")));
        let _one = begin(dir.path(), "20260101-000000-0002", Some("production"));
        let _two = begin(dir.path(), "20260101-000000-0003", Some("production"));
        let _other = begin(dir.path(), "20260101-000000-0004", Some("staging"));
        let mut runs = Runs::of(dir.path(), "production".parse().unwrap());
        assert_eq!(runs.to_show().unwrap(), Some(id("20260101-000000-0003")));
        assert_eq!(runs.to_show().unwrap(), None);
        let _elsewhere = begin(dir.path(), "20260101-000000-0005", Some("staging"));
        drop(begin(dir.path(), "20260101-000000-0006", Some("production")));
        let _last = begin(dir.path(), "20260101-000000-0007", Some("production"));
        assert_eq!(runs.to_show().unwrap(), Some(id("20260101-000000-0006")), "it was over before anybody looked");
        assert_eq!(runs.to_show().unwrap(), Some(id("20260101-000000-0007")));
        assert_eq!(runs.to_show().unwrap(), None);
    }

    #[test]
    fn a_run_that_does_not_say_for_whom_it_is_is_known_by_its_plan() {
        let dir = tempfile::tempdir().unwrap();
        let mut runs = Runs::of(dir.path(), "production".parse().unwrap());
        assert_eq!(runs.to_show().unwrap(), None);
        let mut journal = begin(dir.path(), "20260101-000000-0001", None);
        assert_eq!(runs.to_show().unwrap(), None);
        journal.event(&samples::at(5, samples::planned(&["web1"]))).unwrap();
        assert_eq!(runs.to_show().unwrap(), Some(id("20260101-000000-0001")));
    }

    #[test]
    fn looking_at_a_run_takes_nothing_from_who_writes_it() {
        let dir = tempfile::tempdir().unwrap();
        let run = id("20260101-000000-0001");
        let journal = begin(dir.path(), run.as_str(), None);
        let follower = Follower::open(dir.path(), &run).unwrap();
        assert!(follower.is_written());
        drop(journal);
        assert!(!follower.is_written());
        let file = File::open(super::super::file_of(dir.path(), &run)).unwrap();
        rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
        assert!(follower.is_written(), "looking left a lock behind");
    }
}
