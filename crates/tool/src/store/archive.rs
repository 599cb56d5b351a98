//! The classic archive, `releases/APP_VERSION.release.tar.gz`, as the original edeliver keeps it.
//!
//! Its files lie on top, or in one folder named after the application: that is how the original unpacks those of rebar and relx.
//! Archives may come from anywhere, so reading one checks everything; writing one gives the same bytes for the same release.

mod error;
mod export;
mod import;

pub use error::ArchiveError;
pub use import::Imported;

#[cfg(test)]
mod tests;
