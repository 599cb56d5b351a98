//! A call whose outcome tells apart what `rpc:call/4` does not: a value that was returned and one that was thrown, an error and an exit.
//!
//! The call goes as an expression in the abstract format to `erl_eval`, which is part of every release, so nothing has to be loaded
//! into the node: `try {ok, apply(M, F, Arguments)} catch C:R:S -> {raised, C, R, S} end`, with the arguments bound.

use crate::term::{Atom, Term};

/// The reason in `{badrpc, Reason}`: `{'EXIT', …}` if the evaluation itself raised or was ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the call failed: {0}")]
pub struct BadRpc(pub Term);

/// Class of an exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A run-time error, `erlang:error/1`.
    Error,
    /// `exit/1`, or the process was ended.
    Exit,
    /// `throw/1`.
    Throw,
}

/// A function did not return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    /// How.
    pub class: Class,
    /// The reason, or what was thrown.
    pub reason: Term,
    /// The stack trace, innermost first, without the frames of the evaluation.
    pub stack: Vec<Term>,
}

impl Raised {
    /// Whether it is `module:function` itself that does not exist, rather than something that it calls.
    #[must_use]
    pub fn is_undefined(&self, module: &Atom, function: &Atom) -> bool {
        let frame = self.stack.first().and_then(Term::as_tuple);
        let called = matches!(frame, Some([Term::Atom(m), Term::Atom(f), ..]) if m == module && f == function);
        self.class == Class::Error && self.reason.is_atom("undef") && called
    }
}

/// Module, function and arguments that make the call when they are called themselves.
#[must_use]
pub fn call(module: &Atom, function: &Atom, arguments: Vec<Term>) -> (Atom, Atom, Vec<Term>) {
    let variable = |name| node("var", [Term::atom(name)]);
    let apply = node("remote", [literal("erlang"), literal("apply")]);
    let applied = node("call", [apply, Term::list([atom(module), atom(function), variable("Arguments")])]);
    let returned = tuple([literal("ok"), applied]);
    let names = || ["Class", "Reason", "Stack"].map(variable);
    let exception = tuple(names());
    let raised = tuple([literal("raised")].into_iter().chain(names()));
    let catch = node("clause", [Term::list([exception]), Term::list([]), Term::list([raised])]);
    let guarded = node("try", [Term::list([returned]), Term::list([]), Term::list([catch]), Term::list([])]);
    let bindings = Term::list([Term::tuple([Term::atom("Arguments"), Term::list(arguments)])]);
    (Atom::literal("erl_eval"), Atom::literal("expr"), vec![guarded, bindings])
}

/// What came of it.
///
/// # Errors
/// The function did not return; without a class of its own (the process was killed), it exited.
pub fn outcome(result: Result<Term, BadRpc>) -> Result<Term, Raised> {
    let value = match result {
        Ok(Term::Tuple(mut parts)) if parts.len() == 3 && parts[0].is_atom("value") => parts.swap_remove(1),
        Ok(other) => return Err(exited(other)),
        Err(BadRpc(reason)) => return Err(exited(reason)),
    };
    of_outcome(value)
}

/// What `{ok, Value}` or `{raised, Class, Reason, Stack}` says, wherever it was evaluated.
///
/// # Errors
/// The function did not return.
pub fn of_outcome(outcome: Term) -> Result<Term, Raised> {
    match outcome {
        Term::Tuple(mut parts) if parts.len() == 2 && parts[0].is_atom("ok") => Ok(parts.swap_remove(1)),
        Term::Tuple(parts) => Err(raised(parts)),
        other => Err(exited(other)),
    }
}

fn exited(reason: Term) -> Raised {
    let reason = match reason {
        Term::Tuple(mut parts) if parts.len() == 2 && parts[0].is_atom("EXIT") => parts.swap_remove(1),
        other => other,
    };
    Raised { class: Class::Exit, reason, stack: Vec::new() }
}

fn raised(parts: Vec<Term>) -> Raised {
    let Ok([_, class, reason, stack]) = <[Term; 4]>::try_from(parts) else { return exited(Term::atom("badarg")) };
    let class = match class.as_atom().map(Atom::as_str) {
        Some("error") => Class::Error,
        Some("throw") => Class::Throw,
        _ => Class::Exit,
    };
    let ours = |frame: &&Term| frame.as_tuple().and_then(<[Term]>::first).is_some_and(|module| module.is_atom("erl_eval"));
    let frames = stack.as_list().unwrap_or_default();
    Raised { class, reason, stack: frames.iter().take_while(|frame| !ours(frame)).cloned().collect() }
}

/// A form of the abstract format: its kind, a line, its parts.
fn node(kind: &'static str, parts: impl IntoIterator<Item = Term>) -> Term {
    Term::tuple([Term::atom(kind), Term::from(0)].into_iter().chain(parts))
}

fn atom(atom: &Atom) -> Term {
    node("atom", [Term::from(atom.clone())])
}

fn literal(name: &'static str) -> Term {
    node("atom", [Term::atom(name)])
}

fn tuple(elements: impl IntoIterator<Item = Term>) -> Term {
    node("tuple", [Term::list(elements)])
}
