//! Releases made up for tests.

use crate::app::App;
use crate::beam::{Function, Import};
use crate::changes::{AppChange, AppState, Changes, ConfigChange, ModuleChange};
use crate::image::{Kind, Known, Module};
use crate::rel::StartType;
use crate::term::{Atom, Term};
use crate::vsn::Vsn;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(super) fn atom(name: &str) -> Atom {
    Atom::new(name).unwrap()
}

pub(super) fn vsn(text: &str) -> Vsn {
    Vsn::new(text).unwrap()
}

fn function(name: &str) -> Function {
    Function { name: atom(name), arity: 0 }
}

/// A module that exports and calls functions without arguments: `calls` are `module:function`.
pub(super) fn module(name: &str, kind: Kind, exports: &[&str], calls: &[&str]) -> Module {
    let call = |call: &&str| {
        let (module, name) = call.split_once(':').unwrap();
        Import { module: atom(module), function: function(name) }
    };
    Module {
        name: atom(name),
        md5: [0; 16],
        md5_without_meta: [0; 16],
        vsn: vec![Term::from(1)],
        kind,
        behaviours: BTreeSet::new(),
        exports: exports.iter().map(|name| function(name)).collect(),
        imports: calls.iter().map(call).collect(),
        struct_fields: None,
        mentions_structs: BTreeSet::new(),
        records: BTreeMap::new(),
        nif: None,
        on_load: Known::No,
        receives: Known::No,
        keeps_funs: Known::No,
        keeps_states: Known::No,
        start_calls: BTreeSet::new(),
    }
}

/// A module before and after.
pub(super) type Pair = (Option<Module>, Option<Module>);

/// An application in two releases.
pub(super) struct Sample {
    pub(super) name: &'static str,
    pub(super) before: Option<AppState>,
    pub(super) after: Option<AppState>,
    pub(super) modules: Vec<Pair>,
}

/// An application that goes from version 1 to 2, or stays away where its version is empty.
pub(super) fn app(name: &'static str, before: &str, after: &str, modules: Vec<Pair>) -> Sample {
    let listed = |side: fn(&Pair) -> &Option<Module>| {
        modules.iter().filter_map(|module| Some(side(module).as_ref()?.name.clone())).collect::<Vec<_>>()
    };
    let state = |version: &str, modules| (!version.is_empty()).then(|| state(name, version, modules));
    let (before, after) = (state(before, listed(|module| &module.0)), state(after, listed(|module| &module.1)));
    Sample { name, before, after, modules }
}

fn state(name: &'static str, version: &str, modules: Vec<Atom>) -> AppState {
    let app = App {
        name: atom(name),
        vsn: vsn(version),
        description: String::new(),
        modules,
        registered: vec![],
        applications: vec![],
        included_applications: vec![],
        optional_applications: vec![],
        callback: None,
        env: vec![],
    };
    let (dir, start) = (format!("lib/{name}-{version}"), StartType::Permanent);
    AppState { vsn: vsn(version), dir, start, app, appup: None, missing: BTreeSet::new() }
}

impl Sample {
    /// Both versions need these applications.
    pub(super) fn needs(mut self, apps: &[&str]) -> Self {
        for state in self.before.iter_mut().chain(&mut self.after) {
            state.app.applications = apps.iter().map(|name| atom(name)).collect();
        }
        self
    }

    /// The newer version ships this appup.
    pub(super) fn appup(mut self, text: &str) -> Self {
        self.after.as_mut().unwrap().appup = Some(text.as_bytes().to_vec());
        self
    }

    fn change(self) -> AppChange {
        let change = |(before, after): Pair| match (before, after) {
            (None, Some(module)) => ModuleChange::Added(Arc::new(module)),
            (Some(module), None) => ModuleChange::Removed(Arc::new(module)),
            (Some(before), Some(after)) => ModuleChange::Changed { before: Arc::new(before), after: Arc::new(after), code: true },
            (None, None) => unreachable!("a module is somewhere"),
        };
        let name = |change: &ModuleChange| match change {
            ModuleChange::Added(module) | ModuleChange::Removed(module) => module.name.clone(),
            ModuleChange::Changed { after, .. } => after.name.clone(),
        };
        let modules = self.modules.into_iter().map(change).map(|change| (name(&change), change)).collect();
        AppChange { name: atom(self.name), before: self.before, after: self.after, modules, others: vec![] }
    }
}

/// The way of a release from 0.1.0 to 0.2.0.
pub(super) fn changes(apps: Vec<Sample>) -> Changes {
    Changes {
        name: "rel".to_owned(),
        from: vsn("0.1.0"),
        to: vsn("0.2.0"),
        erts: None,
        apps: apps.into_iter().map(|sample| (atom(sample.name), sample.change())).collect(),
        consolidated: BTreeMap::new(),
        consolidated_after: BTreeSet::new(),
        consolidated_before: BTreeSet::new(),
        dangling: vec![],
        holders: BTreeMap::default(),
        config: ConfigChange::default(),
    }
}

/// The same in both, but for the code.
pub(super) fn both(module: Module) -> Pair {
    (Some(module.clone()), Some(module))
}
