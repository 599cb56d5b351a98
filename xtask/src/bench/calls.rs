//! What a call to a node of this machine costs: on an open link, by the release's `erl_call`, and by `bin/APP rpc`.

use std::{
    error::Error,
    fmt::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::project::Project;
use crate::cargo;

/// Medians.
#[derive(Debug, Default)]
pub(super) struct Calls {
    find: Duration,
    open: Duration,
    call: Duration,
    script: Duration,
    rpc: Duration,
}

/// A node of the release, which ends with it.
struct Node<'a> {
    root: &'a Path,
    name: String,
}

impl Node<'_> {
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(self.root.join("bin/hotapp"));
        command.args(words).env("RELEASE_NODE", &self.name).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
    fn answers(&self) -> Result<bool, Box<dyn Error>> {
        Ok(self.command(&["rpc", "Node.self()"]).status()?.success())
    }
}

impl Drop for Node<'_> {
    fn drop(&mut self) {
        drop(self.command(&["stop"]).status());
    }
}

/// Measures them on a node that is started for it.
pub(super) fn measured(project: &Project, rounds: usize) -> Result<Calls, Box<dyn Error>> {
    let root = project.unpacked("0.1.1");
    let node = Node { root: &root, name: format!("bench{}", std::process::id()) };
    let began = Instant::now();
    if !node.command(&["daemon"]).status()?.success() {
        return Err("the release does not start".into());
    }
    while !node.answers()? {
        if began.elapsed() > Duration::from_secs(60) {
            return Err("the release does not come up".into());
        }
    }
    let mut calls = on_a_link(&root)?;
    let mut times = Vec::new();
    for _ in 0..rounds.max(3) {
        let began = Instant::now();
        node.answers()?;
        times.push(began.elapsed());
    }
    times.sort();
    calls.rpc = times[times.len() / 2];
    Ok(calls)
}

/// Asks the program's own example, which prints microseconds.
fn on_a_link(root: &Path) -> Result<Calls, Box<dyn Error>> {
    let mut example = cargo::cargo(&["run", "--quiet", "--release", "--package", "edeliver", "--example", "calls", "--"]);
    let output = example.arg(root).arg("hotapp").stdin(Stdio::null()).output()?;
    if !output.status.success() {
        return Err(format!("the example calls failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let mut calls = Calls::default();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let (name, micros) = line.split_once(' ').ok_or("an unexpected line of the example calls")?;
        let time = Duration::from_micros(micros.parse()?);
        match name {
            "find" => calls.find = time,
            "open" => calls.open = time,
            "call" => calls.call = time,
            _ => calls.script = time,
        }
    }
    Ok(calls)
}

impl Calls {
    /// The table.
    pub(super) fn table(&self, out: &mut String) {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let times = |time: Duration| self.rpc.as_secs_f64() / time.as_secs_f64().max(1e-9);
        let _ = writeln!(
            out,
            "## Calls\n\nTo a node of this machine, without a login: one script that finds the node, a link of Erlang distribution \
             that is opened, a call on it; the same call by the release's `erl_call`; and `bin/hotapp rpc`, which starts a virtual \
             machine for it.\n\n| | time | `bin/hotapp rpc` takes |\n|--|--:|--:|"
        );
        for (what, time) in [
            ("finding the node", self.find),
            ("opening a link", self.open),
            ("a call on it", self.call),
            ("a call by erl_call", self.script),
            ("bin/hotapp rpc", self.rpc),
        ] {
            let _ = writeln!(out, "| {what} | {:.2} ms | {:.1} × as long |", ms(time), times(time));
        }
        out.push('\n');
    }
}
