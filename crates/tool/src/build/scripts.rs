//! The scripts that run on the build host.

use crate::transport::Script;

macro_rules! script {
    ($name:literal: $($part:literal)+) => {
        Script { name: $name, text: concat!($(include_str!($part), "\n"),+) }
    };
}

/// Tells what the build host has.
pub(super) const FACTS: Script = script!("looking at the build host": "place.sh" "facts.sh");
/// Makes folders and repositories.
pub(super) const PREPARE: Script = script!("preparing the build folder": "prepare.sh");
/// Takes a slot and holds it.
pub(super) const HOLD: Script = script!("holding the build folder": "claim.sh" "hold.sh");
/// Stands in for `mix.exs` where the build gets another version.
pub(super) const VERSION: &str = include_str!("version.exs");
/// Checks the commit out.
pub(super) const CHECKOUT: Script = script!("checking out": "claim.sh" "worktree.sh" "checkout.sh");
/// Checks submodules out.
pub(super) const SUBMODULES: Script = script!("checking out submodules": "claim.sh" "worktree.sh" "submodules.sh");
/// Runs one command of the build.
pub(super) const RUN: Script = script!("the build command": "place.sh" "claim.sh" "assembled.sh" "run.sh");
/// Lists the assembled release.
pub(super) const DESCRIBE: Script = script!("reading the release": "claim.sh" "assembled.sh" "describe.sh");
/// Sends files of the assembled release.
pub(super) const COLLECT: Script = script!("collecting the release": "claim.sh" "collect.sh" "../transfer/send.sh");

/// Statuses by which our scripts say more than "failed".
pub(super) mod status {
    /// There are too many builds at once.
    pub(in super::super) const BUSY: i32 = 75;
    /// The slot is held by somebody else.
    pub(in super::super) const LOST: i32 = 76;
    /// The dependencies are as wanted already.
    pub(in super::super) const KEPT: i32 = 77;
    /// The assembled release is not where it should be.
    pub(in super::super) const NO_RELEASE: i32 = 78;
}
