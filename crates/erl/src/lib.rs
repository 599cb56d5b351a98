//! Erlang as data and as protocol: terms in their two written forms, release resource files, boot files and BEAM modules.
//!
//! Everything here is a pure function of its input. Bytes come in from the caller, values or bytes go out; the crate opens no
//! file, asks no clock, and knows nothing of hosts or deploys. All readers take untrusted input: they return an error where
//! OTP would, and never panic, recurse without a bound, or allocate more than the input justifies.

pub mod app;
pub mod appup;
pub mod beam;
pub mod boot;
pub mod changes;
pub mod dist;
mod graph;
pub mod image;
pub mod rel;
pub mod relup;
mod resource;
pub mod term;
#[cfg(test)]
mod testing;
pub mod vsn;

pub use term::Term;
pub use vsn::Vsn;
