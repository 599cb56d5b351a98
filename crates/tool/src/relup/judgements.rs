//! What was judged in a run, each way once: reading two releases takes longer than all the rest of planning.

use std::collections::HashMap;

use edeliver_core::{
    release::{Digest, Manifest},
    upgrade::{self, Judgement, Policy},
};
use edeliver_erl::changes::Changes;

use super::{MakeError, appups};
use crate::store::Store;

/// Judgements over ways between builds, by what the user allows.
#[derive(Debug, Clone)]
pub struct Judgements {
    policy: Policy,
    made: HashMap<(Digest, Digest), Judgement>,
}

impl Judgements {
    /// None yet.
    pub fn new(policy: Policy) -> Self {
        Self { policy, made: HashMap::new() }
    }
    /// What is said about the way between two releases of the store.
    ///
    /// # Errors
    /// A release can't be read.
    pub fn between(&mut self, store: &Store, from: &Manifest, to: &Manifest) -> Result<&Judgement, MakeError> {
        let key = (from.id(), to.id());
        if !self.made.contains_key(&key) {
            let (changes, _) = appups::changes(store, from, to)?;
            self.of(from, to, &changes);
        }
        Ok(&self.made[&key])
    }
    /// The same, where it is known what differs.
    pub(super) fn of(&mut self, from: &Manifest, to: &Manifest, changes: &Changes) -> &Judgement {
        let judge = || upgrade::judge(changes, &self.policy);
        self.made.entry((from.id(), to.id())).or_insert_with(judge)
    }
}

#[cfg(test)]
mod tests {
    use edeliver_core::release::{About, BuiltWith, Entry, EntryKind, Platform, ReleaseKind};

    use super::*;
    use crate::store::samples;

    /// A release of one application without code.
    fn release(store: &Store, version: &str) -> Manifest {
        let rel = format!("{{release,{{\"demo\",\"{version}\"}},{{erts,\"13.1.5\"}},[{{demo,\"{version}\"}}]}}.");
        let app = format!("{{application,demo,[{{vsn,\"{version}\"}}]}}.");
        let places = [(format!("releases/{version}/demo.rel"), rel), (format!("lib/demo-{version}/ebin/demo.app"), app)];
        let entry = |(path, text): &(String, String)| Entry {
            path: path.parse().unwrap(),
            kind: EntryKind::File { mode: 0o644, size: text.len() as u64, sha256: samples::blob(store, text.as_bytes()) },
        };
        let built_with = BuiltWith { otp: "25".into(), erts: Some("13.1.5".into()), elixir: None };
        let (app, version) = ("demo".parse().unwrap(), version.parse().unwrap());
        let about = About { app, version, kind: ReleaseKind::Mix, commit: None, built_with, platform: Platform::anywhere() };
        Manifest::new(about, places.iter().map(entry).collect()).unwrap()
    }

    #[test]
    fn a_way_is_judged_once_and_its_releases_are_not_read_again() {
        let (store, dir) = samples::store();
        let (from, to) = (release(&store, "0.1.0"), release(&store, "0.2.0"));
        let mut judged = Judgements::new(Policy::default());
        let first = judged.between(&store, &from, &to).unwrap().clone();
        std::fs::remove_dir_all(dir.path().join("de liver/store/blobs")).unwrap();
        assert_eq!(*judged.between(&store, &from, &to).unwrap(), first);
        assert!(judged.between(&store, &to, &from).is_err(), "the way back is another one");
    }
}
