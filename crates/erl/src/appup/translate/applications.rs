//! Instructions about whole applications to such about modules, and calls.

use super::super::Step;
use super::{Library, TranslateError};
use crate::rel::StartType;
use crate::relup::{Instruction, Purge};
use crate::term::{Atom, Term};

pub(super) fn expand(steps: Vec<Step>, after: &[Library], before: &[Library]) -> Result<Vec<Step>, TranslateError> {
    let mut expanded = Vec::with_capacity(steps.len());
    for step in steps {
        match step {
            Step::AddApplication { app, start } => {
                expanded.extend(added(&library(after, &app)?.modules));
                expanded.extend(start_call(&app, start).map(Step::Low));
            }
            Step::RemoveApplication(app) if after.iter().any(|library| library.name == app) => {
                return Err(TranslateError::NotRemoved(app));
            }
            Step::RemoveApplication(app) => {
                expanded.extend(removed(library(before, &app)?));
                expanded.push(call("unload", &app, None));
            }
            Step::RestartApplication(app) => {
                let (old, new) = (library(before, &app)?, library(after, &app)?);
                expanded.extend(removed(old));
                expanded.extend(added(&new.modules));
                expanded.extend(start_call(&app, new.start).map(Step::Low));
            }
            Step::AddModule { module, needs } => expanded.push(load(module, needs)),
            other => expanded.push(other),
        }
    }
    Ok(expanded)
}

fn library<'a>(libraries: &'a [Library], app: &Atom) -> Result<&'a Library, TranslateError> {
    libraries.iter().find(|library| library.name == *app).ok_or_else(|| TranslateError::NoApplication(app.clone()))
}

fn added(modules: &[Atom]) -> impl Iterator<Item = Step> {
    modules.iter().map(|module| load(module.clone(), Vec::new()))
}

fn load(module: Atom, needs: Vec<Atom>) -> Step {
    Step::LoadModule { module, pre: Purge::Brutal, post: Purge::Brutal, needs }
}

fn removed(library: &Library) -> impl Iterator<Item = Step> {
    let removes = library.modules.iter().cloned().map(|module| Step::Low(Instruction::remove(module)));
    let purge = Step::Low(Instruction::Purge(library.modules.clone()));
    [call("stop", &library.name, None)].into_iter().chain(removes).chain([purge])
}

fn call(function: &'static str, app: &Atom, start: Option<StartType>) -> Step {
    let start = start.map(|start| Term::atom(start.as_str()));
    Step::Low(Instruction::apply("application", function, [Term::Atom(app.clone())].into_iter().chain(start)))
}

/// What starts an application, if anything does.
pub(crate) fn start_call(app: &Atom, start: StartType) -> Option<Instruction> {
    let name = Term::Atom(app.clone());
    match start {
        StartType::None => None,
        StartType::Load => Some(Instruction::apply("application", "load", [name])),
        started => Some(Instruction::apply("application", "start", [name, Term::atom(started.as_str())])),
    }
}
