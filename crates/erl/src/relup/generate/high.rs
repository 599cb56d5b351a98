//! The same in high-level instructions: an appup for each application, which a user can change.

use super::super::hooks::{self, Parent};
use super::super::{Direction, Timeout};
use super::order;
use super::plan::{Load, Modules};
use super::view::View;
use crate::appup::{Appup, Change, Entry, ModuleType, Step, VersionPattern};
use crate::changes::{AppState, Changes};
use crate::term::{Atom, Term};
use std::collections::{BTreeMap, BTreeSet};

/// The appups that say what [`super::generate`] would do without any, for the applications that are in both releases under different
/// versions: only there does an appup count. What belongs to a release as a whole (configuration, consolidated protocols, applications
/// that are new or gone) is in none.
///
/// Used as if the applications shipped them, they give the same relup.
#[must_use]
pub fn appups(changes: &Changes) -> BTreeMap<Atom, Appup> {
    let (up, down) = (scripts(changes, Direction::Up), scripts(changes, Direction::Down));
    let differs = changes.apps.values().filter_map(|app| Some((&app.name, app.before.as_ref()?, app.after.as_ref()?)));
    let differs = differs.filter(|(_, before, after)| before.vsn != after.vsn);
    differs.map(|(name, before, after)| (name.clone(), appup(before, after, up.get(name), down.get(name)))).collect()
}

fn appup(before: &AppState, after: &AppState, up: Option<&Vec<Step>>, down: Option<&Vec<Step>>) -> Appup {
    let entry = |script: Option<&Vec<Step>>| {
        vec![Entry { other: VersionPattern::Exact(before.vsn.to_string()), script: script.cloned().unwrap_or_default() }]
    };
    Appup { vsn: after.vsn.to_string(), up: entry(up), down: entry(down) }
}

/// The steps of each application, in the order in which its modules are loaded.
fn scripts(changes: &Changes, direction: Direction) -> BTreeMap<Atom, Vec<Step>> {
    let view = View::new(changes, direction);
    let modules = Modules::generated(&view, &BTreeSet::new());
    let wishes = order::wishes(direction, &modules.loads);
    let mut scripts: BTreeMap<Atom, Vec<Step>> = BTreeMap::new();
    for number in order::order(direction, &modules.loads, &wishes).order {
        let load = &modules.loads[number];
        scripts.entry(load.app.clone()).or_default().push(step(load));
    }
    for gone in &modules.removes {
        let Some(module) = view.modules.get(gone) else { continue };
        scripts.entry(module.app.clone()).or_default().push(Step::DeleteModule { module: gone.clone(), needs: Vec::new() });
    }
    for (app, parents) in parents(&view, &modules) {
        scripts.entry(app).or_default().push(Step::Low(hooks::children(view.from, view.to, &parents)));
    }
    scripts
}

/// Supervisors whose children must match, by application.
fn parents(view: &View, modules: &Modules) -> BTreeMap<Atom, Vec<Parent>> {
    let mut parents: BTreeMap<Atom, Vec<Parent>> = BTreeMap::new();
    for supervisor in &modules.supervisors {
        let Some(module) = view.modules.get(supervisor) else { continue };
        parents.entry(module.app.clone()).or_default().push(Parent::Supervisor(supervisor.clone()));
    }
    for app in &modules.lists {
        parents.entry(app.clone()).or_default().push(Parent::Application(app.clone()));
    }
    parents
}

fn step(load: &Load) -> Step {
    let (module, pre, post, needs) = (load.module.clone(), load.pre, load.post, load.needs.clone());
    let kind = load.change.as_ref().map_or(ModuleType::Dynamic, |(kind, _)| *kind);
    let change = load.change.as_ref().map_or(Change::Soft, |(_, extra): &(_, Term)| Change::Advanced(extra.clone()));
    match &load.suspend {
        Some(suspend) => {
            Step::Update { module, kind, timeout: suspend.timeout.unwrap_or(Timeout::Default), change, pre, post, needs }
        }
        None if load.before.is_none() && load.after.is_some() => Step::AddModule { module, needs },
        None => Step::LoadModule { module, pre, post, needs },
    }
}
