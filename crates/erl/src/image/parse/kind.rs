//! What a module is.

use super::{Module, calls, is};
use crate::image::Kind;
use crate::term::{Atom, Term};

/// Until everything else of the module is known.
pub(super) const UNDECIDED: Kind = Kind::Plain;

const SUPERVISORS: [&str; 3] = ["supervisor", "Elixir.Supervisor", "Elixir.DynamicSupervisor"];
const APPLICATIONS: [&str; 2] = ["application", "Elixir.Application"];
/// Behaviours whose callback modules are what processes run by, of OTP, Elixir, and libraries that many use.
const PROCESSES: [&str; 19] = [
    "cowboy_loop",
    "cowboy_websocket",
    "gen_event",
    "gen_fsm",
    "gen_server",
    "gen_statem",
    "ranch_protocol",
    "ssh_client_channel",
    "ssh_server_channel",
    "supervisor_bridge",
    "Elixir.Broadway",
    "Elixir.GenEvent",
    "Elixir.GenServer",
    "Elixir.GenStage",
    "Elixir.Phoenix.Channel",
    "Elixir.Phoenix.LiveView",
    "Elixir.Phoenix.Socket.Transport",
    "Elixir.ThousandIsland.Handler",
    "Elixir.WebSock",
];

/// The kind of a module. `starts_list`: it calls `Supervisor.start_link/2` with a list.
pub(super) fn of(module: &Module, attributes: &[(Atom, Vec<Term>)], starts_list: bool) -> Kind {
    let has = |name: &str, arity: u8| module.exports.iter().any(|function| is(function, name, arity));
    let declares = |names: &[&str]| module.behaviours.iter().any(|behaviour| names.contains(&behaviour.as_str()));
    if has("__protocol__", 1) {
        return Kind::Protocol { consolidated: false };
    }
    if has("__impl__", 1) {
        return Kind::Implementation { of: said(attributes, "protocol"), for_type: said(attributes, "for") };
    }
    if has("init", 1) && (declares(&SUPERVISORS) || supervises(module)) {
        return Kind::Supervisor;
    }
    if declares(&APPLICATIONS) && has("start", 2) {
        return Kind::Application { starts_list };
    }
    if has("code_change", 3) || has("code_change", 4) || has("system_code_change", 4) {
        return Kind::Process;
    }
    let serves = has("init", 1) && has("handle_call", 3) && has("handle_cast", 2);
    if declares(&PROCESSES) || serves { Kind::ProcessWithoutCodeChange } else { Kind::Plain }
}

/// A supervisor whose author has left the declaration out: it starts one, has an `init/1`, and none of the callbacks of a server.
fn supervises(module: &Module) -> bool {
    let starts = module.imports.iter().any(|import| (2..=3).any(|arity| calls(import, "supervisor", "start_link", arity)));
    let callbacks = [("handle_call", 3), ("handle_event", 2), ("handle_event", 4), ("callback_mode", 0), ("start_link", 3)];
    let others = module.exports.iter().any(|function| callbacks.iter().any(|(name, arity)| is(function, name, *arity)));
    starts && module.behaviours.is_empty() && !others
}

/// `-__impl__([{protocol, P}, {for, T}])`, which the compiler writes into every implementation (before Elixir 1.10: `impl`).
fn said(attributes: &[(Atom, Vec<Term>)], key: &str) -> Option<Atom> {
    let values = attributes.iter().filter(|(name, _)| name == "__impl__" || name == "impl").flat_map(|(_, values)| values);
    let mut found = values.filter_map(|value| match value.as_tuple() {
        Some([name, value]) if name.is_atom(key) => value.as_atom().cloned(),
        _ => None,
    });
    found.next()
}
