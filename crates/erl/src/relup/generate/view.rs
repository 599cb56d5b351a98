//! Changes seen in a direction: what is before and after on the way down is after and before in the changes.

use super::super::Direction;
use crate::changes::{AppState, Changes, ModuleChange};
use crate::image::Module;
use crate::term::Atom;
use crate::vsn::Vsn;
use std::collections::{BTreeMap, BTreeSet};

/// Changes in the direction of travel.
pub(super) struct View<'a> {
    pub(super) direction: Direction,
    /// Version of the release that is left.
    pub(super) from: &'a Vsn,
    /// Version of the release that is gone to.
    pub(super) to: &'a Vsn,
    pub(super) apps: BTreeMap<&'a Atom, AppView<'a>>,
    /// Modules that are not the same, whatever application they belong to.
    pub(super) modules: BTreeMap<&'a Atom, ModuleView<'a>>,
    /// Consolidated protocols that are not the same.
    pub(super) protocols: Vec<&'a Atom>,
    /// Those of the release that is left.
    pub(super) consolidated_before: &'a BTreeSet<Atom>,
    /// Those of the release that is gone to.
    pub(super) consolidated_after: &'a BTreeSet<Atom>,
}

/// An application that is not the same.
#[derive(Clone, Copy)]
pub(super) struct AppView<'a> {
    pub(super) before: Option<&'a AppState>,
    pub(super) after: Option<&'a AppState>,
}

/// A module that is not the same.
#[derive(Clone, Copy)]
pub(super) struct ModuleView<'a> {
    /// Application that has it afterwards; if it is gone, the one that had it.
    pub(super) app: &'a Atom,
    /// Application that had it, if it is another one.
    pub(super) moved_from: Option<&'a Atom>,
    pub(super) before: Option<&'a Module>,
    pub(super) after: Option<&'a Module>,
    /// Whether it behaves in another way; if not, only its version differs.
    pub(super) code: bool,
}

impl<'a> View<'a> {
    pub(super) fn new(changes: &'a Changes, direction: Direction) -> Self {
        let turn = direction == Direction::Down;
        let mut modules = BTreeMap::new();
        for (app, change) in &changes.apps {
            change.modules.iter().for_each(|(name, change)| add(&mut modules, name, ModuleView::new(app, change, turn)));
        }
        let app = |change: &'a crate::changes::AppChange| {
            let (before, after) = swapped(turn, change.before.as_ref(), change.after.as_ref());
            AppView { before, after }
        };
        let (from, to) = swapped(turn, &changes.from, &changes.to);
        let (consolidated_before, consolidated_after) = swapped(turn, &changes.consolidated_before, &changes.consolidated_after);
        let apps = changes.apps.iter().map(|(name, change)| (name, app(change))).collect();
        let protocols = changes.consolidated.keys().collect();
        Self { direction, from, to, apps, modules, protocols, consolidated_before, consolidated_after }
    }
}

fn swapped<T>(turn: bool, before: T, after: T) -> (T, T) {
    if turn { (after, before) } else { (before, after) }
}

/// A module that is gone from one application and new in another one has changed.
fn add<'a>(modules: &mut BTreeMap<&'a Atom, ModuleView<'a>>, name: &'a Atom, view: ModuleView<'a>) {
    let merged = match modules.get(name) {
        Some(known) if known.after.is_none() && view.before.is_none() => known.moved_to(&view),
        Some(known) if known.before.is_none() && view.after.is_none() => view.moved_to(known),
        _ => view,
    };
    modules.insert(name, merged);
}

impl<'a> ModuleView<'a> {
    fn new(app: &'a Atom, change: &'a ModuleChange, turn: bool) -> Self {
        let (before, after, code) = match change {
            ModuleChange::Added(module) => (None, Some(&**module), true),
            ModuleChange::Removed(module) => (Some(&**module), None, true),
            ModuleChange::Changed { before, after, code } => (Some(&**before), Some(&**after), *code),
        };
        let (before, after) = swapped(turn, before, after);
        Self { app, moved_from: None, before, after, code }
    }

    fn moved_to(&self, new: &Self) -> Self {
        Self { app: new.app, moved_from: Some(self.app), before: self.before, after: new.after, code: true }
    }
}
