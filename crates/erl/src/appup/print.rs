//! An appup as text that people read and edit: an instruction a line, each in its shortest form.

use super::{Appup, Change, Entry, ModuleType, Step};
use crate::relup::{Direction, Purge, Timeout};
use crate::term::Term;
use crate::term::text::{self, NotConsultable};

pub(super) fn file(appup: &Appup) -> Result<String, NotConsultable> {
    text::to_file([&appup.to_term()])?; // says whether every term has a written form
    let mut out = format!("{{{},\n", Term::string(&appup.vsn));
    entries(&mut out, Direction::Up, &appup.up);
    out.push_str(",\n");
    entries(&mut out, Direction::Down, &appup.down);
    out.push_str("}.\n");
    Ok(out)
}

fn entries(out: &mut String, direction: Direction, entries: &[Entry]) {
    let other = match direction {
        Direction::Up => "up: to this version from",
        Direction::Down => "down: from this version to",
    };
    let entry = |entry: &Entry| {
        let steps: Vec<String> = entry.script.iter().map(|step| step.shortest().to_string()).collect();
        format!("{{{},\n   [{}]}}", entry.other.to_term(), steps.join(",\n    "))
    };
    let all: Vec<String> = entries.iter().map(entry).collect();
    out.push_str(&format!(" %% {other}\n [{}]", all.join(",\n  ")));
}

impl Step {
    /// The term, without what OTP takes for granted.
    fn shortest(&self) -> Term {
        let word = |name: &'static str, module, rest: Vec<Term>| {
            Term::tuple([Term::atom(name), Term::Atom(module)].into_iter().chain(rest))
        };
        let list = |needs: &[crate::term::Atom]| match needs {
            [] => Vec::new(),
            needs => vec![Term::list(needs.iter().map(|module| Term::Atom(module.clone())))],
        };
        match self {
            Self::Update { module, kind, timeout: Timeout::Default, change, pre: Purge::Brutal, post: Purge::Brutal, needs } => {
                match (kind, change, &needs[..]) {
                    (ModuleType::Static, Change::Advanced(Term::List(extra)), []) if extra.is_empty() => {
                        word("update", module.clone(), vec![Term::atom("supervisor")])
                    }
                    (ModuleType::Dynamic, Change::Soft, needs) => word("update", module.clone(), list(needs)),
                    (ModuleType::Dynamic, change, needs) => {
                        word("update", module.clone(), [change.to_term()].into_iter().chain(list(needs)).collect())
                    }
                    _ => self.to_term(),
                }
            }
            Self::LoadModule { module, pre: Purge::Brutal, post: Purge::Brutal, needs } => {
                word("load_module", module.clone(), list(needs))
            }
            Self::AddModule { module, needs } => word("add_module", module.clone(), list(needs)),
            Self::DeleteModule { module, needs } => word("delete_module", module.clone(), list(needs)),
            step => step.to_term(),
        }
    }
}
