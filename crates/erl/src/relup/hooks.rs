//! The parts of a relup that are edeliver's own: calls of its agent, which is a module that comes with the relup.
//!
//! The agent carries them out when it does the upgrade itself; `release_handler` does it by calling them.

use super::{Instruction, Mfa};
use crate::term::{Term, text};
use crate::vsn::Vsn;
use std::sync::LazyLock;

const AGENT: &str = "edeliver_agent";

/// `hooks/load_agent.erl` as the abstract form that `erl_eval` takes.
static LOAD_AGENT: LazyLock<Term> =
    LazyLock::new(|| text::consult_one(include_bytes!("hooks/load_agent.terms")).expect("compared with its source by a test"));

/// What stands in it for the version.
const VERSION: &str = "@TO@";

/// Something that a children hook looks after.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Parent {
    /// Supervisors with this callback module.
    Supervisor(crate::term::Atom),
    /// The list of children that an application's `start/2` gives to `Supervisor.start_link`.
    Application(crate::term::Atom),
}

/// Loads `releases/TO/edeliver_agent.beam` unless it is loaded. Stands before the point of no return: it fails there, harmlessly, when the
/// file is missing, and does no harm when the release is only checked.
#[must_use]
pub fn load_agent(to: &Vsn) -> Instruction {
    let forms = with_version(&LOAD_AGENT, &Term::string(VERSION), &Term::string(to.as_str()));
    Instruction::apply("erl_eval", "exprs", [forms, Term::List(Vec::new())])
}

fn with_version(term: &Term, from: &Term, to: &Term) -> Term {
    let replaced = |parts: &[Term]| parts.iter().map(|part| with_version(part, from, to)).collect();
    match term {
        term if term == from => to.clone(),
        Term::Tuple(parts) => Term::Tuple(replaced(parts)),
        Term::List(parts) => Term::List(replaced(parts)),
        other => other.clone(),
    }
}

/// Puts the configuration of the release at the way's end in place.
#[must_use]
pub fn config(from: &Vsn, to: &Vsn) -> Instruction {
    Instruction::apply(AGENT, "config", versions(from, to))
}

/// Reloads the consolidated protocols that differ, and switches the code path to those of the release at the way's end.
#[must_use]
pub fn protocols(from: &Vsn, to: &Vsn) -> Instruction {
    Instruction::apply(AGENT, "protocols", versions(from, to))
}

/// Starts children that are new in the code of their parents, ends those that are gone, restarts those with another module.
#[must_use]
pub fn children(from: &Vsn, to: &Vsn, parents: &[Parent]) -> Instruction {
    let parents = Term::list(parents.iter().map(Parent::to_term));
    Instruction::apply(AGENT, "children", versions(from, to).into_iter().chain([parents]))
}

fn versions(from: &Vsn, to: &Vsn) -> [Term; 2] {
    [Term::string(from.as_str()), Term::string(to.as_str())]
}

impl Parent {
    fn to_term(&self) -> Term {
        let (word, name) = match self {
            Self::Supervisor(module) => ("supervisor", module),
            Self::Application(app) => ("application", app),
        };
        Term::tuple([Term::atom(word), Term::Atom(name.clone())])
    }
}

impl Instruction {
    /// Is this the call that loads our agent, for whatever release?
    #[must_use]
    pub fn loads_agent(&self) -> bool {
        let Self::Apply(Mfa { module, function, args }) = self else { return false };
        if !(module == "erl_eval" && function == "exprs") {
            return false;
        }
        let mut strings = Vec::new();
        args.iter().for_each(|arg| collect_versions(arg, &mut strings));
        strings.iter().any(|version| load_agent(version) == *self)
    }

    /// Is this a call of our agent?
    #[must_use]
    pub fn calls_agent(&self) -> bool {
        matches!(self, Self::Apply(mfa) if mfa.module == AGENT)
    }
}

/// Texts in it that can be a version.
fn collect_versions(term: &Term, found: &mut Vec<Vsn>) {
    match term {
        Term::Tuple(parts) => match &parts[..] {
            [tag, _, text] if tag.is_atom("string") => found.extend(text.to_text().and_then(|text| Vsn::new(text).ok())),
            _ => parts.iter().for_each(|part| collect_versions(part, found)),
        },
        Term::List(parts) => parts.iter().for_each(|part| collect_versions(part, found)),
        _ => {}
    }
}
