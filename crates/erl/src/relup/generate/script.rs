//! Puts everything in its place.

use super::super::hooks::{self, Parent};
use super::super::{Direction, Instruction, Suspend};
use super::GenerateError;
use super::applications::Applications;
use super::appups::{Appups, Placed};
use super::note::{Action, Note, Reason};
use super::order;
use super::plan::{Load, Modules};
use super::view::View;
use crate::appup::{ModuleType, merge_object_code};
use crate::term::{Atom, Term};
use std::collections::{BTreeMap, BTreeSet};

/// A script, and why it is as it is.
pub(super) struct Script {
    pub(super) script: Vec<Instruction>,
    pub(super) notes: Vec<Note>,
    pub(super) circles: Vec<Vec<Atom>>,
}

/// The script for a direction.
pub(super) fn way(view: &View) -> Result<Script, GenerateError> {
    let appups = Appups::find(view)?;
    let by_appup: Vec<Atom> = appups.apps().into_iter().cloned().collect();
    let mut modules = Modules::generated(view, &appups.apps());
    let placed = appups.place(view, &mut modules)?;
    let wishes = order::wishes(view.direction, &modules.loads);
    let applications = Applications::new(view, &modules.loads, &wishes);
    let ordered = order::order(view.direction, &modules.loads, &wishes);
    let loads: Vec<&Load> = ordered.order.iter().map(|number| &modules.loads[*number]).collect();
    let (early, group) = loads.into_iter().partition(|load| applications.independent.contains(&load.app));
    let parts = Parts { view, early, group, modules: &modules, applications: &applications, placed: &placed };
    let script =
        parts.script().map_err(|source| GenerateError::Instructions { apps: by_appup, direction: view.direction, source })?;
    let mut notes: Vec<Note> = modules.notes.iter().chain(&applications.notes).cloned().chain(protocols(view)).collect();
    notes.sort();
    Ok(Script { script, notes, circles: ordered.circles })
}

fn protocols<'a>(view: &'a View) -> impl Iterator<Item = Note> + 'a {
    let reloaded = view.protocols.iter().filter(|name| view.consolidated_after.contains(**name));
    let note = |name: &&Atom| Note {
        app: None,
        module: Some((*name).clone()),
        action: Action::ReloadProtocol,
        reason: Reason::Consolidated,
    };
    reloaded.map(note)
}

struct Parts<'a> {
    view: &'a View<'a>,
    /// Modules of new applications that are started before anything is suspended.
    early: Vec<&'a Load<'a>>,
    /// All other modules, in order.
    group: Vec<&'a Load<'a>>,
    modules: &'a Modules<'a>,
    applications: &'a Applications<'a>,
    placed: &'a Placed,
}

impl Parts<'_> {
    fn script(&self) -> Result<Vec<Instruction>, crate::appup::TranslateError> {
        let View { from, to, .. } = self.view;
        let mut script = vec![hooks::load_agent(to)];
        script.extend(self.placed.early.iter().cloned());
        script.extend(merge_object_code(self.reads().chain(self.placed.reads.iter().cloned()))?);
        script.extend([Instruction::PointOfNoReturn, hooks::config(from, to)]);
        script.extend(loads(&self.early));
        script.extend(self.applications.starts(self.view, true));
        script.extend(self.placed.leading.iter().cloned());
        let separate = self.placed.separate.iter().cloned();
        let group = self.group().into_iter();
        match order::needs_first(self.view, &self.group) {
            true => script.extend(separate.chain(group)),
            false => script.extend(group.chain(separate)),
        }
        script.extend(self.applications.starts(self.view, false));
        script.extend(self.placed.trailing.iter().cloned());
        script.extend(self.children());
        script.extend(self.applications.stops(self.view));
        script.extend(self.removes());
        script.extend(self.applications.unloads(self.view));
        Ok(script)
    }

    /// One instruction for each application.
    fn reads(&self) -> impl Iterator<Item = Instruction> {
        let mut reads: BTreeMap<&Atom, BTreeSet<&Atom>> = BTreeMap::new();
        for load in self.early.iter().chain(&self.group) {
            reads.entry(&load.app).or_default().insert(&load.module);
        }
        reads.into_iter().filter_map(|(app, modules)| {
            let vsn = self.view.apps.get(app)?.after?.vsn.to_string();
            Some(Instruction::LoadObjectCode { app: app.clone(), vsn, modules: modules.into_iter().cloned().collect() })
        })
    }

    /// What happens while processes are suspended.
    fn group(&self) -> Vec<Instruction> {
        let mut suspended: Vec<Suspend> = self.group.iter().filter_map(|load| load.suspend.clone()).collect();
        // Those that are loaded last on the way up come first: what calls others before what is called.
        if self.view.direction == Direction::Up {
            suspended.reverse();
        }
        let resumed: Vec<Atom> = suspended.iter().rev().map(|suspend| suspend.module.clone()).collect();
        let (early, late) = match self.view.direction {
            Direction::Up => (None, self.code_change(|_| true)),
            Direction::Down => {
                (self.code_change(|kind| kind == ModuleType::Dynamic), self.code_change(|kind| kind == ModuleType::Static))
            }
        };
        let suspend = (!suspended.is_empty()).then_some(Instruction::Suspend(suspended));
        let resume = (!resumed.is_empty()).then_some(Instruction::Resume(resumed));
        suspend.into_iter().chain(early).chain(loads(&self.group)).chain(self.protocols()).chain(late).chain(resume).collect()
    }

    fn protocols(&self) -> Option<Instruction> {
        let View { from, to, consolidated_before, consolidated_after, .. } = self.view;
        let any = !consolidated_before.is_empty() || !consolidated_after.is_empty();
        any.then(|| hooks::protocols(from, to))
    }

    fn code_change(&self, wanted: impl Fn(ModuleType) -> bool) -> Option<Instruction> {
        let change =
            |load: &&Load| load.change.clone().filter(|(kind, _)| wanted(*kind)).map(|(_, extra)| (load.module.clone(), extra));
        let modules: Vec<(Atom, Term)> = self.group.iter().filter_map(change).collect();
        (!modules.is_empty()).then_some(Instruction::CodeChange { mode: Some(self.view.direction), modules })
    }

    fn children(&self) -> Option<Instruction> {
        let supervisors = self.modules.supervisors.iter().cloned().map(Parent::Supervisor);
        let parents: Vec<Parent> = supervisors.chain(self.modules.lists.iter().cloned().map(Parent::Application)).collect();
        (!parents.is_empty()).then(|| hooks::children(self.view.from, self.view.to, &parents))
    }

    fn removes(&self) -> impl Iterator<Item = Instruction> {
        let gone = &self.modules.removes;
        let purge = (!gone.is_empty()).then(|| Instruction::Purge(gone.clone()));
        gone.iter().cloned().map(Instruction::remove).chain(purge)
    }
}

fn loads(loads: &[&Load]) -> Vec<Instruction> {
    let load = |load: &&Load| Instruction::Load { module: load.module.clone(), pre: load.pre, post: load.post };
    loads.iter().map(load).collect()
}
