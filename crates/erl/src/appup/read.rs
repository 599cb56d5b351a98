//! Terms to high-level instructions, in all the forms that `systools_rc` expands.

use super::{Change, ModuleType, Step};
use crate::rel::{ResourceError, StartType};
use crate::relup::{Instruction, Purge, Timeout, read};
use crate::resource::{atoms, shape};
use crate::term::{Atom, Term};

const MODULES: &str = "a list of modules";

type Read<T> = Result<T, ResourceError>;

impl Step {
    /// Reads an instruction.
    ///
    /// # Errors
    /// An instruction that OTP does not know, or an argument of another form than it has.
    pub fn from_term(term: &Term) -> Read<Self> {
        if let Some([Term::Atom(name), Term::Atom(subject), args @ ..]) = term.as_tuple()
            && let Some(step) = high(name.as_str(), subject.clone(), args)
        {
            return step.map_err(|error| read::whole(error, term));
        }
        match Instruction::from_term(term) {
            Ok(instruction) => Ok(Self::Low(instruction)),
            Err(ResourceError::Shape { expected, found }) if expected == read::INSTRUCTION => {
                Err(ResourceError::Shape { expected: "an instruction of an appup", found })
            }
            Err(error) => Err(error),
        }
    }
}

/// None if it is no high-level instruction, or has a number of arguments that none has.
fn high(name: &str, subject: Atom, args: &[Term]) -> Option<Read<Step>> {
    Some(match (name, args) {
        ("update", args) => return update(subject, args),
        ("load_module", []) => Ok(load(subject, Vec::new())),
        ("load_module", [needs]) => atoms(needs, MODULES).map(|needs| load(subject, needs)),
        ("load_module", [pre, post, needs]) => load_with(subject, pre, post, needs),
        ("add_module", []) => Ok(Step::AddModule { module: subject, needs: Vec::new() }),
        ("add_module", [needs]) => atoms(needs, MODULES).map(|needs| Step::AddModule { module: subject, needs }),
        ("delete_module", []) => Ok(Step::DeleteModule { module: subject, needs: Vec::new() }),
        ("delete_module", [needs]) => atoms(needs, MODULES).map(|needs| Step::DeleteModule { module: subject, needs }),
        ("add_application", []) => Ok(Step::AddApplication { app: subject, start: StartType::Permanent }),
        ("add_application", [start]) => start_type(start).map(|start| Step::AddApplication { app: subject, start }),
        ("remove_application", []) => Ok(Step::RemoveApplication(subject)),
        ("restart_application", []) => Ok(Step::RestartApplication(subject)),
        _ => return None,
    })
}

fn load(module: Atom, needs: Vec<Atom>) -> Step {
    Step::LoadModule { module, pre: Purge::Brutal, post: Purge::Brutal, needs }
}

fn load_with(module: Atom, pre: &Term, post: &Term, needs: &Term) -> Read<Step> {
    Ok(Step::LoadModule { module, pre: read::purge(pre)?, post: read::purge(post)?, needs: atoms(needs, MODULES)? })
}

fn start_type(term: &Term) -> Read<StartType> {
    StartType::from_term(term).ok_or_else(|| shape("a start type", term))
}

fn update(module: Atom, args: &[Term]) -> Option<Read<Step>> {
    Some(match args {
        [] => Ok(short(module, Change::Soft, Vec::new())),
        [word] if word.is_atom("supervisor") => Ok(supervisor(module)),
        [needs @ Term::List(_)] => atoms(needs, MODULES).map(|needs| short(module, Change::Soft, needs)),
        [changes] => change(changes).map(|change| short(module, change, Vec::new())),
        [changes, needs] => change(changes).and_then(|change| Ok(short(module, change, atoms(needs, MODULES)?))),
        [changes, pre, post, needs] => full(module, ModuleType::Dynamic, Timeout::Default, changes, [pre, post, needs]),
        [timeout, changes, pre, post, needs] => {
            read::timeout(timeout).and_then(|timeout| full(module, ModuleType::Dynamic, timeout, changes, [pre, post, needs]))
        }
        [kind, timeout, changes, pre, post, needs] => {
            module_type(kind).and_then(|kind| full(module, kind, read::timeout(timeout)?, changes, [pre, post, needs]))
        }
        _ => return None,
    })
}

fn short(module: Atom, change: Change, needs: Vec<Atom>) -> Step {
    let (kind, timeout) = (ModuleType::Dynamic, Timeout::Default);
    Step::Update { module, kind, timeout, change, pre: Purge::Brutal, post: Purge::Brutal, needs }
}

fn supervisor(module: Atom) -> Step {
    let (kind, timeout, change) = (ModuleType::Static, Timeout::Default, Change::Advanced(Term::List(Vec::new())));
    Step::Update { module, kind, timeout, change, pre: Purge::Brutal, post: Purge::Brutal, needs: Vec::new() }
}

fn full(module: Atom, kind: ModuleType, timeout: Timeout, changes: &Term, [pre, post, needs]: [&Term; 3]) -> Read<Step> {
    let (pre, post, needs) = (read::purge(pre)?, read::purge(post)?, atoms(needs, MODULES)?);
    Ok(Step::Update { module, kind, timeout, change: change(changes)?, pre, post, needs })
}

fn module_type(term: &Term) -> Read<ModuleType> {
    let known = [ModuleType::Static, ModuleType::Dynamic].into_iter().find(|kind| term.is_atom(kind.as_str()));
    known.ok_or_else(|| shape("static or dynamic", term))
}

fn change(term: &Term) -> Read<Change> {
    match term.as_tuple() {
        None if term.is_atom("soft") => Ok(Change::Soft),
        Some([word, extra]) if word.is_atom("advanced") => Ok(Change::Advanced(extra.clone())),
        _ => Err(shape("soft or {advanced, Extra}", term)),
    }
}
