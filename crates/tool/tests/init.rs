//! The first configuration of a project, by the real program.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod program;

use std::{
    fs,
    io::{Read as _, Write as _},
    process::Stdio,
};

use program::{Program, done};

const MIX: &str = "defmodule Shop.MixProject do\n  use Mix.Project\n  def project, do: [app: :shop, version: \"0.1.0\"]\nend\n";

#[test]
fn a_project_gets_a_configuration_that_is_valid_at_once() {
    let program = Program::new();
    program.write("mix.exs", MIX);
    program.write(".gitignore", "/_build");
    let build = "--build-host=builder@build.example.com";
    let made =
        program.run(&["init", build, "--target=production=deploy@web1,deploy@web2", "--target=staging=localhost:/tmp/stage"]);
    assert_eq!(made.code, 0, "{}", made.err);
    assert_eq!(made.out.trim(), "wrote edeliver.toml and .gitignore for the release shop (named by the application in mix.exs)");
    let checked = program.run(&["config", "check"]);
    let said = "shop is valid: built on build.example.com, targets production (2 hosts), staging (1 host), no hooks";
    assert_eq!((checked.code, checked.out.trim()), (0, said), "{}", checked.err);
    let ignored = fs::read_to_string(program.project().join(".gitignore")).unwrap();
    assert_eq!(ignored, "/_build\n/.deliver/store/\n/.deliver/releases/\n/.deliver/runs/\n");
}

#[test]
fn what_is_there_is_never_overwritten() {
    for (file, said) in [("edeliver.toml", "there is an edeliver.toml already"), (".deliver/config", "edeliver config import")] {
        let program = Program::new();
        program.write("mix.exs", MIX);
        program.write(file, "APP=shop\n");
        let refused = program.run(&["init", "--build-host=localhost", "--target=staging=localhost"]);
        assert_eq!(refused.code, 2);
        assert!(refused.err.contains(said), "{}", refused.err);
        assert_eq!(fs::read_to_string(program.project().join(file)).unwrap(), "APP=shop\n");
    }
}

#[test]
fn without_a_terminal_the_options_are_named_and_nothing_is_written() {
    let program = Program::new();
    program.write("mix.exs", MIX);
    for (arguments, option) in [(&["init"][..], "--build-host=HOST"), (&["init", "--build-host=b"], "--target=production=HOST")] {
        let refused = program.run(arguments);
        assert_eq!(refused.code, 2);
        assert!(refused.err.contains(option), "{}", refused.err);
    }
    let empty = Program::new().run(&["init", "--build-host=b", "--target=a=b"]);
    assert!(empty.code == 2 && empty.err.contains("there is no mix.exs"), "{}", empty.err);
    assert_eq!(program.files(), ["mix.exs"]);
}

/// `script` gives the program a terminal of its own.
#[test]
fn on_a_terminal_it_asks_for_what_it_cannot_know() {
    let program = Program::new();
    program.write("mix.exs", MIX);
    let line = format!("{} init", env!("CARGO_BIN_EXE_edeliver"));
    let mut command = program.command("script");
    command.args(["-qec", &line, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"\nroot@web1 root@web2\n").unwrap();
    let asked = done(child.wait_with_output().unwrap());
    assert_eq!(asked.code, 0, "{}{}", asked.out, asked.err);
    assert!(asked.out.contains("localhost]"), "{}", asked.out);
    let said = program.run(&["config", "check"]).out;
    assert_eq!(said.trim(), "shop is valid: built on localhost, targets production (2 hosts), no hooks");
}

#[test]
fn ctrl_c_at_its_questions_writes_nothing() {
    let program = Program::new();
    program.write("mix.exs", MIX);
    let line = format!("exec {} init", env!("CARGO_BIN_EXE_edeliver"));
    for answers in [&b"\x03"[..], b"\n\x03"] {
        let mut command = program.command("script");
        command.args(["-qec", &line, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (mut keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut said = Vec::new();
        for key in answers {
            // Each question ends with its suggestion or a question mark, and a blank.
            while !said.ends_with(b"] ") && !said.ends_with(b"? ") {
                let mut byte = [0];
                screen.read_exact(&mut byte).unwrap();
                said.push(byte[0]);
            }
            said.push(b'\n');
            keys.write_all(&[*key]).unwrap();
        }
        std::io::copy(&mut screen, &mut std::io::sink()).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{}", String::from_utf8_lossy(&said));
        assert_eq!(program.files(), ["mix.exs"]);
    }
}
