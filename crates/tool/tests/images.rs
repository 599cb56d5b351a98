//! Releases that mix and rebar3 have built, read as code from the store and compared.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use edeliver::{image, store::Store};
use edeliver_core::{config::StoreSettings, release::Manifest};
use edeliver_erl::{
    changes::{Changes, ModuleChange},
    image::{Image, Kind, Module, Modules},
    term::Atom,
};
use edeliver_lab::samples::{self, Sample};

/// Builds two versions of a sample, the second one after `change`, and gives them with the store they are in.
fn built(
    sample: impl Fn(&Path, &str) -> Sample,
    tool: &str,
    change: impl Fn(&Sample),
) -> (Store, [Manifest; 2], tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("home")).unwrap();
    let one = sample(&dir.path().join("project"), "0.1.0");
    let toml = format!(
        "app = \"{}\"\n[build]\nhost = \"build\"\ntransport = \"local\"\npath = \"{}\"\n",
        one.app,
        dir.path().join("builds").display()
    );
    one.write("edeliver.toml", &toml).unwrap();
    one.write(".git/info/exclude", "edeliver.toml\n.deliver\n").unwrap();
    build(dir.path(), &one, tool);
    let two = sample(&one.dir, "0.2.0");
    change(&two);
    two.commit("changes").unwrap();
    build(dir.path(), &two, tool);
    let settings = StoreSettings { path: one.dir.join(".deliver"), archive: true };
    let store = Store::open(&settings, &one.app.parse().unwrap()).unwrap();
    let manifests = ["0.1.0", "0.2.0"].map(|version| store.manifest(&version.parse().unwrap()).unwrap());
    (store, manifests, dir)
}

fn build(dir: &Path, sample: &Sample, tool: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_edeliver"));
    command.args(["build", "release"]).current_dir(&sample.dir).stdin(Stdio::null()).env_clear();
    let output = command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", dir.join("home")).output().unwrap();
    assert!(output.status.success(), "{tool}: {}", String::from_utf8_lossy(&output.stderr));
}

fn both(store: &Store, [before, after]: &[Manifest; 2]) -> (Image, Image, Changes) {
    let mut modules = Modules::default();
    let changes = image::changes(store, before, after).unwrap();
    (image::read(store, before, &mut modules).unwrap(), image::read(store, after, &mut modules).unwrap(), changes)
}

fn atom(name: &str) -> Atom {
    Atom::new(name).unwrap()
}

fn module<'a>(image: &'a Image, app: &str, name: &str) -> &'a Module {
    &image.apps[&atom(app)].modules[&atom(name)]
}

/// What happened to the modules of an application: `+added`, `-removed`, `changed`, `vsn` of it only.
fn told(changes: &Changes, app: &str) -> Vec<String> {
    let word = |(name, change): (&Atom, &ModuleChange)| match change {
        ModuleChange::Added(_) => format!("+{name}"),
        ModuleChange::Removed(_) => format!("-{name}"),
        ModuleChange::Changed { code: true, .. } => name.to_string(),
        ModuleChange::Changed { .. } => format!("vsn of {name}"),
    };
    changes.apps[&atom(app)].modules.iter().map(word).collect()
}

const SHAPES: &str = "\
defprotocol Hotapp.Describe do
  @fallback_to_any true
  def describe(term)
end
defimpl Hotapp.Describe, for: Any do
  def describe(_), do: \"any\"
end
defmodule Hotapp.Point do
  defstruct x: 0, label: \"\"
end
defmodule Hotapp.Holder do
  use GenServer
  def init(_), do: {:ok, %Hotapp.Point{}}
  def handle_call(:get, _, %Hotapp.Point{} = point), do: {:reply, point, point}
end
defmodule Hotapp.Gone do
  def f, do: 1
end
";

