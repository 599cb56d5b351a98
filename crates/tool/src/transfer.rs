//! Content on its way between the store and hosts, as tar streams.
//!
//! [`pack`] makes the stream that a host's `tar -xzf -` unpacks; [`unpack_into`] takes the stream that a build host's `tar -cf -`
//! makes. Both work in a thread of their own, bound to the async side by a short pipe: neither side gets far ahead of the other, and
//! neither end can mistake the other's failure for the end of the stream.

mod bring;
mod learn;
mod pace;
mod pack;
mod pipe;
mod unpack;

pub use bring::{bring, lacking};
pub use learn::{LearnError, Learnt, learn};
pub use pace::Pace;
pub use pack::{Load, PackError, Packing, pack};
pub use unpack::{UnpackError, unpack_into};
