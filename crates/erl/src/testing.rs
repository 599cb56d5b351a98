//! Real Erlang as the judge in tests.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One run of `erl`.
pub(crate) struct Erl(Command);

impl Erl {
    pub(crate) fn new() -> Self {
        let mut command = Command::new("erl");
        command.args(["-noshell", "+fnu"]).env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
        Self(command)
    }

    pub(crate) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.0.args(args);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Runs the expressions, which must succeed, and returns what they print.
    pub(crate) fn eval(mut self, expressions: &str) -> Vec<u8> {
        let body = expressions.trim().trim_end_matches('.');
        let wrapped = format!(
            "try io:setopts([{{encoding, unicode}}]), {body}, halt(0) catch C:R:S -> io:format(standard_error, \"~tp\", [{{C, R, S}}]), halt(1) end."
        );
        let output = self.0.args(["-eval", &wrapped]).output().expect("erl is installed");
        assert!(
            output.status.success(),
            "{}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }
}

/// The files of all modules of OTP and Elixir on this machine.
pub(crate) fn installed() -> Vec<PathBuf> {
    let list = |dir: &Path| std::fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let libs = ["/usr/lib/erlang/lib", "/usr/lib/elixir/lib"].into_iter().flat_map(|dir| list(Path::new(dir)));
    let files = libs.flat_map(|app| list(&app.join("ebin")));
    let mut modules: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|kind| kind == "beam")).collect();
    modules.sort();
    assert!(modules.len() > 1000, "OTP and Elixir are installed");
    modules
}