#[test]
fn two_releases_of_mix_are_read_and_their_changes_found() {
    let sample = |dir: &Path, version: &str| {
        let sample = samples::elixir(dir, version).unwrap();
        sample.write("lib/hotapp/shapes.ex", SHAPES).unwrap();
        sample.commit("shapes").unwrap();
        sample
    };
    let (store, manifests, _dir) = built(sample, "mix", |sample| {
        sample.edit("lib/hotapp/shapes.ex", "x: 0", "x: 0, y: 0").unwrap();
        sample.edit("lib/hotapp/shapes.ex", "defmodule Hotapp.Gone do", "defmodule Hotapp.New do").unwrap();
        sample.edit("lib/hotapp/counter.ex", "@vsn \"1\"", "@vsn \"2\"").unwrap();
        let text = "defimpl Hotapp.Describe, for: BitString do\n  def describe(text), do: text\nend\n";
        sample.write("lib/hotapp/text.ex", text).unwrap();
        let config = fs::read_to_string(sample.dir.join("config/config.exs")).unwrap();
        sample.write("config/config.exs", &format!("{config}\nconfig :hotapp, added: 1\n")).unwrap();
    });
    let (before, after, changes) = both(&store, &manifests);
    assert_eq!(changes.apps.keys().map(Atom::as_str).collect::<Vec<_>>(), ["hotapp"]);
    let modules = told(&changes, "hotapp");
    let expected = [
        "+Elixir.Hotapp.Describe.BitString",
        "-Elixir.Hotapp.Gone",
        "+Elixir.Hotapp.New",
        "Elixir.Hotapp.Point",
        "Elixir.Hotapp.Version",
        "vsn of Elixir.Hotapp.Counter",
    ];
    for module in expected {
        assert!(modules.iter().any(|told| told == module), "{module} of {modules:?}");
    }
    let fields = |image: &Image| module(image, "hotapp", "Elixir.Hotapp.Point").struct_fields.clone().unwrap();
    assert_eq!((fields(&before), fields(&after)), (["label", "x"].map(atom).into(), ["label", "x", "y"].map(atom).into()));
    let holders: Vec<&str> = changes.holders[&atom("Elixir.Hotapp.Point")].iter().map(|module| module.name.as_str()).collect();
    assert!(holders.contains(&"Elixir.Hotapp.Holder") && !holders.contains(&"Elixir.Hotapp.Counter"), "{holders:?}");
    assert_eq!(changes.consolidated.keys().map(Atom::as_str).collect::<Vec<_>>(), ["Elixir.Hotapp.Describe"]);
    assert!(changes.consolidated_after.contains(&atom("Elixir.Enumerable")));
    assert_eq!(after.consolidated[&atom("Elixir.Hotapp.Describe")].kind, Kind::Protocol { consolidated: true });
    let (of, for_type) = (Some(atom("Elixir.Hotapp.Describe")), Some(atom("Elixir.BitString")));
    assert_eq!(module(&after, "hotapp", "Elixir.Hotapp.Describe.BitString").kind, Kind::Implementation { of, for_type });
    assert_eq!(module(&after, "hotapp", "Elixir.Hotapp.Application").kind, Kind::Application { starts_list: true });
    assert_eq!(module(&after, "hotapp", "Elixir.Hotapp.Counter").kind, Kind::Process);
    assert_eq!(after.config.providers[0].0, "Elixir.Config.Reader");
    let keys: Vec<(&str, &str)> = changes.config.keys.iter().map(|(app, key)| (app.as_str(), key.as_str())).collect();
    assert_eq!((keys, &changes.config.providers), (vec![("hotapp", "added")], &None));
    assert!(changes.config.files.is_empty(), "{:?}", changes.config.files);
}

#[test]
fn two_releases_of_rebar3_are_read_and_their_changes_found() {
    let (store, manifests, _dir) = built(
        |dir, version| samples::erlang(dir, version).unwrap(),
        "rebar3",
        |sample| {
            let text = fs::read_to_string(sample.dir.join("config/vm.args.src")).unwrap();
            sample.write("config/vm.args.src", &format!("{text}\n+Q 65536\n")).unwrap();
            sample.write("src/relapp_new.erl", "-module(relapp_new).\n-export([f/0]).\nf() -> ok.\n").unwrap();
        },
    );
    let (_, after, changes) = both(&store, &manifests);
    assert_eq!(changes.apps.keys().map(Atom::as_str).collect::<Vec<_>>(), ["relapp"]);
    assert_eq!(told(&changes, "relapp"), ["+relapp_new", "relapp_version"]);
    assert_eq!(changes.config.files, ["vm.args.src"]);
    assert!(after.config.sys.is_none() && after.config.sys_src.is_some());
    assert_eq!(module(&after, "relapp", "relapp_sup").kind, Kind::Supervisor);
    assert_eq!(module(&after, "relapp", "relapp_app").kind, Kind::Application { starts_list: false });
    assert_eq!(module(&after, "relapp", "relapp_counter").kind, Kind::Process);
}
