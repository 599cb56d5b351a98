//! Runs that are watched from another terminal.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::Child,
    sync::mpsc::{self, Receiver},
    time::{Duration, Instant},
};

use edeliver_core::event::{Event, EventKind};
use rustix::process::{Pid, Signal, kill_process};

use crate::{fleet::Fleet, store::App};

/// Somebody who watches, and what they see.
struct Watcher {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Watcher {
    fn of(mut child: Child) -> Self {
        let (to, lines) = mpsc::channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| to.send(line)));
        Self { child, lines, seen: Vec::new() }
    }
    /// Waits until a line has this in it.
    #[track_caller]
    fn sees(&mut self, part: &str) {
        self.sees_more(|seen| seen.iter().any(|line| line.contains(part)));
    }
    /// Waits until that is so of all lines together.
    #[track_caller]
    fn sees_more(&mut self, enough: impl Fn(&[String]) -> bool) {
        let end = Instant::now() + Duration::from_secs(60);
        while !enough(&self.seen) {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => self.seen.push(line),
                Err(_) => panic!("it never came after {:#?}", self.seen),
            }
        }
    }
    /// Presses keys at its terminal.
    fn presses(&mut self, keys: &str) {
        self.child.stdin.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }
    /// What Ctrl-C does.
    fn interrupt(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
    }
    /// Waits for its end; gives the exit code and all it saw.
    fn ends(mut self) -> (i32, Vec<String>) {
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        self.seen.extend(self.lines.iter());
        (code, self.seen)
    }
}

/// A hook that waits until the project has a file `go`.
fn hold(fleet: &Fleet, hook: &str) {
    let project = fleet.project();
    std::fs::write(project.join("hooks.sh"), format!("{hook}() {{ until [ -e go ]; do sleep 0.2; done; }}\n")).unwrap();
    let config = std::fs::read_to_string(project.join("edeliver.toml")).unwrap();
    std::fs::write(project.join("edeliver.toml"), format!("hooks = \"hooks.sh\"\n{config}")).unwrap();
}

#[test]
fn a_deploy_in_another_terminal_is_seen_to_its_end_and_so_is_the_next() {
    let fleet = Fleet::new(App::Relx, 1);
    let mut other = Watcher::of(fleet.start(&["watch", "staging"]));
    let once = Watcher::of(fleet.start(&["watch", "--once"]));
    let json = Watcher::of(fleet.start(&["watch", "staging", "--once", "--json"]));
    other.sees("waiting for a run on staging ...");
    fleet.edeliver("build release").ends_with(3);
    fleet.edeliver("deploy release to staging --version=0.1.0 --start-deploy").ok();
    other.sees("0.1.0 running");
    let (code, seen) = once.ends();
    assert_eq!(code, 0, "{seen:#?}");
    assert!(seen.iter().any(|line| line.contains("start 0.1.0")), "{seen:#?}");
    let (code, lines) = json.ends();
    let events: Vec<Event> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(code, 0);
    assert!(
        matches!(&events[0].kind, EventKind::RunStarted { target: Some(target), by: Some(_), .. } if target.as_str() == "staging")
    );
    assert!(matches!(events.last().unwrap().kind, EventKind::RunFinished { .. }));

    fleet.edeliver("deploy release to staging --version=0.2.0").ok();
    other.sees("0.2.0");
    fleet.edeliver("stop staging").ok();
    other.sees("stop 0.1.0");
    other.interrupt();
    let (code, seen) = other.ends();
    assert_eq!(code, 130, "{seen:#?}");
}

#[test]
fn whoever_comes_late_sees_a_run_from_its_beginning_and_leaving_does_not_end_it() {
    let fleet = Fleet::new(App::Relx, 1);
    std::fs::write(fleet.project().join("hooks.sh"), "pre_start_deployed_release() { until [ -e go ]; do sleep 0.1; done; }\n")
        .unwrap();
    let config = std::fs::read_to_string(fleet.project().join("edeliver.toml")).unwrap();
    std::fs::write(fleet.project().join("edeliver.toml"), format!("hooks = \"hooks.sh\"\n{config}")).unwrap();
    let deploy = fleet.start(&["deploy", "release", "to", "staging", "--version=0.1.0", "--start-deploy"]);
    let mut late = Watcher::of(fleet.start(&["watch", "staging"]));
    late.sees("hook pre_start_deployed_release ...");
    let from_the_beginning = late.seen.iter().any(|line| line.contains("deploy relapp 0.1.0 to staging  run "));
    assert!(from_the_beginning, "{:#?}", late.seen);
    let once = Watcher::of(fleet.start(&["watch", "staging", "--once"]));
    late.interrupt();
    assert_eq!(late.ends().0, 130);
    std::fs::write(fleet.project().join("go"), "").unwrap();
    assert_eq!(Watcher::of(deploy).ends().0, 0, "the run went on");
    assert_eq!(once.ends().0, 0);
}

#[test]
fn at_a_terminal_it_moves_as_in_the_runs_own_and_the_key_ends_the_watching_alone() {
    let fleet = Fleet::new(App::Relx, 2);
    hold(&fleet, "pre_start_deployed_release");
    let deploy = fleet.start(&["deploy", "release", "to", "staging", "--version=0.1.0", "--start-deploy"]);
    let mut watcher = Watcher::of(fleet.at_a_terminal(&["watch", "on", "staging"]));
    // One line for each host, drawn anew again and again.
    for host in ["one", "two"] {
        watcher.sees(&format!("{host}\u{1b}[0m  hook pre_start_deployed_release"));
    }
    let drawn = |seen: &[String]| seen.iter().filter(|line| line.contains("hook pre_start_deployed_release  ")).count();
    let before = drawn(&watcher.seen);
    watcher.sees_more(|seen| drawn(seen) > before + 3);
    watcher.presses("\u{3}");
    let (code, seen) = watcher.ends();
    assert_eq!(code, 130, "{seen:#?}");
    std::fs::write(fleet.project().join("go"), "").unwrap();
    assert_eq!(Watcher::of(deploy).ends().0, 0, "the run went on");
}

#[test]
fn a_run_that_is_killed_has_no_end_and_that_is_told() {
    let fleet = Fleet::new(App::Relx, 1);
    hold(&fleet, "pre_extract_release_archive");
    let mut deploy = fleet.start(&["deploy", "release", "to", "staging", "--version=0.1.0"]);
    let mut once = Watcher::of(fleet.start(&["watch", "staging", "--once"]));
    once.sees("hook pre_extract_release_archive ...");
    kill_process(Pid::from_child(&deploy), Signal::KILL).unwrap();
    deploy.wait().unwrap();
    let (code, seen) = once.ends();
    assert_eq!(code, 11, "{seen:#?}");
    assert!(seen.iter().any(|line| line.contains("the record ends here")), "{seen:#?}");
    let page = fleet.words(&["report", "-o", "-"]).ok().out;
    assert!(page.contains("It has no end"), "{page}");
}

#[test]
fn a_target_that_is_not_there_is_told_at_once() {
    let fleet = Fleet::new(App::Relx, 1);
    let told = fleet.edeliver("watch producton").ends_with(2);
    assert!(told.contains("there is no target `producton`") && told.contains("staging"), "{told}");
}
