//! The plan that the agent is given.

use edeliver_core::step::{Direction, Hot, Lib};
use edeliver_erl::{Term, beam::Md5, relup::Instruction, term::Atom};
use std::{collections::BTreeMap, time::Duration};

use super::Journey;

/// `Plan` of the agent's protocol. `root`: the absolute path of the release root; `name`: the release's.
pub(super) fn order(id: &str, root: &str, name: &str, hot: &Hot, journey: &Journey) -> Term {
    let direction = match hot.direction {
        Direction::Up => "up",
        Direction::Down => "down",
    };
    map([
        ("v", Term::from(1)),
        ("id", Term::binary(id.as_bytes())),
        ("direction", Term::atom(direction)),
        ("from", Term::string(hot.from.as_str())),
        ("to", Term::string(hot.to.as_str())),
        ("root", Term::string(root)),
        ("name", Term::string(name)),
        ("script", script(&journey.script)),
        ("back", script(&journey.back)),
        ("libs", libs(&hot.libs)),
        ("old_libs", libs(&hot.old_libs)),
        ("md5", md5s(&journey.code)),
        ("old_md5", md5s(&journey.old_code)),
        ("removed", Term::list(journey.removed.iter().cloned().map(Term::Atom))),
        ("discover", Term::list(hot.discover.iter().filter_map(|app| Atom::new(app.as_str()).ok()).map(Term::Atom))),
        ("options", options(hot)),
    ])
}

fn options(hot: &Hot) -> Term {
    map([
        ("suspend_timeout", millis(hot.limits.suspend)),
        ("code_change_timeout", millis(hot.limits.code_change)),
        ("child_timeout", millis(hot.limits.child)),
        // What a relup calls may migrate a database; what came of it must still be heard.
        ("call_timeout", millis(hot.timeout / 2)),
        ("confirm_within", millis(hot.limits.confirm)),
    ])
}

fn map<const N: usize>(fields: [(&'static str, Term); N]) -> Term {
    Term::Map(fields.into_iter().map(|(name, value)| (Term::atom(name), value)).collect::<BTreeMap<_, _>>())
}

pub(super) fn millis(time: Duration) -> Term {
    Term::from(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}

fn script(instructions: &[Instruction]) -> Term {
    Term::list(instructions.iter().map(Instruction::to_term))
}

fn libs(libs: &[Lib]) -> Term {
    let lib = |lib: &Lib| {
        let app = Atom::new(lib.app.as_str()).ok()?;
        Some(Term::tuple([Term::Atom(app), Term::string(&lib.vsn), Term::string(lib.dir.as_str())]))
    };
    Term::list(libs.iter().filter_map(lib))
}

/// `[{Module, Md5}]`
pub(super) fn md5s(code: &BTreeMap<Atom, Md5>) -> Term {
    Term::list(code.iter().map(|(module, md5)| Term::tuple([Term::Atom(module.clone()), Term::binary(*md5)])))
}
