//! Building a release on the build host: gather, plan, carry out, store.

mod carry;
mod describe;
mod error;
mod facts;
mod hooks;
mod keep;
mod leaks;
mod lease;
mod run;
mod scripts;
mod site;
mod told;
mod version;

pub use describe::ListingError;
pub use error::BuildError;
pub use run::{Build, Built, Ended, Request, run};

#[cfg(test)]
mod tests;
