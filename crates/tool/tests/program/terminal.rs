//! A command at a terminal of its own, whose user presses Ctrl-C.

#![allow(dead_code, reason = "each test program uses a part")]

use std::{
    io::{Read as _, Write as _},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

/// edeliver with these words at a terminal; `command` is `script`, with folder and environment.
pub(crate) fn at_a_terminal(mut command: Command, words: &[&str]) -> Child {
    let line = edeliver::transport::quote::words([env!("CARGO_BIN_EXE_edeliver")].into_iter().chain(words.iter().copied()));
    command.args(["-qec", &format!("exec {line}"), "/dev/null"]).env("TERM", "xterm");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

/// What a terminal shows, up to these words. Escape sequences stay in it.
pub(crate) fn until(screen: &mut ChildStdout, words: &str) -> String {
    let (mut seen, mut byte) = (Vec::new(), [0]);
    while !String::from_utf8_lossy(&seen).contains(words) {
        assert_eq!(screen.read(&mut byte).unwrap(), 1, "no {words:?}, but {}", String::from_utf8_lossy(&seen));
        seen.push(byte[0]);
    }
    String::from_utf8_lossy(&seen).into_owned()
}

/// Waits for the question, presses Ctrl-C, and gives what was said and the exit code.
pub(crate) fn interrupted_at(question: &str, mut child: Child) -> (String, Option<i32>) {
    let (mut keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut said = until(&mut screen, question).into_bytes();
    keys.write_all(b"\x03").unwrap();
    let began = Instant::now();
    screen.read_to_end(&mut said).unwrap();
    let status = child.wait().unwrap();
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    (String::from_utf8_lossy(&said).into_owned(), status.code())
}
