//! Hot upgrades of running nodes: what the steps of a plan do there.
//!
//! A [`Session`] is the way to one host's node for the length of a run: it opens links, again where one was lost, and knows by the node's
//! creation whether it was restarted in between. [`agent`] speaks with edeliver's agent in the node, [`handler`] with OTP's
//! `release_handler`; [`carry_out`] chooses by the plan. What was lost on the way counts as unknown until the node itself has said what
//! became of it.

pub mod agent;
mod before;
mod carry;
mod checks;
mod error;
mod handler;
mod health;
mod journey;
mod ongoing;
mod order;
mod place;
mod session;
mod vitals;
mod watch;
mod ways;

pub(crate) use before::Before;
pub use carry::carry_out;
pub(crate) use checks::Checks;
pub use error::{Aftermath, UpgradeError};
pub(crate) use health::ask as ask_application;
pub use journey::{Journey, JourneyError, Journeys};
pub use ongoing::add_ongoing;
pub use place::put as place;
pub use session::Session;
pub use ways::{Known, Pair};
