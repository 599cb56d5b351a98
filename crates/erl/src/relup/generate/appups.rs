//! Appups that applications ship: what they say takes the place of what would be generated.
//!
//! Instructions about modules join the one group that is suspended at once, with what they depend on as a wish for the order; so
//! do calls before and after them, which stay before and after it. A script of another form (applications restarted, low-level
//! instructions, calls in between) is translated as `systools` does and carried out by itself, after the group.

use super::super::Instruction;
use super::GenerateError;
use super::note::{Action, Note, Reason};
use super::plan::Modules;
use super::view::{AppView, View};
use crate::appup::{Appup, Library, Step, TranslateError, translate};
use crate::changes::AppState;
use crate::term::Atom;
use std::collections::{BTreeMap, BTreeSet};

/// What the appups say.
#[derive(Default)]
pub(super) struct Appups<'a> {
    /// Their scripts by application.
    scripts: BTreeMap<&'a Atom, Vec<Step>>,
}

/// Instructions of appups, by where they stand.
#[derive(Default)]
pub(super) struct Placed {
    /// Before the point of no return.
    pub(super) early: Vec<Instruction>,
    /// Before the group.
    pub(super) leading: Vec<Instruction>,
    /// After the group: scripts of their own.
    pub(super) separate: Vec<Instruction>,
    /// Code that they load.
    pub(super) reads: Vec<Instruction>,
    /// After the group and everything that is started.
    pub(super) trailing: Vec<Instruction>,
}

impl<'a> Appups<'a> {
    /// Finds the scripts for the way between the two releases. As for `systools`, the appup of the newer one counts, and only where
    /// the version of the application differs.
    pub(super) fn find(view: &View<'a>) -> Result<Self, GenerateError> {
        let mut found = Self::default();
        for (app, states) in &view.apps {
            if let AppView { before: Some(before), after: Some(after) } = states
                && before.vsn != after.vsn
                && let Some(script) = script(view, app, before, after)?
            {
                found.scripts.insert(app, script);
            }
        }
        Ok(found)
    }

    /// Applications that have one.
    pub(super) fn apps(&self) -> BTreeSet<&'a Atom> {
        self.scripts.keys().copied().collect()
    }

    /// Adds what they say about modules to `modules`, and returns the rest.
    pub(super) fn place(self, view: &View<'a>, modules: &mut Modules<'a>) -> Result<Placed, GenerateError> {
        let mut placed = Placed::default();
        let mut separate = BTreeMap::new();
        let mut named = BTreeSet::new();
        for (app, script) in self.scripts {
            let Some(parts) = parts(&script) else {
                modules.notes.push(Note { app: Some(app.clone()), module: None, action: Action::Appup, reason: Reason::Appup });
                separate.insert(app, script);
                continue;
            };
            once(parts[1], &mut named).map_err(|source| error(view, &[app], source))?;
            join(view, app, parts, modules, &mut placed);
        }
        check_needs(view, modules)?;
        separately(view, &separate, &mut placed)?;
        Ok(placed)
    }
}

/// Lets a script of the plain form join the group.
fn join<'a>(view: &View<'a>, app: &Atom, parts: [&[Step]; 3], modules: &mut Modules<'a>, placed: &mut Placed) {
    let [leading, about_modules, trailing] = parts;
    let mentioned: BTreeSet<&Atom> = about_modules.iter().filter_map(Step::module).collect();
    modules.loads.retain(|load| !mentioned.contains(&load.module));
    about_modules.iter().for_each(|step| modules.take(view, app, step));
    note_left_out(view, app, &mentioned, modules);
    placed.leading.extend(leading.iter().filter_map(Step::low).cloned());
    placed.trailing.extend(trailing.iter().filter_map(Step::low).cloned());
}

fn script(view: &View, app: &Atom, before: &AppState, after: &AppState) -> Result<Option<Vec<Step>>, GenerateError> {
    let (newer, other) = match view.direction {
        super::Direction::Up => (after, before),
        super::Direction::Down => (before, after),
    };
    let Some(text) = &newer.appup else { return Ok(None) };
    let appup = Appup::parse(text).map_err(|source| GenerateError::Appup { app: app.clone(), source })?;
    let script = appup.script(view.direction, other.vsn.as_str());
    let script = script.map_err(|source| GenerateError::Pattern { app: app.clone(), source })?;
    Ok(script.map(<[Step]>::to_vec))
}

