//! What the instructions of a module say about it.

mod funs;
mod waits;

use super::{calls, is};
use crate::beam::{Beam, Body, Code, Import};
use crate::image::{Known, Nif};
use std::collections::BTreeSet;

/// What the instructions say.
pub(super) struct Said {
    pub(super) on_load: Known,
    pub(super) receives: Known,
    pub(super) keeps_funs: Known,
    pub(super) keeps_states: Known,
    pub(super) nif: Option<Nif>,
    /// It calls `Supervisor.start_link/2`, and not with the name of a module.
    pub(super) starts_list: bool,
}

impl Said {
    pub(super) fn of(beam: &Beam<'_>, code: Option<&Code>, imports: &[Import]) -> Self {
        let known = |is: &dyn Fn(&Code) -> bool| match code.map(is) {
            Some(true) => Known::Yes,
            Some(false) => Known::No,
            None => Known::Unknown,
        };
        let load_nif = place(imports, |import| calls(import, "erlang", "load_nif", 2));
        let start_link = place(imports, |import| calls(import, "Elixir.Supervisor", "start_link", 2));
        Self {
            on_load: known(&|code| code.functions.iter().any(|body| body.on_load)),
            receives: known(&|code| waits::stays(beam, code)),
            keeps_funs: known(&|code| code.functions.iter().any(|body| funs::keeps(body, imports))),
            keeps_states: code.map_or(Known::Unknown, |code| keeps_states(beam, code)),
            nif: load_nif.map(|load_nif| Nif { on_load_only: code.is_some_and(|code| on_load_only(beam, code, load_nif)) }),
            starts_list: start_link.is_some_and(|start_link| code.is_none_or(|code| starts_list(code, start_link))),
        }
    }
}

fn place(imports: &[Import], wanted: impl Fn(&Import) -> bool) -> Option<u32> {
    imports.iter().position(wanted).and_then(|at| u32::try_from(at).ok())
}

/// Whether nobody outside can have the library loaded: the functions that load it run when the module is loaded, or are not exported.
fn on_load_only(beam: &Beam<'_>, code: &Code, load_nif: u32) -> bool {
    let loads = |body: &&Body| body.foreign.iter().any(|call| call.import == load_nif);
    let loaders: Vec<&Body> = code.functions.iter().filter(loads).collect();
    let exports = beam.exports().unwrap_or_default();
    let exported = |body: &Body| {
        let Some((name, arity)) = beam.atom(body.name).zip(u8::try_from(body.arity).ok()) else { return true };
        exports.iter().any(|function| is(function, name.as_str(), arity))
    };
    code.functions.iter().any(|body| body.on_load) && loaders.iter().all(|body| body.on_load || !exported(body))
}

/// Whether `code_change` gives every state back as it came: `{ok, State}` and nothing else, as Elixir's `use GenServer` has it.
fn keeps_states(beam: &Beam<'_>, code: &Code) -> Known {
    let named = |number: &u32, name: &str| beam.atom(*number).is_some_and(|atom| atom == name);
    let is_code_change = |body: &&Body| matches!(body.arity, 3 | 4) && named(&body.name, "code_change");
    let only_ok = |body: &Body| !body.works && body.literals.is_empty() && body.atoms.iter().all(|atom| named(atom, "ok"));
    match code.functions.iter().find(is_code_change) {
        Some(body) if only_ok(body) => Known::Yes,
        _ => Known::No,
    }
}

/// `Supervisor.start_link(Module, argument)` has the same number of arguments as `Supervisor.start_link(children, options)`.
fn starts_list(code: &Code, start_link: u32) -> bool {
    let mut to_start_link = code.functions.iter().flat_map(|body| &body.foreign).filter(|call| call.import == start_link);
    to_start_link.any(|call| !call.first_is_atom)
}

/// The numbers of all atoms that stand in code.
pub(super) fn atoms(code: &Code) -> BTreeSet<u32> {
    code.functions.iter().flat_map(|body| &body.atoms).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::super::Module;
    use super::*;
    use crate::testing::{Erl, installed};

    /// `code_change` of a module with this text, compiled by a real erl.
    fn keeps(code_change: &str) -> Known {
        let dir = tempfile::tempdir().unwrap();
        let text = format!("-module(m).\n-export([code_change/3]).\n{code_change}\n");
        std::fs::write(dir.path().join("m.erl"), text).unwrap();
        Erl::new()
            .env("DIR", dir.path())
            .eval(r#"D = os:getenv("DIR"), {ok, m} = compile:file(filename:join(D, "m.erl"), [{outdir, D}])"#);
        Module::parse(&std::fs::read(dir.path().join("m.beam")).unwrap()).unwrap().keeps_states
    }

    #[test]
    fn a_code_change_that_does_nothing_is_told_from_one_that_does() {
        assert_eq!(keeps("code_change(_, S, _) -> {ok, S}."), Known::Yes);
        for does in [
            "code_change(_, {st, A}, _) -> {ok, {st, A, 0}}.",
            "code_change(_, N, _) -> {ok, N + 1}.",
            "code_change(\"1\", S, _) -> {ok, S}; code_change(_, S, _) -> {error, S}.",
            "code_change(_, S, _) -> {ok, maps:put(a, 1, S)}.",
            "code_change(_, S, _) -> {ok, S#{a => 1}}.",
            "code_change(_, _, _) -> {ok, fresh}.",
            "code_change(_, S, _) -> {ok, migrate(S)}.\nmigrate(S) -> [S].",
        ] {
            assert_eq!(keeps(does), Known::No, "{does}");
        }
    }

    #[test]
    fn elixirs_default_code_change_does_nothing() {
        let of = |name: &str| {
            let path = installed().into_iter().find(|path| path.ends_with(format!("{name}.beam"))).expect("a module of Elixir");
            Module::parse(&std::fs::read(path).unwrap()).unwrap().keeps_states
        };
        assert_eq!(of("Elixir.ExUnit.Server"), Known::Yes, "use GenServer, and nothing more");
        assert_eq!(of("Elixir.Agent.Server"), Known::No);
        assert_eq!(of("Elixir.Enum"), Known::No, "no processes");
    }
}
