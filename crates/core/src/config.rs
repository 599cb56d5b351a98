//! Configuration: layers, provenance, and errors that point at file:line:column.
//!
//! Three stages, three types: what was written (`raw`, with spans), merged layers, and [`Settings`]: validated, every default filled in,
//! the only form that the rest of the program sees.

pub mod classic;
pub mod duration;
pub mod hooks;
pub mod inventory;
pub mod origin;
pub mod problem;
pub mod rate;
pub mod raw;
mod scope;
pub mod secret;
pub mod settings;
pub mod settle;
mod typed;

pub use origin::{Origin, Origins, Setting};
pub use problem::{Place, Problem, Problems};
pub use rate::Rate;
pub use scope::{Env, similar};
pub use settings::{
    BuildSettings, BuildTool, Engine, HealthCheck, HookSource, HostSource, HostSpec, HostStore, HostsFrom, HttpCheck, Inventory,
    Limits, Migrate, MixRelease, NoticeFormat, Notify, Occasion, OnFailure, OnRestart, Peers, Programs, RehearsalSettings,
    RemoteStore, RolloutSettings, RunHooks, S3Keys, S3Store, Service, Settings, SourceKind, SshSettings, StoreSettings,
    TargetSettings, Traffic, TrafficProgram, TransportKind, UpgradeSettings, Webhook,
};
pub use settle::{Around, settle, settle_toml};
pub use typed::Choice;

#[cfg(test)]
mod tests;
