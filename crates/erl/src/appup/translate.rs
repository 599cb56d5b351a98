//! High-level instructions to low-level ones, with the results of `systools_rc` of OTP 25.
//!
//! Where OTP leaves an order to chance (modules that hang together but not by a chain), the order of the script decides.

mod applications;
mod checks;
mod dependent;

pub(crate) use applications::start_call;

use super::Step;
use crate::rel::StartType;
use crate::relup::{Direction, Instruction};
use crate::term::Atom;
use std::collections::{BTreeMap, BTreeSet};

/// What translating needs to know of an application in a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    /// Name.
    pub name: Atom,
    /// Version.
    pub vsn: String,
    /// Modules that its resource file lists.
    pub modules: Vec<Atom>,
    /// What the boot script does with it.
    pub start: StartType,
}

/// Scripts of appups can't be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TranslateError {
    /// Only reading code and calls may stand before the point of no return.
    #[error("{0} must not stand before point_of_no_return")]
    BeforePointOfNoReturn(&'static str),
    /// It may stand once in a script.
    #[error("point_of_no_return stands more than once in a script")]
    PointsOfNoReturn,
    /// A low-level load without its `load_object_code`.
    #[error("module {0} is loaded, but no load_object_code names it")]
    NotRead(Atom),
    /// Of low-level instructions.
    #[error("module {0} is suspended and never resumed")]
    NeverResumed(Atom),
    /// Of low-level instructions.
    #[error("module {0} is resumed and never suspended")]
    NeverSuspended(Atom),
    /// Of low-level instructions.
    #[error("module {0} is stopped and never started")]
    NeverStarted(Atom),
    /// Of low-level instructions.
    #[error("module {0} is started and never stopped")]
    NeverStopped(Atom),
    /// The release that is gone to or come from has no such application.
    #[error("there is no application {0} in the release")]
    NoApplication(Atom),
    /// It is in the release that is gone to.
    #[error("application {0} is to be removed, but it is a part of the release")]
    NotRemoved(Atom),
    /// No application's resource file lists it.
    #[error("no application of the release lists module {0}")]
    NoModule(Atom),
    /// Two instructions are about one module.
    #[error("more than one instruction is about module {0}")]
    TwoInstructions(Atom),
    /// What a module depends on must have an instruction too.
    #[error("module {module} depends on {on}, which no instruction is about")]
    NoInstruction {
        /// Which depends.
        module: Atom,
        /// On what.
        on: Atom,
    },
    /// Code of one application is read from two versions.
    #[error("code of application {app} is read from versions {first} and {second}")]
    TwoVersions {
        /// Application.
        app: Atom,
        /// A version.
        first: String,
        /// Another one.
        second: String,
    },
}

/// A script in two parts.
struct Parts<T> {
    before: Vec<Instruction>,
    after: Vec<T>,
}

/// Translates the scripts of several appups into one low-level script: `after` are the applications of the release that is gone to,
/// `before` those of the other one.
///
/// # Errors
/// What `systools` refuses.
pub fn translate(
    direction: Direction,
    scripts: &[Vec<Step>],
    after: &[Library],
    before: &[Library],
) -> Result<Vec<Instruction>, TranslateError> {
    let parts = merged(scripts)?;
    checks::check(&parts)?;
    let steps = applications::expand(parts.after, after, before)?;
    let dependent = dependent::translate(direction, &steps, &Owners::new(after))?;
    let read = merge_object_code(parts.before.into_iter().chain(dependent.before))?;
    Ok(restarts(direction, read, dependent.after))
}

/// All scripts one after the other, cut at their points of no return; reading code comes before it.
fn merged(scripts: &[Vec<Step>]) -> Result<Parts<Step>, TranslateError> {
    let mut parts = Parts { before: Vec::new(), after: Vec::new() };
    for script in scripts {
        let (before, after) = cut(script)?;
        for step in before {
            parts.before.push(allowed_before(step)?);
        }
        for step in after {
            match step {
                Step::Low(read @ Instruction::LoadObjectCode { .. }) => parts.before.push(read.clone()),
                other => parts.after.push(other.clone()),
            }
        }
    }
    Ok(parts)
}

