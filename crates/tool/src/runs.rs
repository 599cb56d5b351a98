//! Journals of runs: written while a run goes on, listed and shown later.

mod follow;
mod journal;
mod masked;
mod page;
mod record;

use std::{
    io,
    path::{Path, PathBuf},
};

use edeliver_core::name::RunId;

pub use follow::{Follower, LET_IT_BEGIN, Runs};
pub use journal::Journal;
pub use masked::masked;
pub use page::{Access, page_of, write_page};
pub use record::{Ending, RunsError, Summary, find, list, meant, replay};

/// The end of a journal's file name.
const EXTENSION: &str = ".jsonl";

/// The journal of this run.
pub fn file_of(dir: &Path, run: &RunId) -> PathBuf {
    dir.join(format!("{run}{EXTENSION}"))
}

/// The runs that have a journal here, oldest first. Other files are none of ours.
fn ids(dir: &Path) -> io::Result<Vec<RunId>> {
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut ids = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        ids.extend(name.to_str().and_then(|name| name.strip_suffix(EXTENSION)).and_then(|id| id.parse::<RunId>().ok()));
    }
    ids.sort();
    Ok(ids)
}

/// Who runs edeliver here, as far as this machine knows: `account@machine`.
pub fn operator() -> Option<String> {
    let account = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let account = account.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()));
    let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let who = crate::report::printable(&format!("{account}@{machine}"));
    (!who.is_empty()).then_some(who)
}

/// In parts of 1/65536.
fn part_of_second(nanoseconds: i32) -> i64 {
    (i64::from(nanoseconds) << 16) / 1_000_000_000
}

/// The identity of a run that begins now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// Its id: date and time (UTC), and four hex digits for the part of the second: ids sort in the order in which runs began.
    pub run: RunId,
    /// Seconds since 1970.
    pub unix: u64,
}

impl Begun {
    /// A new run's identity.
    pub fn now() -> Self {
        let now = jiff::Timestamp::now();
        let id = format!("{}-{:04x}", now.strftime("%Y%m%d-%H%M%S"), part_of_second(now.subsec_nanosecond()));
        let run = id.parse().expect("digits, dashes and hex digits are a run id");
        Self { run, unix: u64::try_from(now.as_second()).unwrap_or(0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_runs_of_one_second_the_later_one_has_the_greater_id() {
        let digits = [0, 20_000, 500_000_000, 999_999_999].map(|time| format!("{:04x}", part_of_second(time)));
        assert_eq!(digits, ["0000", "0001", "8000", "ffff"]);
        let first = Begun::now().run;
        std::thread::sleep(std::time::Duration::from_millis(1));
        assert!(first < Begun::now().run);
    }
}
