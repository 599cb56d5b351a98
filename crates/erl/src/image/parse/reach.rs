//! What a function comes to, by calls inside of its module.

use crate::beam::{Beam, Body, Code, Import};
use std::collections::BTreeSet;

/// Functions of others that a function may call, itself or by what it calls inside of the module, funs included.
pub(super) fn foreign_calls(beam: &Beam<'_>, code: &Code, imports: &[Import], name: &str, arity: u32) -> BTreeSet<Import> {
    let named = |body: &Body| beam.atom(body.name).map(|atom| atom.as_str().to_owned()).unwrap_or_default();
    let mut open: Vec<&Body> = code.functions.iter().filter(|body| body.arity == arity && named(body) == name).collect();
    let mut seen: BTreeSet<(String, u32)> = BTreeSet::new();
    let mut calls = BTreeSet::new();
    while let Some(body) = open.pop() {
        if !seen.insert((named(body), body.arity)) {
            continue;
        }
        let places = body.foreign.iter().filter_map(|call| usize::try_from(call.import).ok());
        calls.extend(places.filter_map(|at| imports.get(at)).cloned());
        open.extend(code.called_by(body));
        // The compiler names funs after the function that makes them.
        let made_here = format!("-{}/{}-", named(body), body.arity);
        open.extend(code.functions.iter().filter(|other| body.makes_funs && named(other).starts_with(&made_here)));
    }
    calls
}

#[cfg(test)]
mod tests {
    use crate::image::Module;
    use crate::testing::Erl;

    #[test]
    fn what_start_comes_to_is_told_from_what_others_call() {
        let dir = tempfile::tempdir().unwrap();
        let text = "-module(m).\n-behaviour(application).\n-export([start/2, stop/1]).\n\
            start(_, L) -> a:b(), [c:d(X) || X <- L], lists:foreach(fun(X) -> e:f(X) end, L), helps(L).\n\
            helps(L) -> g:h(L), ok.\nstop(_) -> i:j().\n";
        std::fs::write(dir.path().join("m.erl"), text).unwrap();
        Erl::new()
            .env("DIR", dir.path())
            .eval(r#"D = os:getenv("DIR"), {ok, m} = compile:file(filename:join(D, "m.erl"), [{outdir, D}])"#);
        let module = Module::parse(&std::fs::read(dir.path().join("m.beam")).unwrap()).unwrap();
        // Compilers differ in how they raise errors, which is a call to `erlang`.
        let called: Vec<&str> =
            module.start_calls.iter().map(|call| call.module.as_str()).filter(|name| *name != "erlang").collect();
        assert_eq!(called, ["a", "c", "e", "g", "lists"]);
    }
}
