//! Small releases: a handful of files, as `mix release` lays them out.

use std::{collections::BTreeMap, path::Path};

use edeliver_core::{
    config::StoreSettings,
    name::{AppName, Version},
    release::{About, BuiltWith, Digest, Entry, EntryKind, Manifest, Platform, ReleaseKind},
};
use edeliver_erl::rel::Rel;

use crate::store::{Existing, Store};

pub(super) fn app() -> AppName {
    "demo".parse().unwrap()
}

/// A release to be.
#[derive(Debug, Clone)]
pub(super) struct Release {
    pub(super) version: Version,
    pub(super) kind: ReleaseKind,
    pub(super) files: BTreeMap<String, (u32, Vec<u8>)>,
    pub(super) links: BTreeMap<String, String>,
    pub(super) empty_dirs: Vec<String>,
}

impl Release {
    /// A release whose own library carries its version; the other library and the runtime system are the same in all of them.
    pub(super) fn new(version: &str) -> Self {
        let mut release = Self {
            version: version.parse().unwrap(),
            kind: ReleaseKind::Mix,
            files: BTreeMap::new(),
            links: BTreeMap::new(),
            empty_dirs: Vec::new(),
        };
        release.add(&format!("lib/demo-{version}/ebin/demo.beam"), 0o644, &format!("code of {version}"));
        release.add(&format!("lib/demo-{version}/ebin/demo_same.beam"), 0o644, "the same code in all versions");
        release.add(&format!("lib/demo-{version}/priv/tool"), 0o755, "#!/bin/sh\necho the same tool in all versions\n");
        release.add("lib/other-1.0/ebin/other.beam", 0o644, "other code");
        // Enough of what stays that a manifest is mended and not sent whole.
        for number in 0..20 {
            release.add(&format!("lib/other-1.0/ebin/other_{number}.beam"), 0o644, "code that all of them have");
        }
        release.add("lib/other-1.0/priv/two words \u{fc}\u{4e2d}.txt", 0o644, "a name with blanks and letters");
        release.add("lib/other-1.0/priv/back\\slash", 0o644, "a backslash");
        release.add("erts-13.1.5/bin/erl", 0o755, "#!/bin/sh\n");
        release.add(&format!("releases/{version}/demo.rel"), 0o644, &rel(version));
        release.add(&format!("releases/{version}/start.boot"), 0o644, &format!("boot {version}"));
        release.add("releases/COOKIE", 0o644, "cookie");
        release.add("releases/start_erl.data", 0o644, &format!("13.1.5 {version}\n"));
        release.add("bin/demo", 0o755, &format!("#!/bin/sh\n# of {version}\n"));
        release
    }
    /// As relx makes it: the start script decides what boots.
    pub(super) fn relx(version: &str) -> Self {
        let mut release = Self { kind: ReleaseKind::Relx, ..Self::new(version) };
        let script = format!("#!/bin/sh\nREL_VSN=\"{version}\"\n");
        release.add("bin/demo", 0o755, &script);
        release.add(&format!("bin/demo-{version}"), 0o755, &script);
        release.add("releases/RELEASES", 0o644, "relx's own, which knows of one release");
        release
    }
    /// Without the file names that facts leave out, so that the library with them would count as another one.
    pub(super) fn without_odd_names(mut self) -> Self {
        self.files.retain(|path, _| !path.contains('\\'));
        self
    }
    pub(super) fn add(&mut self, path: &str, mode: u32, content: &str) {
        self.files.insert(path.to_owned(), (mode, content.as_bytes().to_vec()));
    }
    pub(super) fn rel(&self) -> Rel {
        Rel::parse(rel(self.version.as_str()).as_bytes()).unwrap()
    }
    pub(super) fn manifest(&self) -> Manifest {
        let about = About {
            app: app(),
            version: self.version.clone(),
            kind: self.kind,
            commit: None,
            built_with: BuiltWith { otp: "25".to_owned(), erts: Some("13.1.5".to_owned()), elixir: None },
            platform: Platform::anywhere(),
        };
        let file = |(path, (mode, content)): (&String, &(u32, Vec<u8>))| Entry {
            path: path.parse().unwrap(),
            kind: EntryKind::File { mode: *mode, size: content.len() as u64, sha256: Digest::of(content) },
        };
        let link = |(path, target): (&String, &String)| Entry {
            path: path.parse().unwrap(),
            kind: EntryKind::Link { target: target.clone() },
        };
        let dir = |path: &String| Entry { path: path.parse().unwrap(), kind: EntryKind::EmptyDir { dir: true } };
        let entries = self.files.iter().map(file).chain(self.links.iter().map(link)).chain(self.empty_dirs.iter().map(dir));
        Manifest::new(about, entries.collect()).unwrap()
    }
    /// Puts it into a store.
    pub(super) fn store(&self, store: &Store) {
        let intake = store.intake().unwrap();
        for (_, content) in self.files.values() {
            intake.put(content).unwrap();
        }
        intake.finish(&self.manifest(), Existing::Replace).unwrap();
    }
    /// Puts it where another tool would have put it.
    pub(super) fn unpack(&self, root: &Path) {
        use std::os::unix::fs::PermissionsExt;
        for (path, (mode, content)) in &self.files {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, content).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(*mode)).unwrap();
        }
    }
}

pub(super) fn store(dir: &Path) -> Store {
    Store::open(&StoreSettings { path: dir.to_owned(), archive: false }, &app()).unwrap()
}

fn rel(version: &str) -> String {
    format!(r#"{{release,{{"demo","{version}"}},{{erts,"13.1.5"}},[{{demo,"{version}"}},{{other,"1.0"}}]}}."#)
}
