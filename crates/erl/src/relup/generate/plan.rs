//! What is to be done with each module in a direction, before it is put in order.

use super::super::{Direction, Purge, Suspend, Timeout};
use super::note::{Action, Note, Reason};
use super::view::{ModuleView, View};
use crate::appup::{Change, ModuleType, Step};
use crate::image::{Kind, Module};
use crate::term::{Atom, Term};
use std::collections::BTreeSet;

/// A module that is loaded.
#[derive(Clone)]
pub(super) struct Load<'a> {
    pub(super) module: Atom,
    pub(super) app: Atom,
    pub(super) pre: Purge,
    pub(super) post: Purge,
    /// How its processes are suspended, if they are.
    pub(super) suspend: Option<Suspend>,
    /// How the states of its processes change, if they do.
    pub(super) change: Option<(ModuleType, Term)>,
    /// Modules that it depends on, by its appup.
    pub(super) needs: Vec<Atom>,
    /// Its files before and after, where they are known.
    pub(super) before: Option<&'a Module>,
    pub(super) after: Option<&'a Module>,
}

/// What is to be done with modules.
#[derive(Default)]
pub(super) struct Modules<'a> {
    pub(super) loads: Vec<Load<'a>>,
    pub(super) removes: Vec<Atom>,
    pub(super) notes: Vec<Note>,
    /// Supervisors whose children must match afterwards.
    pub(super) supervisors: Vec<Atom>,
    /// Applications of which the same is true.
    pub(super) lists: Vec<Atom>,
}

impl<'a> Modules<'a> {
    /// For all modules that differ, but for those of applications in `by_appup`.
    pub(super) fn generated(view: &View<'a>, by_appup: &BTreeSet<&Atom>) -> Self {
        let mut modules = Self::default();
        let own = view.modules.iter().filter(|(_, module)| !by_appup.contains(module.app));
        own.for_each(|(name, module)| modules.add(view, name, module));
        modules.unconsolidated(view);
        modules
    }

    fn note(&mut self, name: &Atom, app: &Atom, action: Action, reason: Reason) {
        self.notes.push(Note { app: Some(app.clone()), module: Some(name.clone()), action, reason });
    }

    fn add(&mut self, view: &View<'a>, name: &Atom, module: &ModuleView<'a>) {
        match (module.before, module.after) {
            (_, Some(_)) if view.consolidated_after.contains(name) => {} // the hook reloads it
            (None, Some(_)) => {
                self.loads.push(Load::new(name, module));
                self.note(name, module.app, Action::Add, Reason::New);
            }
            (Some(_), None) => {
                self.removes.push(name.clone());
                self.note(name, module.app, Action::Remove, Reason::Gone);
            }
            (Some(before), Some(after)) if module.code || asks_for_vsn(view.direction, before, after) => {
                self.change(view.direction, name, module, before, after);
            }
            _ => self.note(name, module.app, Action::Leave, Reason::OnlyVsn),
        }
    }

    fn change(&mut self, direction: Direction, name: &Atom, module: &ModuleView<'a>, before: &Module, after: &Module) {
        let (action, reason) = self.role(direction, module.app, before, after);
        let reason = match (module.moved_from, module.code) {
            (Some(from), _) => Reason::Moved(from.clone()),
            (None, false) => Reason::Vsn,
            (None, true) => reason,
        };
        self.note(name, module.app, action, reason);
        let change = match action {
            Action::CodeChange => Some((ModuleType::Dynamic, Term::List(Vec::new()))),
            Action::Supervisor => Some((ModuleType::Static, Term::List(Vec::new()))),
            _ => None,
        };
        let suspended = matches!(action, Action::CodeChange | Action::Supervisor | Action::Suspend);
        let suspend = suspended.then(|| Suspend::from(name.clone()));
        self.loads.push(Load { suspend, change, ..Load::new(name, module) });
    }

    /// What a module is to its processes. Those that run were started by its code from before.
    fn role(&mut self, direction: Direction, app: &Atom, before: &Module, after: &Module) -> (Action, Reason) {
        match &before.kind {
            _ if supervises(before) && supervises(after) => {
                if has_children_of_its_own(before) || has_children_of_its_own(after) {
                    self.supervisors.push(before.name.clone());
                }
                (Action::Supervisor, Reason::Code)
            }
            Kind::Process | Kind::ProcessWithoutCodeChange if newer(direction, before, after).kind == Kind::Process => {
                (Action::CodeChange, Reason::Code)
            }
            Kind::Process | Kind::ProcessWithoutCodeChange | Kind::Supervisor => (Action::Suspend, Reason::NoCodeChange),
            Kind::Application { starts_list: true } if after.kind == (Kind::Application { starts_list: true }) => {
                self.lists.push(app.clone());
                (Action::Children, Reason::StartsList)
            }
            _ => (Action::Load, Reason::Code),
        }
    }

