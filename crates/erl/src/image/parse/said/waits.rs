//! Receives that a process stays in.

use crate::beam::{Beam, Body, Code};

/// What behaviours call. A process that waits there can't be suspended meanwhile, and is over it afterwards.
const CALLBACKS: [&str; 7] = ["init", "handle_call", "handle_cast", "handle_info", "handle_continue", "handle_event", "terminate"];

/// Whether a process may stay in a receive of this module.
pub(super) fn stays(beam: &Beam<'_>, code: &Code) -> bool {
    let busy = if is_of_a_behaviour(beam) { reached(code, |body| is_callback(beam, body)) } else { Vec::new() };
    let waits = |body: &Body| body.waits && !busy.iter().any(|called| std::ptr::eq(*called, body));
    code.functions.iter().any(waits) || code.receive_loops().next().is_some()
}

fn is_of_a_behaviour(beam: &Beam<'_>) -> bool {
    let exports = beam.exports().unwrap_or_default();
    let has = |name: &str, arity: u8| exports.iter().any(|function| super::is(function, name, arity));
    has("init", 1) && (has("handle_call", 3) || has("handle_event", 3) || has("handle_event", 4))
}

fn is_callback(beam: &Beam<'_>, body: &Body) -> bool {
    beam.atom(body.name).is_some_and(|name| CALLBACKS.contains(&name.as_str()))
}

/// These functions, and those that they call inside of the module.
fn reached(code: &Code, is_first: impl Fn(&Body) -> bool) -> Vec<&Body> {
    let mut found: Vec<&Body> = code.functions.iter().filter(|body| is_first(body)).collect();
    let mut at = 0;
    while let Some(body) = found.get(at).copied() {
        let called = code.called_by(body).filter(|called| !found.iter().any(|known| std::ptr::eq(*known, *called)));
        let called: Vec<&Body> = called.collect();
        found.extend(called);
        at += 1;
    }
    found
}
