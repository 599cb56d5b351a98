//! Releases of rows: copies of a base with the applications that rows describe, as the build tool would have made them.
//!
//! Besides sources, sections of a row are
//!
//! | path | what |
//! |---|---|
//! | `children` | children of the main application's supervisor: Elixir specs in `Application.start/2`, Erlang ones in `scene_sup` |
//! | `config` | `{key, value}` lines of the application's environment in `sys.config` (relx: `sys.config.src`) |
//! | `runtime.exs`, `vm.args`, `env.sh` | lines at the end of these |
//! | `app` | terms of the `.app` file; lists are added to what is there |
//! | `appup` | the application's `.appup`, `$OLD` and `$NEW` being versions |
//! | `nif.c` | becomes `priv/NAME.so`, NAME being the first word of the text's first comment |
//! | `release` | `erts VSN`, `vsn APP VSN`: another version of what the base has; `omit PATH`; `break PATH`: what isn't right |

mod application;
mod built;
mod files;

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use edeliver::store::Store;
use edeliver_erl::term::Term;

use super::{
    base::{Base, VERSION},
    cache, digest,
    row::{Row, Tool},
    workshop::{Workshop, words},
};
use application::Application;
pub(super) use built::build;

/// A release of a row, or of several.
pub(super) struct Composed {
    pub(super) version: String,
    /// Modules of its own applications and of its consolidated protocols, with their MD5.
    pub(super) modules: BTreeMap<String, String>,
}

/// A release to be made: a version, and which version of each row is in it.
pub(super) struct Recipe<'a> {
    pub(super) version: String,
    pub(super) rows: Vec<(&'a Row, u8)>,
    /// What `$OLD` is in its texts.
    pub(super) old: &'a str,
}

impl Recipe<'_> {
    /// Makes it, and puts it into the store.
    ///
    /// # Errors
    /// A row's sources don't compile, or are no release.
    pub(super) fn make(&self, base: &Base, workshop: &mut Workshop, store: &Store) -> Result<Composed, Box<dyn Error>> {
        let dir = tempfile::TempDir::new_in(cache())?;
        let root = dir.path();
        let applications = Application::all(self, base, workshop)?;
        let directives = self.lines("release");
        let mut listing = files::base(base, root, &self.version, &directives)?;
        for application in &applications {
            application.put(root)?;
        }
        self.texts(base, root)?;
        let protocols = self.protocols(base, workshop, &applications, root)?;
        if protocols.as_ref().is_some_and(|folder| folder.starts_with(root)) {
            listing.retain(|entry| !entry.path.as_str().contains("/consolidated/"));
        }
        files::boot(base, workshop, root, &self.version, &applications, &directives)?;
        let mut folders: Vec<PathBuf> = applications.iter().map(|app| root.join(app.folder()).join("ebin")).collect();
        folders.extend(protocols);
        let modules = md5s(workshop, &folders)?;
        files::unmake(root, &directives)?;
        files::store(base, root, listing, store)?;
        Ok(Composed { version: self.version.clone(), modules })
    }

    /// The lines of all sections called this.
    fn lines(&self, path: &str) -> Vec<String> {
        let sections = self.sections().filter(|section| section.path == path);
        sections.flat_map(|section| section.text.lines().map(|line| self.filled(line))).filter(|line| !line.is_empty()).collect()
    }
    fn sections(&self) -> impl Iterator<Item = &super::row::Section> {
        self.rows.iter().flat_map(|(row, version)| row.of(*version))
    }
    fn filled(&self, text: &str) -> String {
        text.replace("$OLD", self.old).replace("$NEW", &self.version)
    }

    /// Configuration: that of the base with what rows add.
    fn texts(&self, base: &Base, root: &Path) -> Result<(), Box<dyn Error>> {
        let dir = root.join("releases").join(&self.version);
        let (config, vm_args) = match base.tool {
            Tool::Mix => ("sys.config", "vm.args"),
            Tool::Relx => ("sys.config.src", "vm.args.src"),
        };
        let pairs = self.lines("config").join(",\n  ");
        let path = dir.join(config);
        let text = fs::read_to_string(&path)?.replacen('[', &format!("[{{scene, [{pairs}]}},\n "), 1);
        fs::write(&path, &text)?;
        for (section, file) in [("runtime.exs", "runtime.exs"), ("vm.args", vm_args), ("env.sh", "env.sh")] {
            let lines = self.lines(section);
            if !lines.is_empty() {
                let path = dir.join(file);
                let text = fs::read_to_string(&path).unwrap_or_default();
                fs::write(&path, format!("{text}\n{}\n", lines.join("\n")))?;
            }
        }
        Ok(())
    }

    /// Consolidated protocols; their folder, where there is one.
    fn protocols(
        &self,
        base: &Base,
        workshop: &mut Workshop,
        applications: &[Application],
        root: &Path,
    ) -> Result<Option<PathBuf>, Box<dyn Error>> {
        if base.tool == Tool::Relx {
            return Ok(None);
        }
        let units: BTreeSet<_> = applications.iter().flat_map(|app| app.units.iter()).filter(|unit| unit.implements).collect();
        if units.is_empty() {
            return Ok(Some(base.root.join("releases").join(VERSION).join("consolidated")));
        }
        let folder = root.join("releases").join(&self.version).join("consolidated");
        let out = cache().join(format!("consolidated-{:016x}", digest(&units)));
        if !out.exists() {
            let making = tempfile::TempDir::new_in(cache())?;
            let mut folders: Vec<PathBuf> = units.iter().map(|unit| unit.folder.join("full")).collect();
            folders.extend(["elixir", "logger", "iex"].map(|app| Path::new("/usr/lib/elixir/lib").join(app).join("ebin")));
            let request = [Term::atom("consolidate"), paths(&folders), path(making.path())];
            workshop.ask(&Term::tuple(request))?;
            fs::rename(making.keep(), &out)?;
        }
        for file in super::base::files(&out)? {
            super::base::copy(&file, &folder.join(file.file_name().expect("a file")))?;
        }
        Ok(Some(folder))
    }
}

fn md5s(workshop: &mut Workshop, folders: &[PathBuf]) -> Result<BTreeMap<String, String>, Box<dyn Error>> {
    let answer = workshop.ask(&Term::tuple([Term::atom("md5s"), paths(folders)]))?;
    let pair = |pair: &Term| match pair.as_tuple() {
        Some([module, md5]) => Some((words(module), words(md5))),
        _ => None,
    };
    Ok(answer.as_list().into_iter().flatten().filter_map(pair).collect())
}

/// A path as the workshop takes it.
pub(super) fn path(path: &Path) -> Term {
    Term::binary(path.display().to_string().into_bytes())
}

fn paths(several: &[PathBuf]) -> Term {
    Term::list(several.iter().map(|one| path(one)))
}
