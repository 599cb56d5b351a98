//! Rules about the configuration.

use std::collections::BTreeMap;

use edeliver_erl::term::Atom;

use super::{Judging, Rule, list, shown};

/// Applications that read their configuration when the node boots, and not again.
const READ_AT_BOOT: [&str; 4] = ["kernel", "logger", "sasl", "stdlib"];
/// Files that the start script or the emulator reads.
const BOOT_FILES: [&str; 4] = ["vm.args", "vm.args.src", "env.sh", "remote.vm.args"];

impl Judging<'_> {
    /// Tells what is in the way, and gives what differs in words.
    pub(super) fn config(&mut self) -> Vec<String> {
        let config = &self.changes.config;
        let mut told = Vec::new();
        let mut keys: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (app, key) in &config.keys {
            keys.entry(app.as_str()).or_default().push(key.as_str().to_owned());
        }
        for (app, keys) in keys {
            let what = format!("{app}: {} differ", list(keys));
            if READ_AT_BOOT.contains(&app) {
                self.tell(Rule::BootConfig, Some(app), None, format!("settings of {what}"));
            }
            told.push(what);
        }
        if let Some((before, after)) = &config.providers {
            let names = |providers: &[(Atom, _)]| list(providers.iter().map(|(module, _)| shown(module)));
            let what = format!("the configuration providers differ: {} instead of {}", names(after), names(before));
            self.tell(Rule::Provider, None, None, what);
        }
        for file in &config.files {
            if BOOT_FILES.contains(&file.as_str()) {
                self.tell(Rule::BootFile, None, None, format!("{file} differs"));
            }
            told.push(format!("{file} differs"));
        }
        told
    }
}
