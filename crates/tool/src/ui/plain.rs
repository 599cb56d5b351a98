//! Lines that are printed once and never change: for CI, files and pipes.

use std::{
    io::{self, Write},
    time::Duration,
};

use edeliver_core::event::Event;

use super::{
    Render,
    streams::Streams,
    teller::{Steps, Teller},
};
use crate::cli::options::Verbosity;

/// Writes results to one stream and everything else to the other.
pub struct Plain<O, E> {
    streams: Streams<O, E>,
    teller: Teller,
}

impl<O: Write, E: Write> Plain<O, E> {
    /// Results go to `out`, everything else to `err`.
    pub fn new(out: O, err: E, verbosity: Verbosity) -> Self {
        Self { streams: Streams::new(out, err), teller: Teller::new(verbosity, Steps::All) }
    }
}

impl<O: Write + Send, E: Write + Send> Render for Plain<O, E> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        let lines = self.teller.tell(event);
        self.streams.write(&lines)
    }
    fn tick(&mut self, elapsed: Duration) -> io::Result<()> {
        let lines = self.teller.announce_slow(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX));
        self.streams.write(&lines)
    }
    fn name(&self) -> &'static str {
        "the output"
    }
}

#[cfg(test)]
mod tests {
    use edeliver_core::{
        event::{EventKind, HostResult},
        hint::Hint,
    };
    use indexmap::IndexMap;

    use super::*;
    use crate::ui::samples::{at, done, finished, of, planned};

    /// What these events look like without colours; results stand behind `>`.
    fn shown(verbosity: Verbosity, events: &[Event]) -> String {
        let mut plain = Plain::new(Vec::new(), Vec::new(), verbosity);
        for event in events {
            plain.event(event).unwrap();
        }
        let text = |bytes: &[u8], mark: &str| -> String {
            let text = anstream::adapter::strip_str(&String::from_utf8_lossy(bytes)).to_string();
            text.lines().map(|line| format!("{mark}{line}\n")).collect()
        };
        text(&plain.streams.err, "") + &text(&plain.streams.out.unwrap(), "> ")
    }

    fn started() -> Event {
        let run = "20261123-001502-3f2a".parse().unwrap();
        at(
            0,
            EventKind::RunStarted {
                run,
                title: "deploy release to production".to_owned(),
                unix: 0,
                command: vec!["edeliver".to_owned(), "deploy".to_owned()],
                recorded: true,
                by: None,
                target: None,
            },
        )
    }
    fn step(what: &str) -> EventKind {
        EventKind::StepStarted { index: 0, what: what.to_owned() }
    }
    fn step_done(what: &str, took_ms: u64, note: Option<&str>) -> EventKind {
        EventKind::StepFinished { index: 0, what: what.to_owned(), took_ms, note: note.map(str::to_owned) }
    }
    fn output(line: &str) -> EventKind {
        EventKind::StepOutput { line: line.to_owned() }
    }

    fn deploy() -> Vec<Event> {
        let failed = EventKind::StepFailed {
            index: 1,
            what: "start 0.2.0".to_owned(),
            causes: vec!["the node did not come up within 60 s".to_owned(), "it ended with status 1".to_owned()],
            output: vec!["Kernel pid terminated".to_owned()],
            hints: vec![Hint::command("look at its log", "ssh web-two tail -n 50 /srv/hotapp/log/erlang.log.1")],
        };
        vec![
            started(),
            at(10, planned(&["web1", "web-two"])),
            of("web1", 20, step("put 0.2.0 beside what is there")),
            of("web-two", 20, step("put 0.2.0 beside what is there")),
            of("web1", 30, output("tar: x")),
            of("web1", 1_220, step_done("put 0.2.0 beside what is there", 1_200, Some("sent 31 KB in 21 files"))),
            of("web1", 1_230, step("start 0.2.0")),
            of("web-two", 5_000, failed),
            of("web-two", 5_001, EventKind::HostFinished { result: HostResult::Failed, summary: "0.1.0 running".to_owned() }),
            of("web1", 5_100, step_done("start 0.2.0", 3_870, None)),
            of("web1", 5_101, done("0.2.0 running")),
            at(5_200, finished(8)),
        ]
    }

