//! What a call to a node of this machine costs: on an open link, by the release's `erl_call`, and by `bin/APP rpc`; and what edeliver
//! itself takes for asking a hundred of them.

use std::{
    error::Error,
    fmt::Write as _,
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::project::Project;
use crate::cargo;

/// Hosts of which all are one node of this machine: what each of them costs edeliver is the same.
pub(super) const HUNDRED: usize = 100;

/// Medians, and more.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// Atoms that the node has more after ten thousand calls.
    atoms: i64,
    /// The most memory that edeliver has had while it asked [`HUNDRED`] hosts, in kB.
    memory: u32,
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
    calls.memory = memory(project, &root)?;
    Ok(calls)
}

/// The most memory that `status` of a hundred hosts takes.
fn memory(project: &Project, root: &Path) -> Result<u32, Box<dyn Error>> {
    let place = tempfile::TempDir::with_prefix("edb-")?;
    symlink(root, place.path().join(project.app()))?;
    let host = |number| format!("{{ name = \"host{number}\", transport = \"local\" }}");
    let hosts: Vec<String> = (0..HUNDRED).map(host).collect();
    project.configure(&format!("[targets.here]\npath = {:?}\nhosts = [{}]\n", place.path(), hosts.join(", ")))?;
    let mut command = Command::new(project.edeliver());
    command.args(["status", "here"]).current_dir(project.dir());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let most = peak(child.id());
    child.wait()?;
    if most == 0 { Err("edeliver ended before its memory was seen".into()) } else { Ok(most) }
}

/// The most memory that a program has had until its end, in kB.
fn peak(pid: u32) -> u32 {
    let mut most = 0;
    while let Some(now) = fs::read_to_string(format!("/proc/{pid}/status")).ok().as_deref().and_then(high_water) {
        most = now;
        std::thread::sleep(Duration::from_millis(5));
    }
    most
}

/// Nothing for a program that has ended.
fn high_water(status: &str) -> Option<u32> {
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?.parse().ok()
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
        if name == "atoms" {
            calls.atoms = micros.parse()?;
            continue;
        }
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
    /// The most memory of `status`, in MB.
    pub(super) fn memory_mb(&self) -> f64 {
        f64::from(self.memory) * 1024.0 / 1e6
    }
    /// Atoms that calls have left on the node.
    pub(super) fn atoms_left(&self) -> f64 {
        self.atoms as f64
    }
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
        let _ = writeln!(
            out,
            "\nTen thousand calls on ten links, one after the other, left {} atoms more on the node than there were. `status` of {HUNDRED} hosts, \
             which are all this node, took edeliver itself {:.0} MB of memory at most.\n",
            self.atoms,
            self.memory_mb()
        );
    }
}
