//! Many processes whose states are migrated: how long they stand still, how long the whole takes, how fast a failed upgrade is taken back.

use std::{error::Error, fmt::Write as _, path::Path};

use super::{ENGINES, place::Place};

/// Stateful processes that are upgraded.
const CROWDS: [usize; 2] = [1, 10_000];

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

/// Its versions: one that begins, one that migrates, and one that can't.
const VERSIONS: [(&str, &str); 3] = [
    ("0.1.0", "{:ok, state}"),
    ("0.2.0", "{:ok, Map.put(state, :moved, true)}"),
    ("0.3.0", "raise \"no way from #{inspect(state)}\""),
];

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

/// The three versions, and the upgrades between them.
pub(super) fn built(edeliver: &Path) -> Result<Place, Box<dyn Error>> {
    let place = Place::make(edeliver)?;
    for (version, migrate) in VERSIONS {
        place.sample.set_version(version)?;
        let text = CROWD.replace("@VERSION@", version).replace("@MIGRATE@", migrate);
        place.sample.write("lib/hotapp/crowd.ex", &text)?;
        place.sample.edit(
            "lib/hotapp/application.ex",
            "[{Hotapp.Counter, from: 0}]",
            "[{Hotapp.Counter, from: 0}, {DynamicSupervisor, name: Hotapp.Crowds}]",
        )?;
        // The queue of five that gen_tcp has by default is full when ten ask at once, and who finds it full waits for a second.
        place.sample.edit("lib/hotapp/web.ex", "reuseaddr: true", "reuseaddr: true, backlog: 1024")?;
        place.build(version)?;
    }
    for (from, to) in [("0.1.0", "0.2.0"), ("0.2.0", "0.3.0")] {
        place.done(&["build", "upgrade", &format!("--with={from}"), &format!("--version={to}")])?;
    }
    Ok(place)
}

pub(super) fn table(place: &Place) -> Result<String, Box<dyn Error>> {
    let mut rows = Vec::new();
    for engine in ENGINES {
        for crowd in CROWDS {
            eprintln!("xtask: {crowd} processes, {engine}");
            rows.push(row(place, engine, crowd)?);
        }
    }
    Ok(text(&rows))
}

fn row(place: &Place, engine: &'static str, crowd: usize) -> Result<Row, Box<dyn Error>> {
    place.begin(engine)?;
    place.done(&["rpc", &format!("Hotapp.Crowd.start({crowd})"), "staging"])?;
    let upgraded = place.upgrade("0.2.0")?;
    let (_, note) = upgraded.step("upgrade the running node").ok_or("the node was not upgraded")?;
    let suspended = note.and_then(|note| Some(note.split("suspended for ").nth(1)?.split(',').next()?.to_owned()));
    let watched = upgraded.step("verify").map_or(0, |(took, _)| took);
    let prepared = upgraded.from("ask the node").ok_or("the node was not asked")?;
    let failed = place.upgrade("0.3.0")?;
    let taken_back_ms = failed.failed("upgrade the running node").ok_or("the broken upgrade did not fail")?;
    let sum = place.done(&["rpc", "Hotapp.Crowd.sum()", "staging"])?;
    let kept = sum.trim() == (crowd * (crowd + 1) / 2).to_string();
    Ok(Row { engine, crowd, suspended, whole_ms: prepared.saturating_sub(watched), taken_back_ms, kept })
}

fn text(rows: &[Row]) -> String {
    let mut out = String::from(
        "\n## Processes with state\n\nSo many more processes, whose states are migrated. `suspended` is what the node measured; `whole` is the \
         time of the steps from the preflight to the commit, calls and scripts among them, without the time of watching; `taken back` is the time \
         from the begin of an upgrade whose `code_change` raises until the node is as before (transactional) or has come up again in the old \
         release (release_handler).\n\n\
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