fn cut(script: &[Step]) -> Result<(&[Step], &[Step]), TranslateError> {
    let is_point = |step: &Step| *step == Step::Low(Instruction::PointOfNoReturn);
    match script.iter().position(is_point) {
        None => Ok((&[], script)),
        Some(at) if script[at + 1..].iter().any(is_point) => Err(TranslateError::PointsOfNoReturn),
        Some(at) => Ok((&script[..at], &script[at + 1..])),
    }
}

fn allowed_before(step: &Step) -> Result<Instruction, TranslateError> {
    match step {
        Step::Low(allowed @ (Instruction::LoadObjectCode { .. } | Instruction::Apply(_))) => Ok(allowed.clone()),
        other => Err(TranslateError::BeforePointOfNoReturn(other.name())),
    }
}

/// Code that is read from one application.
struct Read {
    app: Atom,
    vsn: String,
    modules: Vec<Vec<Atom>>,
}

/// One `load_object_code` for each application, then the rest.
pub(crate) fn merge_object_code(before: impl Iterator<Item = Instruction>) -> Result<Vec<Instruction>, TranslateError> {
    let (mut reads, mut rest): (Vec<Read>, _) = (Vec::new(), Vec::new());
    for instruction in before {
        let Instruction::LoadObjectCode { app, vsn, modules } = instruction else {
            rest.push(instruction);
            continue;
        };
        match reads.iter_mut().find(|read| read.app == app) {
            None => reads.push(Read { app, vsn, modules: vec![modules] }),
            Some(read) if read.vsn == vsn => read.modules.push(modules),
            Some(read) => return Err(TranslateError::TwoVersions { app, first: read.vsn.clone(), second: vsn }),
        }
    }
    let one = |Read { app, vsn, modules }| Instruction::LoadObjectCode { app, vsn, modules: union(modules) };
    Ok(reads.into_iter().map(one).chain(rest).collect())
}

/// All modules once, each where it stands last: as `systools_rc:union/2` folds them.
fn union(lists: Vec<Vec<Atom>>) -> Vec<Atom> {
    let mut seen = BTreeSet::new();
    let mut union: Vec<Atom> = Vec::new();
    for list in lists.into_iter().rev() {
        let fresh: Vec<Atom> = list.into_iter().rev().filter(|module| seen.insert(module.clone())).collect();
        union.extend(fresh);
    }
    union.reverse();
    union
}

/// A new emulator is started first on the way up and last on the way down, a restart comes last.
fn restarts(direction: Direction, read: Vec<Instruction>, mut after: Vec<Instruction>) -> Vec<Instruction> {
    let mut take = |what: Instruction| {
        let before = after.len();
        after.retain(|instruction| *instruction != what);
        after.len() != before
    };
    let (new, plain) = (take(Instruction::RestartNewEmulator), take(Instruction::RestartEmulator));
    let first = (new && direction == Direction::Up).then_some(Instruction::RestartNewEmulator);
    let last = (plain || new && direction == Direction::Down).then_some(Instruction::RestartEmulator);
    first.into_iter().chain(read).chain([Instruction::PointOfNoReturn]).chain(after).chain(last).collect()
}

/// Which application a module belongs to: the first that lists it.
struct Owners<'a>(BTreeMap<&'a Atom, &'a Library>);

impl<'a> Owners<'a> {
    fn new(libraries: &'a [Library]) -> Self {
        let mut owners = BTreeMap::new();
        for library in libraries {
            library.modules.iter().for_each(|module| {
                owners.entry(module).or_insert(library);
            });
        }
        Self(owners)
    }

    fn read(&self, module: &Atom) -> Result<Instruction, TranslateError> {
        let owner = self.0.get(module).ok_or_else(|| TranslateError::NoModule(module.clone()))?;
        Ok(Instruction::LoadObjectCode { app: owner.name.clone(), vsn: owner.vsn.clone(), modules: vec![module.clone()] })
    }
}
