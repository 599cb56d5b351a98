//! Releases of the samples, built once, in a store.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::{LazyLock, Mutex, MutexGuard},
};

use edeliver::store::{Existing, Store};
use edeliver_core::{
    config::StoreSettings,
    name::AppName,
    release::{Digest, Entry, EntryKind, Found, Libc, Manifest, Platform, RelPath},
};
use edeliver_lab::samples::{self, Sample};

/// A project with several releases of an application in its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum App {
    /// hotapp 0.1.0, 0.2.0 (in which the library `greeter` changed under its version), and 0.3.0, which crashes at start.
    Mix,
    /// relapp 0.1.0 and 0.2.0.
    Relx,
}

impl App {
    pub(crate) fn name(self) -> AppName {
        match self {
            Self::Mix => "hotapp",
            Self::Relx => "relapp",
        }
        .parse()
        .unwrap()
    }
}

struct Built {
    dir: tempfile::TempDir,
    mix: Mutex<bool>,
    relx: Mutex<bool>,
}

static BUILT: LazyLock<Built> = LazyLock::new(|| {
    run(Command::new("epmd").arg("-daemon"), Path::new("/"));
    Built { dir: tempfile::tempdir().unwrap(), mix: Mutex::new(false), relx: Mutex::new(false) }
});

/// The `.deliver` folder with the releases of an application.
pub(crate) fn template(app: App) -> PathBuf {
    let (done, build): (_, fn(&Path, &Store)) = match app {
        App::Mix => (&BUILT.mix, build_mix),
        App::Relx => (&BUILT.relx, build_relx),
    };
    let at = BUILT.dir.path().join(app.name().as_str());
    let mut done: MutexGuard<'_, bool> = done.lock().unwrap();
    if !*done {
        build(&BUILT.dir.path().join("work"), &open(&at, app));
        *done = true;
    }
    at
}

/// The release as the build tool leaves it, for roots that another tool filled.
pub(crate) fn assembled(app: App, version: &str) -> PathBuf {
    template(app);
    BUILT.dir.path().join("work").join(format!("{}-{version}", app.name()))
}

pub(crate) fn open(path: &Path, app: App) -> Store {
    Store::open(&StoreSettings { path: path.to_owned(), archive: false }, &app.name()).unwrap()
}

fn build_mix(work: &Path, store: &Store) {
    let sample = samples::elixir(&work.join("hotapp"), "0.1.0").unwrap();
    greeter(&sample, "first");
    put(store, &mix_release(&sample, work, "0.1.0"));
    sample.set_version("0.2.0").unwrap();
    greeter(&sample, "second");
    put(store, &mix_release(&sample, work, "0.2.0"));
    sample.set_version("0.3.0").unwrap();
    greeter(&sample, "second");
    let crash = "raise \"broken as asked\"\n    children =";
    sample.edit("lib/hotapp/application.ex", "children =", crash).unwrap();
    put(store, &mix_release(&sample, work, "0.3.0"));
}

/// A library beside the application, as in an umbrella: its version never changes.
fn greeter(sample: &Sample, word: &str) {
    let project =
        "defmodule Greeter.MixProject do\n  use Mix.Project\n  def project, do: [app: :greeter, version: \"1.0.0\"]\nend\n";
    sample.write("greeter/mix.exs", project).unwrap();
    sample.write("greeter/lib/greeter.ex", &format!("defmodule Greeter do\n  def word, do: {word:?}\nend\n")).unwrap();
    sample.edit("mix.exs", "defp deps do\n    []", "defp deps do\n    [{:greeter, path: \"greeter\"}]").unwrap();
}

fn mix_release(sample: &Sample, work: &Path, version: &str) -> PathBuf {
    let to = work.join(format!("hotapp-{version}"));
    // mix sees no change that comes within a second of its last build: the release would have the library of the version before.
    let _ = fs::remove_dir_all(sample.dir.join("_build/prod/lib"));
    run(Command::new("mix").args(["release", "--quiet", "--overwrite", "--path"]).arg(&to).env("MIX_ENV", "prod"), &sample.dir);
    to
}

fn build_relx(work: &Path, store: &Store) {
    for version in ["0.1.0", "0.2.0"] {
        let sample = samples::erlang(&work.join("relapp"), version).unwrap();
        let _ = fs::remove_dir_all(sample.dir.join("_build/prod/rel"));
        run(Command::new("rebar3").args(["as", "prod", "release"]), &sample.dir);
        let to = work.join(format!("relapp-{version}"));
        run(Command::new("cp").arg("-a").arg(sample.dir.join("_build/prod/rel/relapp")).arg(&to), work);
        put(store, &to);
    }
}

pub(crate) fn run(command: &mut Command, dir: &Path) {
    let output = command.current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Stores an assembled release.
fn put(store: &Store, root: &Path) -> Manifest {
    let mut listing = Vec::new();
    list(root, root, &mut listing);
    listing.sort_by(|a, b| a.path.cmp(&b.path));
    let boots = fs::read_to_string(root.join("releases/start_erl.data")).unwrap();
    let found = Found::recognise(&listing, &boots).unwrap();
    let files = found.select(listing).files;
    let here = Platform { os: "linux".into(), arch: std::env::consts::ARCH.into(), libc: Libc::Other };
    let manifest = found.manifest(None, here, files).unwrap();
    let intake = store.intake().unwrap();
    for content in manifest.contents() {
        intake.put(&fs::read(root.join(content.path.as_str())).unwrap()).unwrap();
    }
    intake.finish(&manifest, Existing::Refuse).unwrap();
    manifest
}

fn list(root: &Path, dir: &Path, listing: &mut Vec<Entry>) {
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            list(root, &path, listing);
            continue;
        }
        let executable = entry.metadata().unwrap().permissions().mode() & 0o100 != 0;
        let content = fs::read(&path).unwrap();
        let mode = if executable { 0o755 } else { 0o644 };
        let kind = EntryKind::File { mode, size: content.len() as u64, sha256: Digest::of(&content) };
        let name: RelPath = path.strip_prefix(root).unwrap().to_str().unwrap().parse().unwrap();
        listing.push(Entry { path: name, kind });
    }
}
