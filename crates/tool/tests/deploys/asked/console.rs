//! `console`: a remote shell at a real terminal.

use std::{
    fs,
    io::{Read as _, Write as _},
    process::{Child, ChildStdin, ChildStdout},
};

use crate::{fleet::Fleet, store::App, terminal::until};

fn console(fleet: &Fleet) -> (Child, ChildStdin, ChildStdout) {
    let mut child = fleet.at_a_terminal(&["console", "staging"]);
    let (keys, terminal) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    (child, keys, terminal)
}

/// Folders with cookies of consoles, and command lines that have this cookie in them.
fn traces(cookie: &str, except: i32) -> Vec<String> {
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let words = |pid: i32| fs::read(format!("/proc/{pid}/cmdline")).map(|words| String::from_utf8_lossy(&words).replace('\0', " "));
    all.filter(|pid| *pid != except).filter_map(|pid| words(pid).ok()).filter(|words| words.contains(cookie)).collect()
}

#[test]
fn iex_of_the_running_node_is_used_at_a_terminal_and_left_by_ctrl_c() {
    let fleet = Fleet::new(App::Mix, 1);
    fleet.edeliver("deploy release --version=0.1.0 --start-deploy").ok();
    let node = fleet.beam("one").unwrap();
    let (mut child, mut keys, mut terminal) = console(&fleet);
    until(&mut terminal, "iex(");
    keys.write_all(b"System.pid() <> \"!\"\n").unwrap();
    until(&mut terminal, &format!("\"{}!\"", node.as_raw_nonzero()));
    let cookie = fleet.read("one", "releases/COOKIE");
    let told = traces(cookie.trim(), node.as_raw_nonzero().get());
    assert!(told.iter().all(|line| !line.contains("remsh") && !line.contains("console")), "{told:?}");
    keys.write_all(b"\x03").unwrap();
    until(&mut terminal, "BREAK");
    keys.write_all(b"a\n").unwrap();
    let mut rest = String::new();
    terminal.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success(), "{rest}");
    assert_eq!(fleet.beam("one"), Some(node), "the node runs on");
}

#[test]
fn an_erlang_shell_of_the_running_node_is_left_by_ctrl_g() {
    let fleet = Fleet::new(App::Relx, 1);
    fleet.edeliver("deploy release --version=0.1.0 --start-deploy").ok();
    let node = fleet.beam("one").unwrap();
    let (mut child, mut keys, mut terminal) = console(&fleet);
    until(&mut terminal, "1> ");
    keys.write_all(b"os:getpid() ++ \"!\".\n").unwrap();
    until(&mut terminal, &format!("\"{}!\"", node.as_raw_nonzero()));
    keys.write_all(b"\x07").unwrap();
    until(&mut terminal, "--> ");
    keys.write_all(b"q\n").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(fleet.beam("one"), Some(node), "the node runs on");
}

#[test]
fn a_console_needs_a_terminal_one_host_and_a_node() {
    let fleet = Fleet::new(App::Relx, 2);
    let err = fleet.words(&["console", "staging"]).ends_with(2).err;
    assert!(err.contains("a console needs a terminal") && err.contains("edeliver eval"), "{err}");
    let mut child = fleet.at_a_terminal(&["console", "staging", "--host=one"]);
    until(child.stdout.as_mut().unwrap(), "no node is running");
    assert_eq!(child.wait().unwrap().code(), Some(8));
}
