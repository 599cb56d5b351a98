//! Hot upgrades by the whole program, of real nodes of real releases on hosts that are folders of this machine.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

#[path = "../program/mod.rs"]
mod program;

mod appups;
mod commands;
mod cowboy;
mod fleet;
mod linked;
mod modification;
mod rehearsals;
mod relups;
mod road;
mod rollouts;
mod scene;
mod trouble;
mod wellness;
mod without_sasl;
