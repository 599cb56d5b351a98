//! The imperative shell of edeliver: it gathers facts, shows plans and carries them out.
//!
//! `flow` ties it together: gather (`inventory`) → plan (edeliver-core) → show (`ui`) → confirm → apply (`apply`). The three seams
//! to the world are [`transport`], `store` and `node`.

pub mod apply;
mod ask;
pub mod build;
pub mod cancel;
pub mod cli;
pub mod cmd;
pub mod config;
pub mod ctx;
pub mod depot;
pub mod doctor;
pub mod editor;
pub mod error;
pub mod flow;
pub mod git;
pub mod hook;
pub mod image;
pub mod inventory;
pub mod lease;
pub mod migrate;
pub mod modification;
pub mod node;
pub mod notices;
pub mod program;
pub mod rehearsal;
pub mod relocate;
pub mod relup;
pub mod report;
pub mod runs;
pub mod service;
pub mod sources;
pub mod store;
pub mod tarball;
pub mod transfer;
pub mod transport;
pub mod ui;
pub mod upgrade;
