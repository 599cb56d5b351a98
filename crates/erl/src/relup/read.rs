//! Terms to instructions, as strictly as `systools_rc` takes them.

use super::{Direction, Instruction, Mfa, Nodes, Purge, Suspend, Timeout};
use crate::rel::ResourceError;
use crate::resource::{atom, atoms, list, shape, text};
use crate::term::{Atom, Term};

/// What an error expects where there is no such instruction.
pub(crate) const INSTRUCTION: &str = "an instruction of a relup";

/// What every error calls the thing that is missing.
const MODULE: &str = "a module";
const MODULES: &str = "a list of modules";

impl Instruction {
    /// Reads an instruction.
    ///
    /// # Errors
    /// An instruction that OTP does not know, or an argument of another form than it has; the error quotes the smallest part
    /// that is wrong.
    pub fn from_term(term: &Term) -> Result<Self, ResourceError> {
        match term {
            Term::Atom(name) => Self::from_atom(name.as_str()),
            Term::Tuple(parts) => match &parts[..] {
                [Term::Atom(name), args @ ..] => Self::from_parts(name.as_str(), args),
                _ => None,
            },
            _ => None,
        }
        .unwrap_or_else(|| Err(shape(INSTRUCTION, term)))
        .map_err(|error| whole(error, term))
    }

    fn from_atom(name: &str) -> Option<Result<Self, ResourceError>> {
        match name {
            "point_of_no_return" => Some(Ok(Self::PointOfNoReturn)),
            "restart_new_emulator" => Some(Ok(Self::RestartNewEmulator)),
            "restart_emulator" => Some(Ok(Self::RestartEmulator)),
            _ => None,
        }
    }

    /// None if there is no such instruction.
    fn from_parts(name: &str, args: &[Term]) -> Option<Result<Self, ResourceError>> {
        Some(match (name, args) {
            ("load_object_code", [code]) => object_code(code),
            ("load", [module]) => purged(module).map(|(module, pre, post)| Self::Load { module, pre, post }),
            ("remove", [module]) => purged(module).map(|(module, pre, post)| Self::Remove { module, pre, post }),
            ("purge", [modules]) => atoms(modules, MODULES).map(Self::Purge),
            ("suspend", [modules]) => each(modules, suspend).map(Self::Suspend),
            ("resume", [modules]) => atoms(modules, MODULES).map(Self::Resume),
            ("code_change", [modules]) => code_change(None, modules),
            ("code_change", [mode, modules]) => direction(mode).and_then(|mode| code_change(Some(mode), modules)),
            ("stop", [modules]) => atoms(modules, MODULES).map(Self::Stop),
            ("start", [modules]) => atoms(modules, MODULES).map(Self::Start),
            ("sync_nodes", [id, nodes]) => self::nodes(nodes).map(|nodes| Self::SyncNodes { id: id.clone(), nodes }),
            ("apply", [call]) => mfa(call).map(Self::Apply),
            _ => return None,
        })
    }
}

/// The error, with the instruction it is in.
pub(crate) fn whole(error: ResourceError, term: &Term) -> ResourceError {
    match error {
        ResourceError::Shape { expected, found } => {
            let ResourceError::Shape { found: quoted, .. } = shape(expected, term) else { return shape(expected, term) };
            let found = if quoted == found { found } else { format!("{found} in {quoted}") };
            ResourceError::Shape { expected, found }
        }
        other => other,
    }
}

fn each<T>(term: &Term, one: fn(&Term) -> Result<T, ResourceError>) -> Result<Vec<T>, ResourceError> {
    list(term, MODULES)?.iter().map(one).collect()
}

fn object_code(term: &Term) -> Result<Instruction, ResourceError> {
    match term.as_tuple() {
        Some([app, vsn, modules]) => Ok(Instruction::LoadObjectCode {
            app: atom(app, "an application")?,
            vsn: text(vsn, "an application's version")?,
            modules: atoms(modules, MODULES)?,
        }),
        _ => Err(shape("{Application, Vsn, Modules}", term)),
    }
}

fn purged(term: &Term) -> Result<(Atom, Purge, Purge), ResourceError> {
    match term.as_tuple() {
        Some([module, pre, post]) => Ok((atom(module, MODULE)?, purge(pre)?, purge(post)?)),
        _ => Err(shape("{Module, PrePurge, PostPurge}", term)),
    }
}

pub(crate) fn purge(term: &Term) -> Result<Purge, ResourceError> {
    let known = [Purge::Soft, Purge::Brutal].into_iter().find(|purge| term.is_atom(purge.as_str()));
    known.ok_or_else(|| shape("soft_purge or brutal_purge", term))
}

fn suspend(term: &Term) -> Result<Suspend, ResourceError> {
    match term {
        Term::Tuple(pair) if pair.len() == 2 => Ok(Suspend { module: atom(&pair[0], MODULE)?, timeout: Some(timeout(&pair[1])?) }),
        Term::Atom(module) => Ok(module.clone().into()),
        _ => Err(shape("a module or {Module, Timeout}", term)),
    }
}

pub(crate) fn timeout(term: &Term) -> Result<Timeout, ResourceError> {
    match (term, term.as_i64().and_then(|millis| u64::try_from(millis).ok())) {
        (_, Some(millis @ 1..)) => Ok(Timeout::Millis(millis)),
        (Term::Atom(word), _) if word == "infinity" => Ok(Timeout::Infinity),
        (Term::Atom(word), _) if word == "default" => Ok(Timeout::Default),
        _ => Err(shape("default, infinity or milliseconds", term)),
    }
}

fn direction(term: &Term) -> Result<Direction, ResourceError> {
    let known = [Direction::Up, Direction::Down].into_iter().find(|direction| term.is_atom(direction.as_str()));
    known.ok_or_else(|| shape("up or down", term))
}

fn code_change(mode: Option<Direction>, modules: &Term) -> Result<Instruction, ResourceError> {
    let pair = |term: &Term| match term.as_tuple() {
        Some([module, extra]) => Ok((atom(module, MODULE)?, extra.clone())),
        _ => Err(shape("{Module, Extra}", term)),
    };
    Ok(Instruction::CodeChange { mode, modules: each(modules, pair)? })
}

fn nodes(term: &Term) -> Result<Nodes, ResourceError> {
    match term {
        Term::Tuple(_) => mfa(term).map(Nodes::Call),
        _ => atoms(term, "a list of nodes or {Module, Function, Args}").map(Nodes::List),
    }
}

pub(crate) fn mfa(term: &Term) -> Result<Mfa, ResourceError> {
    match term.as_tuple() {
        Some([module, function, args]) => Ok(Mfa {
            module: atom(module, MODULE)?,
            function: atom(function, "a function's name")?,
            args: list(args, "a list of arguments")?.to_vec(),
        }),
        _ => Err(shape("{Module, Function, Args}", term)),
    }
}