    #[test]
    fn a_log_tells_each_step_each_failure_and_the_table() {
        assert_eq!(
            shown(Verbosity::Compact, &deploy()),
            "\
deploy release to production  run 20261123-001502-3f2a
deploy hotapp 0.2.0 to production
  web1, web-two
    0.1.0 runs
    1. hook pre_start
   web1 | put 0.2.0 beside what is there (1.2 s): sent 31 KB in 21 files
web-two | put 0.2.0 beside what is there ...
   web1 | start 0.2.0 ...
web-two | failed: start 0.2.0
web-two |   the node did not come up within 60 s
web-two |   it ended with status 1
web-two |   its last output:
web-two |     Kernel pid terminated
hint: look at its log
      ssh web-two tail -n 50 /srv/hotapp/log/erlang.log.1
web-two | failed: 0.1.0 running
   web1 | start 0.2.0 (3.8 s)
   web1 | done: 0.2.0 running
1 host done, 1 host failed in 5.2 s
hint: when the cause is removed, this finishes what is left
      edeliver deploy --host=web2
hint: the whole record of this run
      edeliver run show 20261123-001502-3f2a
> host  result  now
> web1  done    0.2.0 running
> web2  failed  0.1.0 running
"
        );
    }

    #[test]
    fn verbose_shows_what_the_commands_print_under_the_step_that_ran_them() {
        let text = shown(Verbosity::Verbose, &deploy());
        assert!(text.contains("   web1 | put 0.2.0 beside what is there ...\n   web1 |   tar: x\n"), "{text}");
        assert!(text.contains("web-two |     Kernel pid terminated\n"), "its last output was not told before:\n{text}");
        let mut printing = deploy();
        printing.insert(5, of("web-two", 40, output("Kernel pid terminated")));
        let text = shown(Verbosity::Verbose, &printing);
        assert_eq!(text.matches("Kernel pid terminated").count(), 1, "{text}");
    }

    #[test]
    fn debug_shows_what_ran_where() {
        let called = |status| EventKind::Called { script: "stage.sh".to_owned(), took_ms: 40, status };
        let events = [of("web1", 10, called(Some(0))), of("web1", 20, called(None))];
        assert_eq!(
            shown(Verbosity::Debug, &events),
            "web1 |   ran stage.sh: status 0 (0.0 s)\nweb1 |   ran stage.sh: no status (0.0 s)\n"
        );
        assert_eq!(shown(Verbosity::Verbose, &events), "");
    }

    #[test]
    fn an_answer_is_all_that_a_question_prints() {
        let row = |version: &str, kind: &str| {
            IndexMap::from([("version".to_owned(), version.to_owned()), ("kind".to_owned(), kind.to_owned())])
        };
        let rows = |rows| at(1, EventKind::Rows { rows, none: "the store is empty".to_owned() });
        assert_eq!(
            shown(Verbosity::Compact, &[rows(vec![row("0.10.0", "release"), row("0.2.0", "upgrade")])]),
            "> version  kind\n> 0.10.0   release\n> 0.2.0    upgrade\n"
        );
        let without_kinds = vec![row("0.1.0", ""), row("0.2.0", "")];
        assert_eq!(shown(Verbosity::Compact, &[rows(without_kinds)]), "> version\n> 0.1.0\n> 0.2.0\n");
        assert_eq!(shown(Verbosity::Compact, &[rows(vec![])]), "the store is empty\n");
        assert_eq!(shown(Verbosity::Compact, &[at(0, EventKind::Text { text: "a\n\nb".to_owned() })]), "> a\n> \n> b\n");
    }

    #[test]
    fn an_error_is_told_with_its_causes_and_remedies() {
        let error = EventKind::Error {
            class: "config".to_owned(),
            causes: vec!["the configuration is wrong".to_owned(), "edeliver.toml:3:1\nunknown key".to_owned()],
            hints: vec![Hint::text("did you mean `hosts`?")],
        };
        assert_eq!(
            shown(Verbosity::Compact, &[at(0, error)]),
            "error: the configuration is wrong\ncaused by: edeliver.toml:3:1\n           unknown key\nhint: did you mean `hosts`?\n"
        );
    }

    /// Fails every write with this error.
    struct Broken(io::ErrorKind);
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_lost_result_is_told_once_and_the_story_goes_on() {
        let told = |kind| {
            let mut plain = Plain::new(Broken(kind), Vec::new(), Verbosity::Compact);
            plain.event(&at(0, EventKind::Text { text: "x\ny".to_owned() })).unwrap();
            plain.event(&at(0, EventKind::Info { text: "on".to_owned() })).unwrap();
            String::from_utf8(plain.streams.err).unwrap()
        };
        assert_eq!(told(io::ErrorKind::BrokenPipe), "on\n");
        assert_eq!(
            told(io::ErrorKind::StorageFull),
            "warning: the result can't be written to standard output (no storage space)\non\n"
        );
    }
}
