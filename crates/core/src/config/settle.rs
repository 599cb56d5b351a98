//! From layers of tables to [`Settings`]: every default filled in, every rule checked, every error collected.

mod build;
pub(super) mod hosts;
mod limits;
mod notices;
mod rollout;
mod sources;
pub(super) mod store;
mod targets;
mod traffic;
mod upgrade;

use std::path::PathBuf;

use super::{
    origin::{Origin, Origins},
    problem::{Place, Problem, Problems},
    raw::{self, Table},
    scope::{Env, Found, Layer, Scope},
    settings::{HookSource, Settings, SshSettings},
};
use crate::name::AppName;

pub use build::APPENDED;

/// The defaults, documented; the lowest layer.
pub const DEFAULT_TOML: &str = include_str!("default.toml");

/// The settings in an edeliver.toml and the layers over it. `path` is what the file is called in messages.
///
/// # Errors
/// Everything that is wrong. Where the TOML itself is broken, that alone: what follows from it would only distract.
pub fn settle_toml(path: &str, text: &str, around: &Around<'_>) -> Result<(Settings, Origins), Problems> {
    let (file, problems) = raw::parse(path, text);
    let settled = if problems.is_empty() { settle(&file, around) } else { Err(problems) };
    settled.map_err(|problems| Problems::new(problems, &[(path, text)]))
}

/// What a configuration consists of beside the user's file.
pub struct Around<'a> {
    /// What flags say.
    pub flags: &'a Table,
    /// The environment, of which only variables that begin with `EDELIVER_` are asked.
    pub env: Env<'a>,
    /// The name of the project's folder.
    pub folder: &'a str,
    /// The user's home directory on this machine.
    pub home: Option<&'a str>,
}

/// The validated settings, and where each of them comes from. `file` is what the user's file says: [`raw::parse`] of an edeliver.toml,
/// or [`super::classic::meaning`] of a classic config.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn settle(file: &Table, around: &Around<'_>) -> Result<(Settings, Origins), Vec<Problem>> {
    let (defaults, _) = raw::parse("default.toml", DEFAULT_TOML);
    let defaults = defaults.without_places();
    let found = Found::default();
    let settings = Settling { file, around, defaults: &defaults, found: &found }.settings();
    let problems = found.problems.into_inner();
    match settings {
        Some(settings) if problems.is_empty() => Ok((settings, found.origins.into_inner())),
        _ => Err(problems),
    }
}

/// The layers, and what is found while they are read.
struct Settling<'a> {
    file: &'a Table,
    around: &'a Around<'a>,
    defaults: &'a Table,
    found: &'a Found,
}

impl<'a> Settling<'a> {
    fn settings(&self) -> Option<Settings> {
        let mut top = Scope::new("", self.layers(), self.found);
        let app = self.app(&mut top);
        let hooks = top.get::<String>("hooks").map_or(HookSource::None, |file| HookSource::Bash { file: PathBuf::from(file) });
        let build = self.build(top.table("build"));
        let store = self.store(top.table("store"));
        let ssh = self.ssh(top.table("ssh"));
        let targets = self.targets(&mut top);
        let run_hooks = self.run_hooks(top.table("run_hooks"));
        let notify = self.notify(top.table("notify"));
        top.finish();
        let (store, remote_store) = store?;
        let inventories =
            targets.iter().filter_map(|(target, inventory)| Some((target.name.clone(), inventory.clone()?))).collect();
        let targets = targets.into_iter().map(|(target, _)| (target.name.clone(), target)).collect();
        Some(Settings {
            app: app?,
            build,
            store,
            remote_store,
            ssh: ssh?,
            targets,
            inventories,
            hooks,
            run_hooks: run_hooks?,
            notify: notify?,
        })
    }
    fn layers(&self) -> Vec<Layer<'a>> {
        vec![
            Layer::Table(String::new(), self.defaults),
            Layer::Table(String::new(), self.file),
            Layer::Env("EDELIVER".to_owned(), self.around.env),
            Layer::Table(String::new(), self.around.flags),
        ]
    }
    fn app(&self, top: &mut Scope<'_>) -> Option<AppName> {
        let given = top.place("app").is_some();
        let app = top.get("app");
        if given {
            return app;
        }
        match self.around.folder.parse() {
            Ok(app) => {
                let why = "the name of the project's folder";
                self.found.origin("app".to_owned(), self.around.folder.to_owned(), Origin::Derived { why });
                Some(app)
            }
            Err(_) => {
                let problem =
                    Problem::new("`app` is missing, and the project's folder has no name that could be one", self.whole_file());
                self.found.problem(problem.remedy("write the release's name: app = \"my_app\""));
                None
            }
        }
    }
    /// The user's file as a whole.
    fn whole_file(&self) -> Place {
        let first = self.file.entries.values().next();
        match first.map(|entry| &entry.key.origin) {
            Some(Origin::File { path, .. }) => Place::file(path.clone()),
            _ => Place::file("edeliver.toml"),
        }
    }
    fn ssh(&self, mut scope: Scope<'_>) -> Option<SshSettings> {
        let connect_timeout = scope.get("connect_timeout");
        let config = scope.get::<String>("config").map(|path| self.here(&path));
        scope.finish();
        Some(SshSettings { connect_timeout: connect_timeout?, config })
    }
    /// A path on this machine; `~/` is the user's home.
    fn here(&self, path: &str) -> PathBuf {
        match (path.strip_prefix("~/"), self.around.home) {
            (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
            _ => PathBuf::from(path),
        }
    }
}

/// A MIX_ENV, wherever it is said.
///
/// # Errors
/// How it is written.
pub fn mix_env(text: &str) -> Result<String, &'static str> {
    build::MIX_ENV.word(text)
}

/// The name of a module, wherever it is said.
///
/// # Errors
/// How it is written.
pub fn module(text: &str) -> Result<String, &'static str> {
    targets::MODULE.word(text)
}
