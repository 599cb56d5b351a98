//! Real Erlang as the judge in tests.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::image::{ContentId, Image, ImageError, Modules};

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

/// Modules of Erlang, compiled by a real erl with these options: names and files. Each text begins with `-module(NAME).`
pub(crate) fn compiled(texts: &[&str], options: &str) -> BTreeMap<String, Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    let name = |text: &str| text.strip_prefix("-module(").unwrap().split_once(')').unwrap().0.trim_matches('\'').to_owned();
    for text in texts {
        std::fs::write(dir.path().join(format!("{}.erl", name(text))), text).unwrap();
    }
    Erl::new().env("DIR", dir.path()).eval(&format!(
        r#"D = os:getenv("DIR"), [{{ok, _}} = compile:file(F, [{{outdir, D}}{options}]) || F <- filelib:wildcard(filename:join(D, "*.erl"))]"#
    ));
    texts
        .iter()
        .map(|text| name(text))
        .map(|name| (name.clone(), std::fs::read(dir.path().join(name + ".beam")).unwrap()))
        .collect()
}

/// A release in memory: files by their paths.
#[derive(Debug, Clone, Default)]
pub(crate) struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    /// `releases/VSN/demo.rel` with these applications, each with a resource file without modules.
    pub(crate) fn release(vsn: &str, apps: &[(&str, &str)]) -> Self {
        let listed: Vec<String> = apps.iter().map(|(app, vsn)| format!("{{{app},\"{vsn}\"}}")).collect();
        let rel = format!("{{release,{{\"demo\",\"{vsn}\"}},{{erts,\"13.1.5\"}},[{}]}}.", listed.join(","));
        let files = Self::default().with(&format!("releases/{vsn}/demo.rel"), rel);
        apps.iter().fold(files, |files, (app, vsn)| {
            let text = format!("{{application,{app},[{{vsn,\"{vsn}\"}}]}}.");
            files.with(&format!("lib/{app}-{vsn}/ebin/{app}.app"), text)
        })
    }

    /// With this file, in place of one of that path.
    pub(crate) fn with(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.0.insert(path.to_owned(), content.into());
        self
    }

    pub(crate) fn without(mut self, path: &str) -> Self {
        self.0.remove(path).unwrap();
        self
    }

    /// Reads the release of that version.
    pub(crate) fn image(&self, vsn: &str) -> Result<Image, ImageError<std::convert::Infallible>> {
        let id = |content: &Vec<u8>| -> ContentId {
            use md5::Digest as _;
            let digest: [u8; 16] = md5::Md5::digest(content).into();
            [digest, digest].concat().try_into().unwrap()
        };
        let contents: BTreeMap<ContentId, &Vec<u8>> = self.0.values().map(|content| (id(content), content)).collect();
        let ids = self.0.iter().map(|(path, content)| (path.clone(), id(content))).collect();
        Image::read(vsn, &ids, &mut Modules::default(), &mut |id| Ok(contents[id].clone()))
    }
}
