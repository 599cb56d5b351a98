//! One file per verb: its arguments (their doc comments are its help) and `run`, which ties the parts together.

pub mod build;
pub mod completions;
pub mod config;
pub mod console;
pub mod deliver;
pub mod deploy;
pub mod diff;
pub mod edit;
pub mod eval;
pub mod exec;
mod fleet;
pub mod init;
pub mod logs;
pub mod migrate;
pub mod node;
mod own;
pub mod rehearse;
pub mod releases;
pub mod rollback;
pub mod rpc;
pub mod run;
pub mod setup;
pub mod show;
pub mod status;
pub mod task;
pub mod update;
pub mod upgrade;
