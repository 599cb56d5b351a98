//! Reading journals: what runs there were, and one of them from its first event to its last.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use edeliver_core::{
    event::{Event, EventKind, Outcome},
    name::RunId,
};
use rustix::fs::{FlockOperation, flock};

/// No such run, or a journal that can't be read.
#[derive(Debug, thiserror::Error)]
pub enum RunsError {
    /// No journal has this id.
    #[error("there is no record of a run `{id}`")]
    None {
        /// What was asked for.
        id: String,
    },
    /// More than one journal begins so.
    #[error("more than one run begins with `{id}`: {}", ids.join(", "))]
    Several {
        /// What was asked for.
        id: String,
        /// What it may be.
        ids: Vec<String>,
    },
    /// Nothing to choose from.
    #[error("no run was recorded yet")]
    Empty,
    /// A page that can't be written.
    #[error("can't write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The disk says no.
    #[error("can't read {}", path.display())]
    Read {
        /// File or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// How a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It came to its end.
    Over(Outcome),
    /// It goes on now.
    Running,
    /// It has no end: the program was killed, the machine went down or the disk was full.
    Cut,
}

/// A run in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Its id.
    pub run: RunId,
    /// Seconds since 1970; `None` if even the first event is missing.
    pub unix: Option<u64>,
    /// In words.
    pub title: String,
    /// How it ended.
    pub ending: Ending,
}

/// The last event of a run stands within this many bytes of the end: a table of some thousand hosts.
const TAIL: u64 = 512 * 1024;

/// All runs with a journal here, oldest first.
///
/// # Errors
/// When the folder can't be read. That it does not exist means that there are none.
pub fn list(dir: &Path) -> Result<Vec<Summary>, RunsError> {
    let ids = super::ids(dir).map_err(|source| RunsError::Read { path: dir.to_owned(), source })?;
    ids.into_iter().map(|run| summary(dir, run)).collect()
}

fn summary(dir: &Path, run: RunId) -> Result<Summary, RunsError> {
    let path = super::file_of(dir, &run);
    let read = || -> io::Result<Summary> {
        let mut file = File::open(&path)?;
        let mut first = String::new();
        BufReader::new(&mut file).take(TAIL).read_line(&mut first)?;
        let (unix, title) = match serde_json::from_str(&first).map(|event: Event| event.kind) {
            Ok(EventKind::RunStarted { unix, title, .. }) => (Some(unix), title),
            _ => (None, String::new()),
        };
        let ending = ending(&mut file)?;
        Ok(Summary { run, unix, title, ending })
    };
    read().map_err(|source| RunsError::Read { path: path.clone(), source })
}

fn ending(file: &mut File) -> io::Result<Ending> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let last = tail.strip_suffix(b"\n").and_then(|whole| whole.rsplit(|byte| *byte == b'\n').next());
    Ok(match last.and_then(|line| serde_json::from_slice(line).ok()).map(|event: Event| event.kind) {
        // Whoever may still hold the lock: a program just being started has our files open for a moment.
        Some(EventKind::RunFinished { outcome }) => Ending::Over(outcome),
        _ if is_locked(file) => Ending::Running,
        _ => Ending::Cut,
    })
}

/// Whether the run that writes this journal goes on.
pub(super) fn is_locked(file: &File) -> bool {
    let locked = flock(file, FlockOperation::NonBlockingLockShared).is_err();
    if !locked {
        let _ = flock(file, FlockOperation::Unlock);
    }
    locked
}

/// The run that is meant: by its id, by the beginning of it, or by its last four characters, which is what differs.
///
/// # Errors
/// When there is none, or more than one.
pub fn find(dir: &Path, id: &str) -> Result<RunId, RunsError> {
    let ids = super::ids(dir).map_err(|source| RunsError::Read { path: dir.to_owned(), source })?;
    let means = |run: &&RunId| run.as_str().starts_with(id) || run.as_str().rsplit('-').next() == Some(id);
    let found: Vec<&RunId> = ids.iter().filter(means).collect();
    match &found[..] {
        [] => Err(RunsError::None { id: id.to_owned() }),
        [one] => Ok((*one).clone()),
        _ => match found.iter().find(|run| run.as_str() == id) {
            Some(exact) => Ok((**exact).clone()),
            None => Err(RunsError::Several { id: id.to_owned(), ids: found.iter().map(ToString::to_string).collect() }),
        },
    }
}

/// The run that is meant, or the latest where none is named.
///
/// # Errors
/// As [`find`], and when there is no run at all.
pub fn meant(dir: &Path, id: Option<&str>) -> Result<RunId, RunsError> {
    match id {
        Some(id) => find(dir, id),
        None => {
            let ids = super::ids(dir).map_err(|source| RunsError::Read { path: dir.to_owned(), source })?;
            ids.into_iter().next_back().ok_or(RunsError::Empty)
        }
    }
}

