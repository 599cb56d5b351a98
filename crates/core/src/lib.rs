//! The functional core of edeliver: it decides, and touches nothing.
//!
//! The rule of this crate: no I/O, no clock, no environment, no randomness. All of these come in as values, so the same
//! input gives the same plan. `clippy.toml` beside this crate's manifest makes a breach fail the build.
//!
//! The way of the data: [`config`] and a [`request`] and [`facts`] go into [`plan`], which gives a [`plan::Plan`]: plain
//! data that the shell shows, asks about and then obeys.

pub mod auto_version;
pub mod build_tool;
pub mod choose;
pub mod config;
pub mod delta;
pub mod doctor;
pub mod drift;
pub mod event;
pub mod facts;
pub mod health;
pub mod hint;
pub mod increase;
pub mod init;
pub mod lease;
pub mod name;
pub mod notice;
pub mod plan;
pub mod rehearsal;
pub mod release;
pub mod resume;
pub mod select;
pub mod size;
pub mod step;
pub mod strategy;
pub mod trace;
pub mod unit;
pub mod upgrade;
