//! Applications that are started and stopped on the way.

use super::super::Instruction;
use super::note::{Action, Note, Reason};
use super::order::Wish;
use super::plan::Load;
use super::view::{AppView, View};
use crate::appup::start_call;
use crate::changes::AppState;
use crate::graph::Graph;
use crate::rel::StartType;
use crate::term::{Atom, Term};
use std::collections::BTreeSet;

/// What is started and stopped.
#[derive(Default)]
pub(super) struct Applications<'a> {
    /// In the order in which they are started.
    pub(super) started: Vec<&'a Atom>,
    /// In the order in which they are stopped.
    pub(super) stopped: Vec<&'a Atom>,
    /// Those of `started` that need nothing of what changes.
    pub(super) independent: BTreeSet<&'a Atom>,
    pub(super) notes: Vec<Note>,
}

impl<'a> Applications<'a> {
    pub(super) fn new(view: &View<'a>, loads: &[Load], wishes: &[Wish]) -> Self {
        let which = |wanted: for<'b> fn(&AppView<'b>) -> bool| {
            let apps = view.apps.iter().filter(move |(_, app)| wanted(app)).map(|(name, _)| *name);
            apps.collect::<Vec<_>>()
        };
        let started = by_needs(&which(|app| app.is_started()), |app| view.apps[app].after);
        let mut stopped = by_needs(&which(|app| app.is_stopped()), |app| view.apps[app].before);
        stopped.reverse();
        let independent = independent(view, loads, wishes);
        let note = |name: &&Atom, action, kept: bool, other| Note {
            app: Some((*name).clone()),
            module: None,
            action,
            reason: if kept { Reason::StartType } else { other },
        };
        let starts = started.iter().map(|name| note(name, Action::Start, view.apps[name].before.is_some(), Reason::New));
        let stops = stopped.iter().map(|name| note(name, Action::Stop, view.apps[name].after.is_some(), Reason::Gone));
        let notes = starts.chain(stops).collect();
        Self { started, stopped, independent, notes }
    }

    /// Starts those that are independent, or the others.
    pub(super) fn starts(&self, view: &View, independent: bool) -> Vec<Instruction> {
        let wanted = self.started.iter().filter(|app| self.independent.contains(*app) == independent);
        wanted.filter_map(|app| start_call(app, view.apps[app].after?.start)).collect()
    }

    pub(super) fn stops(&self, view: &View) -> Vec<Instruction> {
        let running = self.stopped.iter().filter(|app| level(view.apps[*app].before) == Level::Running);
        running.map(|app| call("stop", app)).collect()
    }

    /// Makes the node forget applications that are gone; after their modules are.
    pub(super) fn unloads(&self, view: &View) -> Vec<Instruction> {
        let gone = self.stopped.iter().filter(|app| view.apps[*app].after.is_none());
        gone.map(|app| call("unload", app)).collect()
    }
}

fn call(function: &'static str, app: &Atom) -> Instruction {
    Instruction::apply("application", function, [Term::Atom(app.clone())])
}

/// How far the boot script takes an application.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Nothing,
    Loaded,
    Running,
}

fn level(state: Option<&AppState>) -> Level {
    match state.map(|state| state.start) {
        None | Some(StartType::None) => Level::Nothing,
        Some(StartType::Load) => Level::Loaded,
        Some(_) => Level::Running,
    }
}

impl AppView<'_> {
    fn is_started(&self) -> bool {
        level(self.before) < level(self.after)
    }

    /// Running before and not afterwards, or loaded before and gone afterwards.
    fn is_stopped(&self) -> bool {
        level(self.before) > level(self.after) && (level(self.before) == Level::Running || self.after.is_none())
    }
}

/// Each after those that it needs, by name otherwise. A circle, which OTP would not start, stays as it is.
fn by_needs<'a>(apps: &[&'a Atom], state: impl Fn(&'a Atom) -> Option<&'a AppState>) -> Vec<&'a Atom> {
    let mut graph = Graph::new(apps.len());
    for (at, app) in apps.iter().enumerate() {
        for need in state(app).into_iter().flat_map(needs) {
            apps.iter().position(|app| *app == need).into_iter().for_each(|first| graph.add(first, at));
        }
    }
    let order = graph.order(|at| apps[at], |_| Vec::new());
    let rest = (0..apps.len()).filter(|at| !order.contains(at)).collect::<Vec<_>>();
    order.into_iter().chain(rest).map(|at| apps[at]).collect()
}

fn needs(state: &AppState) -> impl Iterator<Item = &Atom> {
    state.app.applications.iter().chain(&state.app.included_applications)
}

/// New applications none of whose needs changes: they can be started before anything is suspended, as `systools` has it, so that
/// what is resumed finds them running.
fn independent<'a>(view: &View<'a>, loads: &[Load], wishes: &[Wish]) -> BTreeSet<&'a Atom> {
    let is_new = |app: &AppView| app.before.is_none() && app.after.is_some();
    let mut independent: BTreeSet<&'a Atom> = view.apps.iter().filter(|(_, app)| is_new(app)).map(|(name, _)| *name).collect();
    // A module that another application had is in use.
    loads.iter().filter(|load| load.before.is_some()).for_each(|load| {
        independent.remove(&load.app);
    });
    loop {
        let waits = |app: &&Atom| {
            let state = view.apps[*app].after;
            let on_app = state.into_iter().flat_map(needs).any(|need| view.apps.contains_key(need) && !independent.contains(need));
            let on_code = wishes.iter().any(|wish| loads[wish.then].app == **app && !independent.contains(&loads[wish.first].app));
            on_app || on_code
        };
        let waiting: Vec<&Atom> = independent.iter().copied().filter(waits).collect();
        if waiting.is_empty() {
            return independent;
        }
        waiting.iter().for_each(|app| {
            independent.remove(app);
        });
    }
}