/// Gives every recorded event, with the line it stands in, to `show`, until that fails. A line that is torn or unreadable is passed over:
/// after a crash the last one may be.
///
/// # Errors
/// When the journal can't be read.
pub fn replay(dir: &Path, run: &RunId, mut show: impl FnMut(&str, &Event) -> io::Result<()>) -> Result<Ending, RunsError> {
    let path = super::file_of(dir, run);
    let mut replay = || -> io::Result<Ending> {
        let mut file = File::open(&path)?;
        for line in BufReader::new(&mut file).split(b'\n') {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            if let Ok(event) = serde_json::from_str(&line)
                && show(&line, &event).is_err()
            {
                break;
            }
        }
        ending(&mut file)
    };
    replay().map_err(|source| RunsError::Read { path: path.clone(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        runs::Journal,
        ui::{Render as _, samples},
    };

    const STARTED: &str = r#"{"v":1,"seq":0,"elapsed_ms":0,"event":"run-started","run":"20260101-000000-aaaa","title":"deploy","unix":1767225600,"command":[]}"#;
    const FINISHED: &str =
        r#"{"v":1,"seq":2,"elapsed_ms":9,"event":"run-finished","outcome":{"hosts":[],"exit_code":0,"interrupted":false}}"#;
    const LATER: &str = r#"{"v":3,"seq":1,"elapsed_ms":5,"event":"gate-waiting","why":"soak"}"#;

    fn journals(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (id, text) in files {
            std::fs::write(dir.path().join(format!("{id}.jsonl")), text).unwrap();
        }
        dir
    }
    fn id(id: &str) -> RunId {
        id.parse().unwrap()
    }

    #[test]
    fn a_run_that_was_killed_is_told_from_one_that_ended_and_one_that_goes_on() {
        let ended = format!("{STARTED}\n{FINISHED}\n");
        let torn = format!("{STARTED}\n{}", &FINISHED[..40]);
        let dir = journals(&[("20260101-000000-aaaa", &ended), ("20260102-000000-bbbb", &torn), ("20260103-000000-cccc", "")]);
        let _running = Journal::create(&dir.path().join("20260104-000000-dddd.jsonl")).unwrap();
        let runs = list(dir.path()).unwrap();
        let over = Ending::Over(Outcome { hosts: vec![], exit_code: 0, interrupted: false });
        let endings: Vec<&Ending> = runs.iter().map(|run| &run.ending).collect();
        assert_eq!(endings, [&over, &Ending::Cut, &Ending::Cut, &Ending::Running]);
        assert_eq!((runs[1].title.as_str(), runs[1].unix), ("deploy", Some(1_767_225_600)));
        assert_eq!((runs[2].title.as_str(), runs[2].unix), ("", None));
    }

    #[test]
    fn no_folder_means_no_runs() {
        assert_eq!(list(Path::new("/nowhere/at/all")).unwrap(), []);
    }

    #[test]
    fn the_beginning_or_the_end_of_an_id_is_enough() {
        let dir = journals(&[("20260101-000000-aaaa", ""), ("20260101-000001-bbbb", ""), ("20260201-000000-cccc", "")]);
        assert_eq!(find(dir.path(), "202602").unwrap(), id("20260201-000000-cccc"));
        assert_eq!(find(dir.path(), "bbbb").unwrap(), id("20260101-000001-bbbb"));
        assert!(matches!(find(dir.path(), "20260101"), Err(RunsError::Several { ids, .. }) if ids.len() == 2));
        assert!(matches!(find(dir.path(), "../../etc/passwd"), Err(RunsError::None { .. })));
    }

    #[test]
    fn what_a_later_version_wrote_survives_and_a_torn_line_is_passed_over() {
        let text = format!("{STARTED}\n{LATER}\n{}", &FINISHED[..30]);
        let dir = journals(&[("20260101-000000-aaaa", &text)]);
        let mut lines = Vec::new();
        let ending = replay(dir.path(), &id("20260101-000000-aaaa"), |line, event| {
            lines.push((line.to_owned(), event.kind == EventKind::Unknown));
            Ok(())
        });
        assert_eq!(ending.unwrap(), Ending::Cut);
        assert_eq!(lines, [(STARTED.to_owned(), false), (LATER.to_owned(), true)]);
    }

    #[test]
    fn what_was_written_is_read_again_without_progress() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::create(&dir.path().join("20260101-000000-aaaa.jsonl")).unwrap();
        let written = [samples::of("web1", 5, samples::done("up")), samples::at(9, samples::finished(8))];
        journal.event(&samples::of("web1", 1, EventKind::Progress { done: 1, total: 2 })).unwrap();
        written.iter().for_each(|event| journal.event(event).unwrap());
        let mut read = Vec::new();
        // The journal is still open, and locked: a run that has told its end is over all the same.
        let ending = replay(dir.path(), &id("20260101-000000-aaaa"), |_, event| {
            read.push(event.clone());
            Ok(())
        });
        assert!(matches!(ending.unwrap(), Ending::Over(outcome) if outcome.exit_code == 8));
        assert_eq!(read, written);
    }
}
