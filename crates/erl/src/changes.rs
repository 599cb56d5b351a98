//! What differs between two releases, as far as a running node is concerned.

mod between;

use crate::app::App;
use crate::image::{AppImage, Module};
use crate::rel::StartType;
use crate::term::{Atom, Term};
use crate::vsn::Vsn;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The way from one release to another. Only what differs is listed.
#[derive(Debug, Clone, PartialEq)]
pub struct Changes {
    /// Name of the release.
    pub name: String,
    /// Version of the release before.
    pub from: Vsn,
    /// Version of the release after.
    pub to: Vsn,
    /// ERTS before and after, where they differ.
    pub erts: Option<(Vsn, Vsn)>,
    /// Applications that are added, removed, or differ in version, code or files.
    pub apps: BTreeMap<Atom, AppChange>,
    /// Consolidated protocols that differ.
    pub consolidated: BTreeMap<Atom, ModuleChange>,
    /// All consolidated protocols of the release after, changed or not: none of them may be loaded from an application.
    pub consolidated_after: BTreeSet<Atom>,
    /// The same of the release before: for the way down.
    pub consolidated_before: BTreeSet<Atom>,
    /// Modules of the release after that still call a module that is gone: `(caller, gone)`.
    pub dangling: Vec<(Atom, Atom)>,
    /// Structs whose fields differ, each with the modules of the release after that mention it (see [`Module::mentions_structs`]), changed
    /// or not: their processes may hold one.
    pub holders: BTreeMap<Atom, Vec<Arc<Module>>>,
    /// Configuration.
    pub config: ConfigChange,
}

/// An application that is not the same in both releases.
#[derive(Debug, Clone, PartialEq)]
pub struct AppChange {
    /// Name.
    pub name: Atom,
    /// As it was; none if it is new.
    pub before: Option<AppState>,
    /// As it is; none if it is gone.
    pub after: Option<AppState>,
    /// Modules that are not the same, by name; all of them where the application is new or gone.
    pub modules: BTreeMap<Atom, ModuleChange>,
    /// Files outside of `ebin` that differ, by path below the application's directory.
    pub others: Vec<String>,
}

/// An application in one release, without its modules.
#[derive(Debug, Clone, PartialEq)]
pub struct AppState {
    /// Version.
    pub vsn: Vsn,
    /// Where it lies below the release root as it was built.
    pub dir: String,
    /// What the boot script does with it.
    pub start: StartType,
    /// Its resource file.
    pub app: App,
    /// Text of its appup file.
    pub appup: Option<Vec<u8>>,
    /// Modules that its resource file lists and that it does not have.
    pub missing: BTreeSet<Atom>,
}

impl From<&AppImage> for AppState {
    fn from(image: &AppImage) -> Self {
        let AppImage { app, start, dir, appup, modules, .. } = image;
        let missing = app.modules.iter().filter(|name| !modules.contains_key(*name)).cloned().collect();
        Self { vsn: app.vsn.clone(), dir: dir.clone(), start: *start, app: app.clone(), appup: appup.clone(), missing }
    }
}

/// A module that is not the same in both releases.
#[derive(Debug, Clone, PartialEq)]
pub enum ModuleChange {
    /// It is new.
    Added(Arc<Module>),
    /// It is gone.
    Removed(Arc<Module>),
    /// Its code or its `vsn` attribute differs.
    Changed {
        /// As it was.
        before: Arc<Module>,
        /// As it is.
        after: Arc<Module>,
        /// Whether the code differs (see [`Module::has_code_of`]); if not, only `vsn` does.
        code: bool,
    },
}

/// Elixir's configuration providers in their order: module and argument.
pub type Providers = Vec<(Atom, Term)>;

/// What differs in the configuration.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConfigChange {
    /// Keys of `sys.config` that are added, removed or have another value: application and key. Values are not kept: they may be secret.
    pub keys: Vec<(Atom, Atom)>,
    /// The list of providers before and after, where it differs.
    pub providers: Option<(Providers, Providers)>,
    /// Files below `releases/VSN` that differ, are new or gone: `vm.args`, `runtime.exs`, `sys.config.src`.
    pub files: Vec<String>,
}

#[cfg(test)]
mod tests;
