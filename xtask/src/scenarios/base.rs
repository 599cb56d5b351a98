//! A real release of each build tool, made once. The releases of rows are copies of it with other applications.

use std::{
    error::Error,
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use edeliver::store::{Existing, Store};
use edeliver_core::{config::StoreSettings, release::Manifest};
use edeliver_erl::rel::Rel;

use super::{cache, digest, folder, row::Tool};

/// The version that the base has; texts of rows' releases have theirs instead.
pub(super) const VERSION: &str = "0.0.0";

/// A release that a build tool made.
pub(super) struct Base {
    pub(super) tool: Tool,
    pub(super) root: PathBuf,
    /// What it is made of.
    pub(super) rel: Rel,
    /// Sources of its own application that all releases have: file and text.
    pub(super) sources: Vec<(String, String)>,
    /// Its files, whose content is in [`Base::store`].
    pub(super) manifest: Manifest,
    pub(super) store: PathBuf,
}

impl Base {
    /// Builds it, unless that was done before with the same sources and tools.
    ///
    /// # Errors
    /// The build tool's.
    pub(super) fn of(tool: Tool) -> Result<Self, Box<dyn Error>> {
        let project = folder().join("bases").join(tool.name());
        let sources = texts(&project)?;
        let root = cache().join(format!("base-{}-{:016x}", tool.name(), digest(&(&sources, versions()?))));
        if !root.exists() {
            build(tool, &project, &root)?;
        }
        let rel = Rel::parse(&fs::read(root.join(format!("releases/{VERSION}/scene.rel")))?)?;
        let mut sources: Vec<_> = texts(&folder().join("common"))?;
        if tool == Tool::Relx {
            sources.extend([("scene_app.erl".to_owned(), fs::read_to_string(project.join("src/scene_app.erl"))?)]);
        }
        let store = root.with_extension("store");
        let manifest = kept(&store, &root)?;
        Ok(Self { tool, root, rel, sources, manifest, store })
    }
}

/// In a folder of the cache, by the tool itself; its result gets its name when it is whole.
fn build(tool: Tool, project: &Path, root: &Path) -> Result<(), Box<dyn Error>> {
    let dir = tempfile::TempDir::new_in(cache())?;
    let copy = dir.path().join("scene");
    run(Command::new("cp").arg("-a").arg(project).arg(&copy))?;
    let made = match tool {
        Tool::Mix => {
            let mut mix = Command::new("mix");
            run(mix.args(["release", "--quiet", "--path", "made"]).env("MIX_ENV", "prod").current_dir(&copy))?;
            copy.join("made")
        }
        Tool::Relx => {
            run(Command::new("rebar3").args(["as", "prod", "release"]).current_dir(&copy))?;
            copy.join("_build/prod/rel/scene")
        }
    };
    fs::rename(made, root)?;
    Ok(())
}

/// The manifest of the base in its own store, put there the first time.
fn kept(store: &Path, root: &Path) -> Result<Manifest, Box<dyn Error>> {
    let open = open_store(store)?;
    let version = VERSION.parse().expect("a version");
    if let Ok(manifest) = open.manifest(&version) {
        return Ok(manifest);
    }
    let dir = tempfile::TempDir::new_in(cache())?;
    let archive = dir.path().join("base.tar.gz");
    run(Command::new("tar").arg("-C").arg(root).arg("-czf").arg(&archive).arg("."))?;
    Ok(open.import_archive(&archive, Existing::Refuse)?.manifest)
}

/// A release store in this folder.
pub(super) fn open_store(path: &Path) -> Result<Store, Box<dyn Error>> {
    let settings = StoreSettings { path: path.to_owned(), archive: false };
    Ok(Store::open(&settings, &"scene".parse().expect("a name"))?)
}

/// OTP and Elixir, as their folders say.
fn versions() -> Result<String, Box<dyn Error>> {
    let output = Command::new("elixir").arg("--version").env("LC_ALL", "C.UTF-8").output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// All files below a folder with their texts, by name.
fn texts(dir: &Path) -> io::Result<Vec<(String, String)>> {
    let mut texts = Vec::new();
    for path in files(dir)? {
        let name = path.strip_prefix(dir).expect("it is below").display().to_string();
        texts.push((name, fs::read_to_string(path)?));
    }
    Ok(texts)
}

/// All files below a folder, sorted.
pub(super) fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => files.extend(self::files(&entry.path())?),
            false => files.push(entry.path()),
        }
    }
    files.sort();
    Ok(files)
}

/// Copies a file, or a link as it is, and makes the folder it goes to.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(dir) = to.parent() {
        fs::create_dir_all(dir)?;
    }
    match fs::symlink_metadata(from)?.is_symlink() {
        true => symlink(fs::read_link(from)?, to),
        false => fs::copy(from, to).map(drop),
    }
}

/// Runs a tool, whose words count only when it fails.
pub(super) fn run(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let output = command.output().map_err(|e| format!("{}: {e}", command.get_program().display()))?;
    match output.status.success() {
        true => Ok(()),
        false => {
            Err(format!("{command:?}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
                .into())
        }
    }
}
