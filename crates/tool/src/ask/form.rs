//! Expressions that are evaluated on a node: Erlang source of ours in the abstract format, which `erl_eval` takes.
//!
//! So nothing has to be loaded into the node, and one call does what several would. The source lies beside each form; a test keeps both the
//! same, and the form is what OTP 25 to 29 read alike.

use std::sync::LazyLock;

use edeliver_erl::{
    Term,
    term::{Atom, text},
};

use crate::node::link::Mfa;

/// An expression of ours.
pub(crate) struct Form(LazyLock<Term>);

impl Form {
    /// The text of a `.form` file.
    pub(crate) const fn new(read: fn() -> Term) -> Self {
        Self(LazyLock::new(read))
    }
    /// The call that evaluates it, with these variables bound, given in the order of their names.
    pub(crate) fn call(&self, bindings: impl IntoIterator<Item = (&'static str, Term)>) -> Mfa {
        let bind = |(name, value)| Term::tuple([Term::from(Atom::literal(name)), value]);
        let none = || Term::atom("none");
        let bindings = Term::list(bindings.into_iter().map(bind));
        Mfa::literal("erl_eval", "expr", [self.0.clone(), bindings, none(), none(), Term::atom("value")])
    }
}

/// Reads a `.form` file.
pub(crate) fn read(file: &'static str) -> Term {
    text::consult_one(file.as_bytes()).expect("a test reads every form")
}

#[cfg(test)]
mod tests {
    use std::{path::Path, process::Command};

    use super::*;

    /// Prints the form of the expression in a file.
    const MAKE: &str = r#"
        [File] = init:get_plain_arguments(),
        {ok, Bytes} = file:read_file(File),
        {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(Bytes)),
        {ok, [Expression]} = erl_parse:parse_exprs(Tokens),
        io:setopts([{encoding, unicode}]),
        io:format("~tp.~n", [erl_parse:map_anno(fun(_) -> 0 end, Expression)]),
        halt()."#;

    const FORMS: [&str; 9] = [
        "ask/code/eval",
        "ask/status/status",
        "upgrade/forms/install",
        "upgrade/forms/look",
        "upgrade/forms/permanent",
        "upgrade/forms/read_releases",
        "upgrade/forms/recover",
        "upgrade/forms/runs",
        "upgrade/forms/vitals",
    ];

    #[test]
    fn every_form_is_what_its_source_says() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for name in FORMS {
            let (source, form) = (dir.join(name).with_extension("erl"), dir.join(name).with_extension("form"));
            let made = Command::new("erl").args(["-noshell", "-noinput", "-eval", MAKE, "-extra"]).arg(&source).output().unwrap();
            let made = String::from_utf8(made.stdout).unwrap();
            let there = std::fs::read(&form).unwrap();
            let same = text::consult_one(&there).unwrap() == text::consult_one(made.as_bytes()).unwrap();
            assert!(same, "{} should be:\n{made}", form.display());
        }
    }
}
