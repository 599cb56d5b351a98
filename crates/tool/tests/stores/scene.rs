//! Two checkouts of a project, and a place elsewhere that both know.

use std::{
    fs,
    path::{Path, PathBuf},
};

use edeliver::store::{Existing, Store};
use edeliver_core::{
    config::StoreSettings,
    release::{About, BuiltWith, Digest, Entry, EntryKind, Manifest, Platform, ReleaseKind},
};

use crate::{
    program::{Done, Program},
    sshd::Sshd,
};

/// A project whose target is a folder of this machine.
pub(crate) struct Checkout {
    pub(crate) program: Program,
}

impl Checkout {
    /// With these lines about the store.
    pub(crate) fn new(store: &str) -> Self {
        let program = Program::new();
        let hosts = program.project().join("hosts");
        program.write(
            "edeliver.toml",
            &format!(
                "app = \"demo\"\n{store}\n[targets.staging]\nhosts = [{{ name = \"one\", transport = \"local\", path = {hosts:?} }}]\n"
            ),
        );
        Self { program }
    }
    #[track_caller]
    pub(crate) fn ok(&self, line: &str) -> String {
        self.ends_with(0, line)
    }
    /// What was said on both outputs.
    #[track_caller]
    pub(crate) fn ends_with(&self, code: i32, line: &str) -> String {
        let Done { code: ended, out, err } = self.program.run(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(ended, code, "{line}\n{err}{out}");
        err + &out
    }
    pub(crate) fn store(&self) -> Store {
        let settings = StoreSettings { path: self.program.project().join(".deliver"), archive: false };
        Store::open(&settings, &"demo".parse().unwrap()).unwrap()
    }
    /// Has this release in the store of this machine, as if it had been built here.
    pub(crate) fn has(&self, version: &str, code: &str) -> Manifest {
        let files = files(version, code);
        let manifest = manifest(version, &files);
        let intake = self.store().intake().unwrap();
        for (_, content) in &files {
            intake.put(content.as_bytes()).unwrap();
        }
        intake.finish(&manifest, Existing::Replace).unwrap();
        manifest
    }
    /// A file of the release that was deployed.
    pub(crate) fn deployed(&self, path: &str) -> String {
        fs::read_to_string(self.program.project().join("hosts/demo").join(path)).unwrap_or_default()
    }
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.program.project().join(path)
    }
}

/// A folder of this machine as a host's.
pub(crate) fn folder(at: &Path) -> String {
    format!("[store]\nremote = {{ name = \"shelf\", transport = \"local\", path = {at:?} }}")
}

/// A folder on a host that ssh reaches.
pub(crate) fn over_ssh(sshd: &Sshd, at: &Path) -> String {
    format!("[store]\nremote = \"box:{}\"\n[ssh]\nconfig = {:?}", at.display(), sshd.path("ssh_config"))
}

fn files(version: &str, code: &str) -> Vec<(String, String)> {
    let rel = format!(r#"{{release,{{"demo","{version}"}},{{erts,"13.1.5"}},[{{demo,"{version}"}}]}}."#);
    let file = |path: String, content: &str| (path, content.to_owned());
    let mut files = vec![
        file("bin/demo".to_owned(), "#!/bin/sh\n"),
        file(format!("lib/demo-{version}/ebin/demo.beam"), code),
        file("releases/COOKIE".to_owned(), "a cookie nobody knows"),
        file(format!("releases/{version}/demo.rel"), &rel),
        file(format!("releases/{version}/start.boot"), "boot"),
        file(format!("releases/{version}/env.sh"), "# of mix"),
        file("releases/start_erl.data".to_owned(), &format!("13.1.5 {version}")),
    ];
    files.extend((0..20).map(|number| file(format!("erts-13.1.5/bin/tool{number}"), &format!("tool {number}"))));
    files
}

fn manifest(version: &str, files: &[(String, String)]) -> Manifest {
    let about = About {
        app: "demo".parse().unwrap(),
        version: version.parse().unwrap(),
        kind: ReleaseKind::Mix,
        commit: None,
        built_with: BuiltWith { otp: "25".into(), erts: Some("13.1.5".into()), elixir: None },
        platform: Platform::anywhere(),
    };
    let entry = |(path, content): &(String, String)| Entry {
        path: path.parse().unwrap(),
        kind: EntryKind::File { mode: 0o644, size: content.len() as u64, sha256: Digest::of(content.as_bytes()) },
    };
    Manifest::new(about, files.iter().map(entry).collect()).unwrap()
}