fn error(view: &View, apps: &[&Atom], source: TranslateError) -> GenerateError {
    GenerateError::Instructions { apps: apps.iter().copied().cloned().collect(), direction: view.direction, source }
}

/// Calls, steps about modules, calls; none if it is of another form.
fn parts(script: &[Step]) -> Option<[&[Step]; 3]> {
    let is_call = |step: &Step| matches!(step, Step::Low(Instruction::Apply(_)));
    let first = script.iter().position(|step| step.module().is_some()).unwrap_or(0);
    let about = script[first..].iter().take_while(|step| step.module().is_some()).count();
    let (leading, rest) = script.split_at(first);
    let (about, trailing) = rest.split_at(about);
    let calls = leading.iter().chain(trailing).all(is_call);
    calls.then_some([leading, about, trailing])
}

/// Notes which modules have a step; one may have only one.
fn once(steps: &[Step], named: &mut BTreeSet<Atom>) -> Result<(), TranslateError> {
    let twice = steps.iter().filter_map(Step::module).find(|module| !named.insert((*module).clone()));
    twice.map_or(Ok(()), |module| Err(TranslateError::TwoInstructions(module.clone())))
}

/// Modules of the application that differ and that its appup does not mention.
fn note_left_out<'a>(view: &View<'a>, app: &Atom, mentioned: &BTreeSet<&Atom>, modules: &mut Modules<'a>) {
    let own = view.modules.iter().filter(|(_, module)| module.app == app && module.code);
    let left = own.map(|(name, _)| *name).filter(|name| !mentioned.contains(name) && !view.consolidated_after.contains(*name));
    let (action, reason) = (Action::Leave, Reason::NotInAppup);
    let note = |name: &Atom| Note { app: Some(app.clone()), module: Some(name.clone()), action, reason: reason.clone() };
    modules.notes.extend(left.map(note));
}

/// What a module depends on must be loaded or removed too.
fn check_needs(view: &View, modules: &Modules) -> Result<(), GenerateError> {
    let known: BTreeSet<&Atom> = modules.loads.iter().map(|load| &load.module).chain(&modules.removes).collect();
    for load in &modules.loads {
        let missing = load.needs.iter().find(|on| !known.contains(on) && !view.consolidated_after.contains(*on));
        if let Some(on) = missing {
            let source = TranslateError::NoInstruction { module: load.module.clone(), on: on.clone() };
            return Err(error(view, &[&load.app], source));
        }
    }
    Ok(())
}

/// Translates scripts that stand by themselves.
fn separately(view: &View, scripts: &BTreeMap<&Atom, Vec<Step>>, placed: &mut Placed) -> Result<(), GenerateError> {
    if scripts.is_empty() {
        return Ok(());
    }
    let (apps, scripts): (Vec<&Atom>, Vec<Vec<Step>>) = scripts.iter().map(|(app, script)| (*app, script.clone())).unzip();
    let libraries = |side: fn(&AppView) -> Option<Library>| view.apps.values().filter_map(side).collect::<Vec<_>>();
    let (after, before) = (libraries(|app| app.after.map(library)), libraries(|app| app.before.map(library)));
    let low = translate(view.direction, &scripts, &after, &before).map_err(|source| error(view, &apps, source))?;
    let mut passed = false;
    for instruction in low {
        match instruction {
            Instruction::PointOfNoReturn => passed = true,
            Instruction::LoadObjectCode { .. } => placed.reads.extend(without_protocols(view, instruction)),
            other if passed => placed.separate.extend(without_protocols(view, other)),
            other => placed.early.push(other),
        }
    }
    Ok(())
}

fn library(state: &AppState) -> Library {
    let (name, vsn) = (state.app.name.clone(), state.vsn.to_string());
    Library { name, vsn, modules: state.app.modules.clone(), start: state.start }
}

/// The instruction, as far as it is not about consolidated protocols: those belong to the release, not to the application.
fn without_protocols(view: &View, instruction: Instruction) -> Option<Instruction> {
    let kept = |module: &Atom| !view.consolidated_after.contains(module);
    match instruction {
        Instruction::Load { ref module, .. } | Instruction::Remove { ref module, .. } => kept(module).then_some(instruction),
        Instruction::Purge(modules) => Some(Instruction::Purge(modules.into_iter().filter(kept).collect())),
        Instruction::LoadObjectCode { app, vsn, modules } => {
            Some(Instruction::LoadObjectCode { app, vsn, modules: modules.into_iter().filter(kept).collect() })
        }
        other => Some(other),
    }
}