    /// Protocols that are not consolidated any more: the code of their application takes their place.
    fn unconsolidated(&mut self, view: &View<'a>) {
        let gone = view.consolidated_before.difference(view.consolidated_after);
        for name in gone.filter(|name| !view.modules.contains_key(name)) {
            let has = |name: &Atom, app: &super::view::AppView| app.after.is_some_and(|app| app.app.modules.contains(name));
            let Some((app, _)) = view.apps.iter().find(|(_, app)| has(name, app)) else { continue };
            self.loads.push(Load::bare(name, app));
            self.note(name, app, Action::Load, Reason::NotConsolidated);
        }
    }

    /// Takes over a step of an appup that is about a module.
    pub(super) fn take(&mut self, view: &View<'a>, app: &Atom, step: &Step) {
        let Some(name) = step.module() else { return };
        if matches!(step, Step::DeleteModule { .. }) {
            self.removes.push(name.clone());
        } else if view.consolidated_after.contains(name) {
            return; // the hook reloads it
        } else {
            let facts = view.modules.get(name).map_or_else(|| Load::bare(name, app), |module| Load::new(name, module));
            self.loads.push(facts.by(step, app));
        }
        self.note(name, app, action(step), Reason::Appup);
    }
}

fn action(step: &Step) -> Action {
    match step {
        Step::Update { kind: ModuleType::Static, change: Change::Advanced(_), .. } => Action::Supervisor,
        Step::Update { change: Change::Advanced(_), .. } => Action::CodeChange,
        Step::Update { .. } => Action::Suspend,
        Step::AddModule { .. } => Action::Add,
        Step::DeleteModule { .. } => Action::Remove,
        _ => Action::Load,
    }
}

impl<'a> Load<'a> {
    fn bare(name: &Atom, app: &Atom) -> Self {
        let (module, app) = (name.clone(), app.clone());
        let (pre, post) = (Purge::Brutal, Purge::Brutal);
        Self { module, app, pre, post, suspend: None, change: None, needs: Vec::new(), before: None, after: None }
    }

    fn new(name: &Atom, module: &ModuleView<'a>) -> Self {
        Self { before: module.before, after: module.after, ..Self::bare(name, module.app) }
    }

    /// As a step of an appup wants it.
    fn by(self, step: &Step, app: &Atom) -> Self {
        let load = Self { needs: step.needs().to_vec(), app: app.clone(), ..self };
        match step {
            Step::Update { module, kind, timeout, change, pre, post, .. } => {
                let timeout = Some(*timeout).filter(|timeout| *timeout != Timeout::Default);
                let change = match change {
                    Change::Advanced(extra) => Some((*kind, extra.clone())),
                    Change::Soft => None,
                };
                Self { pre: *pre, post: *post, change, suspend: Some(Suspend { module: module.clone(), timeout }), ..load }
            }
            Step::LoadModule { pre, post, .. } => Self { pre: *pre, post: *post, ..load },
            _ => load,
        }
    }

    /// The file of the newer release, or the other one where there is only that.
    pub(super) fn newer(&self, direction: Direction) -> Option<&'a Module> {
        match direction {
            Direction::Up => self.after.or(self.before),
            Direction::Down => self.before.or(self.after),
        }
    }
}

/// Is it a callback module of supervisors? That of an application often is one too.
fn supervises(module: &Module) -> bool {
    let behaves = || module.behaviours.iter().any(|behaviour| behaviour == "supervisor" || behaviour == "Elixir.Supervisor");
    let has_init = || module.exports.iter().any(|function| function.name == "init" && function.arity == 1);
    match module.kind {
        Kind::Supervisor => true,
        Kind::Application { .. } => behaves() && has_init(),
        _ => false,
    }
}

/// The children of a `DynamicSupervisor` are no part of its code.
fn has_children_of_its_own(module: &Module) -> bool {
    module.behaviours.iter().all(|behaviour| behaviour != "Elixir.DynamicSupervisor")
}

/// Of two files of a module the one of the newer release: it knows the states of both.
fn newer<'a>(direction: Direction, before: &'a Module, after: &'a Module) -> &'a Module {
    match direction {
        Direction::Up => after,
        Direction::Down => before,
    }
}

/// Does a `code_change` depend on the version, which someone has written by hand?
fn asks_for_vsn(direction: Direction, before: &Module, after: &Module) -> bool {
    newer(direction, before, after).kind == Kind::Process && (before.has_own_vsn() || after.has_own_vsn())
}
