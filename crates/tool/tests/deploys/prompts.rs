//! Ctrl-C where a question stands on the terminal: nothing was done, and that is what the exit code says.

use std::{
    io::{Read as _, Write as _},
    process::Child,
    time::{Duration, Instant},
};

use crate::{fleet::Fleet, store::App};

/// Waits for the question, presses Ctrl-C, and gives what was said and the exit code.
fn interrupted_at(question: &str, mut child: Child) -> (String, Option<i32>) {
    let (mut keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut said, mut buffer) = (Vec::new(), [0; 4096]);
    while !String::from_utf8_lossy(&said).contains(question) {
        let count = screen.read(&mut buffer).unwrap();
        assert!(count > 0, "it ended without {question:?}: {}", String::from_utf8_lossy(&said));
        said.extend_from_slice(&buffer[..count]);
    }
    keys.write_all(b"\x03").unwrap();
    let began = Instant::now();
    screen.read_to_end(&mut said).unwrap();
    let status = child.wait().unwrap();
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    (String::from_utf8_lossy(&said).into_owned(), status.code())
}

#[test]
fn ctrl_c_at_a_question_ends_it_and_nothing_is_done() {
    let fleet = Fleet::new(App::Mix, 2);
    fleet.configure("prompts", "confirm = true");
    let questions = [
        ("[1-", "deploy release to staging"),
        ("[y/N]", "deploy release to staging --version=0.1.0"),
        ("[1-", "unpack release"),
        ("[1-", "console staging"),
    ];
    for (question, line) in questions {
        let words: Vec<&str> = line.split(' ').collect();
        let (said, code) = interrupted_at(question, fleet.at_a_terminal(&words));
        assert_eq!(code, Some(130), "{words:?}: {said}");
        assert!(!fleet.root("one").join("releases").exists(), "{words:?}: {said}");
    }
}

#[test]
fn ctrl_c_at_the_question_whether_a_lease_is_broken_leaves_it_where_it_is() {
    let fleet = Fleet::new(App::Mix, 1);
    fleet.edeliver("deploy release to staging --version=0.1.0 --yes").ok();
    fleet.words(&["lock", "hold", "-m", "moving", "staging"]).ok();
    let (said, code) = interrupted_at("[y/N]", fleet.at_a_terminal(&["lock", "break", "staging"]));
    assert_eq!(code, Some(130), "{said}");
    assert!(fleet.edeliver("lock show staging").told.contains("moving"));
}
