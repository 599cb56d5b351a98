//! Which releases go: never one that is needed, and never a good one for a failed one's sake.

use std::collections::BTreeSet;

use super::releases;
use crate::{
    facts::{Installed, Seen},
    name::Version,
    release::RelPath,
};

/// How much stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// This many of the newest good releases, and all that are needed. Releases that edeliver did not put there stay.
    Newest(u32),
    /// Only what is needed (`--clean-deploy`).
    Needed,
}

/// Good releases beyond those that are kept, and that nothing needs: the next deploy removes them.
pub fn spare(seen: &Seen, most: u32) -> Vec<Version> {
    let Some(boots) = &seen.permanent else { return Vec::new() };
    let after = After { seen, boots, dirs: &[], previous: seen.previous.as_ref(), restarted: false };
    let is_good = |version: &Version| seen.installed.iter().any(|installed| installed.version == *version && !installed.failed);
    after.removal(Keep::Newest(most)).versions.into_iter().filter(is_good).collect()
}

/// A removal that leaves everything needed in place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Removal {
    /// Releases that go, newest first.
    pub(super) versions: Vec<Version>,
    /// Their directories that nothing else uses.
    pub(super) dirs: Vec<RelPath>,
}

/// A host as it will be when its releases are removed.
pub(super) struct After<'a> {
    pub(super) seen: &'a Seen,
    /// What boots.
    pub(super) boots: &'a Version,
    /// The directories it uses.
    pub(super) dirs: &'a [RelPath],
    /// What a rollback goes back to.
    pub(super) previous: Option<&'a Version>,
    /// Whether what boots has been started, so that nothing else runs any more.
    pub(super) restarted: bool,
}

impl<'a> After<'a> {
    /// The releases that may not go.
    pub(super) fn needed(&self) -> BTreeSet<&'a Version> {
        let node = &self.seen.node;
        let runs = [&node.booted, &node.version].into_iter().flatten().filter(|_| !self.restarted);
        runs.chain([self.boots]).chain(self.previous).collect()
    }
    /// What goes.
    pub(super) fn removal(&self, keep: Keep) -> Removal {
        let needed = self.needed();
        let others = self.seen.installed.iter().filter(|installed| installed.version != *self.boots);
        let mut kept = 1 + others.filter(|installed| needed.contains(&installed.version)).count();
        let mut goes = |installed: &&Installed| match keep {
            _ if needed.contains(&installed.version) => false,
            Keep::Needed => releases::uses(installed).is_some(),
            Keep::Newest(_) if installed.manifest.is_none() => false,
            Keep::Newest(_) if installed.failed => true,
            Keep::Newest(most) => {
                kept += 1;
                kept > most as usize
            }
        };
        let (going, staying): (Vec<&Installed>, Vec<&Installed>) = self.seen.installed.iter().partition(&mut goes);
        let unfinished = self.seen.unfinished.iter().filter(|unfinished| !needed.contains(&unfinished.version));
        let mut versions: Vec<Version> = going.iter().map(|installed| installed.version.clone()).collect();
        versions.extend(unfinished.clone().map(|unfinished| unfinished.version.clone()));
        let free = going.iter().filter_map(|installed| releases::uses(installed)).flatten();
        let free = free.chain(unfinished.flat_map(|unfinished| unfinished.dirs.clone())).collect();
        Removal { versions, dirs: self.unused(free, &staying) }
    }
    /// Of these directories those that exist and that no release which stays uses. Where it is not known what one of these uses, all
    /// stay.
    fn unused(&self, free: BTreeSet<RelPath>, staying: &[&Installed]) -> Vec<RelPath> {
        let mut used: BTreeSet<RelPath> = self.dirs.iter().cloned().collect();
        // A `.rel` has no word about libraries that were moved.
        let moved = |dir: &RelPath| dir.as_str().contains('~') && staying.iter().any(|installed| installed.manifest.is_none());
        for installed in staying {
            match releases::uses(installed) {
                Some(dirs) => used.extend(dirs),
                None => return Vec::new(),
            }
        }
        free.into_iter().filter(|dir| !used.contains(dir) && !moved(dir) && self.seen.dirs.contains(dir)).collect()
    }
}
