//! A console at a terminal of its own.

use std::{io::Write as _, process::Command};

use regex_lite::Regex;

use crate::terminal::{at_a_terminal, until};

/// What the terminal shows up to the prompt after the last line that is typed. `script` is that program with folder and environment.
pub(crate) fn shown(script: Command, command: &str, typed: &[&str]) -> String {
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let mut child = at_a_terminal(script, &words);
    let (mut keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut seen = until(&mut screen, ")1> ");
    for (line, number) in typed.iter().zip(2..) {
        writeln!(keys, "{line}").unwrap();
        seen += &until(&mut screen, &format!("){number}> "));
    }
    keys.write_all(b"\x03").unwrap();
    until(&mut screen, "BREAK");
    keys.write_all(b"a\n").unwrap();
    assert!(child.wait().unwrap().success(), "{seen}");
    Regex::new("\x1b\\[[0-9;?]*[A-Za-z]|\r").unwrap().replace_all(&seen, "").into_owned()
}
