//! Two things at a time: one that mostly waits, for hosts and nodes, and one that uses the processors meanwhile. A third may go on beside them.

use std::{
    collections::VecDeque,
    error::Error,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use super::programs::Program;
use crate::cargo;

/// Something that has to succeed.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) title: String,
    pub(super) command: Command,
    /// What it is, if it is a test program.
    pub(super) program: Option<Program>,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) title: String,
    pub(super) program: Option<Program>,
    pub(super) success: bool,
    pub(super) said: String,
    took: Duration,
}

/// Does them all, whatever comes of one. They are in the order of how much they wait: one lane begins at the front and the other at the back,
/// until they meet. `beside` has a lane of its own.
pub(super) fn run(jobs: Vec<Job>, beside: Option<Job>) -> Result<Vec<Ended>, Box<dyn Error>> {
    let logs = logs()?;
    let queue = Mutex::new(VecDeque::from(jobs));
    let ended = Mutex::new(Vec::new());
    // By itself, so that the queue is free again while the job is done.
    let taken = |next: fn(&mut VecDeque<Job>) -> Option<Job>| next(&mut queue.lock().expect("no lane panics with it"));
    let done = |job: Job| {
        let one = job.run(&logs);
        one.tell();
        ended.lock().expect("no lane panics with it").push(one);
    };
    let lane = |next| {
        while let Some(job) = taken(next) {
            done(job);
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| beside.map(done));
        scope.spawn(|| lane(VecDeque::pop_front));
        lane(VecDeque::pop_back);
    });
    Ok(ended.into_inner().expect("no lane panics with it"))
}

/// Where what they say is while they run.
fn logs() -> Result<PathBuf, Box<dyn Error>> {
    let logs = cargo::target_dir().join("test-logs");
    fs::create_dir_all(&logs)?;
    Ok(logs)
}

impl Job {
    /// Its output goes to a file: a daemon that a test has left, which has the output too, keeps nobody waiting.
    fn run(mut self, logs: &Path) -> Ended {
        let log = logs.join(format!("{}.log", self.title.replace(['/', ' '], "-")));
        println!("     Running {} ({})", self.title, log.display());
        let began = Instant::now();
        let status = File::create(&log).and_then(|out| self.command.stdout(out.try_clone()?).stderr(out).status());
        let said = fs::read(&log).map(|said| String::from_utf8_lossy(&said).into_owned()).unwrap_or_default();
        let (success, said) = match status {
            Ok(status) => (status.success(), said),
            Err(why) => (false, format!("{:?} can't be started: {why}", self.command.get_program())),
        };
        Ended { title: self.title, program: self.program, success, said, took: began.elapsed() }
    }
}

impl Ended {
    /// In one piece, so that what two lanes say is not mixed.
    fn tell(&self) {
        let word = if self.success { "ok" } else { "FAILED" };
        println!("\n==== {}: {word}, {:.0} s\n{}", self.title, self.took.as_secs_f64(), self.said.trim_end());
    }
}

#[cfg(test)]
impl Ended {
    pub(super) fn failed(program: Program, said: &str) -> Self {
        let title = program.title();
        Self { title, program: Some(program), success: false, said: said.to_owned(), took: Duration::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{Job, run};

    fn shell(title: &str, line: &str) -> Job {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        Job { title: title.to_owned(), command, program: None }
    }

    #[test]
    fn all_are_done_two_at_a_time_and_a_failure_stops_none() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        // Each waits for the other: neither would end alone.
        let meet = |mine: &str, other: &str| {
            let dir = dir.path().display();
            format!("touch {dir}/{mine}; for i in $(seq 300); do [ -e {dir}/{other} ] && exit 0; sleep 0.1; done; exit 1")
        };
        let jobs = vec![
            shell("lanes-a", &meet("a", "b")),
            shell("lanes-fails", "echo said; echo told >&2; exit 3"),
            shell("lanes-b", &format!("({}) && {}", meet("b", "a"), meet("b", "c"))),
        ];
        let beside = shell("lanes-beside", &meet("c", "b"));
        let ended = run(jobs, Some(beside)).expect("they can be run");
        let of = |title: &str| ended.iter().find(|one| one.title == title).expect("it was run");
        assert!(["lanes-a", "lanes-b", "lanes-beside"].iter().all(|title| of(title).success));
        assert_eq!((of("lanes-fails").success, of("lanes-fails").said.as_str()), (false, "said\ntold\n"));
    }
    #[test]
    fn a_daemon_that_was_left_keeps_nobody_waiting() {
        let began = std::time::Instant::now();
        let ended = run(vec![shell("lanes-daemon", "sleep 30 & echo done")], None).expect("it can be run");
        assert!(ended[0].success && began.elapsed().as_secs() < 20);
    }
    #[test]
    fn what_is_not_there_has_failed() {
        let job = Job { title: "lanes-none".to_owned(), command: Command::new("/no/such/program"), program: None };
        let ended = run(vec![job], None).expect("it is told, not an error");
        assert!(!ended[0].success && ended[0].said.contains("/no/such/program"), "{}", ended[0].said);
    }
}
