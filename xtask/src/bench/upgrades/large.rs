//! A large release: how long it takes to judge what an upgrade would do, and to make its relup.

use std::{
    error::Error,
    fmt::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use super::place::Place;

/// Modules that the application has, and how many of them differ: every tenth.
const MODULES: usize = 2000;
const EVERY: usize = 10;

/// Servers and what they share, as an application has them; `@N@` is its number, `@TEXT@` what differs.
const MODULE: &str = r#"defmodule Hotapp.Many.M@N@ do
  use GenServer
  defstruct [:name, count: 0, seen: %{}]
  def start_link(name), do: GenServer.start_link(__MODULE__, name)
  def text, do: "@TEXT@"
  def add(server, n), do: GenServer.call(server, {:add, n})
  def see(server, key, value), do: GenServer.cast(server, {:see, key, value})
  def init(name), do: {:ok, %__MODULE__{name: name}}
  def handle_call({:add, n}, _from, state), do: {:reply, state.count + n, %{state | count: state.count + n}}
  def handle_call(:all, _from, state), do: {:reply, Enum.sort(state.seen), state}
  def handle_cast({:see, key, value}, state), do: {:noreply, %{state | seen: Map.put(state.seen, key, value)}}
  def handle_info({:tell, to}, state) do
    send(to, {text(), for({key, value} <- state.seen, is_integer(value), do: {key, value * 2})})
    {:noreply, state}
  end
  def handle_info(other, state), do: {:noreply, %{state | seen: Map.update(state.seen, other, 1, &(&1 + 1))}}
end
"#;

pub(super) fn table(edeliver: &Path) -> Result<String, Box<dyn Error>> {
    eprintln!("xtask: a release with {MODULES} more modules");
    let place = Place::make(edeliver)?;
    for version in ["0.1.0", "0.2.0"] {
        place.sample.set_version(version)?;
        for n in 0..MODULES {
            let text = if n % EVERY == 0 { version } else { "the same" };
            place
                .sample
                .write(&format!("lib/hotapp/many/m{n}.ex"), &MODULE.replace("@N@", &n.to_string()).replace("@TEXT@", text))?;
        }
        place.build(version)?;
    }
    let judged = timed(&place, &["diff", "0.1.0", "0.2.0"])?;
    let made = timed(&place, &["build", "upgrade", "--with=0.1.0", "--version=0.2.0"])?;
    let mut out = format!(
        "\n## A large release\n\nThe sample with {MODULES} more modules, of which {} differ; whole commands, with what the store needs to read and \
         to write.\n\n| | time |\n|--|--:|\n",
        MODULES / EVERY
    );
    let _ = writeln!(out, "| the verdict (`edeliver diff`) | {:.2} s |", judged.as_secs_f64());
    let _ = writeln!(
        out,
        "| the verdict and the relups, up and down, into the store (`edeliver build upgrade`) | {:.2} s |",
        made.as_secs_f64()
    );
    Ok(out)
}

fn timed(place: &Place, words: &[&str]) -> Result<Duration, Box<dyn Error>> {
    let began = Instant::now();
    place.done(words)?;
    Ok(began.elapsed())
}
