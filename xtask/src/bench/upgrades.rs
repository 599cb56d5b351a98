//! What a hot upgrade costs a running node: how long its processes stand still, how long the whole takes, and how fast a failed one is
//! taken back. On a node of this machine, by both engines.

use std::{
    error::Error,
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use edeliver_lab::samples::{self, Sample};
use serde_json::Value;
use tempfile::TempDir;

/// Stateful processes that are upgraded.
const CROWDS: [usize; 2] = [1, 10_000];

const ENGINES: [&str; 2] = ["transactional", "release_handler"];

/// A process with a state that `code_change` has to touch. `@MIGRATE@` is what it does.
const CROWD: &str = r#"defmodule Hotapp.Crowd do
  use GenServer
  @vsn "@VERSION@"
  def start(n) do
    for i <- 1..n, do: {:ok, _} = DynamicSupervisor.start_child(Hotapp.Crowds, {__MODULE__, i})
    n
  end
  def sum, do: for({_, pid, _, _} <- DynamicSupervisor.which_children(Hotapp.Crowds), do: :sys.get_state(pid).i) |> Enum.sum()
  def start_link(i), do: GenServer.start_link(__MODULE__, i)
  def init(i), do: {:ok, %{i: i}}
  def code_change(_vsn, state, _extra), do: @MIGRATE@
end
"#;

/// One row of the table.
#[derive(Debug)]
struct Row {
    engine: &'static str,
    crowd: usize,
    /// As the node itself measured it; only the agent does.
    suspended: Option<String>,
    /// From the question whether it can be done to the end, without the time of watching.
    whole_ms: u64,
    /// A `code_change` that raises: from its beginning until the node is as before, or up again.
    taken_back_ms: u64,
    /// Whether the processes kept their states then.
    kept: bool,
}

/// Measures, and gives the page.
pub(super) fn page(edeliver: PathBuf) -> Result<String, Box<dyn Error>> {
    let field = Field::make(edeliver)?;
    let mut rows = Vec::new();
    for engine in ENGINES {
        for crowd in CROWDS {
            eprintln!("xtask: {crowd} processes, {engine}");
            rows.push(field.row(engine, crowd)?);
        }
    }
    Ok(text(&rows))
}

fn text(rows: &[Row]) -> String {
    let mut out = String::from(
        "# Bench of hot upgrades\n\nMade by `cargo xtask bench --upgrades --write`: one node of this machine, the Elixir sample with so many more \
         processes whose states are migrated. `suspended` is what the node measured; `whole` is the time of the steps from the preflight to the \
         commit, calls and scripts among them, without the time of watching; `taken back` is the time from the begin of an upgrade whose \
         `code_change` raises until the node is as before (transactional) or has come up again in the old release (release_handler).\n\n\
         | engine | processes | suspended | whole | taken back | states then |\n|--|--:|--:|--:|--:|--|\n",
    );
    for row in rows {
        let suspended = row.suspended.as_deref().unwrap_or("not measured");
        let kept = if row.kept { "kept" } else { "lost" };
        let _ = writeln!(
            out,
            "| {} | {} | {suspended} | {} ms | {} ms | {kept} |",
            row.engine, row.crowd, row.whole_ms, row.taken_back_ms
        );
    }
    out
}

/// The project, and a folder as its only host.
struct Field {
    edeliver: PathBuf,
    folder: TempDir,
    sample: Sample,
}

impl Drop for Field {
    fn drop(&mut self) {
        let _ = self.run(&["stop", "staging", "--yes"]);
    }
}

impl Field {
    /// Builds 0.1.0, 0.2.0 that migrates, and 0.3.0 that can't.
    fn make(edeliver: PathBuf) -> Result<Self, Box<dyn Error>> {
        let folder = TempDir::with_prefix("edeliver-bench-")?;
        let sample = samples::elixir(&folder.path().join("project"), "0.1.0")?;
        let field = Self { edeliver, folder, sample };
        field.configure(ENGINES[0])?;
        for (version, migrate) in [
            ("0.1.0", "{:ok, state}"),
            ("0.2.0", "{:ok, Map.put(state, :moved, true)}"),
            ("0.3.0", "raise \"no way from #{inspect(state)}\""),
        ] {
            field.sample.set_version(version)?;
            let text = CROWD.replace("@VERSION@", version).replace("@MIGRATE@", migrate);
            field.sample.write("lib/hotapp/crowd.ex", &text)?;
            field.sample.edit(
                "lib/hotapp/application.ex",
                "[{Hotapp.Counter, from: 0}]",
                "[{Hotapp.Counter, from: 0}, {DynamicSupervisor, name: Hotapp.Crowds}]",
            )?;
            let commit = field.sample.commit(version)?;
            field.done(&["build", "release", &format!("--revision={commit}")])?;
        }
        for (from, to) in [("0.1.0", "0.2.0"), ("0.2.0", "0.3.0")] {
            field.done(&["build", "upgrade", &format!("--with={from}"), &format!("--version={to}")])?;
        }
        Ok(field)
    }
    fn configure(&self, engine: &str) -> Result<(), Box<dyn Error>> {
        let place = |name: &str| self.folder.path().join(name).display().to_string();
        let (builds, host) = (place("builds"), place("host"));
        let text = format!(
            "app = \"hotapp\"\n[build]\nhost = \"localhost\"\ntransport = \"local\"\npath = {builds:?}\n[upgrade]\nengine = {engine:?}\nsoak = \"1s\"\n\
             [targets.staging]\nhosts = [{{ name = \"localhost\", transport = \"local\", path = {host:?}, node = \"hotbench{}\" }}]\n",
            std::process::id()
        );
        Ok(self.sample.write("edeliver.toml", &text)?)
    }
    fn row(&self, engine: &'static str, crowd: usize) -> Result<Row, Box<dyn Error>> {
        self.configure(engine)?;
        let _ = self.run(&["stop", "staging", "--yes"]);
        let _ = std::fs::remove_dir_all(self.folder.path().join("host"));
        self.done(&["deploy", "release", "to", "staging", "--version=0.1.0", "--start-deploy", "--yes"])?;
        self.done(&["rpc", &format!("Hotapp.Crowd.start({crowd})"), "staging"])?;
        let upgraded = self.upgrade("0.2.0")?;
        let (_, note) = upgraded.step("upgrade the running node").ok_or("the node was not upgraded")?;
        let suspended = note.and_then(|note| Some(note.split("suspended for ").nth(1)?.split(',').next()?.to_owned()));
        let watched = upgraded.step("verify").map_or(0, |(took, _)| took);
        let prepared = upgraded.from("ask the node").ok_or("the node was not asked")?;
        let failed = self.upgrade("0.3.0")?;
        let taken_back_ms =
            failed.failed("upgrade the running node").ok_or_else(|| format!("the broken upgrade did not fail: {:?}", failed.0))?;
        let sum = self.done(&["rpc", "Hotapp.Crowd.sum()", "staging"])?;
        Ok(Row {
            engine,
            crowd,
            suspended,
            whole_ms: prepared.saturating_sub(watched),
            taken_back_ms,
            kept: sum.trim() == (crowd * (crowd + 1) / 2).to_string(),
        })
    }
    fn upgrade(&self, version: &str) -> Result<Events, Box<dyn Error>> {
        let output = self.run(&["deploy", "upgrade", "to", "staging", &format!("--version={version}"), "--yes", "--json"])?;
        Ok(Events(String::from_utf8_lossy(&output.stdout).lines().filter_map(|line| serde_json::from_str(line).ok()).collect()))
    }
    fn run(&self, words: &[&str]) -> std::io::Result<std::process::Output> {
        Command::new(&self.edeliver).args(words).current_dir(self.dir()).output()
    }
    fn done(&self, words: &[&str]) -> Result<String, Box<dyn Error>> {
        let output = self.run(words)?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(format!("`edeliver {}` failed: {}", words.join(" "), String::from_utf8_lossy(&output.stderr)).into()),
        }
    }
    fn dir(&self) -> &Path {
        &self.sample.dir
    }
}

/// The events of a run.
struct Events(Vec<Value>);

impl Events {
    fn find(&self, event: &str, what: &str) -> Option<&Value> {
        let is = |value: &&Value| value["event"] == event && value["what"].as_str().is_some_and(|text| text.starts_with(what));
        self.0.iter().find(is)
    }
    /// Time and note of a step that is done.
    fn step(&self, what: &str) -> Option<(u64, Option<&str>)> {
        let value = self.find("step-finished", what)?;
        Some((value["took_ms"].as_u64()?, value["note"].as_str()))
    }
    /// Time from the begin of a step to the last step's end.
    fn from(&self, what: &str) -> Option<u64> {
        let begin = self.find("step-started", what)?["elapsed_ms"].as_u64()?;
        let end = self.0.iter().rfind(|value| value["event"] == "step-finished")?["elapsed_ms"].as_u64()?;
        Some(end - begin)
    }
    /// Time of a step until it failed.
    fn failed(&self, what: &str) -> Option<u64> {
        let begin = self.find("step-started", what)?["elapsed_ms"].as_u64()?;
        Some(self.find("step-failed", what)?["elapsed_ms"].as_u64()? - begin)
    }
}
