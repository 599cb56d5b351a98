//! What the instructions of a module say about it.

use super::{calls, is};
use crate::beam::{Beam, Body, Code, Import};
use crate::image::{Known, Nif};
use std::collections::BTreeSet;

/// What the instructions say.
pub(super) struct Said {
    pub(super) on_load: Known,
    pub(super) receives: Known,
    pub(super) makes_funs: Known,
    pub(super) nif: Option<Nif>,
    /// It calls `Supervisor.start_link/2`, and not with the name of a module.
    pub(super) starts_list: bool,
}

impl Said {
    pub(super) fn of(beam: &Beam<'_>, code: Option<&Code>, imports: &[Import]) -> Self {
        let known = |is: fn(&Code) -> bool| match code.map(is) {
            Some(true) => Known::Yes,
            Some(false) => Known::No,
            None => Known::Unknown,
        };
        let load_nif = place(imports, |import| calls(import, "erlang", "load_nif", 2));
        let start_link = place(imports, |import| calls(import, "Elixir.Supervisor", "start_link", 2));
        Self {
            on_load: known(|code| code.functions.iter().any(|body| body.on_load)),
            receives: known(|code| code.functions.iter().any(|body| body.waits) || code.receive_loops().next().is_some()),
            makes_funs: known(|code| code.functions.iter().any(|body| body.makes_funs)),
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

/// `Supervisor.start_link(Module, argument)` has the same number of arguments as `Supervisor.start_link(children, options)`.
fn starts_list(code: &Code, start_link: u32) -> bool {
    let mut to_start_link = code.functions.iter().flat_map(|body| &body.foreign).filter(|call| call.import == start_link);
    to_start_link.any(|call| !call.first_is_atom)
}

/// The numbers of all atoms that stand in code.
pub(super) fn atoms(code: &Code) -> BTreeSet<u32> {
    code.functions.iter().flat_map(|body| &body.atoms).copied().collect()
}
