//! Plans as users read them, small, and properties over random fleets.

mod cluster;
mod golden;
mod hot;
pub(crate) mod model;
mod random;
mod service;
mod traffic;
