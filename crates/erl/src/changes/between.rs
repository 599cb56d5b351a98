//! What differs between two images.

use super::{AppChange, AppState, Changes, ConfigChange, ModuleChange};
use crate::image::{AppImage, Config, ContentId, Image, Module};
use crate::term::{Atom, Term};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

type Modules = BTreeMap<Atom, Arc<Module>>;

impl Changes {
    /// The way from one release to another.
    #[must_use]
    pub fn between(before: &Image, after: &Image) -> Self {
        let apps = names(&before.apps, &after.apps).filter_map(|name| app(name, before.apps.get(name), after.apps.get(name)));
        Self {
            name: after.rel.name.clone(),
            from: before.rel.vsn.clone(),
            to: after.rel.vsn.clone(),
            erts: (before.rel.erts != after.rel.erts).then(|| (before.rel.erts.clone(), after.rel.erts.clone())),
            apps: apps.map(|change| (change.name.clone(), change)).collect(),
            consolidated: modules(&before.consolidated, &after.consolidated),
            consolidated_after: after.consolidated.keys().cloned().collect(),
            consolidated_before: before.consolidated.keys().cloned().collect(),
            dangling: dangling(before, after),
            holders: holders(before, after),
            config: config(&before.config, &after.config),
        }
    }
}

fn names<'a, V>(before: &'a BTreeMap<Atom, V>, after: &'a BTreeMap<Atom, V>) -> impl Iterator<Item = &'a Atom> {
    before.keys().chain(after.keys()).collect::<BTreeSet<_>>().into_iter()
}

fn app(name: &Atom, before: Option<&AppImage>, after: Option<&AppImage>) -> Option<AppChange> {
    let none = Modules::new();
    let modules = modules(before.map_or(&none, |app| &app.modules), after.map_or(&none, |app| &app.modules));
    let no_files = BTreeMap::new();
    let others = files(before.map_or(&no_files, |app| &app.others), after.map_or(&no_files, |app| &app.others));
    let same = before.zip(after).is_some_and(|(before, after)| before.app == after.app && before.start == after.start);
    let change =
        AppChange { name: name.clone(), before: before.map(AppState::from), after: after.map(AppState::from), modules, others };
    (!same || !change.modules.is_empty() || !change.others.is_empty()).then_some(change)
}

fn modules(before: &Modules, after: &Modules) -> BTreeMap<Atom, ModuleChange> {
    let change = |name: &Atom| match (before.get(name), after.get(name)) {
        (None, Some(after)) => Some(ModuleChange::Added(after.clone())),
        (Some(before), None) => Some(ModuleChange::Removed(before.clone())),
        (Some(before), Some(after)) => {
            let code = !Arc::ptr_eq(before, after) && !after.has_code_of(before);
            (code || before.vsn != after.vsn).then(|| ModuleChange::Changed { before: before.clone(), after: after.clone(), code })
        }
        (None, None) => None,
    };
    names(before, after).filter_map(|name| Some((name.clone(), change(name)?))).collect()
}

fn files(before: &BTreeMap<String, ContentId>, after: &BTreeMap<String, ContentId>) -> Vec<String> {
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    paths.into_iter().filter(|path| before.get(*path) != after.get(*path)).cloned().collect()
}

fn all(image: &Image) -> impl Iterator<Item = &Arc<Module>> {
    image.apps.values().flat_map(|app| app.modules.values())
}

fn dangling(before: &Image, after: &Image) -> Vec<(Atom, Atom)> {
    let there: BTreeSet<&Atom> = all(after).map(|module| &module.name).collect();
    let gone: BTreeSet<&Atom> = all(before).map(|module| &module.name).filter(|name| !there.contains(*name)).collect();
    if gone.is_empty() {
        return Vec::new();
    }
    let called = |module: &Arc<Module>| -> BTreeSet<Atom> {
        module.imports.iter().map(|import| &import.module).filter(|name| gone.contains(*name)).cloned().collect()
    };
    // Of a protocol the consolidated form is loaded, which knows other implementations than the plain one.
    let loaded = all(after).map(|module| after.consolidated.get(&module.name).unwrap_or(module));
    loaded.flat_map(|module| called(module).into_iter().map(|gone| (module.name.clone(), gone))).collect()
}

fn holders(before: &Image, after: &Image) -> BTreeMap<Atom, Vec<Arc<Module>>> {
    let fields: BTreeMap<&Atom, _> =
        all(before).filter_map(|module| Some((&module.name, module.struct_fields.as_ref()?))).collect();
    let differs = |module: &&Arc<Module>| {
        fields.get(&module.name).zip(module.struct_fields.as_ref()).is_some_and(|(before, after)| *before != after)
    };
    let changed: Vec<&Atom> = all(after).filter(differs).map(|module| &module.name).collect();
    let holders = |name: &Atom| all(after).filter(|module| module.mentions_structs.contains(name)).cloned().collect();
    changed.into_iter().map(|name| (name.clone(), holders(name))).collect()
}

fn config(before: &Config, after: &Config) -> ConfigChange {
    let (old, new) = (keys(before.sys.as_ref()), keys(after.sys.as_ref()));
    let all: BTreeSet<&(Atom, Atom)> = old.keys().chain(new.keys()).collect();
    let mut changed = files(&before.files, &after.files);
    if before.sys_src != after.sys_src {
        changed.push("sys.config.src".to_owned());
    }
    ConfigChange {
        keys: all.into_iter().filter(|key| old.get(*key) != new.get(*key)).cloned().collect(),
        providers: (names_of(before) != names_of(after)).then(|| (before.providers.clone(), after.providers.clone())),
        files: changed,
    }
}

/// Providers without their arguments: those name the release's own folder.
fn names_of(config: &Config) -> Vec<&Atom> {
    config.providers.iter().map(|(module, _)| module).collect()
}

/// The values of `sys.config` by application and key.
fn keys(sys: Option<&Term>) -> BTreeMap<(Atom, Atom), &Term> {
    let apps = sys.and_then(Term::as_list).unwrap_or_default().iter();
    let apps = apps.filter_map(|entry| match entry.as_tuple() {
        Some([app, values]) => Some((app.as_atom()?.clone(), values.as_list()?)),
        _ => None,
    });
    let mut keys = BTreeMap::new();
    for (app, values) in apps {
        for value in values {
            if let Some([key, value]) = value.as_tuple() {
                keys.extend(key.as_atom().map(|key| ((app.clone(), key.clone()), value)));
            }
        }
    }
    // Elixir's own entry about its providers says where the release lies.
    keys.retain(|(app, key), _| !(app == "elixir" && key == "config_provider_init"));
    keys
}
